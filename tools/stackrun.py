"""Runs the program with certificates of every kind, and sees how deep its stack was and which calls
it made. Everything stays below build/stack of the profile; keys are kept for the next time.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "integration"))
from forge import CA, CLIENT, LOCALHOST, NOT_CA, SERVER, Forge  # noqa: E402
from lab import Mosquitto, free_port  # noqa: E402

from budget import ENVIRONMENT  # noqa: E402
from frames import Image, Trouble  # noqa: E402

KINDS = {"p256": "sha256", "p384": "sha384", "rsa2048": "sha256", "rsa3072": "sha256",
         "rsa4096": "sha512"}
VERSIONS = ("tlsv1.3", "tlsv1.2")
WATCHED = ("p256", "rsa2048")  # under callgrind, which takes a second for each run
TOPIC = "stack/of/thimble"
SECONDS = 120


def certificates(folder, kind):
    """A root, a server and a client, all of one kind. Keys of 4096 bits take their time."""
    forge_folder = folder / kind
    if not (forge_folder / "done").exists():
        forge_folder.mkdir(parents=True, exist_ok=True)
        forge, how = Forge(forge_folder), {"key": kind, "digest": KINDS[kind]}
        forge.issue("ca", CA, issuer=None, **how)
        forge.issue("server", NOT_CA, SERVER, LOCALHOST, issuer="ca", **how)
        forge.issue("client", NOT_CA, CLIENT, issuer="ca", **how)
        (forge_folder / "done").touch()
    return forge_folder


class Broker:
    """One mosquitto with a listener for each kind."""

    def __init__(self, work):
        self.work = work
        self.ports = {kind: free_port() for kind in KINDS}
        self.files = {kind: certificates(work / "pki", kind) for kind in KINDS}
        lines = ["allow_anonymous true"]
        for kind, files in self.files.items():
            lines += [f"listener {self.ports[kind]} 127.0.0.1", f"cafile {files / 'ca.pem'}",
                      f"certfile {files / 'server.pem'}", f"keyfile {files / 'server.key'}",
                      "require_certificate true"]
        self.mosquitto = Mosquitto(work, *lines)

    def __enter__(self):
        self.mosquitto.start()
        return self

    def __exit__(self, *_):
        self.mosquitto.stop()

    def words(self, kind, version):
        files = self.files[kind]
        return ["-h", "localhost", "-p", self.ports[kind], "--tls-version", version, "-q", "1",
                "--cafile", files / "ca.pem", "--cert", files / "client.pem",
                "--key", files / "client.key", "-t", TOPIC]


def run(words):
    done = subprocess.run([str(word) for word in words], cwd=TOP, env=ENVIRONMENT, text=True,
                          timeout=SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0 and NOT_IN_THIS_BUILD not in done.stdout:
        raise Trouble(f"{' '.join(map(str, words))}\nended with {done.returncode}:\n{done.stdout}")


# What is done over each connection: a retained message, which a subscriber then prints.
COMMANDS = (("pub", "-r", "-m", "x" * 200), ("sub", "-C", "1"), ("sub", "-C", "1", "-F", "%j"))
NOT_IN_THIS_BUILD = "not in this build"


def depths(binary, broker, kind, version, peaks):
    for command, *more in COMMANDS:
        path = broker.work / "report"
        run([binary, command, *broker.words(kind, version), *more, f"--mem-report=json:{path}"])
        for name, phase in json.loads(path.read_text())["phases"].items():
            peaks[kind, name] = max(peaks.get((kind, name), 0), phase["stack_peak_bytes"])


def calls(image, broker, kind, version):
    """(address of the call, of what it called), for all calls the program made."""
    for command, *more in COMMANDS:
        path = broker.work / "callgrind"
        run(["valgrind", "--tool=callgrind", "--dump-instr=yes", "--dump-line=no",
             "--compress-pos=no", f"--callgrind-out-file={path}", image, command,
             *broker.words(kind, version), *more, "--mem-report"])
        lines = path.read_text().splitlines()
        for call, site in zip(lines, lines[1:]):
            if call.startswith("calls="):
                yield int(site.split()[0], 16), int(call.split()[1], 16)


def vdso_bytes(work):
    """How deep this kernel's clock_gettime goes, which is in a page of its own."""
    path = work / "vdso"
    line, = [each for each in open("/proc/self/maps") if "[vdso]" in each]
    low, high = (int(word, 16) for word in line.split()[0].split("-"))
    with open("/proc/self/mem", "rb") as memory:
        memory.seek(low)
        path.write_bytes(memory.read(high - low))
    image = Image(path, nameless=True)
    return max(image.deepest(entry) for entry in list(image.entries)
               if "clock_gettime" in image.symbol_of(entry))


def does(binary, broker, kind, version):
    """A profile may speak one version only, or know one kind only."""
    with contextlib.suppress(Trouble):
        run([binary, "pub", *broker.words(kind, version), "-r", "-m", "x"])
        return True
    return False


def measure(program):
    """({(kind, phase): deepest use}, {(address of a call, of what it called)}), and how deep the
    kernel's own page goes."""
    work = program.build / "stack"
    work.mkdir(exist_ok=True)
    binary, image = program.build / "thimble", program.build / "thimble.full"
    peaks, seen = {}, set()
    with Broker(work) as broker:
        able = [(kind, version) for kind in KINDS for version in VERSIONS
                if program.is_default or does(binary, broker, kind, version)]
        for kind, version in able:
            depths(binary, broker, kind, version, peaks)
            if kind in WATCHED or os.environ.get("THIMBLE_CHECK") == "all":
                seen |= set(calls(image, broker, kind, version))
    if not peaks:
        raise Trouble(f"{binary} did not connect once")
    return peaks, seen, vdso_bytes(work)
