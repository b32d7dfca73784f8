"""Certificates byte by byte (RFC 5280), those no authority would issue among them. openssl makes
keys and signs; what is signed is written here."""
import base64
import hashlib
import ipaddress
import subprocess

KEYS = {
    "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "p224": ["EC", "-pkeyopt", "ec_paramgen_curve:P-224"],
    "k256": ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "rsa1024": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "rsa2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa4096": ["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "ed25519": ["ED25519"],
}

# ---- DER (X.690) --------------------------------------------------------------------------------


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def sequence(*parts):
    return der(0x30, *parts)


def integer(value):
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def base128(value):
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    return der(0x06, base128(40 * first + second), *map(base128, rest))


def name(common, tag=0x0C):
    return sequence(der(0x31, sequence(oid("2.5.4.3"), der(tag, common.encode()))))


def time(text):
    return der(0x18 if len(text) == 15 else 0x17, text.encode())


# ---- signatures ---------------------------------------------------------------------------------

RSADSI = "1.2.840.113549.1.1."
RSA_WITH = {"md5": "4", "sha1": "5", "sha224": "14", "sha256": "11", "sha384": "12", "sha512": "13"}
ECDSA_WITH = {"sha1": "1", "sha224": "3.1", "sha256": "3.2", "sha384": "3.3", "sha512": "3.4"}
HASHES = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}


def pss(digest):
    hashed = sequence(oid(HASHES[digest]), der(0x05))
    mask = sequence(oid(RSADSI + "8"), hashed)
    salt = hashlib.new(digest).digest_size
    return sequence(oid(RSADSI + "10"), sequence(der(0xA0, hashed), der(0xA1, mask),
                                                 der(0xA2, integer(salt))))


def algorithm(kind, digest):
    """AlgorithmIdentifier of a signature with a key of this kind; "pss-sha256" is a digest here."""
    if kind == "ed25519":
        return sequence(oid("1.3.101.112"))
    if digest.startswith("pss-"):
        return pss(digest[4:])
    if kind.startswith("rsa"):
        return sequence(oid(RSADSI + RSA_WITH[digest]), der(0x05))
    return sequence(oid("1.2.840.10045.4." + ECDSA_WITH[digest]))


# ---- extensions ---------------------------------------------------------------------------------

USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
          "keyAgreement", "keyCertSign", "cRLSign"]
PURPOSES = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2",
            "code": "1.3.6.1.5.5.7.3.3", "ocsp": "1.3.6.1.5.5.7.3.9", "any": "2.5.29.37.0"}


def extension(number, value, critical=False):
    return sequence(oid(number), der(0x01, b"\xff") if critical else b"", der(0x04, value))


def usage(*names):
    bits = sum(0x80 >> USAGES.index(each) for each in names)
    unused = next(n for n in range(8) if bits >> n & 1)
    return extension("2.5.29.15", der(0x03, bytes([unused, bits])), critical=True)


def purposes(*names):
    return extension("2.5.29.37", sequence(*(oid(PURPOSES[each]) for each in names)))


def basic(authority=True, length=None):
    parts = [der(0x01, b"\xff")] if authority else []
    return extension("2.5.29.19", sequence(*parts, b"" if length is None else integer(length)),
                     critical=True)


def dns(text):
    return der(0x82, text.encode())


def address(text):
    return der(0x87, ipaddress.ip_address(text).packed)


def directory(common):
    return der(0xA4, name(common))


def network(text):
    where = ipaddress.ip_network(text)
    return der(0x87, where.network_address.packed + where.netmask.packed)


def alternative(*names):
    return extension("2.5.29.17", sequence(*names))


def constraints(permitted=(), excluded=()):
    def subtrees(tag, names):
        return der(tag, *(sequence(each) for each in names)) if names else b""
    return extension("2.5.29.30", sequence(subtrees(0xA0, permitted), subtrees(0xA1, excluded)),
                     critical=True)


UNKNOWN = "1.3.6.1.4.1.55555.1"

# ---- certificates -------------------------------------------------------------------------------


class Key:
    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        openssl("genpkey", "-algorithm", *KEYS[kind], "-out", path)
        self.info = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
        self.identifier = hashlib.sha1(self.info).digest()

    @property
    def pin(self):
        return "sha256//" + base64.b64encode(hashlib.sha256(self.info).digest()).decode()

    def sign(self, data, digest):
        (self.path.parent / "tbs").write_bytes(data)
        if self.kind == "ed25519":
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path,
                           "-in", self.path.parent / "tbs")
        padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        plain = digest.removeprefix("pss-")
        return openssl("dgst", f"-{plain}", *(padding if plain != digest else []),
                       "-sign", self.path, self.path.parent / "tbs")


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], stdin=subprocess.DEVNULL,
                          capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Certificate:
    def __init__(self, body, key, subject):
        self.der, self.key, self.subject = body, key, subject

    @property
    def pem(self):
        return ("-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(self.der).decode()
                + "-----END CERTIFICATE-----\n")

    def damaged(self):
        """With another last bit of its signature."""
        return Certificate(self.der[:-1] + bytes([self.der[-1] ^ 1]), self.key, self.subject)


class Workshop:
    """Issues certificates below `directory`; keys of one label are the same."""

    def __init__(self, directory):
        self.directory, self.keys, self.serial = directory, {}, 1000

    def key(self, kind, label):
        if (kind, label) not in self.keys:
            self.keys[kind, label] = Key(self.directory / f"{kind}-{label}.key", kind)
        return self.keys[kind, label]

    def issue(self, common, extensions, issuer=None, kind="p256", label=None, digest="sha256",
              version=3, inner=None, dates=("20200101000000Z", "20491231235959Z"), signer=None,
              identifiers=True, key=None):
        """`inner`: the digest named inside, if another; `signer`: likewise, whose key signs."""
        key = key or self.key(kind, label or common)
        subject = name(common)
        by = signer or (issuer.key if issuer else key)
        ids = [extension("2.5.29.14", der(0x04, key.identifier))] if identifiers else []
        if identifiers and issuer:
            ids.append(extension("2.5.29.35", sequence(der(0x80, issuer.key.identifier))))
        self.serial += 1
        body = sequence(
            der(0xA0, integer(version - 1)) if version > 1 else b"", integer(self.serial),
            algorithm(by.kind, inner or digest), issuer.subject if issuer else subject,
            sequence(*(der(0x18, each.encode()) for each in dates)), subject, key.info,
            der(0xA3, sequence(*extensions, *ids)) if extensions else b"")
        signed = sequence(body, algorithm(by.kind, digest),
                          der(0x03, b"\0", by.sign(body, digest)))
        return Certificate(signed, key, subject)
