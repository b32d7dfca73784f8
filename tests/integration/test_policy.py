"""The policy for servers' certificates: chains, good and bad, in both versions of TLS. What is
refused has its exit code and a sentence, and the server gets not one byte of MQTT."""
import hashlib

import pytest

from fake import nothing
from forge import server
from program import SYSTEM_LIBS
from x509 import (HASHES, RSADSI, UNKNOWN, Workshop, address, alternative, basic, constraints, der,
                  directory, dns, extension, integer, name, network, oid, openssl, purposes, sequence,
                  usage)

CA_USAGE = usage("keyCertSign", "cRLSign")
CA = [basic(), CA_USAGE]
SIGNS = usage("digitalSignature")
SERVES = purposes("server")
LOCALHOST = alternative(dns("localhost"), address("127.0.0.1"))
GOOD = [SIGNS, SERVES, LOCALHOST]


class Chains:
    """Makes one chain; `root` is trusted, `host` is looked for."""

    def __init__(self, shop):
        self.shop, self.host = shop, "localhost"
        self.root = self.issue("Root", CA)

    def issue(self, *arguments, **options):
        return self.shop.issue(*arguments, **options)

    def leaf(self, extensions=GOOD, by=None, **options):
        return self.issue("leaf", extensions, by or self.root, **{"label": "leaf", **options})

    def below(self, extensions=CA, common="Issuing", **options):
        """A good leaf below an authority with these extensions."""
        authority = self.issue(common, extensions, **{"issuer": self.root, **options})
        return [self.leaf(by=authority), authority]

    def line(self, *authorities, **options):
        """A good leaf below authorities with these extensions, the topmost first."""
        chain = [self.root]
        for number, extensions in enumerate(authorities):
            chain.insert(0, self.issue(f"CA {number}", extensions, chain[0], **options))
        return [self.leaf(by=chain[0]), *chain[:-1]]


def made(extensions, **options):
    return lambda c: [c.leaf(extensions, **options)]


def under(extensions, **options):
    return lambda c: c.below(extensions, **options)


def names(*alternatives, host="localhost", **options):
    """A leaf with these names; `host` is the one that is wanted, at 127.0.0.1."""
    def make(c):
        c.host = host
        return [c.leaf([SIGNS, SERVES, alternative(*alternatives)], **options)]
    return make


def crossed(c):
    """The root of ours, signed by another authority, which nobody here trusts."""
    other = c.issue("Older Root", CA)
    across = c.issue("Root", CA, other)
    return [*c.below(), across]


def with_root(c, **options):
    """Another root than usual."""
    c.root = c.issue("Other Root", **{"extensions": CA, **options})
    return c.below()


def root_limits_path(c):
    return with_root(c, extensions=[basic(length=0), CA_USAGE])


def self_signed(c):
    return [c.issue("leaf", GOOD, label="leaf")]


def wrong_signer(c):
    issuing = c.issue("Issuing", CA, c.root)
    return [c.leaf(by=issuing, signer=c.shop.key("p256", "stranger")), issuing]


def by_a_leaf(c):
    other = c.issue("other leaf", [SIGNS, SERVES, alternative(dns("other.test"))], c.root)
    return [c.leaf(by=other), other]


def good_path_beside(c):
    """Of a stranger's leaf, the good chain is no help."""
    stranger = c.issue("Stranger", CA)
    return [c.leaf(by=stranger), *c.below()[1:], stranger]


def same_name(c):
    """An issuer with the name of a good one, and another key."""
    stranger = c.issue("Issuing", CA, label="stranger", identifiers=False)
    return [c.leaf(by=stranger, identifiers=False), c.issue("Issuing", CA, c.root)]


def constrained(permitted=(), excluded=()):
    return [*CA, constraints(permitted, excluded)]


def under_constraints(*alternatives, host="localhost", **limits):
    def make(c):
        c.host = host
        issuing = c.issue("Issuing", constrained(**limits), c.root)
        return [c.leaf([SIGNS, SERVES, alternative(*alternatives)], issuing), issuing]
    return make


def two_above(*alternatives, host="localhost", common="Issuing", **limits):
    """The constraints are those of the issuer's issuer."""
    def make(c):
        c.host = host
        upper = c.issue("Upper", constrained(**limits), c.root)
        issuing = c.issue(common, CA, upper)
        return [c.leaf([SIGNS, SERVES, alternative(*alternatives)], issuing), issuing, upper]
    return make


def of_root_far_above(c, **limits):
    c.root = c.issue("Other Root", constrained(**limits))
    return c.below()


def new_key(c):
    """The same authority with a new key, certified with the old one, is not below itself."""
    upper = c.issue("Upper", constrained(permitted=[directory("leaf"), dns("localhost")]), c.root)
    again = c.issue("Upper", CA, upper, label="new key")
    return [c.leaf(by=again), again, upper]


def sibling(c):
    """An issuer beside the path has constrained nobody."""
    beside = c.issue("Beside", constrained(permitted=[dns("elsewhere.test")]), c.root)
    return [*c.below(), beside]


def wants_of_root(c):
    c.root = c.issue("Other Root", constrained(permitted=[dns("elsewhere.test")]))
    return [c.leaf()]


def with_p384(c):
    c.root = c.issue("Other Root", CA, kind="p384", digest="sha384")
    issuing = c.issue("Issuing", CA, c.root, kind="p384", digest="sha384")
    return [c.leaf(by=issuing, kind="p384", digest="sha384"), issuing]


def reversed_path(c):
    leaf, *above = c.line(CA, CA)
    return [leaf, *reversed(above)]


def anybody_signs(c):
    """Its exponent is 1: the padded hash is the signature, and nobody's secret is needed."""
    stranger = c.shop.key("rsa2048", "exponent 1")
    modulus = int(openssl("rsa", "-in", stranger.path, "-noout", "-modulus")[8:], 16)
    info = sequence(sequence(oid(RSADSI + "1"), der(0x05)),
                    der(0x03, b"\0" + sequence(integer(modulus), integer(1))))
    issuing = c.issue("Issuing", CA, c.root, key=Forged(info))
    return [c.leaf(by=issuing), issuing]


class Forged:
    """An RSA key that signs by padding (RFC 8017 section 9.2)."""
    kind, path, identifier = "rsa2048", None, b"forged"

    def __init__(self, info):
        self.info = info

    def sign(self, data, digest):
        assert digest == "sha256"
        hashed = sequence(sequence(oid(HASHES[digest]), der(0x05)),
                          der(0x04, hashlib.sha256(data).digest()))
        padding = b"\xff" * (256 - 3 - len(hashed))
        return b"\0\1" + padding + b"\0" + hashed


def dated(begin="20200101000000Z", end="20491231235959Z"):
    return made(GOOD, dates=(begin, end))


CRITICAL = extension(UNKNOWN, b"\x05\x00", critical=True)
HARMLESS = extension(UNKNOWN, b"\x05\x00")
POLICY_CONSTRAINTS = extension("2.5.29.36", sequence(der(0x80, b"\0")), critical=True)
ANY_POLICY = extension("2.5.29.32", sequence(sequence(oid("2.5.29.32.0"))), critical=True)
FOO = ("f*.wild.test", "*o.wild.test", "f*o.wild.test", "xn--*.wild.test", "a.*.wild.test", "*",
       "*.*.wild.test", "*.foo.wild.test", "**.wild.test", ".wild.test", "*wild.test")

# name: (exit code, words of the sentence, chain); two codes: in TLS 1.2 OpenSSL does not serve it,
# and ends the handshake itself.
BAD = {
    # weak, damaged, forged
    "sha1": (68, "hash", made(GOOD, digest="sha1")),
    "sha224": (68, "hash", made(GOOD, digest="sha224")),
    "sha1_issuer": (68, "intermediate 1 (Issuing)", under(CA, digest="sha1")),
    "md5_with_RSA": (68, "", lambda c: [c.leaf(by=c.issue("Issuing", CA, c.root, kind="rsa2048"),
                                          digest="md5"),
                                   c.issue("Issuing", CA, c.root, kind="rsa2048")]),
    "sha1_with_RSA": (68, "", lambda c: [c.leaf(by=c.issue("Issuing", CA, c.root, kind="rsa2048"),
                                                digest="sha1"),
                                         c.issue("Issuing", CA, c.root, kind="rsa2048")]),
    "sha1_pss": (68, "", lambda c: [c.leaf(by=c.issue("Issuing", CA, c.root, kind="rsa2048"),
                                           digest="pss-sha1"),
                                    c.issue("Issuing", CA, c.root, kind="rsa2048")]),
    "sha1_in_the_middle": (68, "intermediate 2 (CA 1)", lambda c: [
        *(line := c.line(CA, CA, CA))[:2],
        c.issue("CA 1", CA, line[3], digest="sha1"), line[3]]),
    "rsa1024": (68, "2,048", made(GOOD, kind="rsa1024")),
    "RSA_1024_issuer": (68, "intermediate 1 (Issuing)", under(CA, kind="rsa1024")),
    "exponent_1": (68, "intermediate 1 (Issuing) of localhost has a weak key", anybody_signs),
    "no_such_month": (68, "damaged", dated("20201301000000Z")),
    "no_such_month_at_the_end": (68, "damaged", dated(end="20491331235959Z")),
    "no_such_day": (68, "damaged", dated("20210229000000Z")),
    "no_such_hour": (68, "damaged", dated("20200101240000Z")),
    "no_such_second": (68, "damaged", dated("20200101000060Z")),
    "no_such_day_above": (68, "intermediate 1 of localhost is damaged", under(
        CA, dates=("20200230000000Z", "20491231235959Z"))),
    "p224": (77, "", made(GOOD, kind="p224")),
    "p224_issuer": (68, "intermediate 1 (Issuing)", under(CA, kind="p224")),
    "p521": ((77, 68), "2,048", made(GOOD, kind="p521")),
    "p521_issuer": (68, "intermediate 1 (Issuing)", under(CA, kind="p521")),
    "secp256k1_issuer": (68, "intermediate 1 (Issuing)", under(CA, kind="k256")),
    "ed25519": (77, "", made(GOOD, kind="ed25519")),
    "ed25519_issuer": (68, "", under(CA, kind="ed25519")),
    "two_algorithms": (68, "two different signature algorithms", made(GOOD, inner="sha384")),
    "two_algorithms_above": (68, "two different", under(CA, inner="sha384")),
    "signature_changed": (68, "signature", lambda c: [c.leaf().damaged()]),
    "signature_changed_above": (68, "intermediate 1 (Issuing)", lambda c: [
        c.below()[0], c.below()[1].damaged()]),
    "signed_by_another": (68, "signature", wrong_signer),
    "names_twice_above": (68, "damaged", under([*CA, LOCALHOST, LOCALHOST])),
    "unknown_twice": (68, "damaged", made([*GOOD, HARMLESS, HARMLESS])),
    "unknown_twice_above": (68, "intermediate 1 of", under([*CA, HARMLESS, HARMLESS])),
    "version_1_with_extensions": (68, "", made(GOOD, version=1)),
    "unknown_critical": (68, "critical extension", made([*GOOD, CRITICAL])),
    "unknown_critical_above": (68, "critical extension", under([*CA, CRITICAL])),
    "policy_constraints": (68, "critical extension", under([*CA, POLICY_CONSTRAINTS])),
    "critical_policies": (68, "critical extension", under([*CA, ANY_POLICY])),
    "nul_in_name": (68, "damaged", names(dns("localhost\0.evil.test"))),
    "nul_in_other_name": (68, "damaged", names(dns("localhost"), dns("localhost\0.evil.test"))),
    "nul_in_common_name": (68, "damaged name", lambda c: [
        c.issue("localhost\0.evil.test", GOOD, c.root, label="leaf")]),
    # made for something else
    "signs_lists_only": ((77, 79), "sign", made([usage("cRLSign"), SERVES, LOCALHOST])),
    "enciphers_only": ((77, 79), "sign", made([usage("keyEncipherment"), SERVES, LOCALHOST])),
    "agrees_only": ((77, 79), "sign", made([usage("keyAgreement"), SERVES, LOCALHOST])),
    "issues_only": ((77, 79), "", made([usage("keyCertSign"), SERVES, LOCALHOST])),
    "for_clients": (79, "not made for servers", made([SIGNS, purposes("client"), LOCALHOST])),
    "for_code": (79, "not made for servers", made([SIGNS, purposes("code", "ocsp"), LOCALHOST])),
    "authority_for_clients": (79, "intermediate 1 (Issuing)", under([*CA, purposes("client")])),
    "upper_authority_for_clients": (79, "intermediate 2 (CA 0)", lambda c: c.line(
        [*CA, purposes("client")], CA)),
    "no_basic_constraints": (79, "intermediate 1 (Issuing)", under([CA_USAGE])),
    "no_authority": (79, "intermediate 1 (Issuing)", under([basic(False), SIGNS])),
    "authority_by_usage_only": (79, "intermediate 1 (Issuing)", under([basic(False), CA_USAGE])),
    "may_not_issue": (79, "", under([basic(), usage("cRLSign")])),
    "upper_may_not_issue": (79, "", lambda c: c.line([basic(), usage("cRLSign")], CA)),
    "version_1_authority": (79, "intermediate 1 (Issuing)", under([], version=1)),
    "issued_by_a_leaf": (79, "intermediate 1 (other leaf)", by_a_leaf),
    "path_length_0": (79, "longer", lambda c: c.line([basic(length=0), CA_USAGE], CA)),
    "path_length_1": (79, "longer", lambda c: c.line([basic(length=1), CA_USAGE], CA, CA)),
    "path_length_of_root": (79, "longer", root_limits_path),
    "name_not_permitted": (79, "name", under_constraints(
        dns("localhost"), permitted=[dns("elsewhere.test")])),
    "name_excluded": (79, "name", under_constraints(dns("localhost"), excluded=[dns("localhost")])),
    "wildcard_covers_excluded": (79, "name", under_constraints(
        dns("*.wild.test"), host="foo.wild.test", excluded=[dns("foo.wild.test")])),
    "other_wildcard_covers_excluded": (79, "name", under_constraints(
        dns("*.wild.test"), host="bar.wild.test", excluded=[dns("foo.wild.test")])),
    "address_not_permitted": (79, "name", under_constraints(
        address("127.0.0.1"), host="127.0.0.1", permitted=[network("10.0.0.0/8")])),
    "address_excluded": (79, "name", under_constraints(
        address("127.0.0.1"), host="127.0.0.1", excluded=[network("127.0.0.0/8")])),
    "root_permits_another_name": (79, "name", wants_of_root),
    "upper_permits_another_name": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), permitted=[dns("elsewhere.test")])),
    "upper_excludes_name": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), excluded=[dns("localhost")])),
    "upper_excludes_parent": (79, "intermediate 2 (Upper)", two_above(
        dns("a.wild.test"), host="a.wild.test", excluded=[dns("test")])),
    "upper_excludes_other_name": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), dns("a.b.test"), excluded=[dns("b.test")])),
    "upper_excludes_of_wildcard": (79, "intermediate 2 (Upper)", two_above(
        dns("*.wild.test"), host="foo.wild.test", excluded=[dns("bar.wild.test")])),
    "upper_permits_part_of_wildcard": (79, "intermediate 2 (Upper)", two_above(
        dns("*.wild.test"), host="foo.wild.test", permitted=[dns("foo.wild.test")])),
    "upper_permits_other_addresses": (79, "intermediate 2 (Upper)", two_above(
        address("127.0.0.1"), host="127.0.0.1", permitted=[network("10.0.0.0/8")])),
    "upper_excludes_address_6": (79, "intermediate 2 (Upper)", two_above(
        address("::1"), host="::1", excluded=[network("::/64")])),
    "upper_permits_addresses_4_only": (79, "intermediate 2 (Upper)", two_above(
        address("::1"), host="::1", permitted=[network("0.0.0.0/0")])),
    "upper_permits_other_subjects": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), permitted=[directory("Issuing"), dns("localhost")])),
    "upper_excludes_issuer": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), excluded=[directory("Issuing")])),
    "upper_excludes_mail": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), der(0x81, b"a@b.test"), excluded=[der(0x81, b"b.test")])),
    "upper_permits_other_uris": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), der(0x86, b"spiffe://b.test/x"), permitted=[der(0x86, b"c.test")])),
    "upper_constrains_other_kinds": (79, "intermediate 2 (Upper)", two_above(
        dns("localhost"), der(0x88, b"\x2a\x03"), permitted=[der(0x88, b"\x2a\x03")])),
    "root_permits_another_name_far_below": (79, "CA certificate above", lambda c: (
        of_root_far_above(c, permitted=[dns("elsewhere.test")]))),
    "root_excludes_address_far_below": (79, "CA certificate above", lambda c: (
        of_root_far_above(c, excluded=[network("127.0.0.0/8")]))),
    "constraints_unreadable": (79, "intermediate 1 (Issuing)", under([*CA, extension(
        "2.5.29.30", b"\x04\x00", critical=True)])),
    # another host
    "other_name": (73, "this name", names(dns("elsewhere.test"))),
    "no_names": (73, "common name does not count", lambda c: [
        c.issue("localhost", [SIGNS, SERVES], c.root, label="leaf")]),
    "common_name_beside_another": (73, "this name", lambda c: [
        c.issue("localhost", [SIGNS, SERVES, alternative(dns("a.test"))], c.root, label="leaf")]),
    "name_with_tail": (73, "this name", names(dns("localhost.evil.test"))),
    "wildcard_two_labels_deep": (73, "this name", names(dns("*.wild.test"), host="a.b.wild.test")),
    "wildcard_no_label": (73, "this name", names(dns("*.wild.test"), host="wild.test")),
    "wildcard_top_level": (73, "this name", names(dns("*.test"), host="foo.test")),
    "address_as_name": (73, "this name", names(dns("127.0.0.1"), host="127.0.0.1")),
    "address_as_wildcard": (73, "this name", names(dns("*.0.0.1"), host="127.0.0.1")),
    "other_address": (73, "this name", names(address("127.0.0.2"), host="127.0.0.1")),
    "mapped_address": (73, "this name", names(address("::ffff:127.0.0.1"), host="127.0.0.1")),
    "name_as_uri": (73, "this name", names(der(0x86, b"mqtts://localhost"))),
    "name_as_mail": (73, "this name", names(der(0x81, b"localhost"))),
    "name_as_directory": (73, "this name", names(der(0xA4, name("localhost")))),
    "name_as_other": (73, "this name", names(der(0xA0, oid(UNKNOWN), der(0xA0, der(
        0x0C, b"localhost"))))),
    "address_for_name": (73, "this name", names(address("127.0.0.1"))),
    **{f"wildcard_{pattern}": (73, "this name", names(dns(pattern), host="foo.wild.test"))
       for pattern in FOO},
    # dates and trust
    "expired": (70, "expired", made(GOOD, dates=("20200101000000Z", "20210101000000Z"))),
    "expired_above": (70, "intermediate 1 (Issuing)", under(
        CA, dates=("20200101000000Z", "20210101000000Z"))),
    "not_yet_valid": (81, "not yet valid", made(
        GOOD, dates=("20450101000000Z", "20490101000000Z"))),
    "self_signed": (72, "", self_signed),
    "unknown_root": (72, "not issued by any", lambda c: [c.leaf(by=c.issue("Stranger", CA))]),
    "without_its_issuer": (72, "not issued by any", lambda c: c.below()[:1]),
    "good_path_beside": (72, "not issued by any", good_path_beside),
    "issuer_of_the_same_name": (68, "signature", same_name),
    "path_out_of_order": (72, "", reversed_path),
}

ALL_NAMES = [dns(f"host{number}.test") for number in range(100)] + [dns("localhost")]

GOOD_CHAINS = {
    "plain": made(GOOD),
    "one_authority": under(CA),
    "three_authorities": lambda c: c.line(CA, CA, CA),
    "ten_certificates": lambda c: c.line(*[CA] * 8),
    "address": names(address("127.0.0.1"), host="127.0.0.1"),
    "address_6": names(address("::1"), host="::1"),
    "wildcard": names(dns("*.wild.test"), host="foo.wild.test"),
    "other_letters": names(dns("LocalHost")),
    "many_names": names(*ALL_NAMES),
    "p384": with_p384,
    "rsa": lambda c: with_root(c, kind="rsa2048"),
    "rsa_leaf": made(GOOD, kind="rsa2048"),
    "rsa_4096_root": lambda c: with_root(c, kind="rsa4096"),
    "rsa_pss": lambda c: [c.leaf(by=(ca := c.issue("Issuing", CA, c.root, kind="rsa2048")),
                                 digest="pss-sha256"), ca],
    "sha512": made(GOOD, digest="sha512"),
    "sha1_root": lambda c: with_root(c, digest="sha1"),
    "no_usage": made([LOCALHOST]),
    "every_usage": made([SIGNS, purposes("any"), LOCALHOST]),
    "usage_both_ways": made([usage("digitalSignature", "keyAgreement"),
                             purposes("client", "server"), LOCALHOST]),
    "authority_without_usage": under([basic()]),
    "authority_for_servers": under([*CA, SERVES]),
    "path_length_enough": lambda c: c.line([basic(length=1), CA_USAGE],
                                           [basic(length=0), CA_USAGE]),
    "unknown_extension": made([*GOOD, HARMLESS]),
    "name_permitted": under_constraints(dns("localhost"), permitted=[dns("localhost")]),
    "other_name_excluded": under_constraints(dns("localhost"), excluded=[dns("elsewhere.test")]),
    "address_permitted": under_constraints(address("127.0.0.1"), host="127.0.0.1",
                                           permitted=[network("127.0.0.0/8")]),
    "upper_permits": two_above(dns("localhost"), permitted=[dns("localhost")]),
    "upper_permits_wildcard": two_above(dns("*.wild.test"), host="foo.wild.test",
                                        permitted=[dns("wild.test")]),
    "upper_excludes_below_wildcard": two_above(dns("*.wild.test"), host="foo.wild.test",
                                               excluded=[dns("a.foo.wild.test")]),
    "upper_permits_other_kinds": two_above(dns("localhost"), permitted=[der(0x81, b"b.test")]),
    "upper_permits_address_6": two_above(address("::1"), host="::1", permitted=[network("::/64")]),
    "root_permits_far_below": lambda c: of_root_far_above(c, permitted=[dns("localhost"), network(
        "127.0.0.0/8")]),
    "sibling_permits_another_name": sibling,
    "new_key_of_the_same": new_key,
    "root_sent": lambda c: [*c.below(), c.root],
    "root_signed_across": crossed,
    "stray_root": lambda c: [*c.below(), c.issue("Stray", CA)],
    "stray_between": lambda c: [(path := c.below())[0], c.issue("Stray", CA), path[1]],
    "stray_for_clients": lambda c: [*c.below(), c.issue("Clients", [*CA, purposes("client")],
                                                        c.root)],
    "stray_leaf": lambda c: [*c.below(), c.issue("other", GOOD, c.root)],
}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Makes each chain once."""
    shop = Workshop(tmp_path_factory.mktemp("policy"))
    cases = {}

    def find(chain, make):
        if chain not in cases:
            cases[chain] = Case(shop, make)
        return cases[chain]
    return find


class Case:
    """What a chain needs to be served, and how to ask for it."""

    def __init__(self, shop, make):
        chains = Chains(shop)
        self.sent = make(chains)
        self.host, self.leaf, self.root = chains.host, self.sent[0], chains.root
        self.chain = shop.directory / f"{shop.serial}.pem"
        self.trust = shop.directory / f"{shop.serial}.root.pem"
        self.chain.write_text("".join(each.pem for each in self.sent))
        self.trust.write_text(chains.root.pem)

    def tls(self, version):
        return server(self.chain, self.leaf.key.path, lowest=version, highest=version)

    @property
    def address(self):
        return "::1" if ":" in self.host else "127.0.0.1"

    def words(self, broker):
        """Whatever it is called, it is here."""
        here = [] if self.host == self.address else ["--addr", self.address]
        return ["pub", "-h", self.host, "-p", broker.port, *here, "--cafile", self.trust,
                "-t", "policy/topic", "-m", "payload"]


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("chain", BAD)
def test_refused(thimble, fake, case, chain, tls):
    code, sentence, make = BAD[chain]
    if isinstance(code, tuple):
        code = code[tls == "1.3"]
    made_of = case(chain, make)
    broker = fake(nothing, tls=made_of.tls(tls), address=made_of.address)
    done = thimble(*made_of.words(broker))
    if SYSTEM_LIBS:
        assert done.process.returncode in range(68, 82), done.story()
    else:
        done.ends_refused(code, "" if code == 77 else sentence)
    broker.close()
    assert broker.attempts >= 1


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("chain", GOOD_CHAINS)
def test_accepted(thimble, fake, case, chain, tls):
    made_of = case(chain, GOOD_CHAINS[chain])
    broker = fake(lambda peer: peer.greet().drain(), tls=made_of.tls(tls), address=made_of.address)
    thimble(*made_of.words(broker)).ends(0)


# ---- roots ---------------------------------------------------------------------------------------

# name: (words of the sentence, root)
NO_ROOTS = {
    "no_authority": ("is no CA certificate", {"extensions": [basic(False), SIGNS]}),
    "version_1": ("is no CA certificate", {"extensions": [], "version": 1}),
    "may_not_issue": ("key usage for signing certificates",
                      {"extensions": [basic(), usage("cRLSign")]}),
    "rsa1024": ("weak key", {"kind": "rsa1024"}), "p224": ("weak key", {"kind": "p224"}),
    "p521": ("weak key", {"kind": "p521"}), "secp256k1": ("weak key", {"kind": "k256"}),
    "ed25519": ("weak key", {"kind": "ed25519"}),
    "no_such_day": ("damaged", {"dates": ("20200230000000Z", "20491231235959Z")}),
}


@pytest.mark.parametrize("root", NO_ROOTS)
def test_roots_that_are_none(thimble, case, root):
    """They are told for what they are, and nobody is called."""
    sentence, options = NO_ROOTS[root]
    made_of = case("root " + root, lambda c: with_root(c, **options))
    thimble("pub", "-h", "127.0.0.1", "-p", 1, "--cafile", made_of.trust, "-t", "t", "-n").ends(
        67, sentence)


# ---- pins ---------------------------------------------------------------------------------------

OTHER = "sha256//" + "A" * 43 + "="


def two_issuers(c):
    """Of one name. The other one is well, but did not sign the leaf."""
    other = c.issue("Issuing", CA, c.root, label="another issuer")
    return [*c.below(), other]


def pinned_one_shown(c):
    """The same, and the one that did not sign stands first."""
    other = c.issue("Issuing", CA, c.root, label="another issuer")
    leaf, issuing = c.below()
    return [leaf, other, issuing]


def across(c):
    """One key, certified twice."""
    path = c.below()
    return [*path, c.issue("Issuing", CA, c.root)]


PATH = under(CA)

# name: (chain, whose pins are given for the leaf and above it: places in the chain, -1 the root)
PINNED = {
    "leaf": (PATH, [0], []), "leaf_and_backup": (PATH, [None, 0], []), "issuer": (PATH, [], [1]),
    "root": (PATH, [], [-1]), "both": (PATH, [0], [1]), "of_several": (PATH, [], [None, -1]),
    "twice_certified": (across, [], [1]),
}
MISPINNED = {
    "none": (PATH, [None], []), "issuer_as_leaf": (PATH, [1], []),
    "leaf_as_issuer": (PATH, [], [0]),
    "only_one_of_both": (PATH, [0], [None]), "other_of_both": (PATH, [None], [1]),
    "one_name_two_keys": (two_issuers, [], [2]), "one_name_the_right_key": (two_issuers, [], [1]),
    "one_name_the_other_first": (pinned_one_shown, [], [1]),
    "stray": (lambda c: [*c.below(), c.issue("Stray", CA, c.root)], [], [2]),
}


def pins(made_of, *places):
    chosen = [[*made_of.sent, made_of.root][each] for each in places if each is not None]
    others = [OTHER] * (len(places) - len(chosen))
    return ";".join(others + [each.key.pin for each in chosen])


def pinned(made_of, broker, own, above):
    words = made_of.words(broker)
    words += ["--pin", pins(made_of, *own)] if own else []
    return words + (["--pin-ca", pins(made_of, *above)] if above else [])


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("called", PINNED)
def test_pin_holds(thimble, fake, case, called, tls):
    make, own, above = PINNED[called]
    made_of = case("pinned " + called, make)
    broker = fake(lambda peer: peer.greet().drain(), tls=made_of.tls(tls))
    thimble(*pinned(made_of, broker, own, above)).ends(0)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("called", MISPINNED)
def test_pin_does_not_hold(thimble, fake, case, called, tls):
    make, own, above = MISPINNED[called]
    made_of = case("mispinned " + called, make)
    broker = fake(nothing, tls=made_of.tls(tls))
    done = thimble(*pinned(made_of, broker, own, above)).ends_refused(75, "seen: ")
    if not above:
        assert made_of.leaf.key.pin in done.err


@pytest.mark.parametrize("option, place", [("--pin", 0), ("--pin-ca", 1), ("--pin-ca", -1)])
def test_pins_are_repeated(thimble, fake, case, option, place):
    """One after the other or in one word; backups before and behind."""
    made_of = case("repeated", PATH)
    pin = pins(made_of, place)
    for several in ([pin, OTHER], [OTHER, pin], [OTHER, OTHER, OTHER + ";" + pin, OTHER]):
        broker = fake(lambda peer: peer.greet().drain(), tls=made_of.tls("1.3"))
        thimble(*made_of.words(broker), *(word for each in several for word in (option, each))).ends(0)
    broker = fake(nothing, tls=made_of.tls("1.3"))
    thimble(*made_of.words(broker), option, OTHER, option, OTHER).ends_refused(75, "seen: ")
    thimble(*made_of.words(broker), *[option, OTHER] * 40).ends(64, "one too many")
    thimble(*made_of.words(broker), option, OTHER, option, "x").ends(64, "is no pin")


def test_pin_holds_where_nothing_is_verified(thimble, fake, case):
    made_of = case("unknown", lambda c: [c.leaf(by=c.issue("Stranger", CA))])
    insecure = ["-h", "localhost", "--insecure-no-verify", "-t", "t", "-m", "m", "--pin"]
    broker = fake(lambda peer: peer.greet().drain(), tls=made_of.tls("1.3"))
    thimble("pub", "-p", broker.port, *insecure, made_of.leaf.key.pin).ends(0)
    broker = fake(nothing, tls=made_of.tls("1.3"))
    thimble("pub", "-p", broker.port, *insecure, OTHER).ends_refused(75, made_of.leaf.key.pin)


@pytest.mark.parametrize("option", ["--pin", "--pin-ca"])
@pytest.mark.parametrize("pin", ["sha256//abc", "sha1//" + "A" * 43 + "=", OTHER + ";", OTHER + ",",
                                 OTHER[8:], OTHER[:-1] + "A"])
def test_no_pin(thimble, case, option, pin):
    made_of = case("plain", GOOD_CHAINS["plain"])
    done = thimble("pub", "-h", "localhost", "-p", 1, "--cafile", made_of.trust, "-t", "t",
                   "-m", "m", option, pin)
    done.ends_refused(64, "sha256//")


def test_pins_that_cannot_hold(thimble):
    begin = ["pub", "-h", "localhost", "-p", 1, "-t", "t", "-m", "m"]
    insecure = thimble(*begin, "--insecure-no-verify", "--pin-ca", OTHER)
    insecure.ends_refused(64, "nothing is verified")
    key = ["--psk", "00112233", "--psk-identity", "me"]
    thimble(*begin, *key, "--pin", OTHER).ends_refused(64, "pre-shared key")
