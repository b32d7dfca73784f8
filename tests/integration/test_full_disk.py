"""The store of identities on a disk that is full: what cannot be written whole is not there, what was
there stays, and whoever connects goes on."""
import os
import pathlib
import shutil
import subprocess

import pytest

PAGE_BYTES = 4096
PAGES = 64
MOUNT = 'mount -t tmpfs -o size=$1k none "$0" && echo && exec cat'


class Disk:
    """A tmpfs in a namespace of its own. Whoever has `prefix` sees it at `place`, we at `seen`."""

    def __init__(self, place):
        self.place = place
        place.mkdir()
        self.holder = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", MOUNT, place, str(PAGES * PAGE_BYTES // 1024)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"\n"
        self.prefix = ["nsenter", "-t", self.holder.pid, "-m", "--"]
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{place}")

    def leave(self, pages):
        """So many are free."""
        with open(self.seen / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(PAGE_BYTES)):
                    pass
            except OSError:
                filler.truncate(filler.tell() // PAGE_BYTES * PAGE_BYTES - pages * PAGE_BYTES)

    def tree(self):
        """Every file and directory but the filler, and what it holds."""
        return {str(each.relative_to(self.seen)): each.read_bytes() if each.is_file() else None
                for each in sorted(self.seen.rglob("*")) if each.name != "filler"}

    def put(self, tree):
        """As it was."""
        (self.seen / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.seen / "ids", ignore_errors=True)
        for name, content in tree.items():
            path = self.seen / name
            path.mkdir(0o700) if content is None else path.write_bytes(content)
            path.chmod(0o700 if content is None else 0o600)

    def close(self):
        self.holder.communicate()


@pytest.fixture
def disk(tmp_path):
    if os.getuid() or not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("NOT TESTED: a disk of our own needs root, unshare and nsenter")
    made = Disk(tmp_path / "disk")
    yield made
    made.close()


@pytest.fixture
def identity(thimble, disk):
    def run(*words):
        return thimble("identity", *words, "--identity-dir", disk.place / "ids", prefix=disk.prefix)
    return run


@pytest.fixture
def scene(identity, lab, disk):
    """Two generations, of which b counts; and what is to be done to it."""
    def store(kind):
        return ["import", "device", *lab.identity(kind), "--endpoint", f"localhost:{lab.ports['ec_port']}"]
    identity(*store("rsa")).ends(0)
    identity(*store("ec")).ends(0)
    return {"import": store("rsa"), "use": ["use", "device", "a"], "rollback": ["rollback", "device"],
            "first import": ["import", "other", *lab.identity("ec")]}


GENERATION = {f"ids/device/a/{name}" for name in (
    "ca_cert", "cert_meta", "cert_valid", "device_cert", "iot_endpoint", "private_key")}


def assert_nothing_happened(before, after, command):
    """The generation that does not count may be gone, as one that an import replaces is, or be the new
    one, whole; of a new identity there may be that, and the directories."""
    one = GENERATION if command == "import" else {
        each.replace("device", "other", 1) for each in GENERATION}
    assert {name: after[name] for name in after if name in before and name not in one} == {
        name: before[name] for name in before if name not in one}
    files = {name for name in after if name in one}
    assert files in (set(), one)
    assert set(after) - set(before) - files <= {"ids/other", "ids/other/a"}


@pytest.mark.parametrize("command", ["import", "use", "rollback", "first import"])
def test_a_change_is_whole_or_not_at_all(identity, scene, disk, command):
    """With every number of free pages, until there are enough."""
    before, words = disk.tree(), scene[command]
    for pages in range(PAGES):
        disk.put(before)
        disk.leave(pages)
        if identity(*words).process.returncode == 0:
            break
        identity(*words).ends_refused(66, "No space left on device")
        assert_nothing_happened(before, disk.tree(), command)
        identity("show", "device").ends(0)
    assert pages > 0 and disk.tree() != before
    identity("show", words[1]).ends(0)


def test_who_connects_goes_on(thimble, scene, disk, topic):
    """What would be noted beside the identity (session, date, last use) is not."""
    before = disk.tree()
    disk.leave(0)
    for _ in "12":
        thimble("pub", "--identity", "device", "--identity-dir", disk.place / "ids", "-t", topic, "-m",
                "x", "-q", "1", prefix=disk.prefix).ends(0)
    after = disk.tree()
    assert {name: after[name] for name in before} == before


def test_it_is_imported_once_there_is_space(identity, scene, disk):
    disk.leave(0)
    for command in "first import", "import":
        identity(*scene[command]).ends_refused(66, "No space left on device")
    identity("ls").ends(0)
    (disk.seen / "filler").unlink()
    for command in "import", "first import":
        identity(*scene[command]).ends(0)
