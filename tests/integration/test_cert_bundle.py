"""thimble cert bundle: of many CA certificates those that are wanted; and our own chain against an
authority: cert check --cafile, identity import --own-ca."""
import os
import subprocess

import pytest

from fake import nothing
from forge import CA, CLIENT, LOCALHOST, NOT_CA, SERVER, Forge
from test_roots import DEBIAN

PAST = ("20200101000000Z", "20210101000000Z")
FUTURE = ("20900101000000Z", "20950101000000Z")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    many = Forge(tmp_path_factory.mktemp("many"))
    for name, how in {"a": {}, "b": {}, "c": {"key": "rsa2048"}, "old": {"dates": PAST},
                      "future": {"dates": FUTURE}, "weak": {"key": "rsa1024"},
                      "p521": {"key": "p521"}}.items():
        many.issue(name, CA, issuer=None, **how)
    many.issue("leaf", NOT_CA, SERVER, LOCALHOST)
    many.issue("between", CA, issuer="a")
    many.issue("below", NOT_CA, CLIENT, issuer="between")
    many.path("all.txt").write_text("".join(
        many.path(f"{name}.crt").read_text()
        for name in ["c", "old", "root", "b", "leaf", "future", "a", "weak", "b", "p521"]))
    return many


def blocks(text):
    """The certificates in it, as they stand there."""
    end = "-----END CERTIFICATE-----\n"
    return [block[block.index("-----BEGIN"):] + end for block in text.split(end)[:-1]]


def of(many, *names):
    return sorted(many.path(f"{name}.crt").read_text() for name in names)


def test_what_is_kept_and_what_is_not(thimble, many):
    done = thimble("cert", "bundle", many.path("all.txt")).ends(0)
    assert sorted(blocks(done.out.decode())) == of(many, "root", "a", "b", "c")
    for name, why in {"old": "has expired", "future": "is not valid yet", "leaf": "no CA",
                      "weak": "a key that", "p521": "a key that"}.items():
        assert f"CN=forged {name}: " in done.err and why in done.err
    assert "1 were there already" in done.err


def test_order_does_not_depend_on_the_source(thimble, many, tmp_path):
    one = thimble("cert", "bundle", many.path("all.txt")).ends(0).out
    other = tmp_path / "turned.pem"
    other.write_text("".join(reversed(blocks(many.path("all.txt").read_text()))))
    assert thimble("cert", "bundle", other).ends(0).out == one
    assert thimble("cert", "bundle", other, other, "--cafile", other).ends(0).out == one


def test_a_directory_and_the_file_it_makes(thimble, many, tmp_path):
    out = tmp_path / "out.pem"
    out.write_text("what was there")
    thimble("cert", "bundle", many.directory, "--out", out).ends(0)
    assert sorted(blocks(out.read_text())) == of(many, "root", "a", "b", "c", "between")
    assert out.stat().st_mode & 0o777 == 0o644 & ~os.umask(os.umask(0))
    assert [path.name for path in tmp_path.iterdir() if "out.pem" in path.name] == ["out.pem"]
    subprocess.run(["openssl", "verify", "-CAfile", out, many.path("leaf.crt")], check=True,
                   capture_output=True)


def test_the_roots_of_a_system(thimble, tmp_path):
    out = tmp_path / "out.pem"
    thimble("cert", "bundle", DEBIAN, "--out", out).ends(0)
    kept = blocks(out.read_text())
    assert len(set(kept)) == len(kept) > 100
    assert set(kept) <= set(blocks(DEBIAN.read_text()))


@pytest.mark.parametrize("chain, root", [("leaf", "root"), ("below", "a")])
def test_for_a_chain(thimble, many, chain, root):
    done = thimble("cert", "bundle", many.directory, "--for", many.path(f"{chain}.pem")).ends(0)
    assert of(many, root)[0] in blocks(done.out.decode())
    assert len(blocks(done.out.decode())) == (1 if chain == "leaf" else 2)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_for_a_server(thimble, fake, many, tmp_path, tls):
    out, every = tmp_path / "out.pem", tmp_path / "every.pem"
    every.write_text(DEBIAN.read_text() + many.path("root.pem").read_text())
    broker = fake(nothing, tls=many.server("leaf", lowest=tls, highest=tls))
    where = f"localhost:{broker.port}"
    thimble("cert", "bundle", where, "--cafile", every, "--out", out, "--sandbox=require").ends(0)
    assert blocks(out.read_text()) == [many.path("root.pem").read_text()]
    thimble("cert", "verify", where, "--cafile", out).ends(0)


def test_nothing_is_left(thimble, fake, many, tmp_path):
    out = tmp_path / "out.pem"
    out.write_text("as it was")
    broker = fake(nothing, tls=many.server("leaf"))
    where = f"localhost:{broker.port}"
    thimble("cert", "bundle", where, "--cafile", DEBIAN, "--out", out).ends(72)
    thimble("cert", "bundle", where, "--out", out).ends(72)
    thimble("cert", "bundle", many.path("old.crt"), "--out", out).ends_refused(72, "no CA cert")
    thimble("cert", "bundle", "--out", out).ends(72)
    thimble("cert", "bundle", tmp_path / "none", "--out", out).ends(66)
    assert out.read_text() == "as it was"
    thimble("cert", "bundle", many.path("a.crt"), "--out", tmp_path / "no" / "where").ends(66)


# ---- our own chain ------------------------------------------------------------------------------

@pytest.mark.parametrize("trust, status, said", [
    (["a"], 0, "CERT OK"), (["root"], 2, "unknown-ca"),
    (["b", "c", "root"], 2, "unknown-ca"), (["root", "b", "c", "a"], 0, "CERT OK")])
def test_check_of_a_chain(thimble, many, tmp_path, trust, status, said):
    roots = tmp_path / "roots.pem"
    roots.write_text("".join(many.path(f"{name}.crt").read_text() for name in trust))
    chain = many.path("below.pem")
    done = thimble("cert", "check", chain, "--cafile", roots).ends(status)
    assert said in done.out.decode()
    assert status == 0 or (str(chain) in done.err and "72 unknown-ca" in done.err)


def test_verify_with_more_roots_than_are_held(thimble, many, tmp_path):
    roots = tmp_path / "roots.pem"
    roots.write_text(DEBIAN.read_text() + many.path("a.crt").read_text())
    thimble("cert", "verify", many.path("below.pem"), "--cafile", roots).ends(0)
    thimble("cert", "verify", many.path("leaf.pem"), "--cafile", roots).ends(72)
    thimble("cert", "verify", many.path("below.pem"), "--capath", many.directory).ends(0)
    thimble("cert", "verify", many.path("below.pem"), "--tls-use-os-certs").ends(72)


@pytest.mark.parametrize("authority, status", [("a", 0), ("root", 72)])
def test_import_of_a_chain(thimble, many, tmp_path, authority, status):
    """The roots that come along are the broker's; ours are --own-ca's."""
    key = many.path("below.key")
    key.chmod(0o600)
    done = thimble("identity", "import", "own", "--cert", many.path("below.pem"), "--key", key,
                   "--cafile", many.path("b.crt"), "--own-ca", many.path(f"{authority}.crt"),
                   "--identity-dir", tmp_path / "ids").ends(status)
    assert status == 0 or (str(many.path("below.pem")) in done.err and "give its root" in done.err)
    assert (tmp_path / "ids" / "own").exists() == (status == 0)
