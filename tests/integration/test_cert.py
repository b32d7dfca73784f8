"""thimble cert on files, with openssl as the witness: what it prints is what openssl prints."""
import base64
import datetime
import hashlib
import json
import re
import subprocess

import pytest

DAY = 86400

# name: arguments of openssl req -x509 beyond subject and days
KEYS = {
    "p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa2048": ["-newkey", "rsa:2048"],
    "rsa1024": ["-newkey", "rsa:1024"],
    "ed25519": ["-newkey", "ed25519"],
}
CASES = {
    "plain": ["p256", "/CN=plain"],
    "p384": ["p384", "/C=DE/O=Example GmbH/OU=Sensors/CN=p384", "-sha384"],
    "p521": ["p521", "/CN=p521", "-sha512"],
    "rsa": ["rsa2048", "/CN=rsa"],
    "rsa-sha384": ["rsa2048", "/CN=rsa", "-sha384"],
    "rsa-sha512": ["rsa2048", "/CN=rsa", "-sha512"],
    "rsa-sha1": ["rsa2048", "/CN=rsa", "-sha1"],
    "rsa-pss": ["rsa2048", "/CN=rsa", "-sigopt", "rsa_padding_mode:pss"],
    "rsa1024": ["rsa1024", "/CN=rsa"],
    "ec-sha1": ["p256", "/CN=old", "-sha1"],
    "ec-sha512": ["p256", "/CN=x", "-sha512"],
    "ed25519": ["ed25519", "/CN=ed"],
    "commas": ["p256", r"/O=A, B + C/CN=a\"b<c>;d\\e"],
    "edges": ["p256", "/O= blank /CN=#hash"],
    "utf8": ["p256", "/O=Gerät ümlaut/CN=\u4e2d\u6587"],
    "many": ["p256", "/C=DE/ST=Bayern/L=Muenchen/O=O/OU=A/OU=B/CN=x/serialNumber=42/"
                     "emailAddress=a@b.example/DC=example/UID=u"],
    "multi-valued": ["p256", "/O=x/CN=a+serialNumber=7"],
    "no-subject": ["p256", "/"],
    "san": ["p256", "/CN=san", "-addext", "subjectAltName=DNS:a.example,DNS:*.b.example,"
            "IP:192.0.2.1,IP:2001:db8::7,IP:::1,email:a@b.example,URI:urn:uuid:1"],
    "usage": ["p256", "/CN=usage", "-addext", "keyUsage=critical,digitalSignature,keyAgreement,"
              "decipherOnly", "-addext", "extendedKeyUsage=serverAuth,clientAuth,OCSPSigning,"
              "timeStamping,codeSigning,emailProtection,1.3.6.1.5.2.3.5"],
    "authority": ["p256", "/CN=ca", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:2",
                  "-addext", "keyUsage=keyCertSign,cRLSign"],
    "serial": ["p256", "/CN=serial", "-set_serial", "0x80000000000000000000000000000000000000ff"],
    "small-serial": ["p256", "/CN=serial", "-set_serial", "1"],
    "far": ["p256", "/CN=far", "-days", "1000000"],
    "version1": ["p256", "/CN=v1"],
}
PURPOSES = {"TLS Web Server Authentication": "serverAuth",
            "TLS Web Client Authentication": "clientAuth", "OCSP Signing": "OCSPSigning",
            "Time Stamping": "timeStamping", "Code Signing": "codeSigning",
            "E-mail Protection": "emailProtection", "Signing KDC Response": "1.3.6.1.5.2.3.5"}
USAGES = {"Digital Signature": "digitalSignature", "Key Agreement": "keyAgreement",
          "Decipher Only": "decipherOnly", "Certificate Sign": "keyCertSign", "CRL Sign": "cRLSign"}
KEY_NAMES = {"id-ecPublicKey": "EC", "rsaEncryption": "RSA", "ED25519": "ED25519"}


def openssl(*words, input=None):
    return subprocess.run(["openssl", *map(str, words)], input=input, check=True,
                          capture_output=True).stdout


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with NAME.pem of each case."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, (key, subject, *more) in CASES.items():
        days = [] if "-days" in more else ["-days", "100"]
        if name == "version1":
            empty = folder / "empty.cnf"
            empty.write_text("[req]\ndistinguished_name=d\n[d]\n")
            more = ["-config", empty]
        openssl("req", "-x509", "-nodes", "-utf8", "-multivalue-rdn", *KEYS[key], "-subj", subject,
                *days, *more, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    return folder


def in_order(name):
    """The parts of a multi-valued RDN are a set; they are printed as they lie there, or reversed."""
    return ",".join("+".join(sorted(re.split(r"(?<!\\)\+", part)))
                    for part in re.split(r"(?<!\\),", name))


def facts_of_openssl(path):
    def x509(*words):
        return openssl("x509", "-in", path, "-noout", *words).decode().rstrip("\n")

    def iso(line):
        when = datetime.datetime.strptime(line.split("=")[1], "%b %d %H:%M:%S %Y GMT")
        return when.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")

    def extension(title):
        found = re.search(rf"X509v3 {title}: ?(?:critical)?\n +(.*)", text)
        return found[1].strip() if found else ""

    text = x509("-text", "-nameopt", "RFC2253")
    bits = re.search(r"Public-Key: \((\d+) bit\)", text)
    names = [name.strip().replace("IP Address:", "IP:")
             for name in extension("Subject Alternative Name").split(",") if name]
    public = openssl("pkey", "-pubin", "-outform", "DER", input=x509("-pubkey").encode())
    constraints = extension("Basic Constraints")
    serial = x509("-serial").split("=")[1].lower()
    return {
        "subject": in_order(x509("-subject", "-nameopt", "RFC2253").split("=", 1)[1]),
        "issuer": in_order(x509("-issuer", "-nameopt", "RFC2253").split("=", 1)[1]),
        "serial": serial,
        "not_before": iso(x509("-startdate")),
        "not_after": iso(x509("-enddate")),
        "key": KEY_NAMES[re.search(r"Public Key Algorithm: (\S+)", text)[1]],
        "key_bits": int(bits[1]) if bits else 256,
        "signature": re.search(r"Signature Algorithm: (\S+)", text)[1],
        "names": names,
        "key_usage": [USAGES[word] for word in extension("Key Usage").split(", ") if word],
        "purposes": [PURPOSES[word]
                     for word in extension("Extended Key Usage").split(", ") if word],
        "ca": "CA:TRUE" in constraints,
        "path_length": int(constraints.split("pathlen:")[1]) if "pathlen" in constraints else None,
        "subject_key_id": extension("Subject Key Identifier").replace(":", "").lower(),
        "authority_key_id": extension("Authority Key Identifier").replace(":", "").lower(),
        "sha256": x509("-fingerprint", "-sha256").split("=")[1].replace(":", "").lower(),
        "pin": "sha256//" + base64.b64encode(hashlib.sha256(public).digest()).decode(),
    }


@pytest.mark.parametrize("name", CASES)
def test_facts_are_those_of_openssl(thimble, certificates, name):
    path = certificates / f"{name}.pem"
    shown, = json.loads(thimble("cert", "show", path, "--json").ends(0).out)["certificates"]
    empty = {"names": [], "key_usage": [], "purposes": [], "path_length": None,
             "subject_key_id": "", "authority_key_id": ""}
    curve = shown.pop("curve", None)
    shown |= {"subject": in_order(shown["subject"]), "issuer": in_order(shown["issuer"])}
    assert empty | shown == facts_of_openssl(path)
    assert curve == {"p256": "P-256", "p384": "P-384", "p521": "P-521"}.get(CASES[name][0])


def test_people_see_the_same(thimble, certificates):
    out = thimble("cert", "show", certificates / "san.pem").ends(0).out.decode()
    assert re.search(r"^subject +CN=san$", out, re.M)
    assert re.search(r"^names +DNS:a\.example\n +DNS:\*\.b\.example\n +IP:192", out, re.M)
    assert re.search(r"^ca +true$", out, re.M)


def test_every_certificate_of_a_file(thimble, certificates, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join((certificates / f"{name}.{kind}").read_bytes()
                              for name, kind in [("plain", "pem"), ("plain", "key"),
                                                 ("rsa", "pem")]))
    shown = json.loads(thimble("cert", "show", both, "--json").ends(0).out)["certificates"]
    assert [each["subject"] for each in shown] == ["CN=plain", "CN=rsa"]
    pins = [each["pin"] for each in shown]
    assert thimble("cert", "pin", both).ends(0).out.decode() == pins[0] + "\n"
    assert thimble("cert", "pin", "--ca", both).ends(0).out.decode() == pins[1] + "\n"


def test_standard_input_and_der(thimble, certificates, tmp_path):
    pem = certificates / "plain.pem"
    der = tmp_path / "plain.der"
    openssl("x509", "-in", pem, "-outform", "DER", "-out", der)
    out = thimble("cert", "show", pem).ends(0).out
    assert thimble("cert", "show", der).ends(0).out == out
    assert thimble("cert", "show", "-", stdin=pem.read_bytes()).ends(0).out == out


# ---- check --------------------------------------------------------------------------------------

def dated(folder, name, first, last):
    """A certificate that is valid from `first` to `last` days from now (and some hours more)."""
    now = datetime.datetime.now(datetime.timezone.utc)
    starts, ends = [(now + datetime.timedelta(days=day, hours=12)).strftime("%Y%m%d%H%M%SZ")
                    for day in (first, last)]
    key, request = folder / f"{name}.key", folder / f"{name}.csr"
    openssl("req", "-new", "-nodes", *KEYS["p256"], "-subj", f"/CN={name}", "-keyout", key,
            "-out", request)
    config = folder / f"{name}.cnf"
    (folder / f"{name}.index").write_text("")
    config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/{name}.index\nnew_certs_dir="
                      f"{folder}\npolicy=p\ndefault_md=sha256\nunique_subject=no\nrand_serial=yes\n"
                      "[p]\ncommonName=supplied\n")
    openssl("ca", "-batch", "-selfsign", "-config", config, "-in", request, "-keyfile", key,
            "-startdate", starts, "-enddate", ends, "-notext", "-out", folder / f"{name}.pem")
    return folder / f"{name}.pem"


@pytest.mark.parametrize("first, last, status, word, days, verb", [
    (-100, 40, 0, "OK", 40, "expires"),
    (-100, 29, 1, "WARNING", 29, "expires"),
    (-100, 6, 2, "CRITICAL", 6, "expires"),
    (-100, 0, 2, "CRITICAL", 0, "expires"),
    (-100, -3, 2, "CRITICAL", -3, "expired"),
    (5, 400, 2, "CRITICAL", 400, "is not valid before"),
])
def test_check_has_the_exit_codes_of_monitoring(thimble, tmp_path, first, last, status, word, days,
                                                verb):
    path = dated(tmp_path, "device", first, last)
    done = thimble("cert", "check", path).ends(status)
    line = done.out.decode()
    assert line.startswith(f"CERT {word} - {path}: CN=device {verb} 20")
    assert line.endswith(f"|days={days};30;7\n") and line.count("\n") == 1
    told = json.loads(thimble("cert", "check", path, "--json").ends(status).out)
    state = {"expires": "valid", "expired": "expired", "is not valid before": "early"}[verb]
    assert (told["status"], told["days"], told["state"]) == (word, days, state)


def test_check_takes_limits_and_names_the_worst(thimble, tmp_path):
    good, less = dated(tmp_path, "good", -1, 300), dated(tmp_path, "less", -1, 50)
    out = thimble("cert", "check", good, less).ends(0).out.decode()
    assert str(less) in out and "2 looked at" in out
    assert b"WARNING" in thimble("cert", "check", good, less, "--warn", "60d").ends(1).out
    assert b"CRITICAL" in thimble("cert", "check", "--critical", "51", good, less).ends(2).out
    assert b"UNKNOWN" in thimble("cert", "check", good, tmp_path / "nothing").ends(3).out
    thimble("cert", "check", good, "--warn", "soon").ends(3)


# ---- what cannot be read ------------------------------------------------------------------------

def test_what_cannot_be_read_is_told(thimble, certificates, tmp_path):
    text = (certificates / "plain.pem").read_text()
    broken = tmp_path / "broken.pem"
    for content, status in [("", 67), ("hello\n", 67), (text[:-30], None),
                            ((certificates / "plain.key").read_text(), 67),
                            (text.replace("MII", "MIH", 1), None)]:
        broken.write_text(content)
        done = thimble("cert", "show", broken)
        assert done.end() in ([status] if status else [67, 69]), done.story()
        assert str(broken) in done.err
    thimble("cert", "show", tmp_path / "none").ends(66)
    thimble("cert", "show", tmp_path).ends(67)
    thimble("cert", "pin", tmp_path / "none").ends(66)


def test_who_only_reads_is_locked_in(thimble, certificates, tmp_path):
    """Whoever made the file: nothing is left to do but to read files and to say what they hold."""
    file = certificates / f"{next(iter(CASES))}.pem"
    for verb in "show", "check", "pin", "bundle":
        trace = tmp_path / verb
        thimble("cert", verb, file, prefix=["strace", "-o", trace]).end()
        calls = trace.read_text()
        assert calls.index("PR_SET_SECCOMP, SECCOMP_MODE_FILTER") < calls.index(f'open("{file}"')


@pytest.mark.parametrize("words", [[], ["shew", "x"], ["show"], ["show", "a", "b"], ["check"],
                                   ["show", "x", "--qos", "1"], ["show", "x", "--nonsense"]])
def test_wrong_words(thimble, words):
    done = thimble("cert", *words).ends(64)
    assert not done.out and done.err.startswith("thimble cert: ")
