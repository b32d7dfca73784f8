"""Stands between a client and a broker, passes everything on and remembers it."""
import select
import socket
import threading

import wire


class Connection:
    """One connection of the client: the bytes of both directions."""

    def __init__(self):
        self.sent, self.received = bytearray(), bytearray()

    def packets(self):
        return wire.conversation(bytes(self.sent), bytes(self.received))


class Recorder:
    """Listens on a TCP port, or on a socket in the file system, and passes on to `target`, which is
    a port or such a path."""

    def __init__(self, target, path=None):
        self.target, self.path = target, path
        self.connections = []
        self.heard = threading.Condition()
        self.closing = False
        self.sockets = []
        self.listener = self._listen()
        self.port = None if path else self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _listen(self):
        if not self.path:
            return socket.create_server(("127.0.0.1", 0), backlog=16)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(16)
        return listener

    def _accept(self):
        while not self.closing:
            if select.select([self.listener], [], [], 0.05)[0]:
                front, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=[front], daemon=True).start()
        self.listener.close()

    def _dial(self, front):
        """The other side; a proxy learns here whom to call."""
        return socket.create_connection(("127.0.0.1", self.target))

    def _serve(self, front):
        try:
            behind = self._dial(front)
        except OSError:
            front.close()
            return
        if behind is None:
            front.close()
            return
        for each in front, behind:
            if each.family == socket.AF_INET:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sockets += [front, behind]
        self._pump(front, behind, self._new_connection())
        front.close()
        behind.close()

    def _new_connection(self):
        with self.heard:
            self.connections.append(Connection())
            return self.connections[-1]

    def _pump(self, front, behind, connection):
        open_ends = {front: (behind, connection.sent), behind: (front, connection.received)}
        while open_ends:
            try:
                ready = select.select(list(open_ends), [], [], 30)[0]
            except (OSError, ValueError):
                return
            if not ready:
                return
            for end in ready:
                if not self._pass_on(end, *open_ends[end]):
                    del open_ends[end]

    def _pass_on(self, end, other, log):
        try:
            data = self.change(end.recv(65536), log)
            with self.heard:
                log += data
                self.heard.notify_all()
            if data:
                other.sendall(data)
            else:
                other.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return bool(data)

    def change(self, data, _):
        return data

    def count(self, name):
        """How many packets of this name the broker has sent."""
        return sum(each["packet"] == name
                   for connection in list(self.connections) for each in connection.packets()[1])

    def await_packets(self, name, count, seconds):
        with self.heard:
            return self.heard.wait_for(lambda: self.count(name) >= count, seconds)

    def cut(self):
        """The network fails."""
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def close(self):
        self.closing = True
        self.cut()


class Refuser(Recorder):
    """Makes every SUBACK a refusal: Debian's broker never refuses on its own."""

    def change(self, data, log):
        if any(log is each.received for each in self.connections) and data[:1] == b"\x90":
            length = data[1] + 2
            return data[:length - 1] + self._refusal() + data[length:]
        return data

    def _refusal(self):
        """3.1.1 knows one, 5.0 many: this is "not authorized"."""
        connect = self.connections[-1].packets()[0][0]
        return b"\x87" if connect["level"] == 5 else b"\x80"


class Socks(Recorder):
    """A SOCKS5 proxy (RFC 1928, 1929) that remembers what was said after its own part."""

    def __init__(self, target, user=None):
        self.user = user
        self.requests = []
        super().__init__(target)

    @staticmethod
    def _exactly(front, count):
        got = b""
        while len(got) < count:
            more = front.recv(count - len(got))
            if not more:
                raise OSError("closed")
            got += more
        return got

    def _method(self, front):
        _, count = self._exactly(front, 2)
        offered = self._exactly(front, count)
        wanted = 2 if self.user else 0
        front.sendall(bytes([5, wanted if wanted in offered else 255]))
        return wanted in offered

    def _authenticated(self, front):
        if not self.user:
            return True
        self._exactly(front, 1)
        words = [self._exactly(front, self._exactly(front, 1)[0]).decode() for _ in range(2)]
        right = ":".join(words) == self.user
        front.sendall(bytes([1, 0 if right else 1]))
        return right

    def _dial(self, front):
        if not self._method(front) or not self._authenticated(front):
            return None
        _, command, _, kind = self._exactly(front, 4)
        length = {1: 4, 4: 16}.get(kind) or self._exactly(front, 1)[0]
        host, port = self._exactly(front, length), self._exactly(front, 2)
        self.requests.append((command, kind, host, port))
        behind = super()._dial(front)
        front.sendall(bytes([5, 0, 0, 1, 127, 0, 0, 1]) + port)
        return behind
