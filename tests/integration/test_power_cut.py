"""A power cut at any moment leaves the old or the new identity, whole.

The system calls of a change are recorded, and the directory is built anew as it may be after each of
them: with what was not synced lost, kept, or there in part. Of a file that was not synced the length
may be there and the data not; of a directory's changes any may have reached the disk and any not."""
import dataclasses
import json
import os
import random
import re
import shutil
import stat
import subprocess

import pytest

from program import ALL, THIMBLE, environment

CALLS = "open,openat,creat,mkdir,mkdirat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2," \
        "unlink,unlinkat,ftruncate,link,linkat,symlink,symlinkat,close"
LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
VARIANTS = 40 if ALL else 2
PLACES = 1 if ALL else 3  # every third call


def traced(tmp_path, *words):
    """Runs thimble and returns the calls that succeeded: (name, texts, numbers, result)."""
    path = tmp_path / "trace"
    subprocess.run(["strace", "-f", "-qq", "-xx", "-s", "200000", "-o", path, "-e", f"trace={CALLS}",
                    THIMBLE, *map(str, words)], check=True, env=environment(None), capture_output=True)
    calls = []
    for line in path.read_text().splitlines():
        found = LINE.match(line)
        if not found or int(found[3]) < 0:
            continue
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(found[2])]
        rest = TEXT.sub("?", found[2])
        calls.append((found[1], texts, [part.strip() for part in rest.split(",")], int(found[3])))
    assert len(calls) > 20
    return calls


# ---- a disk that may lose what was not synced ----------------------------------------------------

@dataclasses.dataclass
class File:
    data: bytes = b""
    synced: bytes = b""
    mode: int = 0o600


@dataclasses.dataclass
class Folder:
    entries: dict = dataclasses.field(default_factory=dict)  # as the program sees it
    synced: dict = dataclasses.field(default_factory=dict)   # as it is on the disk
    pending: list = dataclasses.field(default_factory=list)  # changes: lists of (name, node or None)
    mode: int = 0o700

    def change(self, *changes):
        self.pending.append(changes)
        self.entries.update(dict(changes))


def loaded(path):
    """What is there before the change, and synced."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if path.is_file():
        return File(path.read_bytes(), path.read_bytes(), mode)
    entries = {each.name: loaded(each) for each in path.iterdir()}
    return Folder(dict(entries), dict(entries), [], mode)


class Disk:
    def __init__(self, top):
        self.path = os.fsencode(top)
        self.top = loaded(top)
        self.open = {}
        self.position = {}

    def _start(self, directory, text):
        """Where a path begins: a folder and what is left of it; None: not in our tree."""
        if text.startswith(b"/"):
            below = text == self.path or text.startswith(self.path + b"/")
            return (self.top, text[len(self.path):]) if below else None
        node = self.open.get(directory)
        return (node, text) if isinstance(node, Folder) else None

    def _find(self, directory, text):
        """(folder, name) of a path; (folder, ".") for a folder itself."""
        start = self._start(directory, text)
        if not start:
            return None
        node, rest = start
        parts = [part for part in os.fsdecode(rest).split("/") if part not in ("", ".")]
        way = [node]
        for part in parts[:-1]:
            if part == "..":
                way.pop()
            else:
                way.append(way[-1].entries[part])
        if parts and parts[-1] == "..":
            return (way[-2], ".") if len(way) > 1 else None
        return way[-1], (parts[-1] if parts else ".")

    def _open(self, directory, text, flags, result):
        self.open.pop(result, None)
        where = self._find(directory, text)
        if not where:
            return
        folder, name = where
        node = folder if name == "." else folder.entries.get(name)
        if "O_CREAT" in flags and node is None:
            node = File()
            folder.change((name, node))
        if "O_TRUNC" in flags:
            node.data = b""
        self.open[result] = node
        self.position[result] = 0

    def _write(self, fd, data):
        node, at = self.open.get(fd), self.position.get(fd, 0)
        if isinstance(node, File):
            node.data = node.data[:at].ljust(at, b"\0") + data + node.data[at + len(data):]
            self.position[fd] = at + len(data)

    def _sync(self, fd):
        node = self.open.get(fd)
        if isinstance(node, File):
            node.synced = node.data
        elif node:
            node.synced, node.pending = dict(node.entries), []

    def _rename(self, old, new):
        (folder, name), (other, new_name) = self._find(*old), self._find(*new)
        assert folder is other
        folder.change((new_name, folder.entries[name]), (name, None))

    def _make(self, directory, text):
        where = self._find(directory, text)
        if where:
            where[0].change((where[1], Folder()))

    def apply(self, call):
        """False: nothing that concerns the disk."""
        name, texts, words, result = call
        if name == "openat":
            self._open(words[0] if not words[0].isdigit() else int(words[0]), texts[0], words[2], result)
        elif name == "open":
            self._open("AT_FDCWD", texts[0], words[1], result)
        elif name == "mkdir":
            self._make("AT_FDCWD", texts[0])
        elif name == "mkdirat":
            self._make(int(words[0]) if words[0].isdigit() else words[0], texts[0])
        elif name == "write":
            self._write(int(words[0]), texts[0])
        elif name in ("fsync", "fdatasync"):
            self._sync(int(words[0]))
        elif name in ("renameat", "renameat2"):
            self._rename((int(words[0]), texts[0]), (int(words[2]), texts[1]))
        elif name == "unlinkat":
            folder, entry = self._find(int(words[0]), texts[0])
            folder.change((entry, None))
        elif name == "close":
            self.open.pop(int(words[0]), None)
            return False
        else:
            raise AssertionError(f"{name}: not known here")
        return True

    # ---- what is left of it ----

    def _survived(self, folder, chance):
        entries = dict(folder.synced)
        for change in folder.pending:
            if chance(change):
                entries.update(dict(change))
        return {name: node for name, node in entries.items() if node is not None}

    def lay(self, path, chance, tear):
        """Writes an image. `chance` says whether a change of a folder survived, `tear` what is left of
        a file."""
        def put(folder, where):
            where.mkdir()
            for name, node in self._survived(folder, chance).items():
                if isinstance(node, Folder):
                    put(node, where / name)
                else:
                    (where / name).write_bytes(tear(node))
                    (where / name).chmod(node.mode)
            where.chmod(folder.mode)
        put(self.top, path)


def images(disk, rng):
    """What may be left: nothing unsynced, all of it, and parts of it at random."""
    yield lambda change: False, lambda node: node.synced
    yield lambda change: True, lambda node: node.data
    yield lambda change: True, lambda node: node.synced
    for _ in range(VARIANTS):
        yield (lambda change: rng.random() < 0.5), (lambda node: torn(node, rng))


def torn(node, rng):
    if node.data == node.synced:
        return node.data
    at = rng.randrange(len(node.data) + 1)
    return rng.choice([node.synced, node.data, node.data[:at], bytes(len(node.data)),
                       node.data[:at] + bytes(len(node.data) - at)])


# ---- the changes ---------------------------------------------------------------------------------

def run(*words):
    return subprocess.run([THIMBLE, *map(str, words)], env=environment(None), capture_output=True)


def whole(top):
    """The files of the identity that counts, after thimble has taken it; None: there is none."""
    done = run("identity", "show", "device", "--json", "--identity-dir", top / "ids")
    if done.returncode == 66:
        return None
    assert done.returncode == 0, done.stderr
    meta = json.loads(done.stdout)
    here = top / "ids/device" / (top / "ids/device/current").read_text().strip()
    return {name: (here / name).read_bytes() for name in ("device_cert", "private_key", "iot_endpoint")
            } | {"certificate_fingerprint": meta["certificate_fingerprint"],
                 "roots": (here / "ca_cert").exists() and (here / "ca_cert").read_bytes()}


def importing(lab, kind, port=8883):
    return ["identity", "import", "device", *lab.identity(kind), "--endpoint", f"{kind}.example:{port}"]


@pytest.fixture
def top(tmp_path):
    path = tmp_path / "top"
    path.mkdir()
    return path


def two_generations(lab, top):
    for kind in ("ec", "rsa"):
        assert run(*importing(lab, kind), "--identity-dir", top / "ids").returncode == 0


CHANGES = {
    "first import": (lambda lab, top: None, lambda lab: importing(lab, "ec")),
    "second import": (lambda lab, top: run(*importing(lab, "ec"), "--identity-dir", top / "ids"),
                      lambda lab: importing(lab, "rsa")),
    "third import": (two_generations, lambda lab: importing(lab, "other")),
    "rollback": (two_generations, lambda lab: ["identity", "rollback", "device"]),
    "use": (two_generations, lambda lab: ["identity", "use", "device", "a"]),
    "last used": (two_generations, lambda lab: ["mem", "plan", lab.path("ec", "server.pem"), "pub",
                                                "--identity", "device", "-h", "localhost", "-t", "t",
                                                "-m", "x"]),
}


SAMPLE = CHANGES if ALL else ["first import", "third import", "rollback", "last used"]


def words_of(change, lab, top):
    words = CHANGES[change][1](lab)
    return [*words, "--identity-dir", top / "ids"]


@pytest.mark.deadline(600)
@pytest.mark.parametrize("change", SAMPLE)
def test_power_cut(lab, tmp_path, top, change, record_property):
    CHANGES[change][0](lab, top)
    before = whole(top)
    disk = Disk(top)
    calls = traced(tmp_path, *words_of(change, lab, top))
    after = whole(top)
    assert after
    rng = random.Random(change)
    count, seen = 0, set()
    for at, call in enumerate(calls):
        if not disk.apply(call):
            continue
        for chance, tear in images(disk, rng):
            image = tmp_path / "image"
            disk.lay(image, chance, tear)
            found = whole(image)
            assert found in (before, after), f"after call {at}, {call[0]}: a mixture"
            seen.add("old" if found == before else "new")
            count += 1
            shutil.rmtree(image)
    disk.lay(tmp_path / "image", lambda change: False, lambda node: node.synced)
    assert whole(tmp_path / "image") == after, "what was done is not on the disk at the end"
    assert seen == {"old", "new"} or before == after
    record_property("power cuts", f"{change}: {count} images, none a mixture")


def test_that_a_missing_sync_is_found(lab, tmp_path, top):
    """The same without any fsync: it must not pass."""
    CHANGES["third import"][0](lab, top)
    before = whole(top)
    disk = Disk(top)
    calls = traced(tmp_path, *words_of("third import", lab, top))
    after = whole(top)
    rng = random.Random(1)
    bad = 0
    for call in calls:
        if call[0] in ("fsync", "fdatasync") or not disk.apply(call):
            continue
        for chance, tear in images(disk, rng):
            disk.lay(tmp_path / "image", chance, tear)
            try:
                bad += whole(tmp_path / "image") not in (before, after)
            except AssertionError:
                bad += 1
            shutil.rmtree(tmp_path / "image")
    assert bad


def killed_at(place, words):
    """False: it came to its end before."""
    calls = "openat,open,mkdir,mkdirat,write,fsync,renameat,unlinkat"
    return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                           f"inject={calls}:signal=KILL:when={place}", THIMBLE, *map(str, words)],
                          env=environment(None), capture_output=True).returncode != 0


@pytest.mark.deadline(600)
@pytest.mark.parametrize("change", SAMPLE)
def test_killed_at_every_call(lab, tmp_path, top, change, record_property):
    """SIGKILL as a call begins; and what was left over disturbs nobody."""
    CHANGES[change][0](lab, top)
    kept = tmp_path / "kept"
    shutil.copytree(top, kept)
    before = whole(top)
    assert run(*words_of(change, lab, top)).returncode == 0
    after = whole(top)
    seen = set()
    for place in range(1, 1000, PLACES):
        shutil.rmtree(top)
        shutil.copytree(kept, top)
        if not killed_at(place, words_of(change, lab, top)):
            break
        found = whole(top)
        assert found in (before, after), f"killed at call {place}: a mixture"
        seen.add("old" if found == before else "new")
        assert run(*importing(lab, "ec", 1), "--identity-dir", top / "ids").returncode == 0
        assert whole(top)["iot_endpoint"] == b"ec.example:1\n"
    assert place > 9 and "old" in seen
    record_property("kills", f"{change}: {(place - 1) // PLACES} places, none a mixture")
