"""What does not fit into 32 bits: dates, files, spans of time. The same on every processor."""
import pytest

from fake import nothing
from forge import LOCALHOST, SERVER
from packets import PUBLISH, publish
from test_pub_streams import LIMIT_BYTES

GB = 1 << 30
FILES = [2 * GB - 1, 2 * GB, 4 * GB - 1, 4 * GB, 4 * GB + 5]  # at 32 bits the last one has 5 bytes


def holed(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("size", FILES)
def test_message_file(thimble, fake, tmp_path, size):
    """Refused with its true size; the beginning of it is not sent."""
    broker = fake(lambda peer: peer.greet().drain())
    done = thimble("pub", *broker.plain, "-t", "t", "-f", holed(tmp_path / "file", size))
    done.ends_refused(25, str(size), str(LIMIT_BYTES))
    assert broker.attempts == 0


@pytest.mark.parametrize("size", FILES)
def test_file_that_grows(thimble, lab, topic, tmp_path, size):
    """Key logs are appended, however long the file is."""
    keys = holed(tmp_path / "keys", size)
    thimble("pub", *lab.tls(), "-t", topic, "-n", "--tls-keylog", keys).ends(0)
    with open(keys, "rb") as file:
        file.seek(size)
        assert file.read().startswith((b"CLIENT_", b"SERVER_"))


@pytest.mark.parametrize("size", FILES)
def test_output_that_grows(thimble, lab, topic, tmp_path, size):
    thimble("pub", *lab.tls(), "-t", topic, "-m", "at the end", "-r").ends(0)
    printed = holed(tmp_path / "printed", size)
    with open(printed, "ab") as file:
        thimble("sub", *lab.tls(), "-t", topic, "-C", "1", stdout=file).ends(0)
    with open(printed, "rb") as file:
        file.seek(size)
        assert file.read() == b"at the end\n"


@pytest.mark.parametrize("size", FILES)
def test_certificate_file(thimble, tmp_path, size):
    """Too long to be one."""
    thimble("pub", "-h", "localhost", "-p", "1", "-t", "t", "-n", "--cafile",
            holed(tmp_path / "ca", size)).ends_refused(67, "larger than 1 MiB")


# name: (exit code, from, until); beyond 2049 a certificate says it in another form
DATES = {
    "past 2038": (0, "20200101000000Z", "20380119031408Z"),
    "past 2049": (0, "20200101000000Z", "20500101000000Z"),
    "past 2106": (0, "20200101000000Z", "21060207062816Z"),
    "for ever": (0, "20200101000000Z", "99991231235959Z"),
    "from 2038": (81, "20380119031408Z", "20600101000000Z"),
    "from 2050": (81, "20500101000000Z", "20600101000000Z"),
    "from 2106": (81, "21060207062816Z", "22000101000000Z"),
    "until 1969": (70, "19500101000000Z", "19691231235959Z"),
    "until 1901": (70, "18000101000000Z", "19011213204551Z"),
}


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("name", DATES)
def test_certificate_of_other_times(thimble, fake, forge, name, tls):
    code, begin, end = DATES[name]
    forged = forge.issue(name.replace(" ", "_"), SERVER, LOCALHOST, dates=(begin, end))
    script = nothing if code else lambda peer: peer.greet().drain()
    broker = fake(script, tls=forge.server(forged, lowest=tls, highest=tls))
    thimble("pub", *broker.where, *forge.trust(), "-t", "t", "-m", "x").ends(code)


def test_longest_expiry(thimble, fake):
    """It has 32 bits on the wire; what the client adds it to has more."""
    heard = []

    def script(peer):
        peer.greet()
        heard.append(peer.expect(PUBLISH))
        peer.drain()
    thimble("pub", *fake(script).plain, "-V", "mqttv5", "-t", "t", "-m", "x", "-D", "publish",
            "message-expiry-interval", "4294967295", "--timeout", "86400").ends(0)
    assert heard[0].raw in (b"\x02\xff\xff\xff\xff", b"\x02\xff\xff\xff\xfe")


def test_longest_patience(thimble, fake):
    """Nearly 2^31 milliseconds: not over at once."""
    def script(peer):
        peer.greet().grant()
        peer.is_silent(0.5)
        peer.send(publish("t", b"late"))
        peer.drain()
    done = thimble("sub", *fake(script).plain, "-t", "t", "-C", "1", "-W", "2147483", "-k", "65535",
                   "--timeout", "86400")
    assert done.ends(0).out == b"late\n"
