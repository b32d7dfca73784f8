"""Brokers of other makers, as Debian has them, over mutual TLS."""
import contextlib
import os
import pathlib
import signal
import subprocess

from forge import CLIENT, LOCALHOST, NOT_CA, SERVER, Forge
from lab import Log, free_port, is_open
from program import SECONDS, until

VERSIONS, QOS, TLS = ["mqttv311", "mqttv5"], [0, 1, 2], ["1.2", "1.3"]


class Broker:
    """Started below `directory`; stopped with everything it started."""

    lacks = {}  # (version, QoS) it does not support: our exit code and words when it is tried
    heavy = False  # only with make check-all

    def __init__(self, directory, lab):
        self.directory, self.lab = directory, lab
        self.port = free_port()
        self.log = Log(directory / "output")

    def start(self):
        self.configure()
        with open(self.log.path, "wb") as output:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), cwd=self.directory, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            self.await_port()
        except BaseException:
            self.stop()
            raise
        return self

    def await_port(self):
        """Erlang's take a minute and more where others want the processors, too."""
        until(lambda: is_open(self.port) or self.process.poll() is not None, self.name, 240)
        assert self.process.poll() is None, self.log.text()[-3000:]

    def environment(self):
        return os.environ

    def stop(self):
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def where(self, role):
        """The words that lead there, for the role "pub" or "sub"."""
        return ["-h", "localhost", "-p", self.port, *self.identity(role)]

    def identity(self, _):
        return self.lab.identity()

    def write(self, name, text):
        (self.directory / name).write_text(text)
        return str(self.directory / name)

    @classmethod
    def does(cls, version, qos):
        return (version, qos) not in cls.lacks


class Nats(Broker):
    """MQTT 3.1.1 only, QoS 0 and 1; no dots in topics. Its TLS is that of Go, and may take two
    seconds unless told otherwise."""

    name, package, program = "NATS server", "nats-server", "nats-server"
    lacks = {("mqttv311", 2): (7, "closed the connection"),
             **{("mqttv5", qos): (54, "CONNACK") for qos in QOS}}

    def configure(self):
        file = self.lab.path
        self.write("nats.conf", f"""
server_name: lab
listen: "127.0.0.1:{free_port()}"
jetstream {{ store_dir: "{self.directory}/store" }}
mqtt {{
  listen: "127.0.0.1:{self.port}"
  tls {{
    ca_file: "{file("ec", "root.pem")}"
    cert_file: "{file("ec", "server.pem")}"
    key_file: "{file("ec", "server.key")}"
    verify: true
    timeout: {SECONDS}
  }}
  authorization {{ timeout: {SECONDS} }}
}}
""")

    def command(self):
        return [self.program, "-c", f"{self.directory}/nats.conf"]


class ErlangBroker(Broker):
    def __init__(self, directory, lab):
        super().__init__(directory, lab)
        self.epmd_port, self.node_port = free_port(), free_port()

    def environment(self):
        return {**os.environ, "HOME": str(self.directory), "ERL_EPMD_PORT": str(self.epmd_port),
                "ERL_EPMD_ADDRESS": "127.0.0.1", **self.variables()}

    def start(self):
        """Erlang would start epmd, too, but on a busy machine it does not wait long enough for it."""
        subprocess.run(["epmd", "-daemon"], env=self.environment(), check=True)
        until(lambda: is_open(self.epmd_port), "epmd")
        return super().start()

    def stop(self):
        super().stop()
        until(self._stop_epmd, "the end of epmd")

    def _stop_epmd(self):
        done = subprocess.run(["epmd", "-kill"], env=self.environment(), capture_output=True)
        return b"living nodes" not in done.stdout + done.stderr


class RabbitMQ(ErlangBroker):
    """MQTT 3.1.1 only; takes QoS 2 for QoS 1. Its TLS is Erlang's own."""

    name, package, program = "RabbitMQ", "rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server"
    lacks = {("mqttv311", 2): (2, "PUBACK"),  # a breach of 4.3, and called one
             **{("mqttv5", qos): (7, "closed the connection") for qos in QOS}}
    heavy = True

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
    """MQTT 3.1.1 and 5.0, everything. Everybody has a name, that of the certificate, and there are
    no passwords. Its TLS is OpenSSL's."""

    name, package, program = "ejabberd", "ejabberd", "/usr/sbin/ejabberdctl"

    def configure(self):
        self.forge = Forge(self.directory)
        self.forge.issue("server", NOT_CA, SERVER, LOCALHOST)
        for role in "pub", "sub":
            self.forge.issue(role, NOT_CA, CLIENT, subject=f"{role}@localhost")
        file = self.forge.path
        chain = self.write("chain.pem", file("server.pem").read_text() +
                           file("server.key").read_text())
        self.write("ejabberd.yml", f"""
hosts: [localhost]
certfiles: ["{chain}"]
c2s_cafile: "{file("root.pem")}"
auth_method: [internal]
listen:
  - port: {self.port}
    ip: "127.0.0.1"
    module: mod_mqtt
    tls: true
    tls_verify: true
modules:
  mod_mqtt: {{}}
""")

    def identity(self, role):
        return [*self.forge.identity(role), "-u", f"{role}@localhost"]

    def variables(self):
        libraries = pathlib.Path("/usr/lib").glob("*/ejabberd-*/ebin")
        return {"EJABBERD_CONFIG_PATH": f"{self.directory}/ejabberd.yml",
                "EJABBERD_LOG_PATH": f"{self.directory}/log",
                "ERL_LIBS": str(next(libraries).parents[1])}

    def command(self):
        return ["erl", "-sname", "thimble@localhost", "-noinput", "-mnesia", "dir",
                f'"{self.directory}/spool"', "-s", "ejabberd"]


ALL_BROKERS = [Nats, Ejabberd, RabbitMQ]
