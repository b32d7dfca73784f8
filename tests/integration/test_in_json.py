"""--json: every command about identities, certificates and keys answers in JSON."""
import json

import pytest


@pytest.fixture
def files(thimble, lab, tmp_path):
    """What the words below stand for."""
    thimble("key", "gen", "--out", tmp_path / "key").ends(0)
    return {"KEY": tmp_path / "key", "NEW": tmp_path / "new", "CHAIN": lab.path("ec", "server.pem"),
            "ROOT": lab.path("ec", "root.pem"), "CERT": lab.path("ec", "client.pem"),
            "OURS": lab.path("ec", "client.key"), "IDS": tmp_path / "ids"}


def answer(thimble, files, words, code=0):
    done = thimble(*[files.get(word, word) for word in words.split()], "--json").ends(code)
    return json.loads(done.out)


@pytest.mark.parametrize("words, members, code", [
    ("cert show CHAIN", {"certificates"}, 0),
    ("cert check CHAIN", {"status", "file", "state", "subject", "date", "days", "certificates"}, 0),
    ("cert verify CHAIN --cafile ROOT --host localhost", {"file", "state"}, 0),
    ("cert verify CHAIN --cafile ROOT --host other.test", {"file", "state"}, 73),
    ("cert pin CHAIN", {"pins"}, 0),
    ("cert pin --ca CHAIN", {"pins"}, 0),
    ("cert bundle ROOT", {"pem"}, 0),
    ("cert bundle ROOT --out NEW", {"file"}, 0),
    ("key gen --out NEW", {"file"}, 0),
    ("key status KEY", {"key", "curve", "key_bits", "encrypted", "mode", "private", "pin"}, 0),
    ("csr --key KEY --subject /CN=x", {"pem"}, 0),
    ("csr --key KEY --subject /CN=x --out NEW", {"file"}, 0),
])
def test_files(thimble, files, words, members, code):
    assert set(answer(thimble, files, words, code)) == members


def test_identities(thimble, files):
    where = "--identity-dir IDS"
    take = f"identity import device --cert CERT --key OURS {where}"
    shown = [answer(thimble, files, take), answer(thimble, files, take)]
    assert [one["generation"] for one in shown] == [1, 2]
    assert answer(thimble, files, f"identity use device a {where}") == shown[0]
    assert answer(thimble, files, f"identity rollback device {where}") == shown[1]
    assert answer(thimble, files, f"identity show device {where}") == shown[1]
    assert answer(thimble, files, f"identity ls {where}") == [shown[1]]
    assert answer(thimble, files, f"identity export device {where}")["pem"] == files["CERT"].read_text()
    assert answer(thimble, files, f"identity export device --out NEW {where}") == {"file": str(files["NEW"])}
