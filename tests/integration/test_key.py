"""thimble key and thimble csr, with openssl as the witness."""
import base64
import hashlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from program import SECONDS, THIMBLE
from x509 import der, integer, oid, sequence

KEYS = {
    "p256": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p256-sec1": ["ecparam", "-name", "prime256v1", "-genkey"],
    "rsa2048": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa2048-pkcs1": ["genrsa", "-traditional", "2048"],
    "rsa3072": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
}


def openssl(*words, input=None):
    done = subprocess.run(["openssl", *map(str, words)], input=input, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name, words in KEYS.items():
        openssl(words[0], "-out", folder / name, *words[1:])
    return folder


def pin_by_openssl(path):
    public = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    return "sha256//" + base64.b64encode(hashlib.sha256(public).digest()).decode()


# ---- key gen ------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, curve", [([], "P-256"), (["--type", "p256"], "P-256"),
                                          (["--type", "p384"], "P-384")])
def test_a_key_is_made_for_its_owner_only(thimble, tmp_path, words, curve):
    path = tmp_path / "made.key"
    done = thimble("key", "gen", "--out", path, *words).ends(0)
    assert not done.out and not done.err
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    text = openssl("pkey", "-in", path, "-noout", "-text", "-check").decode()
    assert f"NIST CURVE: {curve}" in text and "valid" in text
    told = json.loads(thimble("key", "status", path, "--json").ends(0).out)
    assert told == {"key": "EC", "curve": curve, "key_bits": int(curve[2:]), "encrypted": False,
                    "mode": "0600", "private": True, "pin": pin_by_openssl(path)}


def test_two_keys_differ(thimble, tmp_path):
    made = [tmp_path / "one", tmp_path / "two"]
    for path in made:
        thimble("key", "gen", "--out", path).ends(0)
    assert pin_by_openssl(made[0]) != pin_by_openssl(made[1])


def test_nothing_is_overwritten(thimble, tmp_path):
    path = tmp_path / "there"
    path.write_text("precious")
    thimble("key", "gen", "--out", path).ends_refused(66, "there already")
    assert path.read_text() == "precious"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    thimble("key", "gen", "--out", tmp_path / "link").ends(66)
    assert not (tmp_path / "elsewhere").exists()
    thimble("key", "gen", "--out", tmp_path / "no" / "folder").ends(66)
    thimble("key", "gen").ends(64, "--out")
    thimble("key", "gen", "--out", tmp_path / "x", "--type", "rsa2048").ends(64, "p256 or p384")


def test_who_fails_leaves_no_file(thimble, tmp_path):
    thimble("csr", "--key", "/dev/null", "--subject", "/CN=x", "--out", tmp_path / "x").ends(67)
    assert not (tmp_path / "x").exists()


# ---- key status ---------------------------------------------------------------------------------

@pytest.mark.parametrize("name", KEYS)
def test_status_is_what_openssl_says(thimble, keys, name):
    told = json.loads(thimble("key", "status", keys / name, "--json").ends(0).out)
    bits = int(re.search(r"(\d+) bit", openssl("pkey", "-in", keys / name, "-noout",
                                               "-text").decode())[1])
    assert (told["key"], told["key_bits"]) == ("RSA" if "rsa" in name else "EC", bits)
    assert told["pin"] == pin_by_openssl(keys / name)
    der = keys / f"{name}.der"
    openssl("pkey", "-in", keys / name, "-outform", "DER", "-out", der)
    assert json.loads(thimble("key", "status", der, "--json").ends(0).out)["pin"] == told["pin"]


def test_status_tells_whose_key_it_is(thimble, keys, tmp_path):
    own = tmp_path / "own.pem"
    openssl("req", "-x509", "-key", keys / "p256", "-subj", "/CN=x", "-out", own)
    os.chmod(keys / "p256", 0o640)
    out = thimble("key", "status", keys / "p256", "--cert", own).ends(0).out.decode()
    assert re.search("^fits_certificate +true$", out, re.M)
    assert re.search("^mode +0640$", out, re.M) and re.search("^private +false$", out, re.M)
    told = thimble("key", "status", keys / "p384", "--cert", own, "--json").ends(71)
    assert json.loads(told.out)["fits_certificate"] is False
    thimble("key", "status", keys / "p256", "--cert", tmp_path / "none").ends(66)


def test_what_is_no_key_is_told(thimble, keys, tmp_path):
    path = tmp_path / "x"
    thimble("key", "status", path).ends_refused(66, str(path))
    for words in (["genpkey", "-algorithm", "ED25519"],
                  ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
                  ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"]):
        openssl(*words, "-out", path)
        thimble("key", "status", path).ends_refused(67, "no EC key of P-256 or P-384")
    text = (keys / "p256").read_text()
    empty = "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"
    for content in ("", "nothing", text + text, text[:100], empty):
        path.write_text(content)
        assert thimble("key", "status", path).end() in (65, 67, 69)


# ---- csr ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", KEYS)
def test_openssl_accepts_the_request(thimble, keys, tmp_path, name):
    path = tmp_path / "request"
    thimble("csr", "--key", keys / name, "--out", path, "--subject",
            "/C=DE/O=Exam\\/ple, GmbH/OU=Gerät/CN=device-7/serialNumber=7/emailAddress=a@b",
            "--san", "DNS:device-7.example,IP:192.0.2.7,IP:2001:db8::7,email:a@b.example,"
                     "URI:urn:uuid:7").ends(0)
    text = openssl("req", "-in", path, "-verify", "-noout", "-text", "-nameopt",
                   "RFC2253,-esc_msb,utf8").decode()
    assert ("Subject: emailAddress=a@b,serialNumber=7,CN=device-7,OU=Gerät,O=Exam/ple\\, GmbH,C=DE"
            in text)
    assert ("DNS:device-7.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, "
            "email:a@b.example, URI:urn:uuid:7") in text
    assert openssl("req", "-in", path, "-pubkey", "-noout") == \
        openssl("pkey", "-in", keys / name, "-pubout")


def test_names_are_repeated(thimble, keys):
    several = ["--san", "DNS:a.example,IP:192.0.2.7", "--san", "URI:urn:a;b", "--san", "email:a@b.example"]
    done = thimble("csr", "--key", keys / "p256", "--subject", "/CN=x", *several).ends(0)
    assert ("DNS:a.example, IP Address:192.0.2.7, URI:urn:a;b, email:a@b.example"
            in openssl("req", "-verify", "-noout", "-text", input=done.out).decode())
    thimble("csr", "--key", keys / "p256", "--subject", "/CN=x", *several, "--san", "").ends(
        64, "is empty")


def test_a_request_becomes_a_certificate(thimble, tmp_path):
    key, request, certificate = tmp_path / "key", tmp_path / "csr", tmp_path / "pem"
    thimble("key", "gen", "--out", key).ends(0)
    done = thimble("csr", "--key", key, "--subject", "/CN=x").ends(0)
    request.write_bytes(done.out)
    assert b"(none)" in openssl("req", "-in", request, "-verify", "-text")
    openssl("x509", "-req", "-in", request, "-signkey", key, "-out", certificate)
    assert json.loads(thimble("key", "status", key, "--cert", certificate,
                              "--json").ends(0).out)["fits_certificate"]


# Both refuse these, and write the others alike.
REFUSED = ["/C=DEU", "/C=D", "/C=D_", "/serialNumber=a_b", "/serialNumber=" + "1" * 65, "/CN=a+b",
           "/CN=" + "x" * 65, "/O=" + "ü" * 65, "/OU=" + "x" * 65, "/L=" + "x" * 129,
           "/ST=" + "x" * 129, "/emailAddress=ü@x", "/emailAddress=" + "x" * 129, "/DC=ü",
           "/CN=a\\", "/CN=a\\\\\\"]
ALIKE = ["/CN=a\\/b", "/CN=a\\\\/O=b", "/CN=a\\+b", "/CN=\\\\\\/", "/CN=a\\b", "/C=DE/CN=x", "/CN=" + "ü" * 64,
         "/serialNumber=A 1'()+,-./:=?".replace("+", "\\+").replace("./", ".\\/"), "/CN=x,y;z<>#\"",
         "/DC=example/DC=com/UID=" + "u" * 300, "/street=" + "s" * 200, "/emailAddress=a@b.example",
         "/O=a/OU=b/OU=c/L=d/ST=e/CN= f "]


def subject_of(request):
    text = openssl("req", "-noout", "-subject", "-nameopt", "multiline,show_type,-align,utf8",
                   input=request)
    return text.decode()


@pytest.mark.parametrize("subject", ALIKE)
def test_subjects_are_those_of_openssl(thimble, keys, subject):
    theirs = openssl("req", "-new", "-utf8", "-key", keys / "p256", "-subj", subject)
    ours = thimble("csr", "--key", keys / "p256", "--subject", subject).ends(0).out
    assert subject_of(ours) == subject_of(theirs)


@pytest.mark.parametrize("subject", REFUSED)
def test_openssl_refuses_them_too(keys, subject):
    done = subprocess.run(["openssl", "req", "-new", "-utf8", "-key", keys / "p256", "-subj", subject],
                          capture_output=True)
    assert done.returncode != 0 or not done.stdout


@pytest.mark.parametrize("words, text", [
    (["--subject", "CN"], "--subject CN"),
    (["--subject", "/CN=x/XY=1"], "--subject XY=1"),
    (["--subject", "/CN="], "--subject CN="),
    (["--subject", "/CN=x", "--san", "x"], "--san x"),
    (["--subject", "/CN=x", "--san", "DNS:a,IP:1.2.3"], "--san IP:1.2.3"),
    (["--subject", "/CN=x", "--san", "DNS:"], "--san DNS:"),
    (["--subject", "/CN=x", "--san", "FOO:a"], "--san FOO:a"),
    (["--subject", "/CN=x", "--san", "DNS:gerät"], "in ASCII"),
    *((["--subject", subject], "--subject " + subject[1:20]) for subject in REFUSED),
    ([], "--subject"),
])
def test_wrong_words_are_named(thimble, keys, tmp_path, words, text):
    done = thimble("csr", "--key", keys / "p256", "--out", tmp_path / "x", *words).ends(64, text)
    assert not done.out and not (tmp_path / "x").exists()


def test_a_long_subject_is_refused_or_whole(thimble, keys):
    names = ",".join(f"DNS:{'a' * 50}{i}.example" for i in range(15))
    for subject in ("/UID=" + "x" * 1000, "/street=" + "y" * 900):
        done = thimble("csr", "--key", keys / "rsa4096", "--subject", subject, "--san", names)
        assert done.end() == 0
        openssl("req", "-verify", "-noout", input=done.out)


# ---- encrypted keys -----------------------------------------------------------------------------

WAYS = {
    "default": [],
    "aes128": ["-v2", "aes-128-cbc"],
    "aes256": ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256"],
    "many": ["-iter", "300000"],
    "one": ["-iter", "1"],
}
OTHER_WAYS = {
    "aes192": ["-v2", "aes-192-cbc"],
    "sha1": ["-v2prf", "hmacWithSHA1"],
    "scrypt": ["-scrypt"],
    "des3": ["-v2", "des3"],
}


def encrypt(key, out, way, *more):
    openssl("pkcs8", "-topk8", "-in", key, "-passout", "pass:opensesame", "-out", out, *way, *more)
    return out


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text("opensesame\nnot this line\n")
    return path


@pytest.mark.parametrize("name", ["p256", "p384", "rsa2048", "rsa4096"])
@pytest.mark.parametrize("way", WAYS)
def test_encrypted_keys_open(thimble, keys, tmp_path, passphrase, name, way):
    for form in ("PEM", "DER"):
        path = encrypt(keys / name, tmp_path / form, WAYS[way], "-outform", form)
        told = json.loads(thimble("key", "status", path, "--json", "--keypass-file",
                                  passphrase).ends(0).out)
        assert told["encrypted"] and told["pin"] == pin_by_openssl(keys / name)


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_other_ways_are_told(thimble, keys, tmp_path, passphrase, way):
    path = encrypt(keys / "p256", tmp_path / "key", OTHER_WAYS[way])
    thimble("key", "status", path, "--keypass-file", passphrase).ends_refused(
        67, "in a way that is not read here")


def sealed(path, key, salt, iterations, told=None):
    """Written here, for openssl has a salt of its own and counts from 1. Its passphrase: opensesame."""
    body = openssl("pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER")
    secret = hashlib.pbkdf2_hmac("sha256", b"opensesame", salt, iterations, 32)
    data = openssl("enc", "-aes-256-cbc", "-K", secret.hex(), "-iv", "00" * 16, input=body)
    hashed = sequence(oid("1.2.840.113549.2.9"), der(0x05))
    derivation = sequence(oid("1.2.840.113549.1.5.12"), sequence(
        der(0x04, salt), integer(iterations if told is None else told), hashed))
    cipher = sequence(oid("2.16.840.1.101.3.4.1.42"), der(0x04, bytes(16)))
    path.write_bytes(sequence(sequence(oid("1.2.840.113549.1.5.13"), sequence(derivation, cipher)),
                              der(0x04, data)))
    return path


@pytest.mark.parametrize("salt", [0, 1, 8, 55, 56, 64, 65, 200])
def test_salts_of_any_length(thimble, keys, tmp_path, passphrase, salt):
    path = sealed(tmp_path / "key", keys / "p256", bytes(range(salt)), 10)
    thimble("key", "status", path, "--keypass-file", passphrase).ends(0)


@pytest.mark.parametrize("iterations", [0, 2000001, 1 << 24, 1 << 40])
def test_iterations_have_a_limit(thimble, keys, tmp_path, passphrase, iterations):
    path = sealed(tmp_path / "key", keys / "p256", b"salt", 1, told=iterations)
    thimble("key", "status", path, "--keypass-file", passphrase).ends_refused(
        67, "2,000,000", "-iter")


def test_without_the_passphrase_it_is_told(thimble, keys, tmp_path):
    path = encrypt(keys / "p256", tmp_path / "key", [])
    thimble("key", "status", path).ends_refused(67, "the key is encrypted", "--keypass-file")
    wrong = tmp_path / "wrong"
    for text in ("opensesame!", "", "\n", "x" * 255):
        wrong.write_text(text)
        thimble("key", "status", path, "--keypass-file", wrong).ends_refused(
            67, "the passphrase is wrong")
    wrong.write_text("x" * 300)
    thimble("key", "status", path, "--keypass-file", wrong).ends(25)
    thimble("key", "status", path, "--keypass-file", tmp_path / "none").ends(66)
    openssl("ec", "-in", keys / "p256", "-aes256", "-passout", "pass:x", "-out", path)
    thimble("key", "status", path).ends_refused(67, "OpenSSL once did")


def test_a_credential_of_systemd(thimble, keys, tmp_path, passphrase):
    path = encrypt(keys / "p256", tmp_path / "key", [])
    words = ["key", "status", path, "--keypass-credential"]
    thimble(*words, "passphrase", env={"CREDENTIALS_DIRECTORY": str(tmp_path)}).ends(0)
    thimble(*words, "passphrase").ends(64, "CREDENTIALS_DIRECTORY")
    thimble(*words, "../x", env={"CREDENTIALS_DIRECTORY": str(tmp_path)}).ends(64)


def lead(words, reports):
    """A shell in small: runs it in the foreground, tells its id and what becomes of it."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        for number in (*HELD, signal.SIGTTOU):
            signal.signal(number, signal.SIG_DFL)
        os.execv(THIMBLE, words)
    os.write(reports, b"%d\n" % pid)
    while True:
        os.write(reports, b"%d\n" % os.waitpid(pid, os.WUNTRACED)[1])


HELD = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP]


class Terminal:
    """thimble at a terminal of its own, asking for the passphrase."""

    def __init__(self, path):
        reports, write = os.pipe()
        self.leader, self.fd = pty.fork()
        if self.leader == 0:
            try:
                lead(["thimble", "key", "status", str(path)], write)
            finally:
                signal.pause()
        os.close(write)
        self.reports, self.shown = os.fdopen(reports, "rb", 0), b""
        self.pid = self.report()

    def report(self):
        assert select.select([self.reports], [], [], SECONDS)[0], self.shown
        return int(self.reports.readline())

    def close(self):
        os.kill(self.leader, signal.SIGKILL)
        os.waitpid(self.leader, 0)
        self.reports.close()
        os.close(self.fd)

    def wait_for(self, text, times=1):
        end = time.monotonic() + SECONDS
        while self.shown.count(text) < times:
            assert time.monotonic() < end, self.shown
            self.read()

    def read(self):
        if select.select([self.fd], [], [], 0.1)[0]:
            self.shown += os.read(self.fd, 1000)

    @property
    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait_until(self, condition):
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, self.shown
            time.sleep(0.01)

    def ask(self, times=1):
        """Waits until it is asked for, and nothing is echoed."""
        self.wait_for(b"Passphrase", times)
        self.wait_until(lambda: not self.echoes)

    def type(self, text):
        os.write(self.fd, text)


@pytest.fixture
def terminal(keys, tmp_path):
    asked = Terminal(encrypt(keys / "p256", tmp_path / "key", []))
    yield asked
    asked.close()


def test_the_terminal_is_asked_without_echo(terminal):
    terminal.ask()
    terminal.type(b"opensesame\n")
    terminal.wait_for(b"encrypted         true")
    assert os.waitstatus_to_exitcode(terminal.report()) == 0
    assert terminal.echoes and b"opensesame" not in terminal.shown


ENDS = {"Ctrl-C": (b"\x03", signal.SIGINT), "Ctrl-\\": (b"\x1c", signal.SIGQUIT),
        "SIGTERM": (None, signal.SIGTERM), "SIGHUP": (None, signal.SIGHUP)}


@pytest.mark.parametrize("way", ENDS)
def test_who_ends_it_has_an_echo_again(terminal, way):
    typed, number = ENDS[way]
    terminal.ask()
    terminal.type(typed) if typed else os.kill(terminal.pid, number)
    status = terminal.report()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    assert terminal.echoes


def test_who_stops_it_has_an_echo_and_is_asked_again(terminal):
    terminal.ask()
    terminal.type(b"\x1a")
    assert os.WIFSTOPPED(terminal.report()) and terminal.echoes
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.ask(2)
    terminal.type(b"opensesame\n")
    terminal.wait_for(b"encrypted         true")
    assert os.waitstatus_to_exitcode(terminal.report()) == 0


def test_a_request_and_a_connection_use_it(thimble, lab, keys, tmp_path, passphrase, topic):
    path = encrypt(keys / "rsa2048", tmp_path / "key", [])
    done = thimble("csr", "--key", path, "--keypass-file", passphrase, "--subject", "/CN=x").ends(0)
    openssl("req", "-verify", "-noout", input=done.out)
    for kind in ("ec", "rsa"):
        encrypt(lab.path(kind, "client.key"), path, [])
        how = [*lab.tls(kind)[:-1], path, "-t", topic, "-m", "x", "-q", "1"]
        thimble("pub", *how, "--keypass-file", passphrase).ends(0)
        thimble("pub", *how).ends_refused(67, "the key is encrypted")
