"""Lists of revoked certificates: who stands in one gets nothing, nor does anybody of whom no list in
force says that he does not."""
import subprocess

import pytest

from every_check import NEXT, long_list, many, whole_bundle
from fake import nothing
from forge import CA, LOCALHOST, NOT_CA, SERVER, Forge
from program import SYSTEM_LIBS
from test_roots import bundle, takes

PUB = ["-t", "t", "-m", "x", "-q", "1"]
KEY = {"ec": "p256", "ec384": "p384", "rsa": "rsa2048", "rsa4096": "rsa4096"}
DIGEST = {"ec": "sha256", "ec384": "sha384", "rsa": "sha256", "rsa4096": "sha512"}


class Authority(Forge):
    """One that also revokes."""

    def serial(self, name):
        done = subprocess.run(["openssl", "x509", "-in", self.path(f"{name}.crt"), "-noout", "-serial"],
                              check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip().split("=")[1]

    def crl(self, name, *revoked, issuer="root", serials=(), dates=NEXT, digest="sha256", key=None,
            extensions=""):
        """NAME.crl, of `issuer`, with these certificates and numbers."""
        lines = [f"R\t480101000000Z\t210101000000Z\t{number}\tunknown\t/CN=x\n"
                 for number in [*map(self.serial, revoked), *serials]]
        self.path(f"{name}-index").write_text("".join(lines))
        self.path(f"{name}-conf").write_text(
            f"[ca]\ndefault_ca = it\n[it]\ndatabase = {name}-index\n[more]\n{extensions}\n")
        self._openssl("ca", "-config", f"{name}-conf", "-gencrl", "-md", digest, *dates,
                      *(["-crlexts", "more"] if extensions else []),
                      "-cert", f"{issuer}.crt", "-keyfile", f"{key or issuer}.key",
                      "-out", f"{name}.crl")
        return self.path(f"{name}.crl")


@pytest.fixture(scope="module", params=KEY)
def authority(request, tmp_path_factory):
    forge = Authority(tmp_path_factory.mktemp(request.param))
    forge.digest = DIGEST[request.param]
    kind = KEY[request.param]
    forge.issue("root", CA, issuer=None, key=kind, digest=forge.digest)
    forge.issue("middle", CA, key=kind, digest=forge.digest)
    forge.issue("good", NOT_CA, SERVER, LOCALHOST)
    forge.issue("bad", NOT_CA, SERVER, LOCALHOST)
    forge.issue("deep", NOT_CA, SERVER, LOCALHOST, issuer="middle", digest=forge.digest)
    return forge


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    forge = Authority(tmp_path_factory.mktemp("ours"))
    forge.issue("middle", CA)
    forge.issue("good", NOT_CA, SERVER, LOCALHOST)
    forge.issue("bad", NOT_CA, SERVER, LOCALHOST)
    forge.issue("deep", NOT_CA, SERVER, LOCALHOST, issuer="middle")
    return forge


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_every_kind_of_signature(thimble, fake, authority, tls):
    file = authority.crl("some", "bad", digest=authority.digest)
    broker = fake(takes, tls=authority.server("good", lowest=tls, highest=tls))
    thimble("pub", *broker.where, *authority.trust(), "--crlfile", file, *PUB,
            "--sandbox=require").ends(0)
    broker = fake(nothing, tls=authority.server("bad", lowest=tls, highest=tls))
    done = thimble("pub", *broker.where, *authority.trust(), "--crlfile", file, *PUB)
    done.ends_refused(74, "of localhost was revoked")


@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize("name, code", [("good", 0), ("bad", 74)])
def test_long_list(thimble, fake, ours, tmp_path, form, name, code):
    """Of more than 100 KB, many times what there is memory for."""
    numbers = many(4000)
    file = ours.crl("long", "bad", serials=numbers)
    if form == "DER":
        subprocess.run(["openssl", "crl", "-in", file, "-outform", "DER", "-out", tmp_path / "der"],
                       check=True)
        file = tmp_path / "der"
    assert file.stat().st_size > 100_000
    broker = fake(takes if code == 0 else nothing, tls=ours.server(name))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB)
    done.ends(code)


@pytest.mark.parametrize("revoked, code, words", [
    ((), 0, ""), (("middle",), 74, "one above it"), (("deep",), 0, "")])
def test_intermediates(thimble, fake, ours, tmp_path, revoked, code, words):
    """A list speaks for its issuer's certificates only: that of the root knows no number of the
    intermediate's."""
    file = bundle(tmp_path / "lists", ours.crl("of_root", *revoked), ours.path("root.pem"),
                  ours.crl("of_middle", issuer="middle"))
    broker = fake(takes if code == 0 else nothing, tls=ours.server("deep"))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB)
    done.ends(code, words)


def test_leaf_below_an_intermediate(thimble, fake, ours):
    file = ours.crl("deep", "deep", issuer="middle")
    broker = fake(nothing, tls=ours.server("deep"))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB)
    done.ends_refused(74, "of localhost was revoked")


def test_no_list_of_the_issuer(thimble, fake, ours):
    broker = fake(nothing, tls=ours.server("deep"))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", ours.crl("other"), *PUB)
    done.ends_refused(65, "no CRL is of the issuer")


@pytest.mark.parametrize("dates, code, word", [
    (["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20210101000000Z"], 70, "expired"),
    (["-crl_lastupdate", "20450101000000Z", "-crl_nextupdate", "20480101000000Z"], 81, "not in force"),
])
def test_dates(thimble, fake, ours, dates, code, word):
    broker = fake(nothing, tls=ours.server("good"))
    file = ours.crl("dated", dates=dates)
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB)
    done.ends_refused(code, word)


def flipped(file, path):
    """The last bit is another."""
    subprocess.run(["openssl", "crl", "-in", file, "-outform", "DER", "-out", path], check=True)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return path


@pytest.fixture
def namesake(tmp_path):
    """An authority of the same name, with another key."""
    directory = tmp_path / "other"
    directory.mkdir()
    return Authority(directory)


@pytest.mark.parametrize("how", ["flipped", "namesake", "issued by it"])
def test_signed_by_somebody_else(thimble, fake, ours, namesake, tmp_path, how):
    if how == "flipped":
        file = flipped(ours.crl("right"), tmp_path / "der")
    elif how == "namesake":
        file = namesake.crl("wrong")
    else:
        ours.issue("pretender", CA, subject="forged root")
        file = ours.crl("wrong", issuer="pretender")
    broker = fake(nothing, tls=ours.server("good"))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB)
    done.ends_refused(69, "not signed by its issuer")


def test_issuer_that_may_not_sign_lists(thimble, fake, ours):
    """RFC 5280 section 6.3.3 (f)."""
    ours.issue("mute", "basicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign")
    ours.issue("its", NOT_CA, SERVER, LOCALHOST, issuer="mute")
    broker = fake(nothing, tls=ours.server("its"))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", ours.crl("mute", issuer="mute"), *PUB)
    done.ends_refused(69, "not signed by its issuer, or that may not")


def test_issuer_with_two_keys(thimble, fake, ours, namesake, tmp_path):
    """A root that was made anew: both are trusted, and the list is signed with the new key."""
    both = bundle(tmp_path / "both.pem", ours.path("root.pem"), namesake.path("root.pem"))
    broker = fake(takes, tls=ours.server("good"))
    thimble("pub", *broker.where, "--cafile", both, "--crlfile", namesake.crl("new"), *PUB).ends(0)


@pytest.mark.parametrize("content, word", [
    (b"", "is empty"), (b"nothing", "holds none"), (b"\x30\x82\x10\x00\x30", "damaged"),
    (b"-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n", "base64"),
    (b"-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n", "damaged"),
    (b"\x30\x84\x7f\xff\xff\xff" + b"\x30" * 9000, "no list")])
def test_no_list_at_all(thimble, tmp_path, ours, content, word):
    (tmp_path / "file").write_bytes(content)
    done = thimble("pub", "-p", "1", *ours.trust(), "--crlfile", tmp_path / "file", *PUB)
    done.ends_refused(67, "CRL", word)


def test_list_is_not_there(thimble, tmp_path, ours):
    done = thimble("pub", "-p", "1", *ours.trust(), "--crlfile", tmp_path / "none", *PUB)
    done.ends_refused(66, "CRL", "cannot open")


def test_cut_off(thimble, tmp_path, ours):
    """Wherever: no list is half a list."""
    subprocess.run(["openssl", "crl", "-in", ours.crl("whole", "bad"), "-outform", "DER", "-out",
                    tmp_path / "der"], check=True)
    whole = (tmp_path / "der").read_bytes()
    for count in range(2, len(whole), 17):
        (tmp_path / "cut").write_bytes(whole[:count])
        done = thimble("pub", "-p", "1", *ours.trust(), "--crlfile", tmp_path / "cut", *PUB)
        done.ends_refused(67, "CRL")


def test_partial_list(thimble, fake, ours):
    file = ours.crl("partial", extensions="issuingDistributionPoint = critical, @point\n"
                    "[point]\nonlyuser = TRUE")
    broker = fake(nothing, tls=ours.server("good"))
    done = thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB)
    done.ends_refused(65, "some certificates only")


def test_numbers_and_harmless_extensions(thimble, fake, ours):
    file = ours.crl("extended", extensions="authorityKeyIdentifier = keyid:always")
    broker = fake(takes, tls=ours.server("good"))
    thimble("pub", *broker.where, *ours.trust(), "--crlfile", file, *PUB).ends(0)


def test_list_is_replaced_while_it_runs(thimble, fake, ours, tmp_path):
    """The connection breaks; when it is made again, without resumption, the new list counts."""
    file = tmp_path / "list.crl"
    file.write_bytes(ours.crl("before").read_bytes())

    def once(peer):
        peer.greet()
        (tmp_path / "next").write_bytes(ours.crl("after", "good").read_bytes())
        (tmp_path / "next").rename(file)

    broker = fake(once, nothing, tls=ours.server("good"))
    client = thimble.start("sub", *broker.where, *ours.trust(), "--crlfile", file, "-t", "t",
                           "--retry=5", "--backoff=0.05..0.05", "--sandbox=require")
    client.ends_refused(74, "was revoked")


def debian_sized(lab, kind, tmp_path):
    folder = lab.directory / kind
    return whole_bundle(tmp_path, folder), long_list(tmp_path, folder)


def test_no_session_of_an_earlier_process(thimble, lab, tmp_path):
    """With lists the certificate is seen each time; with a whole bundle the session saves the
    handshake that would look for the root."""
    file, crl = debian_sized(lab, "ec", tmp_path)
    words = lab.tls("ec")
    words[words.index("--cafile") + 1] = file
    resumed = []
    for more in [], [], ["--crlfile", crl], ["--crlfile", crl]:
        done = thimble("pub", *words, *PUB, *more, "--session-file", tmp_path / "session", report=True)
        done.ends(0)
        resumed.append(done.report["connection"]["resumed"])
    assert resumed == [False, True, False, False]


@pytest.mark.skipif(SYSTEM_LIBS, reason="the report has no figures of the distribution's heap")
@pytest.mark.parametrize("kind, most", [("ec", 15360), ("rsa", 27 * 1024)])
def test_memory(thimble, lab, tmp_path, kind, most):
    """The peak of the TLS heap, with a long list and a whole bundle."""
    bundle_file, crl = debian_sized(lab, kind, tmp_path)
    words = lab.tls(kind)
    words[words.index("--cafile") + 1] = bundle_file
    done = thimble("pub", *words, "--crlfile", crl, *PUB, report=True).ends(0)
    peak = done.report["pools"]["tls_heap"]["peak_bytes"]
    assert peak <= most
