"""The matrix with brokers of other makers: RabbitMQ and ejabberd, as Debian has them. They take
their time to start, so this runs with `make check-all`; one that is not installed is named."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from lab import Log, free_port, is_open
from program import ALL, until
from test_matrix import assert_nothing_is_kept

pytestmark = pytest.mark.deadline(120)


class ErlangBroker:
    """Started below `directory`; stopped with everything it started."""

    user = {}  # role: words

    def __init__(self, directory, lab):
        self.directory, self.lab = directory, lab
        self.port, self.epmd_port, self.node_port = free_port(), free_port(), free_port()
        self.log = Log(directory / "output")

    def start(self):
        self.configure()
        with open(self.log.path, "wb") as output:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), cwd=self.directory, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        until(lambda: is_open(self.port) or self.process.poll() is not None, self.name, 60)
        assert self.process.poll() is None, self.log.text()[-3000:]
        return self

    def environment(self):
        return {**os.environ, "HOME": str(self.directory), "ERL_EPMD_PORT": str(self.epmd_port),
                "ERL_EPMD_ADDRESS": "127.0.0.1", **self.variables()}

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        until(self._stop_epmd, "the end of epmd")

    def _stop_epmd(self):
        done = subprocess.run(["epmd", "-kill"], env=self.environment(), capture_output=True)
        return b"living nodes" not in done.stdout + done.stderr

    def write(self, name, text):
        (self.directory / name).write_text(text)
        return str(self.directory / name)


class RabbitMQ(ErlangBroker):
    """MQTT 3.1.1 only, and of QoS 2 only the receiving side."""

    name, package, program = "RabbitMQ", "rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server"
    versions, published_qos = ["mqttv311"], [0, 1]

    def configure(self):
        file = self.lab.path
        self.write("rabbitmq.conf", f"""
listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = 127.0.0.1:{self.port}
mqtt.allow_anonymous = true
ssl_options.cacertfile = {file("ec", "root.pem")}
ssl_options.certfile = {file("ec", "server.pem")}
ssl_options.keyfile = {file("ec", "server.key")}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
""")
        self.write("plugins", "[rabbitmq_mqtt].")

    def variables(self):
        here = str(self.directory)
        return {"RABBITMQ_NODENAME": "thimble@localhost", "RABBITMQ_DIST_PORT": str(self.node_port),
                "RABBITMQ_MNESIA_BASE": here, "RABBITMQ_LOG_BASE": here, "RABBITMQ_LOGS": "-",
                "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/plugins",
                "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf"}

    def command(self):
        return [self.program]


class Ejabberd(ErlangBroker):
    """MQTT 3.1.1 and 5, everything; wants a name of everybody."""

    name, package, program = "ejabberd", "ejabberd", "/usr/sbin/ejabberdctl"
    versions, published_qos = ["mqttv311", "mqttv5"], [0, 1, 2]
    user = {"pub": ["-u", "pub@localhost", "-P", "x"], "sub": ["-u", "sub@localhost", "-P", "x"]}

    def configure(self):
        file = self.lab.path
        chain = self.write("chain.pem", file("ec", "server.pem").read_text() +
                           file("ec", "server.key").read_text())
        self.write("ejabberd.yml", f"""
hosts: [localhost]
certfiles: ["{chain}"]
ca_file: "{file("ec", "root.pem")}"
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - port: {self.port}
    ip: "127.0.0.1"
    module: mod_mqtt
    tls: true
modules:
  mod_mqtt: {{}}
""")

    def variables(self):
        libraries = pathlib.Path("/usr/lib").glob("*/ejabberd-*/ebin")
        return {"EJABBERD_CONFIG_PATH": f"{self.directory}/ejabberd.yml",
                "EJABBERD_LOG_PATH": f"{self.directory}/log",
                "ERL_LIBS": str(next(libraries).parents[1])}

    def command(self):
        return ["erl", "-sname", "thimble@localhost", "-noinput", "-mnesia", "dir",
                f'"{self.directory}/spool"', "-s", "ejabberd"]


@pytest.fixture(scope="module")
def started(tmp_path_factory, lab):
    """Each is started once, when it is first wanted."""
    brokers = {}

    def get(kind):
        if kind not in brokers:
            brokers[kind] = kind(tmp_path_factory.mktemp(kind.name), lab).start()
        return brokers[kind]
    yield get
    for each in brokers.values():
        each.stop()


@pytest.fixture
def broker(request, started):
    kind = request.param
    if not ALL:
        pytest.skip(f"{kind.name} is started by make check-all only")
    if not shutil.which(kind.program):
        pytest.skip(f"{kind.name} is NOT TESTED: missing, try apt-get install {kind.package}")
    return started(kind)


def cases():
    return [pytest.param(kind, version, qos, id=f"{kind.name}-{version}-{qos}")
            for kind in (RabbitMQ, Ejabberd) for version in kind.versions for qos in (0, 1, 2)]


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("broker, version, qos", cases(), indirect=["broker"])
def test_round_trip(thimble, lab, topic, broker, version, qos, tls):
    """Sent until it is received: these brokers do not tell when a subscription stands."""
    how = ["-h", "localhost", "-p", broker.port, *lab.identity(), "--tls-version", tls,
           "-V", version, "-t", topic, "-q", qos]
    subscribe = ["sub", *how, *broker.user.get("sub", []), "-C", "1", "-v"]
    subscriber = thimble.start(*subscribe, report=True)
    publish = ["pub", *how, *broker.user.get("pub", []), "-m", "x"]
    if qos not in broker.published_qos:
        thimble(*publish).ends_refused(2, "PUBACK")  # a breach of 4.3, and called one
        publish = [*publish, "-q", "1"]
    while subscriber.is_running():
        publisher = thimble(*publish, report=True).ends(0)
        assert_nothing_is_kept(publisher.report)
    assert subscriber.ends(0).out == f"{topic} x\n".encode()
    assert_nothing_is_kept(subscriber.report)
    assert subscriber.report["connection"]["tls_version"] == f"TLSv{tls}"


@pytest.mark.parametrize("broker", [RabbitMQ], indirect=True)
def test_version_it_does_not_speak(thimble, lab, broker):
    """It closes without a word."""
    thimble("pub", "-h", "localhost", "-p", broker.port, *lab.identity(), "-V", "mqttv5", "-t", "t",
            "-n").ends_refused(7)


@pytest.mark.parametrize("broker", [Ejabberd], indirect=True)
@pytest.mark.parametrize("version, code", [("mqttv311", 51), ("mqttv5", 51)])
def test_credentials(thimble, lab, broker, version, code):
    thimble("pub", "-h", "localhost", "-p", broker.port, *lab.identity(), "-V", version, "-t", "t",
            "-n").ends_refused(code, "CONNACK")
