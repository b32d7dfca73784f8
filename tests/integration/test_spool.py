"""thimble spool: what lies in a queue on disk. The segments are written here, as docs/spool.md says."""
import fcntl
import hashlib
import json
import os
import struct

import pytest

SALT = 0x5EED5EED


def crc32c(data, crc):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def lead(number, end_before=0):
    head = b"thspool1" + struct.pack("<III", number, SALT, end_before)
    return (head + struct.pack("<I", crc32c(head, SALT))) * 2


def record(kind, seq, flags=0, argument=0, body=None):
    size = 20 + (len(body) + 4 if body is not None else 0)
    head = struct.pack("<IBBHQ", size, kind, flags, argument, seq)
    crc = crc32c(head, SALT)
    whole = head + struct.pack("<I", crc)
    return whole if body is None else whole + body + struct.pack("<I", crc32c(body, crc))


def message(seq, topic, payload, qos=1, retain=False, when=1700000000, expiry=None, name=b""):
    flags = qos | (4 if retain else 0) | (16 if expiry else 0)
    body = struct.pack("<QIHH", when, expiry or 0, len(name), 0) + topic + name + payload
    return record(1, seq, flags, len(topic), body)


def state(next_seq, open_list=(), dropped=(0,) * 5, below=0):
    ids = [int.from_bytes(hashlib.sha256(b"an id").digest()[:8], "little") | 1]
    body = struct.pack("<QIQ5QH", next_seq, 19675, 100, *dropped, 8 * len(ids))
    for seq, packet_id, what in open_list:
        body += struct.pack("<QHB", seq, packet_id, what)
    return record(6, below, 0, len(open_list), body + struct.pack("<Q", *ids))


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "spool"
    path.mkdir(mode=0o700)
    return path


def write(place, number, *records, end_before=0):
    path = place / f"{number:08x}.seg"
    path.write_bytes(lead(number, end_before) + b"".join(records))
    path.chmod(0o600)
    return path


@pytest.fixture
def filled(place):
    """1 and 3 are done, 2 is released, 4 was dropped, 5 to 7 wait."""
    first = write(place, 1, state(1), message(1, b"a/1", b"one"), message(2, b"a/2", b"two", qos=2),
                  record(2, 2, argument=77), message(3, b"a/3", b"three"), record(4, 1),
                  record(3, 2, argument=77), record(4, 3), message(4, b"a/4", b"four"),
                  record(5, 4, 1, 1))
    write(place, 2, state(5, [(2, 77, 2)], (1, 0, 0, 0, 0), below=5),
          message(5, b"a/5", b"f\x00\x1b[31mve", retain=True), message(6, b"a/6", b"", qos=0, name=b"id-6"),
          message(7, b"a/\xc3\xbc", b"seven"), end_before=first.stat().st_size)
    return place


def test_ls(thimble, filled):
    out = thimble("spool", "ls", filled).ends(0).out.decode()
    assert [line.split()[0] for line in out.splitlines()] == ["2", "5", "6", "7"]
    assert "2023-11-14T22:13:20Z" in out and "released" in out and "a/ü" in out
    lines = [json.loads(line) for line in thimble("spool", "ls", filled, "--json").ends(0).out.splitlines()]
    assert lines[0] == {"seq": 2, "accepted_at": 1700000000, "topic": "a/2", "qos": 2, "retain": 0, "bytes": 3,
                        "state": "released", "mid": 77, "id": ""}
    assert lines[1]["retain"] == 1 and lines[2]["id"] == "id-6" and lines[3]["topic"] == "a/ü"


def test_cat(thimble, filled):
    assert thimble("spool", "cat", filled, "5").ends(0).out == b"f\x00\x1b[31mve"
    assert thimble("spool", "cat", filled).ends(0).out == b"two\nf\x00\x1b[31mve\n\nseven\n"
    thimble("spool", "cat", filled, "3").ends(66, "there is no message 3")


def test_stat(thimble, filled):
    told = json.loads(thimble("spool", "stat", filled, "--json").ends(0).out)
    assert told["messages"] == 4 and told["open"] == 1 and told["segments"] == 2 and told["full"] == 1
    assert told["disk_bytes"] == sum(path.stat().st_size for path in filled.glob("*.seg"))
    assert told["oldest"] == "2023-11-14T22:13:20Z" and told["damaged_bytes"] == 0
    assert b"messages          4" in thimble("spool", "stat", filled).ends(0).out


def test_drop(thimble, filled):
    assert thimble("spool", "drop", filled, "5").ends(0).out == b"2 messages dropped\n"
    assert not (filled / "00000001.seg").exists()
    assert json.loads(thimble("spool", "drop", filled, "--json").ends(0).out) == {"dropped": 2}
    assert json.loads(thimble("spool", "stat", filled, "--json").ends(0).out)["removed"] == 4
    assert thimble("spool", "ls", filled).ends(0).out == b""


def test_who_has_it(thimble, filled):
    with open(filled / "lock", "w") as lock:
        os.chmod(lock.name, 0o600)
        lock.write(f"{os.getpid():<10}\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        thimble("spool", "drop", filled).ends(66, f"process {os.getpid()} has the spool")
        assert len(thimble("spool", "ls", filled).ends(0).out.splitlines()) == 4


def test_damage_is_told_and_the_rest_is_kept(thimble, filled):
    path = filled / "00000002.seg"
    data = bytearray(path.read_bytes())
    data[data.index(b"a/5") + 5] ^= 4
    path.write_bytes(data)
    run = thimble("spool", "ls", filled).ends(69, "bytes are damaged")
    assert [line.split()[0] for line in run.out.decode().splitlines()] == ["2", "6", "7"]
    assert json.loads(thimble("spool", "stat", filled, "--json").ends(69, "damaged").out)["damaged_bytes"] == 52


def test_an_old_sector_is_no_record(thimble, place):
    """The same record under another salt."""
    path = write(place, 1, state(1), message(1, b"t", b"new"))
    data = path.read_bytes()
    old = struct.pack("<IBBHQ", 48, 1, 1, 1, 2)
    head = old + struct.pack("<I", crc32c(old, SALT + 1))
    path.write_bytes(data + head + b"x" * 28)
    assert len(thimble("spool", "ls", place).ends(0).out.splitlines()) == 1


@pytest.mark.parametrize("words, code, text", [
    (["ls"], 64, "does not fit"), (["ls", "a", "b"], 64, "does not fit"), (["who", "a"], 64, "does not fit"),
    (["cat", "a", "x"], 64, "x does not fit"), (["drop", "a", "0"], 64, "0 does not fit"),
    (["stat", "/nowhere/at/all"], 66, "No such file"),
])
def test_words(thimble, words, code, text):
    thimble("spool", *words).ends(code, text)


def test_others_may_not_read_it(thimble, filled):
    filled.chmod(0o755)
    thimble("spool", "ls", filled).ends(82, "open to other users")
    filled.chmod(0o700)
    (filled / "00000001.seg").chmod(0o644)
    thimble("spool", "ls", filled).ends(82, "open to other users")


def test_help(thimble):
    assert b"drop DIR [SEQ]" in thimble("spool").ends(0).out
    assert b"thimble spool ls" in thimble("spool", "--help").ends(0).out
