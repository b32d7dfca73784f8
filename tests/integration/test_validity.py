"""The sixteen kinds a validation may have, side by side: what the program ends with, and that its
sentence names the certificate or file, the fact, and (where there is one) the remedy. In depth:
test_identity_inputs, test_policy, test_revocation, test_clock, test_identity."""
import pytest

from fake import nothing
from forge import CA, LOCALHOST, NOT_CA, SERVER
from test_identity_inputs import PAST, Supply, flipped, der, importing, pem
from test_revocation import Authority

NOBODY = "sha256//" + "A" * 43 + "="


class World(Supply, Authority):
    """What is wrong, and the words that run into it."""

    def __init__(self, directory):
        super().__init__(directory)
        for name, dates in (("broker", None), ("ended", PAST), ("taken", None)):
            self.issue(name, NOT_CA, SERVER, LOCALHOST, dates=dates)
        self.issue("stranger", CA, issuer=None)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def run(thimble, fake, world, tmp_path):
    """The program on files of ours, or against a broker that shows a certificate."""
    class Run:
        directory = tmp_path

        def importing(self, certificate, key, *roots):
            return importing(thimble, tmp_path, (certificate, key, *roots))

        def meeting(self, name, *words, host="localhost", root="root"):
            broker = fake(nothing, tls=world.server(name))
            return thimble("pub", "-h", host, "-p", broker.port, "--addr", "127.0.0.1", "--cafile",
                           world.path(f"{root}.pem"), "-t", "t", "-m", "m", *words)

        def stored(self):
            self.importing(world.cert("good"), world.key("good")).ends(0)
            (tmp_path / "ids/n/a/private_key").chmod(0o644)
            return thimble("identity", "show", "n", "--identity-dir", tmp_path / "ids")

        def later(self):
            """The clock was seen to be right in 2090."""
            (tmp_path / "clock").touch(0o600)
            (tmp_path / "clock").write_text(f"{3786912000:020}\n")
            return self.meeting("broker", "--clock-file", tmp_path / "clock", "--clock=fail")
    return Run()


def ours(name, key=None):
    return lambda run, w: run.importing(w.cert(name), w.key(key or name))


# kind: (what is done, code, certificate or file, fact, remedy)
KINDS = {
    "invalid format": (lambda run, w: run.importing(b"text\n", w.key("good")), 67,
                       "the.cert", "holds no certificate", "name the file"),
    "invalid content": (lambda run, w: run.importing(w.own("middle"), w.key("middle")), 65,
                        "the.cert", "authority", "begin with"),
    "expired": (lambda run, w: run.meeting("ended"), 70,
                "the certificate of localhost", "has expired", "set it"),
    "corrupted": (lambda run, w: run.importing(
        pem("CERTIFICATE", flipped(der(w.cert("good")), 5)), w.key("good")), 69,
        "the.cert", "is damaged", "copy it again"),
    "missing": (lambda run, w: run.importing(None, w.key("good")), 66,
                "the.cert", "No such file", ""),
    "not yet valid": (ours("future"), 81, "the.cert", "2090-01-01", "set the clock"),
    "clock implausible": (lambda run, w: run.later(), 80, "certificate", "or later", "is set"),
    "key mismatch": (ours("good", "other"), 71, "the.key", "does not belong",
                     "name the pair"),
    "unknown CA": (lambda run, w: run.meeting("broker", root="stranger"), 72,
                   "the certificate of localhost", "not issued by any", "give its root"),
    "wrong host": (lambda run, w: run.meeting("broker", host="other.test"), 73,
                   "the certificate of other.test", "is not for this name", "connect by a name"),
    "wrong usage": (ours("server"), 79, "the.cert", "not made for clients",
                    "clientAuth"),
    "weak key": (ours("rsa1024"), 68, "the.cert", "weak key", "2,048"),
    "weak signature": (ours("sha1"), 68, "the.cert", "hash", "SHA-256"),
    "revoked": (lambda run, w: run.meeting("taken", "--crlfile", w.crl("some", "taken")), 74,
                "of localhost", "was revoked", "have a new one issued"),
    "pin mismatch": (lambda run, w: run.meeting("broker", "--pin", NOBODY), 75,
                     "the certificate of localhost", "seen: sha256//", "give its pin too"),
    "bad permissions": (lambda run, w: run.stored(), 82, "private_key", "open to other users", "chmod"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind(run, world, kind):
    do, code, certificate, fact, remedy = KINDS[kind]
    do(run, world).ends_refused(code, certificate, fact, remedy)


def test_valid(run, world):
    run.importing(world.cert("good"), world.key("good")).ends(0)


def test_each_has_a_code_of_its_own(thimble):
    """Weak keys and weak signatures are one kind; with "valid" there are sixteen."""
    codes = {code for _, code, *_ in KINDS.values()}
    assert len(codes) == 15 and len(KINDS) == 16
    for code in codes:
        name, meaning, remedy = thimble("explain", code).ends(0).out.decode().splitlines()[:3]
        assert name.startswith(f"{code} ") and meaning and remedy
