"""OCSP responses byte by byte (RFC 6960), and servers of TLS that staple them: openssl s_server,
whose other end is a script's."""
import _ssl
import ctypes
import datetime
import hashlib
import os
import pathlib
import re
import socket
import subprocess
import threading

import x509
from fake import Peer
from forge import server
from program import SECONDS, until
from x509 import HASHES, algorithm, der, extension, integer, oid, sequence

BASIC = "1.3.6.1.5.5.7.48.1.1"
GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"
STATUS = {GOOD: der(0x80), UNKNOWN: der(0x82),
          REVOKED: der(0xA1, der(0x18, b"20260101000000Z"))}


def moment(hours):
    """So many hours from now, in DER."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return der(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def values(data):
    """What stands side by side in a constructed value, each with its header."""
    found, at = [], content_of(data)
    while at < len(data):
        end = at + content_of(data[at:]) + length_of(data[at:])
        found.append(data[at:end])
        at = end
    return found


def content_of(data):
    return 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)


def length_of(data):
    return int.from_bytes(data[2:content_of(data)], "big") if data[1] & 0x80 else data[1]


def bits_of(info):
    """The key in a SubjectPublicKeyInfo."""
    bits = values(info)[1]
    return bits[content_of(bits) + 1:]


class Issued:
    """A certificate that is there, in PEM, and its key: like those of a workshop."""

    def __init__(self, path, key, kind):
        self.der = x509.openssl("x509", "-in", path, "-outform", "DER")
        fields = values(values(self.der)[0])
        self.serial, self.subject, self.pem = int.from_bytes(fields[1][2:], "big"), fields[5], ""
        self.key = object.__new__(x509.Key)
        self.key.path, self.key.kind, self.key.info = key, kind, fields[6]


def identifier(serial, issuer, digest="sha1"):
    """CertID."""
    def hashed(data):
        return der(0x04, hashlib.new(digest, data).digest())
    return sequence(sequence(oid(HASHES[digest]), der(0x05)), hashed(issuer.subject),
                    hashed(bits_of(issuer.key.info)), integer(serial))


def single(about, status=GOOD, since=-1, till=24, more=b""):
    """Hours from now; `till` None: not said."""
    return sequence(about, STATUS[status], moment(since),
                    b"" if till is None else der(0xA0, moment(till)), more)


def response(singles, by, certificates=(), digest="sha256", more=b"", status=0, damage=False):
    """`by`: the certificate whose key signs."""
    responder = der(0xA2, der(0x04, hashlib.sha1(bits_of(by.key.info)).digest()))
    data = sequence(responder, moment(-1), sequence(*singles), more)
    signature = by.key.sign(data, digest)
    if damage:
        data = data.replace(b"\x80\x00", b"\x82\x00", 1)
    sent = der(0xA0, sequence(*(each.der for each in certificates))) if certificates else b""
    basic = sequence(data, algorithm(by.key.kind, digest), der(0x03, b"\0", signature), sent)
    return sequence(der(0x0A, bytes([status])), der(0xA0, sequence(oid(BASIC), der(0x04, basic))))


CRITICAL = der(0xA1, sequence(extension("1.3.6.1.5.5.7.48.1.9", b"\x05\x00", critical=True)))
HARMLESS = der(0xA1, sequence(extension("1.3.6.1.5.5.7.48.1.9", b"\x05\x00")))


# ---- any bytes at all -------------------------------------------------------------------------

SET_STATUS_CALLBACK, SET_STATUS = 63, 71  # ssl/tls1.h
openssl = ctypes.CDLL(_ssl.__file__)
for function, result, arguments in (
        ("CRYPTO_malloc", "P", "sPi"), ("SSL_ctrl", "l", "PilP"), ("SSL_CTX_callback_ctrl", "l", "PiP")):
    types = {"P": ctypes.c_void_p, "i": ctypes.c_int, "l": ctypes.c_long, "s": ctypes.c_size_t}
    getattr(openssl, function).restype = types[result]
    getattr(openssl, function).argtypes = [types[each] for each in arguments]


def staple(context, answer):
    """Python's ssl module has no word for it; its contexts begin with OpenSSL's."""
    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    def tell(connection, _):
        room = openssl.CRYPTO_malloc(len(answer) + 1, None, 0)  # openssl gives it back
        ctypes.memmove(room, answer, len(answer))
        openssl.SSL_ctrl(connection, SET_STATUS, len(answer), room)
        return 0
    context.tells = tell
    theirs = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    openssl.SSL_CTX_callback_ctrl(theirs, SET_STATUS_CALLBACK, ctypes.cast(tell, ctypes.c_void_p))
    return context


def server_with(directory, chain, answer, version):
    """For a fake broker; `answer` None: it staples nothing."""
    (directory / "chain.pem").write_text("".join(each.pem for each in chain))
    context = server(directory / "chain.pem", chain[0].key.path, lowest=version, highest=version)
    return context if answer is None else staple(context, answer)


# ---- openssl s_server -------------------------------------------------------------------------

def listening_port(pid):
    """Of a process; None: it does not listen yet."""
    links = pathlib.Path(f"/proc/{pid}/fd")
    try:
        inodes = {re.sub(r"\D", "", os.readlink(link)) for link in links.iterdir()}
    except OSError:
        return None
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].split(":")[1], 16)
    return None


class Stapler:
    """Serves one connection with `answer` stapled (None: nothing), and gives what is said over it to
    `script`."""

    def __init__(self, directory, chain, answer, script, version="1.3", *more):
        (directory / "chain.pem").write_text("".join(each.pem for each in chain))
        words = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-quiet",
                 "-cert", directory / "chain.pem", "-cert_chain", directory / "chain.pem",
                 "-key", chain[0].key.path, f"-tls{version.replace('.', '_')}", *more]
        if answer is not None:
            (directory / "answer").write_bytes(answer)
            words += ["-status_file", directory / "answer"]
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(list(map(str, words)), stdin=theirs, stdout=theirs,
                                        stderr=subprocess.DEVNULL)
        theirs.close()
        ours.settimeout(SECONDS)
        self.peer, self.script, self.failure = Peer(ours), script, None
        self.port = until(lambda: listening_port(self.process.pid), "openssl s_server listens")
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def _play(self):
        try:
            self.script(self.peer)
        except BaseException as failure:
            self.failure = failure
        self.peer.socket.close()

    @property
    def where(self):
        return ["-h", "localhost", "-p", self.port]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(SECONDS)
        if self.failure:
            raise self.failure
