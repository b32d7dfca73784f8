"""A board of qemu's: it is switched on, told what to do, and its power is cut."""
import base64
import os
import socket
import subprocess
import time

from program import until

# Emulated; on a machine that is really shared out, BOARD_ACCEL=kvm is faster. Not by itself, for
# where /dev/kvm is there the guest may still not get far.
ACCEL = os.environ.get("BOARD_ACCEL", "tcg")
# qemu 7.2 does cmpxchg16b wrong as Linux 6.12 uses it: that kernel panics at once.
PROCESSOR = "max,-cx16"
SECONDS = 900


def packed(path, *files):
    """A disk that is a tar file."""
    words = [word for file in files for word in ("-C", file.parent, file.name)]
    subprocess.run(["tar", "-cf", path, *words], check=True)
    return path


class Board:
    """`made` is what tools/board.sh made; its disk is copied to `disk`. What is written to the port
    "ledger" is in a file of that name."""

    def __init__(self, directory, made, disk, package):
        self.directory, self.made, self.disk, self.package = directory, made, disk, package
        self.process = self.hands = self.kernel = None

    def _disk(self, writes):
        """`writes`: where each of them, and each flush, is written down."""
        if not writes:
            return f"file={self.disk},format=raw"
        writes.write_bytes(b"")
        return (f"driver=blklogwrites,file.driver=raw,file.file.filename={self.disk},"
                f"log.driver=raw,log.file.filename={writes}")

    def _port(self, name, how):
        return ["-chardev", f"{how},id={name},path={self.directory}/{name}",
                "-device", f"virtserialport,chardev={name},name={name}"]

    def _words(self, writes):
        return ["qemu-system-x86_64", "-accel", ACCEL, "-cpu", PROCESSOR, "-m", "512",
                "-nodefaults", "-display", "none", "-no-reboot",
                "-serial", f"file:{self.directory}/console",
                "-kernel", self.made / self.kernel / "vmlinuz",
                "-initrd", self.made / self.kernel / "initrd",
                "-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1",
                "-drive", f"{self._disk(writes)},if=virtio",
                "-drive", f"file={self.package},format=raw,readonly=on,if=virtio",
                "-netdev", "user,id=wire,ipv6=off", "-device", "virtio-net-pci,netdev=wire",
                "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                *self._port("board", "socket,server=on,wait=off"), *self._port("ledger", "file")]

    # ---- power ---------------------------------------------------------------------------------

    def is_on(self, kernel):
        return self.process is not None and self.process.poll() is None and self.kernel == kernel

    def boot(self, kernel="stable", writes=None):
        """Answers when its systemd has started what it starts."""
        self.cut_the_power()
        self.kernel = kernel
        began = time.monotonic()
        with open(self.directory / "qemu", "wb") as said:
            self.process = subprocess.Popen(list(map(str, self._words(writes))), stdout=said,
                                            stdin=subprocess.DEVNULL, stderr=said)
        self.hands = socket.socket(socket.AF_UNIX)
        self.hands.settimeout(SECONDS)
        until(self._is_reached, "qemu's socket")
        self.run("true")
        self.seconds = time.monotonic() - began
        return self

    def _is_reached(self):
        assert self.process.poll() is None, (self.directory / "qemu").read_text()
        return self.hands.connect_ex(str(self.directory / "board")) == 0

    def switch_off(self):
        self.hands.sendall(base64.b64encode(b"poweroff") + b"\n")
        self.process.wait(SECONDS)

    def cut_the_power(self):
        """qemu is gone, and with it all that its disk was not given."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.hands:
            self.hands.close()

    # ---- orders ---------------------------------------------------------------------------------

    def try_to(self, script):
        """Run there by bash, as root: the exit status, and what was said."""
        self.hands.sendall(base64.b64encode(script.encode()) + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = self.hands.recv(65536)
            assert piece, (self.directory / "console").read_text(errors="replace")[-4000:]
            answer += piece
        code, said = (answer.decode().split() + [""])[:2]
        return int(code), base64.b64decode(said).decode(errors="replace").rstrip("\n")

    def run(self, script):
        code, said = self.try_to(script)
        assert code == 0, f"{script}\nended with {code}:\n{said}"
        return said

    def until(self, script, seconds=120):
        """Tried again and again, until it succeeds."""
        return until(lambda: self.try_to(script)[0] == 0, script, seconds)
