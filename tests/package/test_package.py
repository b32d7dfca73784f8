"""What is handed on works where there is nothing else."""
import gzip
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import TOP, made
from program import SANDBOX, SECONDS, until

IN_AN_EMPTY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can chroot")


def run(*command, **options):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True,
                          timeout=SECONDS, **options).stdout


def publish_in(root, lab, program):
    """Nothing of this machine is seen there but the network."""
    shutil.copytree(lab.path("ec", ""), root / "etc" / "thimble")
    here = pathlib.Path("/etc/thimble")
    return run("chroot", root, program, "pub", "-h", "127.0.0.1", "-p", lab.ports["ec_port"],
               "--cafile", here / "root.pem", "--cert", here / "client.pem", "--key",
               here / "client.key", "-t", "package", "-q", "1", "-m", "from an empty root")


def configuration(lab):
    """As it is seen in that root."""
    return {"mqtt": {"broker": "127.0.0.1", "port": int(lab.ports["ec_port"])}, "id": "board",
            "tls": {name: f"/etc/thimble/{file}" for name, file in
                    [("cafile", "root.pem"), ("cert", "client.pem"), ("key", "client.key")]},
            "topic": ["to/board"], "qos": 1, "jsonl": True, "spool": "/spool", "inbox": "/in",
            "sandbox": SANDBOX, "backoff": "0.05s..0.1s"}


def hand_in(path, message):
    with socket.socket(socket.AF_UNIX) as inbox:
        inbox.settimeout(SECONDS)
        inbox.connect(str(path))
        inbox.sendall(json.dumps(message).encode() + b"\n")
        return json.loads(inbox.recv(200))


def runs_the_agent_in(root, lab, program):
    """Commands in, messages out through the spool, both over mutual TLS; then it is told to end."""
    shutil.copytree(lab.path("ec", ""), root / "etc" / "thimble")
    (root / "etc/thimble/agent.json").write_text(json.dumps(configuration(lab)))
    lab.log.path.write_text("")
    with open(root / "out", "wb") as out, open(root / "err", "wb") as err:
        words = ["chroot", root, program, "agent", "-c", "/etc/thimble/agent.json"]
        agent = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    try:
        lab.log.await_subscription("to/board")
        run(TOP / "build/thimble", "pub", *lab.tls(), "-t", "to/board", "-q", 1, "-m", "now")
        until(lambda: b'"now"' in (root / "out").read_bytes(), "the command")
        assert hand_in(root / "in", {"topic": "of/board", "payload": "21.5"}) == {"accepted": 1}
        lab.log.await_line("Received PUBLISH from board")
    finally:
        agent.send_signal(signal.SIGTERM)
        code = agent.wait(SECONDS)
    assert code == 0, (root / "err").read_text()


def test_the_package_depends_on_nothing(deb):
    assert run("dpkg-deb", "-f", deb, "Depends", "Pre-Depends") == ""
    assert "INTERP" not in run("readelf", "-lW", TOP / "build" / "thimble")


def test_all_of_it_is_roots_and_nobody_elses_to_write(deb):
    for line in run("dpkg-deb", "-c", deb).splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root" and (mode[0] == "l" or mode[5] == mode[8] == "-"), line


@IN_AN_EMPTY_ROOT
def test_it_publishes_where_nothing_else_is(installed, lab):
    assert publish_in(installed, lab, "/usr/bin/thimble") == ""
    lab.log.await_line("Received PUBLISH")


@IN_AN_EMPTY_ROOT
def test_the_agent_runs_where_nothing_else_is(installed, lab):
    runs_the_agent_in(installed, lab, "/usr/bin/thimble")


def test_its_manual_can_be_read(installed):
    pages = sorted((installed / "usr/share/man/man1").iterdir())
    assert [page.name for page in pages] == sorted(f"{page.name}.gz" for page in
                                                   (TOP / "docs").glob("*.1"))
    for page in pages:
        text = gzip.decompress(page.read_bytes()).decode()
        assert text.startswith((".TH ", ".so ")) and ".so man/" not in text


def test_programs_link_its_library(installed, tmp_path):
    """With what its pkg-config file says."""
    flags = run("sh", "-c", f"sed -n 's/^prefix=//p; s/^Libs.*: //p; s/^Cflags: //p' "
                f"{installed}/usr/lib/pkgconfig/thimble.pc").split()
    assert flags == ["/usr", "-L${libdir}", "-lthimble", "-lpthread", "-I${includedir}"]
    run("cc", "-o", tmp_path / "example", TOP / "docs" / "example.c", f"-I{installed}/usr/include",
        f"-L{installed}/usr/lib", "-lthimble", "-lpthread")
    assert (tmp_path / "example").stat().st_size > 0


def test_it_is_removed_whole(installed):
    run("dpkg", "--force-not-root", f"--root={installed}", f"--log={installed}/log", "-P", "thimble")
    assert not list(installed.glob("usr/**/*thimble*"))


def test_the_same_commit_makes_the_same_package(deb, tmp_path):
    before = deb.read_bytes()
    assert made("deb").read_bytes() == before


@IN_AN_EMPTY_ROOT
def test_the_image_publishes_from_an_empty_root(image, lab, tmp_path):
    run("tar", "-C", tmp_path, "-xf", image)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")
                  if path.is_file()) == ["bin/thimble", "share/doc/thimble/copyright"]
    publish_in(tmp_path, lab, "/bin/thimble")


@IN_AN_EMPTY_ROOT
def test_the_agent_runs_from_the_image(image, lab, tmp_path):
    run("tar", "-C", tmp_path, "-xf", image)
    runs_the_agent_in(tmp_path, lab, "/bin/thimble")
