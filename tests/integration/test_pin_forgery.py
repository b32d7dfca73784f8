"""Certificates that lead by name to a pinned authority, and that nobody we trust has signed."""
import base64
import hashlib
import subprocess

import pytest

from fake import nothing
from forge import CA, LOCALHOST, NOT_CA, SERVER, server

KEY_IDS = "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid"


def pin_of(path):
    key = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.fixture(scope="module")
def forged(forge):
    """`pinned` and `unpinned` are roots we trust; `stranger` has the pinned one's name. What they
    sign of the intermediate, and of the unpinned root, has the same name and key."""
    ids = f"{CA}\n{KEY_IDS}"
    for name, subject in ("pinned", "pinned root"), ("stranger", "pinned root"), (
            "unpinned", "unpinned root"):
        forge.issue(name, CA, "subjectKeyIdentifier = hash", issuer=None, subject=subject)
    forge.issue("between", ids, issuer="unpinned", subject="between")
    forge.issue("below", f"{NOT_CA}\n{SERVER}\n{LOCALHOST}\n{KEY_IDS}", issuer="between")
    forge.issue("direct", f"{NOT_CA}\n{SERVER}\n{LOCALHOST}\n{KEY_IDS}", issuer="unpinned")
    forge.cross("between", "stranger", "between")
    forge.cross("unpinned", "stranger", "unpinned root")
    roots = [forge.path(f"{name}.crt").read_text() for name in ("pinned", "unpinned")]
    forge.path("both.pem").write_text("".join(roots))
    return forge


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("leaf, sent, pinned, code", [
    ("below", ["between"], "unpinned", 7),
    ("below", ["between"], "pinned", 75),
    ("below", ["between-by-stranger", "between"], "pinned", 75),
    ("below", ["between-by-stranger", "between"], "unpinned", 7),
    ("direct", ["unpinned-by-stranger"], "pinned", 75),
    ("direct", ["unpinned-by-stranger"], "unpinned", 7),
])
def test_only_what_was_signed_leads_to_a_pin(thimble, fake, forged, version, leaf, sent, pinned,
                                             code):
    """Who passes gets as far as MQTT, and the server hangs up: 7."""
    chain = forged.path("chain.pem")
    chain.write_text("".join(forged.path(f"{name}.crt").read_text() for name in [leaf, *sent]))
    heard = []
    script = nothing if code == 75 else lambda peer: heard.append(peer.socket.recv(1))
    broker = fake(script, tls=server(chain, forged.path(f"{leaf}.key"), version, version))
    done = thimble("pub", *broker.where, "--cafile", forged.path("both.pem"), "--pin-ca",
                   pin_of(forged.path(f"{pinned}.crt")), "-t", "t", "-n", "--retry", 0)
    done.ends(code)
    assert bool(heard) == (code != 75)
