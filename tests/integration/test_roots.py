"""More roots than fit: bundles, directories and the system's are read when a server names an issuer,
and only what it names is kept."""
import pathlib
import subprocess

import pytest

from fake import nothing
from forge import CA, LOCALHOST, NOT_CA, SERVER, Forge, server
from packets import PUBACK, PUBLISH, ack
from program import SYSTEM_LIBS

DEBIAN = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
MORE_BYTES = 8192  # what a bundle may cost above a single root

PUB = ["-t", "t", "-m", "x", "-q", "1"]


def takes(peer):
    """One message, acknowledged."""
    peer.greet()
    got = peer.expect(PUBLISH)
    peer.send(ack(PUBACK, got.packet_id))
    peer.expect_end()


def bundle(path, *roots):
    path.write_text("".join(root if isinstance(root, str) else root.read_text() for root in roots))
    return path


@pytest.fixture(scope="module")
def ours(forge):
    forge.issue("rooted", NOT_CA, SERVER, LOCALHOST)
    return forge


@pytest.fixture(scope="module")
def debian():
    """Debian's roots, each in its PEM text."""
    text = DEBIAN.read_text()
    return [part + "-----END CERTIFICATE-----\n"
            for part in text.split("-----END CERTIFICATE-----\n")[:-1]]


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("where", ["begin", "middle", "end"])
def test_root_somewhere_in_a_bundle(thimble, fake, ours, debian, tmp_path, where, tls):
    at = {"begin": 0, "middle": len(debian) // 2, "end": len(debian)}[where]
    root = ours.path("root.pem").read_text()
    file = bundle(tmp_path / "all.pem", *debian[:at], root, *debian[at:])
    broker = fake(takes, tls=ours.server("rooted", lowest=tls, highest=tls))
    thimble("pub", *broker.where, "--cafile", file, *PUB, "--sandbox=require").ends(0)
    assert broker.attempts == 2


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_are_held(thimble, fake, ours, debian, tmp_path, count):
    file = bundle(tmp_path / "few.pem", *debian[:count - 1], ours.path("root.pem"))
    broker = fake(takes, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--cafile", file, *PUB).ends(0)
    assert broker.attempts == (1 if count <= 3 else 2)


def test_nobody_signed_it(thimble, fake, ours):
    broker = fake(nothing, tls=ours.server("rooted"))
    done = thimble("pub", *broker.where, "--cafile", DEBIAN, *PUB)
    done.ends_refused(72, "not issued by any of the CA")
    assert broker.attempts == 1


@pytest.fixture(scope="module")
def crossed(forge):
    """A root of ours that also has a certificate of another one's, which the server sends."""
    forge.issue("young", CA, issuer=None, subject="young root")
    forge.issue("below", NOT_CA, SERVER, LOCALHOST, issuer="young")
    forge.cross("young", "root", "young root")
    return bundle(forge.path("crossed.pem"), forge.path("below.crt"), forge.path("young-by-root.crt"))


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("many", [False, True])
def test_root_signed_across(thimble, fake, ours, crossed, debian, tmp_path, many, tls):
    """As Amazon's are: who trusts the younger root need not know the older one."""
    file = bundle(tmp_path / "all.pem", *(debian if many else []), ours.path("young.crt"))
    context = server(crossed, ours.path("below.key"), lowest=tls, highest=tls)
    broker = fake(takes, tls=context)
    thimble("pub", *broker.where, "--cafile", file, *PUB).ends(0)
    broker = fake(nothing, tls=context)
    file = bundle(tmp_path / "without.pem", *debian)
    thimble("pub", *broker.where, "--cafile", file, *PUB).ends_refused(72)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("shown", ["leaf", "chain"])
def test_name_of_a_root_is_no_signature(thimble, fake, ours, tmp_path, debian, tls, shown):
    """The attacker's root has the name of one in the bundle, and another key."""
    directory = tmp_path / "attacker"
    directory.mkdir()
    attacker = Forge(directory)
    attacker.issue("root", CA, issuer=None, subject="forged root")
    attacker.issue("middle", CA)
    attacker.issue("leaf", NOT_CA, SERVER, LOCALHOST)
    attacker.issue("chain", NOT_CA, SERVER, LOCALHOST, issuer="middle")
    file = bundle(tmp_path / "all.pem", *debian, ours.path("root.pem"))
    broker = fake(nothing, tls=attacker.server(shown, lowest=tls, highest=tls))
    done = thimble("pub", *broker.where, "--cafile", file, *PUB)
    assert done.end() in (68, 72), done.story()
    assert broker.attempts == 2  # the second one with the root it named, in vain


def test_root_shown_by_the_attacker(thimble, fake, tmp_path, debian):
    """A chain that brings its own root along."""
    attacker = Forge(tmp_path)
    attacker.issue("leaf", NOT_CA, SERVER, LOCALHOST)
    whole = bundle(tmp_path / "whole.pem", attacker.path("leaf.crt"), attacker.path("root.pem"))
    broker = fake(nothing, tls=server(whole, attacker.path("leaf.key")))
    file = bundle(tmp_path / "all.pem", *debian)
    thimble("pub", *broker.where, "--cafile", file, *PUB).ends_refused(72)


@pytest.mark.parametrize("first", [True, False])
def test_two_roots_of_one_name(thimble, fake, ours, debian, tmp_path, first):
    """Renewed with another key: both are tried."""
    directory = tmp_path / "other"
    directory.mkdir()
    other = Forge(directory)
    other.issue("root", CA, issuer=None, subject="forged root")
    two = [ours.path("root.pem"), other.path("root.pem")]
    file = bundle(tmp_path / "all.pem", *debian[:9], *(two if first else two[::-1]))
    broker = fake(takes, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--cafile", file, *PUB).ends(0)


def test_server_sends_its_root_too(thimble, fake, ours, debian, tmp_path):
    whole = bundle(tmp_path / "whole.pem", ours.path("rooted.crt"), ours.path("root.pem"))
    broker = fake(takes, tls=server(whole, ours.path("rooted.key")))
    file = bundle(tmp_path / "all.pem", *debian, ours.path("root.pem"))
    thimble("pub", *broker.where, "--cafile", file, *PUB).ends(0)


def test_redial_finds_the_new_root(thimble, fake, debian, tmp_path):
    """While the client runs, server and bundle get another root of the same name."""
    old, new = tmp_path / "old", tmp_path / "new"
    forges = []
    for directory in old, new:
        directory.mkdir()
        forges.append(Forge(directory))
        forges[-1].issue("leaf", NOT_CA, SERVER, LOCALHOST)
    file = bundle(tmp_path / "all.pem", *debian[:9], old / "root.pem")

    def once(peer):
        peer.greet()
        broker.tls = forges[1].server("leaf")
        bundle(tmp_path / "next.pem", *debian[:9], new / "root.pem").rename(file)

    broker = fake(once, once, takes, tls=forges[0].server("leaf"))
    client = thimble.start("pub", *broker.where, "--cafile", file, *PUB, "--retry=5",
                           "--backoff=0.05..0.05", "--sandbox=require")
    client.ends(0)


def write_directory(path, roots, hashed):
    path.mkdir()
    for number, root in enumerate(roots):
        file = path / f"{number}.pem"
        file.write_text(root)
        if hashed:
            name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", file], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout.strip()
            file.rename(path / f"{name}.0")
    return path


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("count", [1, 9])
def test_directory(thimble, fake, ours, debian, tmp_path, hashed, count):
    roots = [*debian[:count - 1], ours.path("root.pem").read_text()]
    path = write_directory(tmp_path / "roots", roots, hashed)
    (path / "README").write_text("no certificate")
    broker = fake(takes, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--capath", path, *PUB, "--sandbox=require").ends(0)
    assert broker.attempts == (1 if count == 1 else 2)


def test_damaged_file_in_a_directory(thimble, fake, ours, tmp_path):
    path = write_directory(tmp_path / "roots", [ours.path("root.pem").read_text()], False)
    (path / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\n!!!\n")
    broker = fake(takes, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--capath", path, *PUB).ends(0, "it is left out")


def test_directory_without_roots(thimble, fake, tmp_path):
    (tmp_path / "roots").mkdir()
    done = thimble("pub", "--capath", tmp_path / "roots", *PUB)
    done.ends_refused(67, "holds no certificate")
    thimble("pub", "--capath", tmp_path / "none", *PUB).ends_refused(66, "cannot read")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_roots_of_the_system(thimble, fake, ours, debian, tmp_path, variable):
    roots = [*debian[:5], ours.path("root.pem").read_text()]
    where = (bundle(tmp_path / "all.pem", *roots) if variable == "SSL_CERT_FILE" else
             write_directory(tmp_path / "roots", roots, True))
    broker = fake(takes, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--tls-use-os-certs", *PUB, "--sandbox=require",
            env={variable: str(where)}).ends(0)


def test_roots_of_this_system(thimble, fake, ours):
    """It has some, and none of them is ours; together with ours the broker is trusted."""
    broker = fake(nothing, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--tls-use-os-certs", *PUB).ends_refused(72)
    broker = fake(takes, tls=ours.server("rooted"))
    thimble("pub", *broker.where, "--tls-use-os-certs", *ours.trust(), *PUB).ends(0)


def test_debians_directory(thimble, fake, ours, debian):
    """Links to /usr/share, which the sandbox must allow."""
    broker = fake(nothing, tls=ours.server("rooted"))
    done = thimble("pub", *broker.where, "--capath", "/etc/ssl/certs", *PUB, "--sandbox=require")
    done.ends_refused(72, "not issued by any of the CA")
    assert "left out" not in done.err, done.story()


def test_bundle_vanishes(thimble, fake, ours, debian, tmp_path):
    """After it was read for the first time."""
    file = bundle(tmp_path / "all.pem", *debian[:9])

    def vanish(peer):
        peer.socket.recv(4096)
        file.unlink()
        broker.tls = ours.server("rooted")

    broker = fake(vanish, nothing)
    done = thimble("pub", *broker.where, "--cafile", file, *PUB, "--wait-broker=20",
                   "--backoff=0.05..0.05")
    done.ends_refused(66, "cannot open", "all.pem")


@pytest.mark.skipif(SYSTEM_LIBS, reason="the report has no figures of the distribution's heap")
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_memory(thimble, lab, debian, tmp_path, kind):
    """The bundle's peak is at most 8 KB above that of the one root, in both heaps."""
    file = bundle(tmp_path / "all.pem", *debian, lab.path(kind, "root.pem"))
    words = lab.tls(kind)
    peaks = []
    for roots in lab.path(kind, "root.pem"), file:
        words[words.index("--cafile") + 1] = roots
        done = thimble("pub", *words, *PUB, report=True).ends(0)
        pools = done.report["pools"]
        peaks.append([pools[name]["peak_bytes"] for name in ("shared_heap", "tls_heap")])
    one, all_of_them = peaks
    print(f"\n{kind}: one root {sum(one):,}, Debian's bundle {sum(all_of_them):,} bytes")
    assert sum(all_of_them) - sum(one) <= MORE_BYTES
