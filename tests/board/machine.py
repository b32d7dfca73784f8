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
SECONDS = 900


class Board:
    """`kernel` is a directory with vmlinuz and initrd; `drives` are qemu's -drive words, the first
    one that of the root file system."""

    def __init__(self, directory, kernel, *drives):
        self.directory, self.drives = directory, drives
        self.kernel = kernel
        self.process = self.hands = None

    def _words(self):
        return ["qemu-system-x86_64", "-accel", ACCEL, "-cpu", "max", "-m", "512",
                "-nodefaults", "-display", "none", "-no-reboot",
                "-serial", f"file:{self.directory}/console",
                "-kernel", self.kernel / "vmlinuz", "-initrd", self.kernel / "initrd",
                "-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1",
                *(word for drive in self.drives for word in ("-drive", f"{drive},if=virtio")),
                "-netdev", "user,id=wire,ipv6=off", "-device", "virtio-net-pci,netdev=wire",
                "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                "-chardev", f"socket,id=hands,path={self.directory}/hands,server=on,wait=off",
                "-device", "virtserialport,chardev=hands,name=board"]

    def boot(self):
        """Switched on; answers when its systemd has started what it starts."""
        with open(self.directory / "qemu", "wb") as said:
            self.process = subprocess.Popen(list(map(str, self._words())), stdin=subprocess.DEVNULL,
                                            stdout=said, stderr=said)
        began = time.monotonic()
        self.hands = socket.socket(socket.AF_UNIX)
        self.hands.settimeout(SECONDS)
        until(lambda: self.process.poll() is None and self._reaches(), "qemu's socket")
        self.run("true")
        self.seconds = time.monotonic() - began
        return self

    def _reaches(self):
        return self.hands.connect_ex(str(self.directory / "hands")) == 0

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

    def cut_the_power(self):
        """qemu is gone, and with it all that its disk was not given."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.hands:
            self.hands.close()
