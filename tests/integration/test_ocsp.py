"""OCSP stapling: what a server's issuer says of its certificate is believed if that issuer says so,
of this certificate, now. Whoever is refused gets not one byte of MQTT."""
import time

import pytest

from every_check import checked, checking
from fake import nothing
from program import ALL, SYSTEM_LIBS
from stapled import (CRITICAL, GOOD, HARMLESS, REVOKED, UNKNOWN, Stapler, identifier, response,
                     server_with, single)
from test_policy import CA, LOCALHOST, SERVES, SIGNS
from test_roots import bundle, takes
from x509 import Workshop, extension, integer, purposes, sequence

PUB = ["-t", "t", "-m", "x", "-q", "1", "-V", "mqttv311"]
VERSIONS = ["1.2", "1.3"]
MUST_STAPLE = extension("1.3.6.1.5.5.7.1.24", sequence(integer(5)))
PAST = ("20200101000000Z", "20210101000000Z")
KIND = {"ec": ("p256", "sha256"), "ec384": ("p384", "sha384"), "rsa": ("rsa2048", "sha256"),
        "rsa4096": ("rsa4096", "sha512")}


class House:
    """An authority, a server, and those who may or may not answer for the authority."""

    def __init__(self, directory, kind="ec"):
        shop = self.shop = Workshop(directory)
        key, self.digest = KIND[kind]
        made = {"kind": key, "digest": self.digest}
        self.directory = directory
        self.root = shop.issue("Root", CA, **made)
        self.other = shop.issue("Other", CA)
        self.namesake = shop.issue("Root", CA, label="namesake")
        self.leaf = shop.issue("leaf", [SIGNS, SERVES, LOCALHOST], self.root, digest=self.digest)
        self.number = shop.serial
        self.strict = shop.issue("strict", [SIGNS, SERVES, LOCALHOST, MUST_STAPLE], self.root,
                                 digest=self.digest)
        answers = [SIGNS, purposes("ocsp")]
        self.delegate = shop.issue("Delegate", answers, self.root, **made)
        self.useless = shop.issue("Useless", [SIGNS, SERVES], self.root, digest=self.digest)
        self.late = shop.issue("Late", answers, self.root, dates=PAST, digest=self.digest)
        self.foreign = shop.issue("Foreign", answers, self.other)
        self.forged = shop.issue("Forged", answers, self.namesake)
        self.below = shop.issue("Below", answers, self.delegate, digest=self.digest)
        (directory / "root.pem").write_text(self.root.pem)
        self.trust = ["--cafile", directory / "root.pem"]

    def about(self, serial=None, issuer=None, digest="sha1"):
        return identifier(serial or self.number, issuer or self.root, digest)

    def says(self, status=GOOD, by=None, about=None, certificates=(), damage=False, outside=b"",
             **more):
        by = by or self.root
        digest = "sha256" if by in (self.foreign, self.forged, self.useless, self.late, self.below,
                                    self.other, self.namesake) else self.digest
        return response([single(about or self.about(), status, **more)], by, certificates, digest,
                        outside, damage=damage)

    def told_by(self, name, **more):
        by = getattr(self, name)
        return self.says(by=by, certificates=[by], **more)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def stapler(fake, tmp_path):
    """Of Python's, which takes any bytes."""
    def start(chain, answer, script, version):
        return fake(script, tls=server_with(tmp_path, chain, answer, version))
    return start


@pytest.fixture
def s_server(tmp_path):
    """Of openssl's; what is no response it does not send."""
    started = []

    def start(chain, answer, script, version, *more):
        started.append(Stapler(tmp_path, chain, answer, script, version, *more))
        return started[-1]
    yield start
    for each in started:
        each.close()


def tries(thimble, stapler, house, version, answer, code, *words, leaf=None, how="staple", options=()):
    server = stapler([leaf or house.leaf], answer, nothing if code else takes, version)
    done = thimble("pub", *server.where, *house.trust, "--ocsp", how, *PUB, *options)
    return done.ends(code, *words) if not code else done.ends_refused(code, *words)


def several(h):
    """Ours is the second."""
    return response([single(h.about(7), REVOKED), single(h.about())], h.root)


def one_bit(h, at):
    answer = bytearray(h.says())
    answer[at] ^= 1
    return bytes(answer)


ACCEPTED = {
    "good": lambda h: h.says(),
    "good_sha256_names": lambda h: h.says(about=h.about(digest="sha256")),
    "delegate": lambda h: h.told_by("delegate"),
    "delegate_among_others": lambda h: h.says(by=h.delegate, certificates=[
        h.useless, h.late, h.foreign, h.delegate]),
    "several": several,
    "harmless_extensions": lambda h: h.says(more=HARMLESS, outside=HARMLESS),
    "a_clock_that_is_ahead": lambda h: h.says(since=0.05),
}

REFUSED = {
    "revoked": (74, "was revoked", lambda h: h.says(REVOKED)),
    "revoked_delegate": (74, "was revoked", lambda h: h.told_by("delegate", status=REVOKED)),
    "revoked_and_late": (74, "was revoked", lambda h: h.says(REVOKED, since=-48, till=-24)),
    "unknown": (65, "does not know", lambda h: h.says(UNKNOWN)),
    "expired": (70, "expired", lambda h: h.says(since=-48, till=-1)),
    "for_ever": (70, "expired", lambda h: h.says(till=None)),
    "not_yet_valid": (81, "not in force", lambda h: h.says(since=1)),
    "wrong_serial": (65, "about other", lambda h: h.says(about=h.about(h.number + 1))),
    "wrong_issuer": (65, "about other", lambda h: h.says(about=h.about(issuer=h.other))),
    "issuer_of_the_same_name": (65, "about other", lambda h: h.says(about=h.about(issuer=h.namesake))),
    "nobody": (65, "about other", lambda h: response([], h.root)),
    "forged": (68, "not signed", lambda h: h.says(damage=True)),
    "signature_damaged": (68, "not signed", lambda h: one_bit(h, -1)),
    "by_another": (68, "not signed", lambda h: h.told_by("other")),
    "by_the_namesake": (68, "not signed", lambda h: h.told_by("namesake")),
    "by_itself": (68, "not signed", lambda h: h.told_by("leaf")),
    "delegate_not_sent": (68, "not signed", lambda h: h.says(by=h.delegate)),
    "delegate_of_another": (68, "not signed", lambda h: h.told_by("foreign")),
    "delegate_of_the_namesake": (68, "not signed", lambda h: h.told_by("forged")),
    "delegate_without_the_purpose": (68, "not signed", lambda h: h.told_by("useless")),
    "delegate_expired": (68, "not signed", lambda h: h.told_by("late")),
    "delegate_of_a_delegate": (68, "not signed", lambda h: h.says(
        by=h.below, certificates=[h.below, h.delegate])),
    "sha1": (68, "not signed", lambda h: response([single(h.about())], h.root, digest="sha1")),
    "truncated": (68, "damaged", lambda h: h.says()[:-40]),
    "cut_in_front": (68, "damaged", lambda h: h.says()[4:]),
    "trailing_bytes": (68, "damaged", lambda h: h.says() + b"\0"),
    "empty": (68, "damaged", lambda h: b""),
    "garbage": (68, "damaged", lambda h: bytes(range(256))),
    "failure": (68, "damaged", lambda h: b"\x30\x03\x0a\x01\x03"),
    "critical_inside": (68, "damaged", lambda h: h.says(more=CRITICAL)),
    "critical_outside": (68, "damaged", lambda h: h.says(outside=CRITICAL)),
}


def pairs(cases):
    """Each with both versions, or, as a sample, with one of them."""
    whole = [(case, version) for case in cases for version in VERSIONS]
    return whole if ALL else [pair for at, pair in enumerate(whole) if at % 4 in (0, 3)]


@pytest.mark.parametrize("case, version", pairs(ACCEPTED))
def test_accepted(thimble, stapler, house, case, version):
    tries(thimble, stapler, house, version, ACCEPTED[case](house), 0, how="must")


@pytest.mark.parametrize("case, version", pairs(REFUSED))
def test_refused(thimble, stapler, house, case, version):
    code, words, answer = REFUSED[case]
    tries(thimble, stapler, house, version, answer(house), code, "of localhost", words)


@pytest.mark.parametrize("case, version", pairs(["good", "revoked", "delegate", "forged"]))
def test_openssl_s_server(thimble, s_server, house, case, version):
    code, words, answer = REFUSED.get(case) or (0, "", ACCEPTED.get(case))
    tries(thimble, s_server, house, version, answer(house), code, words)


@pytest.mark.parametrize("how, leaf, code", [
    ("off", "leaf", 0), ("off", "strict", 0), ("staple", "leaf", 0), ("staple", "strict", 65),
    ("must", "leaf", 65), ("must", "strict", 65)])
@pytest.mark.parametrize("version", VERSIONS)
def test_none(thimble, stapler, house, version, how, leaf, code):
    words = ["is missing"] if code else []
    tries(thimble, stapler, house, version, None, code, *words, leaf=getattr(house, leaf), how=how)


@pytest.mark.parametrize("leaf", ["leaf", "strict"])
@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_asked_unless_given(thimble, stapler, house, version, leaf):
    """A server that staples what is wrong is not heard; one that must, and does not, is accepted."""
    answer = house.says(REVOKED) if leaf == "leaf" else None
    broker = stapler([getattr(house, leaf)], answer, takes, version)
    thimble("pub", *broker.where, *house.trust, *PUB).ends(0)


@pytest.mark.parametrize("version", VERSIONS)
def test_must_staple_is_content(thimble, stapler, house, version):
    answer = house.says(about=house.about(house.number + 1))
    tries(thimble, stapler, house, version, answer, 0, leaf=house.strict)


@pytest.mark.parametrize("version", VERSIONS)
def test_off_does_not_look(thimble, stapler, house, version):
    tries(thimble, stapler, house, version, house.says(REVOKED), 0, how="off")


@pytest.mark.parametrize("kind, version", pairs(["ec384", "rsa", *(["rsa4096"] if ALL else [])]))
def test_every_kind_of_signature(thimble, stapler, tmp_path, kind, version):
    (tmp_path / "house").mkdir()
    house = House(tmp_path / "house", kind)
    for answer in house.says(), house.told_by("delegate"):
        tries(thimble, stapler, house, version, answer, 0, how="must", options=["--sandbox=require"])
    tries(thimble, stapler, house, version, house.says(REVOKED), 74, "was revoked")
    tries(thimble, stapler, house, version, house.says(damage=True), 68, "not signed")


@pytest.mark.parametrize("version", VERSIONS)
def test_below_an_intermediate(thimble, fake, house, tmp_path, version):
    """The one who issued it answers, not the one above."""
    middle = house.shop.issue("Middle", CA, house.root)
    leaf = house.shop.issue("deep", [SIGNS, SERVES, LOCALHOST], middle)
    about = identifier(house.shop.serial, middle)
    for by, code, words in (middle, 0, ""), (house.root, 68, "not signed"):
        answer = response([single(about)], by, [by])
        broker = fake(nothing if code else takes,
                      tls=server_with(tmp_path, [leaf, middle], answer, version))
        thimble("pub", *broker.where, *house.trust, "--ocsp=must", *PUB).ends(code, words)


@pytest.mark.parametrize("order, version", pairs([1, -1]))
def test_issuer_with_two_keys(thimble, fake, house, tmp_path, order, version):
    """Both are trusted; the one whose key it was answers."""
    both = bundle(tmp_path / "both", *[house.root.pem, house.namesake.pem][::order])
    for by, code in (house.root, 0), (house.namesake, 68):
        answer = house.says(by=by, about=house.about(issuer=by))
        broker = fake(nothing if code else takes,
                      tls=server_with(tmp_path, [house.leaf], answer, version))
        thimble("pub", *broker.where, "--cafile", both, "--ocsp=must", *PUB).ends(code)


def resumes(thimble, broker, house, file, *options):
    done = thimble("pub", *broker.where, *house.trust, *PUB, "--session-file", file, *options,
                   report=True)
    return done.ends(0).report["connection"]["resumed"]


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_bound_to_the_wish(thimble, stapler, house, tmp_path, version):
    broker = stapler([house.leaf], house.says(), takes, version)
    file = tmp_path / "session"
    assert [resumes(thimble, broker, house, file, f"--ocsp={how}")
            for how in ("off", "must", "must", "staple", "staple")] == [False, False, True, False, True]


@pytest.mark.skipif(not ALL, reason="waits for the end of a response: make check-all")
@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_end_with_the_response(thimble, stapler, house, tmp_path, version):
    broker = stapler([house.leaf], house.says(till=15 / 3600), takes, version)
    began, file = time.monotonic(), tmp_path / "session"
    assert [resumes(thimble, broker, house, file, "--ocsp=must") for _ in "12"] == [False, True]
    time.sleep(max(0, began + 16 - time.monotonic()))
    thimble("pub", *broker.where, *house.trust, *PUB, "--session-file", file, "--ocsp=must").ends(70)


@pytest.mark.skipif(SYSTEM_LIBS, reason="the report has no figures of the distribution's heap")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind, most", [("ec", 15360), ("rsa", 27 * 1024)])
def test_memory(thimble, fake, lab, tmp_path, record_property, kind, most, version):
    """The peak of the TLS heap; to the byte it is held by the budget."""
    folder = lab.directory / kind
    broker = fake(nothing, takes, tls=checked(tmp_path, folder, kind, version))
    done = thimble("pub", *broker.where, *checking(tmp_path, folder), *PUB, report=True)
    peak = done.ends(0).report["pools"]["tls_heap"]["peak_bytes"]
    record_property(f"TLS heap of {kind} in TLS {version}", f"{peak} bytes, all checks on")
    assert peak <= most


@pytest.mark.parametrize("more, code", [
    (["--ocsp=always"], 64), (["--ocsp"], 64), (["--ocsp=must", "--insecure-no-verify"], 64),
    (["--ocsp=must", "--psk", "00", "--psk-identity", "x"], 64)])
def test_usage(thimble, more, code):
    thimble("pub", "-p", "1", *PUB, *more).ends(code, "ocsp")
