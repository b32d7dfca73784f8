"""Stored identities: what goes in comes out, which generation counts, and that pub, sub and rr use it."""
import hashlib
import json
import os
import stat
import subprocess
import time

import pytest


@pytest.fixture
def identity(thimble, tmp_path):
    def run(*words, **options):
        return thimble("identity", *words, "--identity-dir", tmp_path / "ids", **options)
    return run


@pytest.fixture
def stored(identity, lab):
    def store(kind="ec", name="device", **endpoint):
        port = endpoint.get("port", lab.ports[f"{kind}_port"])
        return identity("import", name, *lab.identity(kind), "--endpoint", f"localhost:{port}").ends(0)
    return store


def shown(identity, name="device"):
    return json.loads(identity("show", name, "--json").ends(0).out)


def tree(path):
    """Every file below it, and what it holds."""
    return {str(each.relative_to(path)): each.read_bytes()
            for each in sorted(path.rglob("*")) if each.is_file()}


# ---- import, show, ls ---------------------------------------------------------------------------

def test_show_says_what_openssl_says(identity, stored, lab):
    stored()
    meta = shown(identity)
    certificate = lab.path("ec", "client.pem")

    def openssl(*words):
        return subprocess.run(["openssl", "x509", "-in", certificate, "-noout", *words], check=True,
                              capture_output=True, text=True).stdout.strip().split("=", 1)[1]

    assert meta["certificate_fingerprint"] == openssl("-fingerprint", "-sha256").replace(":", "").lower()
    assert meta["serial"] == openssl("-serial").lower()
    assert meta["issuer"] == openssl("-issuer", "-nameopt", "RFC2253")
    dates = {"not_before": "-startdate", "not_after": "-enddate"}
    for name, option in dates.items():
        read = subprocess.run(["date", "-u", "-d", openssl(option), "+%s"], check=True,
                              capture_output=True, text=True).stdout
        assert meta[name] == int(read)
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    assert meta["spki_sha256"] == hashlib.sha256(der).hexdigest()
    assert abs(meta["stored_at"] - time.time()) < 600
    assert (meta["name"], meta["state"], meta["current"]) == ("device", "valid", "a")
    assert (meta["device_id"], meta["generation"], meta["last_used"]) == ("device", 1, 0)
    assert meta["is_valid"] is True and meta["validation_attempts"] == 1
    people = identity("show", "device").ends(0).out.decode()
    for name, value in meta.items():
        assert name in people
        if isinstance(value, str):
            assert value in people


def test_cert_meta_is_json_with_the_names_agreed_on(identity, stored, tmp_path):
    stored()
    meta = json.loads((tmp_path / "ids/device/a/cert_meta").read_text())
    assert list(meta) == ["stored_at", "device_id", "certificate_fingerprint", "iot_endpoint", "is_valid",
                          "last_used", "validation_attempts", "not_before", "not_after", "serial",
                          "issuer", "spki_sha256", "generation"]


def test_names_that_json_must_escape(identity, forge, tmp_path):
    forge.issue("quoted", issuer=None, subject='a \\"b\\" \\\\ c')
    done = identity("import", "q", "--cert", forge.path("quoted.pem"), "--key", forge.path("quoted.key"),
                    "--device-id", 'dev"\\ice')
    done.ends(0)
    meta = shown(identity, "q")
    assert meta["device_id"] == 'dev"\\ice'
    assert meta["issuer"] == json.loads((tmp_path / "ids/q/a/cert_meta").read_text())["issuer"]


def test_ls(identity, stored):
    assert json.loads(identity("ls", "--json").ends(0).out) == []
    stored("ec", "one")
    stored("rsa", "two")
    found = json.loads(identity("ls", "--json").ends(0).out)
    assert {each["name"]: each["state"] for each in found} == {"one": "valid", "two": "valid"}
    lines = identity("ls").ends(0).out.decode().splitlines()
    assert len(lines) == 2 and all("valid" in line for line in lines)


def test_modes_whatever_the_umask(identity, lab, tmp_path):
    before = os.umask(0)
    try:
        identity("import", "device", *lab.identity()).ends(0)
    finally:
        os.umask(before)
    for path in [tmp_path / "ids", *(tmp_path / "ids").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("words, code", [
    (["import"], 64), (["import", "x"], 64), (["show"], 64), (["use", "device"], 64),
    (["use", "device", "c"], 64), (["show", "a", "b"], 64), (["import", ".x"], 64),
    (["show", "../x"], 66), (["show", "nobody"], 66), (["rollback", "nobody"], 66),
    (["use", "nobody", "a"], 66), (["export", "nobody"], 66), ([], 64), (["sell"], 64),
])
def test_wrong_words(identity, lab, words, code, tmp_path):
    files = lab.identity() if words == ["import", ".x"] else []
    identity(*words, *files).ends(code)
    assert not list((tmp_path / "ids").glob("*"))


@pytest.mark.parametrize("endpoint", ["", "a b", "h:0", "h:65536", "h:x", "user@h", "h/t", "[::1", "a\nb",
                                      319 * "a"])
def test_wrong_endpoints(identity, lab, endpoint):
    identity("import", "device", *lab.identity(), "--endpoint", endpoint).ends(64)


# ---- generations --------------------------------------------------------------------------------

def test_generations(identity, stored, tmp_path):
    stored("ec")
    first = shown(identity)
    stored("rsa")
    second = shown(identity)
    assert (second["current"], second["generation"]) == ("b", 2)
    assert first["spki_sha256"] != second["spki_sha256"]
    identity("rollback", "device").ends(0)
    assert shown(identity) == first
    identity("use", "device", "b").ends(0)
    assert shown(identity) == second
    before = tree(tmp_path / "ids")
    identity("use", "device", "c").ends(64)
    assert tree(tmp_path / "ids") == before


def test_what_is_not_given_stays(identity, lab, tmp_path):
    """Who renews a certificate need not know the broker's name and roots."""
    who = ["--cert", lab.path("ec", "client.pem"), "--key", lab.path("ec", "client.key")]
    roots = ["--cafile", lab.path("ec", "root.pem")]
    identity("import", "device", *who, *roots, "--endpoint", "a.test:1", "--device-id", 'a"b').ends(0)
    identity("import", "device", *who).ends(0)
    meta = shown(identity)
    assert [meta[name] for name in ("generation", "iot_endpoint", "device_id")] == [2, "a.test:1", 'a"b']
    assert (tmp_path / "ids/device/b/ca_cert").read_bytes() == lab.path("ec", "root.pem").read_bytes()
    identity("import", "device", *who, "--endpoint", "b.test", "--device-id", "c").ends(0)
    meta = shown(identity)
    assert [meta[name] for name in ("generation", "iot_endpoint", "device_id")] == [3, "b.test", "c"]


def test_rollback_without_another_generation(identity, stored, tmp_path):
    stored()
    before = tree(tmp_path / "ids")
    for words in ("rollback", "device"), ("use", "device", "b"):
        identity(*words).ends_refused(66, "there is no generation b; thimble identity import stores one")
    assert tree(tmp_path / "ids") == before


def test_what_is_not_whole_does_not_count(identity, stored, tmp_path):
    stored("ec")
    stored("rsa")
    key = tmp_path / "ids/device/a/private_key"
    key.write_bytes(key.read_bytes().replace(b"A", b"B", 1))
    identity("rollback", "device").ends_refused(69, "import")
    assert shown(identity)["current"] == "b"
    certificate = tmp_path / "ids/device/b/device_cert"
    certificate.write_bytes(certificate.read_bytes()[:-100])
    identity("show", "device").ends_refused(69)
    found = json.loads(identity("ls", "--json").ends(0).out)
    assert [each["state"] for each in found] == ["corrupted"]


def take(identity, forge, name):
    return identity("import", "device", "--cert", forge.path(f"{name}.pem"), "--key",
                    forge.path(f"{name}.key")).end()


def test_expired_since(identity, forge, tmp_path):
    """What was valid when it was stored may be so no more: told, and not gone back to."""
    forge.issue("longlived")
    for seconds in (4, 12, 30):  # on a slow machine the first one may have expired before it is there
        until_s = int(time.time()) + seconds
        soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(until_s))
        forge.issue("shortlived", dates=("20200101000000Z", soon))
        if take(identity, forge, "shortlived") == 0:
            break
    assert take(identity, forge, "longlived") == 0
    time.sleep(max(0, until_s + 1.5 - time.time()))
    identity("rollback", "device").ends_refused(70, "expired")
    assert shown(identity)["current"] == "b"


# ---- export -------------------------------------------------------------------------------------

def test_export(identity, stored, lab, tmp_path):
    stored()
    certificate, key = (lab.path("ec", name).read_bytes() for name in ("client.pem", "client.key"))
    assert identity("export", "device").ends(0).out == certificate
    assert identity("export", "device", "--with-key").ends(0).out == certificate + key
    identity("export", "device", "--out", tmp_path / "out").ends(0)
    assert set(tree(tmp_path / "out")) == {"device_cert", "iot_endpoint", "ca_cert", "cert_meta"}
    identity("export", "device", "--out", tmp_path / "whole", "--with-key").ends(0)
    assert (tmp_path / "whole/private_key").read_bytes() == key
    assert stat.S_IMODE((tmp_path / "whole/private_key").stat().st_mode) == 0o600


def test_export_overwrites_nothing(identity, stored, tmp_path):
    stored()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/device_cert").write_text("somebody's")
    identity("export", "device", "--out", tmp_path / "out").ends_refused(
        67, "device_cert", "nothing is overwritten")
    assert tree(tmp_path / "out") == {"device_cert": b"somebody's"}


# ---- who else is there --------------------------------------------------------------------------

def test_open_to_others(identity, stored, tmp_path):
    stored()
    key = tmp_path / "ids/device/a/private_key"
    key.chmod(0o640)
    identity("show", "device").ends_refused(82, "private_key", "chmod")
    key.chmod(0o600)
    (tmp_path / "ids/device").chmod(0o711)
    identity("show", "device").ends_refused(82)
    (tmp_path / "ids/device").chmod(0o700)
    (tmp_path / "ids").chmod(0o777)
    identity("show", "device").ends_refused(82)
    (tmp_path / "ids").chmod(0o700)
    identity("show", "device").ends(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root gives files away")
def test_of_another_owner(identity, stored, tmp_path):
    stored()
    os.chown(tmp_path / "ids/device/a/private_key", 12345, -1)
    identity("show", "device").ends_refused(82, "another user")


def test_links(identity, stored, tmp_path):
    stored()
    key = tmp_path / "ids/device/a/private_key"
    key.rename(tmp_path / "moved")
    key.symlink_to(tmp_path / "moved")
    identity("show", "device").ends_refused(82)


def test_many_at_once(identity, thimble, stored, lab, tmp_path):
    """Readers and writers at the same time: everybody sees a whole identity."""
    stored()
    words = ["identity", "import", "device", "--identity-dir", tmp_path / "ids", "--cafile",
             lab.path("ec", "root.pem")]
    running = []
    for _ in range(12):
        for kind in ("ec", "rsa"):
            running.append(thimble.start(*words, "--cert", lab.path(kind, "client.pem"), "--key",
                                         lab.path(kind, "client.key")))
            running.append(thimble.start("identity", "show", "device", "--identity-dir",
                                         tmp_path / "ids"))
    for program in running:
        program.ends(0)
    assert shown(identity)["state"] == "valid"


# ---- AWS ----------------------------------------------------------------------------------------

def test_lint_for_aws(identity, lab):
    def warnings(*endpoint):
        done = identity("import", "device", *lab.identity(), *endpoint).ends(0)
        return [line for line in done.err.splitlines() if "warning" in line]
    assert warnings() == []
    assert warnings("--endpoint", "broker.example") == []
    found = warnings("--endpoint", "abc.s3.eu-west-1.amazonaws.com:8883")
    assert ".iot." in found[0]
    found = warnings("--endpoint", "abc-ats.iot.eu-west-1.amazonaws.com")
    assert len(found) == 1 and "client.key" in found[0] and "500" in found[0]


# ---- --identity ---------------------------------------------------------------------------------

def test_publish_and_subscribe(thimble, stored, lab, topic, tmp_path):
    stored()
    ours = ["--identity", "device", "--identity-dir", tmp_path / "ids", "--sandbox=require"]
    subscriber = thimble.start("sub", *ours, "-t", topic, "-C", "1")
    lab.log.await_subscription(topic)
    thimble("pub", *ours, "-t", topic, "-m", "by identity", "-q", "1").ends(0)
    subscriber.ends(0)
    assert subscriber.out == b"by identity\n"


def test_directory_from_the_environment(thimble, stored, topic, tmp_path):
    stored()
    thimble("pub", "--identity", "device", "-t", topic, "-m", "x",
            env={"THIMBLE_IDENTITY_DIR": str(tmp_path / "ids")}).ends(0)


def test_state_of_a_user(thimble, lab, tmp_path):
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
        os.chown(tmp_path, 12345, 12345)
        for path in list(tmp_path.parents)[:3]:
            path.chmod(path.stat().st_mode | 0o011)
    else:
        prefix = []
    state = tmp_path / "state"
    files = []
    for option, name in (("--cert", "client.pem"), ("--key", "client.key")):
        copy = tmp_path / name
        copy.write_bytes(lab.path("ec", name).read_bytes())
        copy.chmod(0o644)
        files += [option, copy]
    thimble("identity", "import", "device", *files, prefix=prefix,
            env={"XDG_STATE_HOME": str(state)}).ends(0)
    assert (state / "thimble/identities/device/current").read_text() == "a\n"


def test_given_host_and_roots_win(thimble, stored, lab, topic, tmp_path):
    stored(port=1)
    ours = ["--identity", "device", "--identity-dir", tmp_path / "ids", "-t", topic, "-m", "x"]
    thimble("pub", *ours).ends(4)
    thimble("pub", *ours, "-p", lab.ports["ec_port"]).ends(0)
    thimble("pub", *ours, "-h", "127.0.0.1", "-p", lab.ports["ec_port"]).ends(0)
    thimble("pub", *ours, "-p", lab.ports["ec_port"], "--cafile", lab.path("other", "root.pem")).ends(72)


@pytest.mark.parametrize("more", [["--cert", "x", "--key", "y"], ["--key", "y"],
                                  ["--psk", "00", "--psk-identity", "x"], ["--no-tls"]])
def test_what_does_not_go_with_it(thimble, stored, tmp_path, more):
    stored()
    done = thimble("pub", "--identity", "device", "--identity-dir", tmp_path / "ids", "-t", "t", "-m", "x", *more)
    done.ends(64, "--identity")


@pytest.mark.parametrize("name, code", [("nobody", 66), ("../x", 64), (".x", 64)])
def test_identity_that_is_not_there(thimble, stored, tmp_path, name, code):
    stored()
    thimble("pub", "--identity", name, "--identity-dir", tmp_path / "ids", "-t", "t", "-m", "x").ends(code, "--identity")


def test_broken_identity_sends_nothing(thimble, stored, lab, tmp_path):
    stored()
    (tmp_path / "ids/device/a/cert_meta").write_text("{")
    thimble("pub", "--identity", "device", "--identity-dir", tmp_path / "ids", "-t", "t", "-m",
            "x").ends(69, "cert_meta")


def test_last_used_once_a_day(thimble, identity, stored, topic, tmp_path):
    stored()
    path = tmp_path / "ids/device/a/cert_meta"

    def publish():
        thimble("pub", "--identity", "device", "--identity-dir", tmp_path / "ids", "-t", topic, "-m", "x").ends(0)
        return json.loads(path.read_text()), path.stat().st_ino

    used, node = publish()
    assert abs(used["last_used"] - time.time()) < 600 and used["validation_attempts"] == 2
    again, same = publish()
    assert (again, same) == (used, node), "written twice on one day"
    name = '"last_used":\t'
    text = path.read_text().replace(f"{name}{used['last_used']}", f"{name}{used['last_used'] - 86401}")
    path.write_text(text)
    later, _ = publish()
    assert later["last_used"] >= used["last_used"] and later["validation_attempts"] == 3
    assert {**later, "last_used": 0, "validation_attempts": 0} == {
        **used, "last_used": 0, "validation_attempts": 0}
    assert shown(identity)["state"] == "valid"


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED as root: nothing keeps root from writing")
def test_read_only_store(thimble, stored, topic, tmp_path):
    stored()
    (tmp_path / "ids/device/a").chmod(0o500)
    thimble("pub", "--identity", "device", "--identity-dir", tmp_path / "ids", "-t", topic, "-m", "x").ends(0)
