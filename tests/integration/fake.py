"""A broker that does what a script says, right or wrong, in plaintext or over TLS."""
import contextlib
import select
import socket
import ssl
import struct
import threading
import time

from packets import CONNECT, DISCONNECT, SUBSCRIBE, Packet, connack, suback
from program import SECONDS


class Peer:
    """One connection of a client, seen from the broker."""

    def __init__(self, connection):
        self.socket = connection
        self.version = 4
        self.connect = None
        self.heard = bytearray()  # everything the client sent

    def _bytes(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                return None
            got += more
        self.heard += got
        return got

    def _length(self):
        value, shift = 0, 0
        while True:
            digit = self._bytes(1)[0]
            value |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return value

    def receive(self):
        """The next packet; None: the client has closed."""
        try:
            first = self._bytes(1)
        except ConnectionError:
            return None
        if first is None:
            return None
        body = self._bytes(self._length())
        return Packet(first[0] >> 4, first[0] & 15, body, self.version)

    def expect(self, kind):
        got = self.receive()
        assert got and got.kind == kind, f"expected packet {kind}, got {got}"
        return got

    def expect_end(self):
        """The client says DISCONNECT, or nothing, and closes."""
        got = self.receive()
        if got:
            assert got.kind == DISCONNECT, got
            assert self.receive() is None
        return got

    def send(self, *packets):
        """In one segment. False: the client has closed; reading shows it too."""
        try:
            self.socket.sendall(b"".join(packets))
        except ConnectionError:
            return False
        return True

    def drip(self, data, seconds=0):
        """Byte for byte, each in a segment (or record) of its own."""
        for at in range(len(data)):
            if not self.send(data[at:at + 1]):
                break
            time.sleep(seconds)

    def hear_connect(self):
        self.connect = self.expect(CONNECT)
        self.version = self.connect.version
        return self.connect

    def greet(self, **more):
        """CONNECT and CONNACK."""
        self.hear_connect()
        self.send(connack(self.version, **more))
        return self

    def grant(self):
        """SUBSCRIBE and SUBACK."""
        wanted = self.expect(SUBSCRIBE)
        codes = bytes(options & 3 for _, options in wanted.filters)
        self.send(suback(wanted.packet_id, codes, self.version))
        return wanted

    def is_silent(self, seconds):
        """True if the client sends nothing for so long."""
        return not select.select([self.socket], [], [], seconds)[0]

    def drain(self):
        """Hears the client to its end, and says nothing."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass

    def finish(self):
        """Has nothing more to say, but hears the client to its end."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # it has gone already
        self.drain()

    def reset(self):
        """Ends the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class FakeBroker:
    """The n-th connection gets the n-th script, all further ones the last. A script is a function
    of a Peer; when it returns the connection is closed."""

    def __init__(self, *scripts, tls=None, address="127.0.0.1"):
        self.scripts = scripts
        self.tls = tls
        self.accepted = []  # when, by the monotonic clock
        self.failures = []
        self.threads = []
        self.closing = False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=family, backlog=64)
        self.port = self.listener.getsockname()[1]
        self._run(self._accept)

    def _run(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.closing:
            if not select.select([self.listener], [], [], 0.02)[0]:
                continue
            connection, _ = self.listener.accept()
            script = self.scripts[min(len(self.accepted), len(self.scripts) - 1)]
            self.accepted.append(time.monotonic())
            self._run(self._play, script, connection)
        self.listener.close()

    def _wrap(self, connection):
        connection.settimeout(SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(connection, server_side=True) if self.tls else connection

    def _play(self, script, connection):
        try:
            try:
                peer = Peer(self._wrap(connection))
            except (ssl.SSLError, OSError):
                connection.close()
                return
            try:
                script(peer)
            finally:
                peer.socket.close()
        except BaseException as failure:
            self.failures.append(failure)

    @property
    def attempts(self):
        return len(self.accepted)

    @property
    def plain(self):
        return ["-h", "127.0.0.1", "-p", self.port, "--no-tls"]

    @property
    def where(self):
        return ["-h", "localhost", "-p", self.port]

    def close(self):
        self.closing = True
        for thread in self.threads:
            thread.join(SECONDS)

    def check(self):
        for failure in self.failures:
            raise failure


# ---- scripts ------------------------------------------------------------------------------------

def nothing(peer):
    """What a server that was refused gets."""
    got = peer.socket.recv(1)
    assert got == b"", "a server that was refused got data"


def says(data):
    def script(peer):
        peer.socket.recv(4096)
        peer.send(data)
        peer.finish()
    return script


def stalls_after(data):
    def script(peer):
        peer.socket.recv(4096)
        peer.send(data)
        peer.drain()
    return script


def resets(peer):
    peer.socket.recv(4096)
    peer.reset()


# ---- between client and broker ------------------------------------------------------------------

class Proxy(FakeBroker):
    """Passes everything on to `port`, but of what comes back only so many bytes; then it closes,
    or stalls."""

    def __init__(self, port, limit_bytes, stall=False):
        self.target, self.limit, self.stall = port, limit_bytes, stall
        super().__init__(self._pass_on)

    def change(self, data):
        return data

    def _pass_on(self, peer):
        with socket.create_connection(("127.0.0.1", self.target)) as behind:
            left = self.limit
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                while left > 0:
                    left = self._pass_some(peer.socket, behind, left)
            if self.stall:
                peer.drain()

    def _pass_some(self, front, behind, left):
        ready = select.select([front, behind], [], [], SECONDS)[0]
        if front in ready:
            data = front.recv(65536)
            behind.sendall(data)
            left = left if data else 0
        if behind in ready:
            data = self.change(behind.recv(left))
            front.sendall(data)
            left -= len(data) if data else left
        return left


class Socks(FakeBroker):
    """A SOCKS5 proxy that leads to the port it is asked for, on this machine; byte by byte if it is
    slow; or answers `reply`."""

    def __init__(self, login=None, reply=0, slow=False, target=None):
        self.login, self.reply, self.slow, self.target = login, reply, slow, target
        self.asked = []
        super().__init__(self._serve)

    def _say(self, peer, data):
        if self.slow:
            peer.drip(data, 0.01)
        else:
            peer.send(data)

    def _field(self, peer):
        return peer._bytes(peer._bytes(1)[0])

    def _let_in(self, peer):
        assert peer._bytes(1) == b"\5"
        methods = self._field(peer)
        if not self.login:
            assert 0 in methods
            self._say(peer, b"\5\0")
            return True
        if 2 not in methods:
            self._say(peer, b"\5\xff")
            return False
        self._say(peer, b"\5\2")
        assert peer._bytes(1) == b"\1"
        right = (self._field(peer), self._field(peer)) == self.login
        self._say(peer, b"\1" + (b"\0" if right else b"\1"))
        return right

    def _hear_request(self, peer):
        assert peer._bytes(3) == b"\5\1\0"
        kind = peer._bytes(1)[0]
        host = {1: lambda: socket.inet_ntop(socket.AF_INET, peer._bytes(4)),
                4: lambda: socket.inet_ntop(socket.AF_INET6, peer._bytes(16)),
                3: lambda: self._field(peer).decode()}[kind]()
        return host, struct.unpack(">H", peer._bytes(2))[0]

    def _serve(self, peer):
        if not self._let_in(peer):
            return
        host, port = self._hear_request(peer)
        self.asked.append((host, port))
        bound = b"\x03\x10bound.to.invalid" if self.slow else b"\1\0\0\0\0"
        self._say(peer, bytes([5, self.reply, 0]) + bound + b"\0\0")
        if self.reply == 0:
            self._pass_on(peer, self.target or port)

    def _pass_on(self, peer, port):
        """Until either side ends. Some brokers end with a reset, when ours said goodbye first."""
        with socket.create_connection(("127.0.0.1", port)) as behind:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                self._relay({peer.socket: behind, behind: peer.socket})

    def _relay(self, ends):
        while True:
            for ready in select.select(list(ends), [], [], SECONDS)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                ends[ready].sendall(data)
