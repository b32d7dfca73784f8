"""What is handed on works where there is nothing else."""
import gzip
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import TOP, made
from program import SECONDS

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
