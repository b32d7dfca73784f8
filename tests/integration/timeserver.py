"""A time server that does what a script says, right or wrong (RFC 4330), and other times."""
import os
import socket
import struct
import subprocess
import threading
import time

from program import TOP

FROM_1900 = 2208988800


def reply(question, seconds, *, mode=4, leap=0, stratum=2, reference=b"TEST", echo=None):
    """What a server would answer at `seconds` since 1970, in whatever era."""
    date = struct.pack("!II", int(seconds + FROM_1900) & 0xFFFFFFFF, 0)
    return (struct.pack("!BBbbII4s", leap << 6 | 4 << 3 | mode, stratum, 6, -20, 0, 0, reference)
            + date + (question[40:48] if echo is None else echo) + date + date)


class TimeServer:
    """script(question) returns the datagrams to send back."""

    def __init__(self, script):
        self.script = script
        self.questions = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.where = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            question, client = self.socket.recvfrom(512)
            if not question:
                return
            self.questions.append(question)
            for datagram in self.script(question):
                if isinstance(datagram, tuple):  # ("from elsewhere", bytes)
                    self.stranger.sendto(datagram[1], client)
                else:
                    self.socket.sendto(datagram, client)

    def close(self):
        self.stranger.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()
        self.stranger.close()

    def check(self):
        """Nothing of the client is told but that it asks: RFC 4330 section 5."""
        for question in self.questions:
            assert len(question) == 48 and question[0] == 0x23 and not any(question[1:40])
            assert any(question[40:48])
        assert len({question[40:] for question in self.questions}) == len(self.questions)


class Era:
    """Another time for programs that are started with `prefix`; it may change while they run."""

    def __init__(self, directory):
        self.file = directory / "era"
        self.warp = TOP / "build" / "warp"
        self.build()
        self.prefix = [self.warp, self.file]
        self.set_offset(0)

    def build(self):
        tests = TOP / "tests"
        source, header = tests / "integration" / "warp.c", tests / "traced.h"
        if self.warp.exists() and self.warp.stat().st_mtime > max(
                source.stat().st_mtime, header.stat().st_mtime):
            return
        made = f"{self.warp}.{os.getpid()}"
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Wshadow", "-O1", "-std=c11", "-D_GNU_SOURCE",
                        f"-I{tests}", "-o", made, source], check=True)
        os.replace(made, self.warp)

    def set_offset(self, seconds, kernel=-1):
        new = self.file.with_suffix(".new")
        new.write_text(f"{int(seconds)} {kernel}")
        new.replace(self.file)

    def set(self, seconds):
        """It is `seconds` since 1970."""
        self.set_offset(seconds - time.time())
