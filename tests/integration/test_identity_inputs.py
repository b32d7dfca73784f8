"""thimble identity import takes what is good, and of what is not it says which file, what is wrong
and what to do, with the code of its kind; and stores nothing."""
import base64
import os
import pathlib
import subprocess

import pytest

from forge import CA, CLIENT, NOT_CA, SERVER, Forge

PAST = ("20200101000000Z", "20210101000000Z")
FUTURE = ("20900101000000Z", "20950101000000Z")


def openssl(*words, stdin=b""):
    done = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def der(pem):
    lines = pem.decode().split("-----\n")[1].split("\n-----")[0]
    return base64.b64decode(lines)


def pem(label, content):
    text = base64.encodebytes(content).decode().replace("\n", "")
    lines = "\n".join(text[at:at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


class Supply(Forge):
    """Every certificate and key the inputs are made of."""

    def __init__(self, directory):
        super().__init__(directory)
        leaf = {"good": {}, "other": {}, "p384": {"key": "p384"}, "rsa": {"key": "rsa2048"},
                "rsa4096": {"key": "rsa4096"}, "otherrsa": {"key": "rsa2048"},
                "rsa1024": {"key": "rsa1024"}, "p224": {"key": "p224"}, "p521": {"key": "p521"},
                "ed25519": {"key": "ed25519"}, "sha1": {"digest": "sha1"},
                "expired": {"dates": PAST}, "future": {"dates": FUTURE}}
        for name, how in leaf.items():
            self.issue(name, NOT_CA, CLIENT, **how)
        self.issue("server", NOT_CA, SERVER)
        self.issue("signer", NOT_CA, "extendedKeyUsage = codeSigning")
        self.issue("encipher", NOT_CA, "keyUsage = critical, keyEncipherment")
        self.issue("agree", NOT_CA, CLIENT, "keyUsage = critical, keyAgreement")
        self.issue("plain", NOT_CA)
        self.issue("middle", CA)
        self.issue("below", NOT_CA, CLIENT, issuer="middle")
        self.issue("old", CA, dates=PAST)
        self.issue("belowold", NOT_CA, CLIENT, issuer="old")
        self.issue("thin", CA, key="rsa1024")
        self.issue("belowthin", NOT_CA, CLIENT, issuer="thin")

    def cert(self, name):
        return self.path(f"{name}.pem").read_bytes()

    def own(self, name):
        return self.path(f"{name}.crt").read_bytes()

    def key(self, name, kind=None):
        return super().key(name, kind) if kind else self.path(f"{name}.key").read_bytes()


@pytest.fixture(scope="module")
def supply(tmp_path_factory):
    return Supply(tmp_path_factory.mktemp("supply"))


def fifo(path):
    os.mkfifo(path)


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1:]


def cut(part):
    return lambda s: (s.cert("good")[:int(len(s.cert("good")) * part)], s.key("good"))


def cut_key(part):
    return lambda s: (s.cert("good"), s.key("good")[:int(len(s.key("good")) * part)])


def named(certificate, key=None):
    return lambda s: (s.cert(certificate), s.key(key or certificate))


def with_cert(change):
    return lambda s: (change(s.cert("good")), s.key("good"))


def with_key(change):
    return lambda s: (s.cert("good"), change(s.key("good")))


def in_body(data):
    """In the middle of a line of base64."""
    return lambda content: content[:200] + data + content[200 + len(data):]


def locked(*how):
    return lambda key: openssl(*how, "-passout", "pass:x", stdin=key)


def request(s):
    return openssl("req", "-new", "-key", s.path("good.key"), "-subj", "/CN=x", "-batch")


CERT = b"-----BEGIN CERTIFICATE-----\n"

# name: (certificate and key, and roots if any; code; part of the sentence)
BAD = {
    # ---- no file, or none that can be read
    "no certificate file": (lambda s: (None, s.key("good")), 66, "No such file"),
    "no key file": (lambda s: (s.cert("good"), None), 66, "No such file"),
    "certificate is a directory": (lambda s: (os.mkdir, s.key("good")), 67, "is a directory"),
    "key is a directory": (lambda s: (s.cert("good"), os.mkdir), 67, "is a directory"),
    "certificate is a FIFO": (lambda s: (fifo, s.key("good")), 66, "no regular file"),
    "key is a FIFO": (lambda s: (s.cert("good"), fifo), 66, "no regular file"),
    "key is a device": (lambda s: (s.cert("good"), pathlib.Path("/dev/zero")), 66,
                        "no regular file"),
    "certificate is empty": (with_cert(lambda c: b""), 67, "is empty"),
    "key is empty": (with_key(lambda k: b""), 67, "is empty"),
    "certificate of 1 MB": (with_cert(lambda c: c + b"x" * 1048576), 67, "too large"),
    "key of 1 MB": (with_key(lambda k: b"\n" * 1048576 + k), 67, "too large"),
    "certificate of 1 MB of zeros": (with_cert(lambda c: bytes(1048576)), 67, "too large"),
    # ---- not PEM, not DER
    "certificate is text": (with_cert(lambda c: b"not a certificate\n"), 67,
                            "holds no certificate"),
    "key is text": (with_key(lambda k: b"not a key\n"), 67, "holds no private key"),
    "certificate is binary": (with_cert(lambda c: bytes(range(256)) * 8), 67,
                              "holds no certificate"),
    "key is binary": (with_key(lambda k: bytes(range(256)) * 8), 67, "holds no private key"),
    "certificate is zeros": (with_cert(lambda c: bytes(2000)), 67, "holds no certificate"),
    "certificate is UTF-16": (with_cert(lambda c: c.decode().encode("utf-16")), 67,
                              "holds no certificate"),
    "certificate cut at a tenth": (cut(0.1), 67, "no END line"),
    "certificate cut in the middle": (cut(0.5), 67, "no END line"),
    "certificate cut at nine tenths": (cut(0.9), 67, "no END line"),
    "certificate cut in its END line": (with_cert(lambda c: c[:-12]), 67, "END line"),
    "certificate cut in its BEGIN line": (with_cert(lambda c: c[:15]), 67, "BEGIN line"),
    "key cut in the middle": (cut_key(0.5), 67, "no END line"),
    "key cut at eight tenths": (cut_key(0.8), 67, "no END line"),
    "certificate with '!' in its base64": (with_cert(in_body(b"!")), 67, "not base64"),
    "certificate with a NUL in its base64": (with_cert(in_body(b"\0")), 67, "not base64"),
    "certificate with '=' in the middle": (with_cert(in_body(b"=")), 67, "not base64"),
    "key with '-' in its base64": (with_key(lambda k: k[:60] + b"-" + k[61:]), 67, "not base64"),
    "END line of something else": (with_cert(lambda c: c.replace(b"END CERT", b"END XERT")), 67,
                                   "does not match"),
    "BEGIN line in a block": (with_cert(lambda c: c[:200] + b"\n" + c), 67, "no END line"),
    "BEGIN line without dashes": (with_cert(lambda c: c.replace(b"ICATE-----\n", b"ICATE\n", 1)),
                                  67, "BEGIN line"),
    "certificate for OpenSSL's trust": (with_cert(
        lambda c: c.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")), 67, "holds no certificate"),
    "request instead of a certificate": (lambda s: (request(s), s.key("good")), 67,
                                         "holds no certificate"),
    "key in place of the certificate": (lambda s: (s.key("good"), s.key("good")), 67,
                                        "holds no certificate"),
    "certificate in place of the key": (lambda s: (s.cert("good"), s.cert("good")), 67,
                                        "holds no private key"),
    "swapped": (lambda s: (s.key("good"), s.cert("good")), 67, "holds no certificate"),
    "public key in place of the key": (with_key(lambda k: openssl("pkey", "-pubout", stdin=k)), 67,
                                       "holds no private key"),
    "EC parameters alone": (with_key(lambda k: openssl("ecparam", "-name", "prime256v1")), 67,
                            "holds no private key"),
    "DER certificate cut off": (with_cert(lambda c: der(c)[:-9]), 67, "cut off"),
    "DER certificate with bytes behind": (with_cert(lambda c: der(c) + b"\n\n"), 67,
                                          "bytes behind its end"),
    "DER key with bytes behind": (with_key(lambda k: der(k) + bytes(8)), 67,
                                  "bytes behind its end"),
    "DER key cut off": (with_key(lambda k: der(k)[:40]), 67, "cut off"),
    "key that is no key inside": (with_key(lambda k: pem("PRIVATE KEY", flipped(der(k), 9))), 67,
                                  "private key"),
    "key of a certificate's bytes": (lambda s: (s.cert("good"),
                                                pem("PRIVATE KEY", der(s.cert("good")))), 67,
                                     "private key"),
    "encrypted key": (with_key(locked("pkcs8", "-topk8", "-v2", "aes256")), 67, "is encrypted"),
    "encrypted key of the old kind": (with_key(locked("ec", "-aes128")), 67, "is encrypted"),
    "two keys": (with_key(lambda k: k + k), 67, "second private key"),
    "ten certificates": (with_cert(lambda c: c * 10), 67, "more than 9"),
    # ---- damaged
    "damaged inside": (with_cert(lambda c: pem("CERTIFICATE", flipped(der(c), 5))), 69,
                       "is damaged"),
    "half inside whole PEM": (with_cert(lambda c: pem("CERTIFICATE", der(c)[:100])), 69,
                              "is damaged"),
    "bytes behind inside PEM": (with_cert(lambda c: pem("CERTIFICATE", der(c) + b"xx")), 69,
                                "is damaged"),
    "a number instead of a certificate": (with_cert(lambda c: pem("CERTIFICATE", b"\x30\x03\x02"
                                                                  b"\x01\x05")), 69, "is damaged"),
    "DER key in place of the certificate": (lambda s: (der(s.key("good")), s.key("good")), 69,
                                            "is damaged"),
    "second certificate damaged": (lambda s: (s.own("below") + pem("CERTIFICATE",
                                                                   der(s.own("middle"))[:200]),
                                              s.key("below")), 69, "number 2"),
    # ---- something else than it must be
    "authority as a device": (named("root"), 65, "authority"),
    "intermediate as a device": (named("middle"), 65, "authority"),
    "issuer first": (lambda s: (s.own("middle") + s.own("below"), s.key("below")), 65,
                     "authority"),
    "issuer of somebody else": (lambda s: (s.own("below") + s.own("old"), s.key("below")), 65,
                                "did not issue"),
    "leaf twice": (lambda s: (s.own("good") * 2, s.key("good")), 65, "did not issue"),
    "two leaves": (lambda s: (s.own("good") + s.own("other"), s.key("good")), 65,
                   "did not issue"),
    "a gap in the chain": (lambda s: (s.own("below") + s.own("root"), s.key("below")), 65,
                           "did not issue"),
    # ---- strength
    "RSA with 1,024 bits": (named("rsa1024"), 68, "weak key"),
    "P-224": (named("p224"), 68, "weak key"),
    "P-521": (named("p521"), 68, "key"),
    "Ed25519": (named("ed25519"), 68, "key"),
    "SHA-1": (named("sha1"), 68, "hash"),
    "intermediate with RSA-1024": (named("belowthin"), 68, "number 2"),
    # ---- time, use, pair
    "expired": (named("expired"), 70, "2021-01-01"),
    "expired issuer": (named("belowold"), 70, "number 2"),
    "not yet valid": (named("future"), 81, "2090-01-01"),
    "for servers only": (named("server"), 79, "clientAuth"),
    "for signing code": (named("signer"), 79, "clientAuth"),
    "key usage for enciphering": (named("encipher"), 79, "digitalSignature"),
    "key usage for agreement": (named("agree"), 79, "digitalSignature"),
    "key of another certificate": (named("good", "other"), 71, "does not belong"),
    "RSA key of another certificate": (named("rsa", "otherrsa"), 71, "does not belong"),
    "key of another kind": (named("rsa", "good"), 71, "does not belong"),
    "key of another curve": (named("p384", "good"), 71, "does not belong"),
    # ---- roots
    "no roots file": (lambda s: (s.cert("good"), s.key("good"), None), 66, "No such file"),
    "roots are empty": (lambda s: (s.cert("good"), s.key("good"), b""), 67, "is empty"),
    "roots are a key": (lambda s: (s.cert("good"), s.key("good"), s.key("good")), 67,
                        "holds no certificate"),
    "root is no authority": (lambda s: (s.cert("good"), s.key("good"), s.cert("good")), 67,
                             "no CA certificate"),
}

assert len(BAD) >= 60


def lay(directory, name, content):
    """A file of this content; None: no file; a function makes it; a path is it."""
    path = directory / name
    if isinstance(content, pathlib.Path):
        return content
    if callable(content):
        content(path)
    elif content is not None:
        path.write_bytes(content)
    return path


def importing(thimble, tmp_path, files):
    options = ["--cert", "--key", "--cafile"]
    names = ["the.cert", "the.key", "the.roots"]
    words = [word for option, name, content in zip(options, names, files)
             for word in (option, lay(tmp_path, name, content))]
    return thimble("identity", "import", "n", *words, "--identity-dir", tmp_path / "ids")


@pytest.mark.parametrize("name", BAD)
def test_bad_input(thimble, supply, tmp_path, name):
    make, code, phrase = BAD[name]
    done = importing(thimble, tmp_path, make(supply)).ends_refused(code, "n: ", phrase)
    assert "the." in done.err or "/dev/" in done.err, done.story()
    assert not (tmp_path / "ids").exists()


GOOD = {
    "as it is": named("good"),
    "no purpose said": named("plain"),
    "P-384": named("p384"),
    "RSA-2048": named("rsa"),
    "RSA-4096": named("rsa4096"),
    "with its issuer": named("below"),
    "with roots": lambda s: (s.cert("good"), s.key("good"), s.cert("root")),
    "CRLF": lambda s: (s.cert("good").replace(b"\n", b"\r\n"),
                       s.key("good").replace(b"\n", b"\r\n")),
    "byte order mark": lambda s: (b"\xef\xbb\xbf" + s.cert("good"), b"\xef\xbb\xbf" + s.key("good")),
    "DER": lambda s: (der(s.cert("good")), der(s.key("good"))),
    "SEC1": with_key(lambda k: openssl("ec", stdin=k)),
    "SEC1 behind its parameters": with_key(
        lambda k: openssl("ecparam", "-name", "prime256v1") + openssl("ec", stdin=k)),
    "PKCS1": lambda s: (s.cert("rsa"), openssl("rsa", "-traditional", stdin=s.key("rsa"))),
    "text around": with_cert(lambda c: b"Bag Attributes\n  friendlyName: x\n" + c + b"\ntail"),
    "no newline at the end": with_cert(lambda c: c.rstrip()),
    "lines of one length": with_cert(lambda c: pem("CERTIFICATE", der(c))),
    "both in both files": lambda s: (s.cert("good") + s.key("good"),) * 2,
}


@pytest.mark.parametrize("name", GOOD)
def test_good_input(thimble, supply, tmp_path, name):
    files = GOOD[name](supply)
    importing(thimble, tmp_path, files).ends(0)
    stored = tmp_path / "ids" / "n" / "a"
    assert (stored / "device_cert").read_bytes() == files[0]
    assert (stored / "private_key").read_bytes() == files[1]
    assert sorted(path.name for path in stored.iterdir()) == sorted(
        ["device_cert", "private_key", "iot_endpoint", "cert_meta", "cert_valid"]
        + (["ca_cert"] if len(files) > 2 else []))
    assert {path.stat().st_mode & 0o7777 for path in stored.iterdir()} == {0o600}
