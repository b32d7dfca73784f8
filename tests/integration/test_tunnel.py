"""thimble tunnel: programs that speak plain MQTT reach a broker that demands mutual TLS."""
import hashlib
import os
import pathlib
import pwd
import resource
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

from lab import free_port
from program import SECONDS, told_bytes, until

NOBODY = pwd.getpwnam("nobody").pw_uid
LARGE = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(32768))  # 1 MB


def tunnel_at(thimble, lab, path, *more, kind="ec"):
    return thimble.start("tunnel", *lab.tls(kind), "--listen", path, *more).says("listening at")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mqtt.sock"


@pytest.fixture
def open_path():
    """Where others may go, too."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield pathlib.Path(directory) / "mqtt.sock"


def connected(path):
    probe = socket.socket(socket.AF_UNIX)
    probe.connect(str(path))  # waits while others do; with a timeout it would not
    probe.settimeout(SECONDS)
    return probe


def is_hung_up(probe):
    try:
        return probe.recv(1) == b""
    except ConnectionResetError:
        return True


def stands_still(program, seconds=2):
    """It wakes up a few times at most, and does not turn in circles."""
    return len(program.calls(seconds)) < 50


def subscriber(thimble, lab, topic, *where):
    program = thimble.start("sub", *where, "--no-tls", "-t", topic, "-q", "1", "-C", "1", "-N")
    lab.log.await_subscription(topic)
    return program


@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_messages_both_ways(thimble, lab, path, topic, version, kind):
    tunnel = tunnel_at(thimble, lab, path, "--tls-version", version, "--sandbox=require", kind=kind)
    receiver = subscriber(thimble, lab, topic, "--unix", path)
    thimble("pub", "--unix", path, "--no-tls", "-t", topic, "-q", "1", "-m", "through").ends(0)
    assert receiver.ends(0).out == b"through"
    assert tunnel.is_running()


def test_a_large_message_arrives_whole(thimble, lab, path, topic, tmp_path):
    """It fills every buffer in both directions."""
    (tmp_path / "large").write_bytes(LARGE)
    tunnel_at(thimble, lab, path)
    receiver = subscriber(thimble, lab, topic, "--unix", path)
    thimble("pub", "--unix", path, "--no-tls", "-t", topic, "-q", "1", "-f", tmp_path / "large").ends(0)
    assert receiver.ends(0).out == LARGE


def test_a_program_that_does_not_read_costs_no_time(thimble, lab, path, topic):
    """What the broker sends meanwhile waits there."""
    tunnel = tunnel_at(thimble, lab, path)
    receiver = subscriber(thimble, lab, topic, "--unix", path)
    receiver.signal(signal.SIGSTOP)
    thimble("pub", *lab.tls(), "-t", topic, "-q", "1", "-s", stdin=LARGE).ends(0)
    until(lambda: stands_still(tunnel), "it turns in circles")
    receiver.signal(signal.SIGCONT)
    assert receiver.ends(0).out == LARGE


def test_mosquittos_clients_get_mutual_tls(thimble, lab, topic):
    port = free_port()
    thimble.start("tunnel", *lab.tls(), "--listen-port", port).says("can use our identity")
    receiver = subprocess.Popen(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", topic,
                                 "-q", "1", "-C", "1", "-N"], stdout=subprocess.PIPE)
    lab.log.await_subscription(topic)
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-t", topic, "-q", "2",
                    "-m", "theirs"], check=True, timeout=SECONDS)
    assert receiver.communicate(timeout=SECONDS)[0] == b"theirs"


def test_only_this_machine_reaches_the_port(thimble, lab):
    port = free_port()
    tunnel = thimble.start("tunnel", *lab.tls(), "--listen-port", port).says("listening on")
    listening = subprocess.run(["ss", "-Htlnp", f"sport = :{port}"], stdout=subprocess.PIPE,
                               text=True, check=True).stdout.split()
    assert f"127.0.0.1:{port}" in listening and tunnel.is_running()


def test_one_more_is_turned_away(thimble, lab, path, topic):
    tunnel = tunnel_at(thimble, lab, path)
    held = [connected(path) for _ in range(told_bytes("connections"))]
    more = connected(path)
    assert is_hung_up(more)
    tunnel.says("turned away: all connections are in use")
    held.pop().close()
    until(lambda: thimble("pub", "--unix", path, "--no-tls", "-t", topic, "-m", "room").end() == 0,
          "room for one more")
    for each in (*held, more):
        each.close()


def test_without_a_descriptor_nobody_comes_in(thimble, lab, path, topic):
    """... who came waits, at no cost, until there is one."""
    tunnel = tunnel_at(thimble, lab, path)
    limits = resource.prlimit(tunnel.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(tunnel.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    probe = connected(path)
    assert stands_still(tunnel), "it turns in circles"
    resource.prlimit(tunnel.pid, resource.RLIMIT_NOFILE, limits)
    thimble("pub", "--unix", path, "--no-tls", "-t", topic, "-q", "1", "-m", "room").ends(0)
    probe.close()


def test_its_socket_is_for_us(thimble, lab, path):
    tunnel_at(thimble, lab, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can be somebody else")
@pytest.mark.parametrize("mode, welcome", [("0600", False), ("0666", True)])
def test_others_are_turned_away(thimble, lab, open_path, mode, welcome):
    """Also when the rights of the socket were changed behind our back."""
    tunnel = tunnel_at(thimble, lab, open_path, "--listen-mode", mode)
    open_path.chmod(0o666)
    os.seteuid(NOBODY)
    try:
        probe = connected(open_path)
    finally:
        os.seteuid(0)
    probe.settimeout(SECONDS if not welcome else 0.5)
    if welcome:
        with pytest.raises(TimeoutError):
            probe.recv(1)
    else:
        assert is_hung_up(probe)
        tunnel.says("it is another user's")
    probe.close()


def test_a_wrong_broker_gets_nothing(thimble, lab, path):
    """The program is hung up, the tunnel goes on, and says why."""
    tunnel = thimble.start("tunnel", "-h", "localhost", "-p", lab.ports["ec_port"], "--cafile",
                           lab.path("rsa", "root.pem"), "--cert", lab.path("ec", "client.pem"),
                           "--key", lab.path("ec", "client.key"), "--listen", path)
    tunnel.says("listening at")
    probe = connected(path)
    probe.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
    assert is_hung_up(probe)
    tunnel.says("a connection ended: ")
    assert tunnel.is_running()


def test_it_ends_in_good_order(thimble, lab, path):
    tunnel = tunnel_at(thimble, lab, path)
    probe = connected(path)
    tunnel.signal(signal.SIGTERM).ends(0)
    assert is_hung_up(probe) and not path.exists()


@pytest.mark.parametrize("words, code, text", [
    ([], 64, "--listen: the path is missing"),
    (["--listen", "/nonexistent/socket"], 66, "cannot listen at /nonexistent/socket"),
    (["--listen", "a", "--listen-port", "1"], 64, "give only one of them"),
    (["--listen-port", "1", "--listen-mode", "0600"], 64, "needs --listen"),
    (["--listen", "a", "--qos", "1"], 64, "--qos"),
])
def test_bad_command_lines(thimble, lab, words, code, text):
    thimble("tunnel", *lab.tls(), *words).ends(code, text)


def test_a_file_is_not_replaced(thimble, lab, path):
    path.write_text("precious")
    thimble("tunnel", *lab.tls(), "--listen", path).ends(66, "cannot listen at")
    assert path.read_text() == "precious"


def test_a_port_in_use_is_said(thimble, lab):
    thimble("tunnel", *lab.tls(), "--listen-port", lab.ports["plain_port"]).ends(14, "in use")
