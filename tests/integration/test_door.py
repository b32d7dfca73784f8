"""The door: options files, other names, patience, secrets of the arguments, and what a wrong command
line leaves alone."""
import os
import pathlib
import signal

import pytest


MINUTE_OF_OTHERS = 20


def called(name):
    """Runs thimble by another name."""
    return {"prefix": ("bash", "-c", f'exec -a {name} "$0" "$@"')}


# ---- options files ------------------------------------------------------------------------------

def write_options(path, words):
    """One option to a line, with its value."""
    lines = []
    for word in map(str, words):
        if word.startswith("-"):
            lines.append(word)
        else:
            lines[-1] += " " + word
    path.write_text("# all but the message\n" + "\n".join(lines) + "\n")


def test_options_file(thimble, lab, topic, tmp_path):
    write_options(tmp_path / "options", [*lab.tls(), "-t", topic, "-q", "1"])
    thimble("pub", "-o", tmp_path / "options", "-m", "x").ends(0)
    thimble("pub", "-o", tmp_path / "options", "-m", "x", "-q", "3").ends(64, "-q 3")


@pytest.mark.parametrize("command", ["pub", "sub"])
def test_own_options_file(thimble, lab, topic, tmp_path, command):
    write_options(tmp_path / f"thimble_{command}", [*lab.tls(), "-t", topic])
    words = {"pub": ["-n"], "sub": ["-E"]}[command]
    thimble(command, *words, env={"XDG_CONFIG_HOME": str(tmp_path)}).ends(0)
    thimble(command, *words).ends(64)


def test_wrong_options_file(thimble, tmp_path):
    (tmp_path / "thimble_sub").write_text("-t a\n--bogus\n")
    thimble("sub", env={"XDG_CONFIG_HOME": str(tmp_path)}).ends(
        64, f"line 2 of {tmp_path}/thimble_sub: --bogus: no such option")


def test_options_file_in_the_home_of_others(thimble, lab, topic, tmp_path):
    """Its folder may not even be searched: as if there were none."""
    (tmp_path / "home").mkdir(mode=0)
    powerless = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    pub = thimble("pub", *lab.plain, "-t", topic, "-n", prefix=() if os.getuid() else powerless,
                  env={"XDG_CONFIG_HOME": str(tmp_path / "home")})
    pub.ends(0)


# ---- other names --------------------------------------------------------------------------------

def test_plain_by_default(thimble, lab, topic):
    where = lab.plain[:-1]
    sub = thimble.start(*where, "-t", topic, "-C", "1", **called("mosquitto_sub"))
    lab.log.await_subscription(topic)
    thimble(*where, "-t", topic, "-m", "x", **called("/somewhere/mosquitto_pub")).ends(0)
    assert sub.ends(0).out == b"x\n" and sub.err == ""


def test_their_words_and_status(thimble, lab, topic):
    thimble("-t", topic, "-q", "9", "-n", **called("mosquitto_pub")).ends(
        1, "Error: -q 9: give a whole number from 0 to 2\n")
    assert thimble("--help", **called("mosquitto_rr")).ends(1).out.startswith(b"mosquitto_rr ")
    thimble(*lab.plain[:-1], "-t", topic, "-W", "1", **called("mosquitto_sub")).ends(27, "Error: ")
    thimble("-h", "127.0.0.1", "-p", "1", "-t", topic, "-n", **called("mosquitto_pub")).ends(1)


def test_variables_do_not_count(thimble, lab, topic):
    thimble(*lab.plain[:-1], "-t", topic, "-n", env={"THIMBLE_CAFILE": "/nonexistent"},
            **called("mosquitto_pub")).ends(0)


def test_their_status_under_our_name(thimble, topic):
    where = ["-h", "127.0.0.1", "-p", "1", "--no-tls"]
    thimble("pub", *where, "-t", topic, "-n").ends(4)
    thimble("pub", *where, "-t", topic, "-n", "--exit-codes", "mosquitto").ends(1)
    thimble(*where, "-t", topic, "-n", "--exit-codes", "thimble", **called("mosquitto_pub")).ends(4)


def test_sub_connects_again_each_second(thimble, mosquitto, topic):
    broker = mosquitto("allow_anonymous true").start()
    sub = thimble.start("-p", broker.port, "-h", "127.0.0.1", "-t", topic, **called("mosquitto_sub"))
    broker.log.await_subscription(topic)
    broker.stop()
    broker.log.path.unlink()
    broker.start()
    broker.log.await_subscription(topic)
    assert sub.signal(signal.SIGTERM).ends(0).err == ""


# ---- patience -----------------------------------------------------------------------------------

def test_wait_broker(thimble, mosquitto, topic):
    broker = mosquitto("allow_anonymous true")
    pub = thimble.start("pub", *broker.plain, "-t", topic, "-n", "--wait-broker", "--backoff", "0.2")
    pub.says("trying again")
    broker.start()
    pub.ends(0)


def test_wait_broker_ends(thimble, topic):
    pub = thimble("pub", "-h", "127.0.0.1", "-p", "1", "--no-tls", "-t", topic, "-n",
                  "--wait-broker=1", "--backoff", "0.1..0.2")
    pub.ends_refused(4, "connection refused")
    assert 1 <= pub.seconds < MINUTE_OF_OTHERS


def test_wait_broker_does_not_wait_for_a_change_of_mind(thimble, lab, topic):
    """A certificate nobody vouches for gets no better."""
    tls = lab.tls()
    tls[tls.index("--cafile") + 1] = lab.path("other", "root.pem")
    thimble("pub", *tls, "-t", topic, "-n", "--wait-broker").ends(72)


def test_plain_on_a_tls_port(thimble, lab, topic):
    thimble("pub", "-h", "localhost", "-p", lab.ports["ec_port"], "--no-tls", "-t", topic,
            "-n").ends(7, "does it want TLS here? then leave --no-tls out")


# ---- secrets ------------------------------------------------------------------------------------

def cmdline(program):
    return pathlib.Path(f"/proc/{program.pid}/cmdline").read_bytes()


@pytest.mark.parametrize("words", [
    ["--no-tls", "--proxy", "socks5h://me:53c23753c237@127.0.0.1:1"],
    ["--psk", "53c23753c23753c23753c23753c237ff", "--psk-identity", "me"],
], ids=["proxy", "psk"])
def test_secrets_are_wiped(thimble, topic, words):
    sub = thimble.start("sub", "-h", "127.0.0.1", "-p", "1", "-t", topic, *words, "--retry", "inf")
    sub.says("trying again")
    assert b"53c237" not in cmdline(sub) and b"53c237" not in sub.err.encode()
    assert topic.encode() in cmdline(sub)
    sub.signal(signal.SIGTERM).end()


# ---- files --------------------------------------------------------------------------------------

def test_key_log(thimble, lab, topic, tmp_path):
    path = tmp_path / "keys"
    pub = thimble("pub", *lab.tls(), "-t", topic, "-n", "--tls-keylog", path, "--tls-version", "1.3")
    pub.ends(0, f"whoever can read {path} can read this connection")
    assert os.stat(path).st_mode & 0o777 == 0o600
    names = [line.split()[0] for line in path.read_text().splitlines()]
    assert "CLIENT_TRAFFIC_SECRET_0" in names and "SERVER_TRAFFIC_SECRET_0" in names
    thimble("pub", *lab.tls(), "-t", topic, "-n", "--tls-keylog", path).ends(0)
    assert len(path.read_text().splitlines()) == 2 * len(names)


WRONG = [["-q", "3"], ["-p", "0"], ["--ciphers", "nosuch"], ["--ciphersuites", "nosuch"],
         ["--addr", "nosuch"], ["-A", "nosuch"], ["--servername", "a..b"], ["-h", "a..b"],
         ["--tls-alpn", ",,"], ["--proxy", "http://h"], ["--backoff", "2..1"], ["-V", "4"],
         ["--psk", "00"], ["-D", "publish", "bogus", "x"], ["--ws-path", "/x"], ["--bogus"]]


@pytest.mark.parametrize("words", WRONG, ids=lambda words: words[0])
def test_wrong_command_lines_touch_nothing(thimble, fake, tmp_path, words):
    broker = fake()
    pub = thimble("pub", "-h", "127.0.0.1", "-p", broker.port, "--insecure-no-verify", "-t", "a",
                  "-m", "b", "--tls-keylog", tmp_path / "keys", f"--events={tmp_path}/events", *words)
    pub.ends(64)
    assert len(pub.err.splitlines()) == 1 and words[0] in pub.err, pub.story()
    assert not (tmp_path / "keys").exists() and not (tmp_path / "events").exists()
    assert broker.attempts == 0
