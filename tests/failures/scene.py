"""What the campaigns of failures stand on: brokers of every kind, and tables of what may be."""
import base64
import fnmatch
import hashlib
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from fake import Proxy, Socks  # noqa: E402, F401
from lab import Mosquitto, free_port  # noqa: E402

WORK = TOP / "build" / "failures"
TABLES = TOP / "tests" / "failures"
SECRET = "0123456789abcdef"


# ---- brokers ---------------------------------------------------------------------------------

class Brokers:
    """Mosquitto behind good and bad certificates; ports by name."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.pki = WORK / "pki"
        subprocess.run([TOP / "tools" / "lab.sh", "pki", self.pki], check=True)
        self.ports = {}
        self.unix_path = self.directory / "socket"
        self.started = [self._start("main", self._listeners()), self._start("scram", self._scram())]
        self.socks = Socks()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for broker in self.started:
            broker.stop()
        self.socks.close()

    def _start(self, name, lines):
        (self.directory / name).mkdir()
        return Mosquitto(self.directory / name, "persistence false", *lines).start()

    def _tls(self, name, roots, certificate, key, *more):
        self.ports[name] = free_port()
        return [f"listener {self.ports[name]} 127.0.0.1", *more,
                f"cafile {self.pki / roots / 'root.pem'}",
                f"certfile {self.pki / certificate}.pem", f"keyfile {self.pki / key}.key",
                "require_certificate true", "tls_version tlsv1.2"]

    def _pair(self, kind):
        server = f"{kind}/server"
        return [*self._tls(f"good-{kind}", kind, server, server),
                *self._tls(f"name-{kind}", kind, f"{server}-wrongname", server),
                *self._tls(f"authority-{kind}", kind, "other/server", "other/server")]

    def _psk(self):
        keys = self.directory / "keys"
        keys.write_text(f"device:{SECRET.encode().hex()}\n")
        self.ports["psk"] = free_port()
        return [f"listener {self.ports['psk']} 127.0.0.1", "psk_hint hello", f"psk_file {keys}",
                "tls_version tlsv1.2"]

    def _listeners(self):
        return ["allow_anonymous true", f"listener 0 {self.unix_path}",
                *self._pair("ec"), *self._pair("rsa"), *self._psk(),
                *self._tls("websocket-ec", "ec", "ec/server", "ec/server", "protocol websockets")]

    def _scram(self):
        plugin = self.directory / "scram.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", plugin,
                        TOP / "tests" / "integration" / "scram_plugin.c", "-lcrypto"], check=True)
        return [f"plugin {plugin}", "plugin_opt_password pencil",
                *self._tls("scram-ec", "ec", "ec/server", "ec/server")]

    def port(self, flow, broker, kind):
        if flow == "psk":
            return self.ports["psk" if broker == "good" else "good-ec"]
        if broker == "good":
            return self.ports.get(f"{flow}-{kind}") or self.ports[f"good-{kind}"]
        return self.ports[f"{broker}-{kind}"]

    def trust(self, flow, kind):
        """For the flow "trust": more roots than are held, a list of revoked certificates, a pin, and
        an OCSP response is asked for. For "built-in" the roots alone."""
        if flow not in ("trust", "built-in"):
            return {}
        folder = self.pki / kind
        if not (folder / "crl.pem").exists():
            self._write_trust(folder)
        if flow == "built-in":
            return {"ca": folder / "bundle.pem"}
        return {"ca": folder / "bundle.pem", "crl": folder / "crl.pem",
                "pins": self._pin(folder / "issuer.pem")}

    def _pin(self, certificate):
        key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True,
                             capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                             capture_output=True).stdout
        return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def _write_trust(self, folder):
        ending = "-----END CERTIFICATE-----\n"
        others = pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_text().split(ending)[:3]
        (folder / "bundle.pem").write_text(
            ending.join([*others, (folder / "root.pem").read_text()]))
        (folder / "issuer.pem").write_text(
            (folder / "server.pem").read_text().split(ending)[1] + ending)
        (folder / "index").write_text("R\t480101000000Z\t210101000000Z\t01\tunknown\t/CN=x\n")
        (folder / "conf").write_text(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {folder}/index\n")
        subprocess.run(["openssl", "ca", "-config", folder / "conf", "-gencrl", "-md", "sha256",
                        "-crldays", "3650", "-cert", folder / "issuer.pem", "-keyfile",
                        folder / "intermediate.key", "-out", folder / "crl.pem"], check=True,
                       capture_output=True)

    def identity(self, kind):
        return {"ca": self.pki / kind / "root.pem", "cert": self.pki / kind / "client.pem",
                "key": self.pki / kind / "client.key"}


# ---- tables ----------------------------------------------------------------------------------

class Table:
    """Lines of words, a colon, and the reason. Those that were of use are remembered."""

    def __init__(self, path):
        self.path, self.rows, self.used = path, [], set()
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                words, reason = line.split(" : ")
                self.rows.append((tuple(words.split()), reason.strip()))

    def find(self, *words):
        """The first line that fits, or None; what stands in it are patterns."""
        for row, _ in self.rows:
            if all(map(fnmatch.fnmatchcase, words, row)):
                self.used.add(row)
                return row
        return None

    def stale(self):
        return [" ".join(words) for words, _ in self.rows if words not in self.used]
