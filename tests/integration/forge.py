"""Certificates that should not exist, and servers that show them."""
import ssl
import subprocess
import warnings

CONFIGURATION = """
[ca]
default_ca = forge
[forge]
database = index
new_certs_dir = .
unique_subject = no
rand_serial = yes
default_days = 3650
policy = any
[any]
commonName = supplied
[req]
distinguished_name = empty
string_mask = utf8only
[empty]
"""

CA = "basicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign, cRLSign"
NOT_CA = "basicConstraints = critical, CA:false"
SERVER = "extendedKeyUsage = serverAuth"
CLIENT = "extendedKeyUsage = clientAuth"
LOCALHOST = "subjectAltName = DNS:localhost, IP:127.0.0.1"

KEYS = {
    "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p224": ["EC", "-pkeyopt", "ec_paramgen_curve:P-224"],
    "p521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa1024": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "rsa2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "ed25519": ["ED25519"],
}


class Forge:
    """An authority below `directory` that signs anything. Its root is root.pem; what it issues as
    NAME is NAME.pem, the chain below the root, and NAME.key."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "conf").write_text(CONFIGURATION)
        (directory / "index").write_text("")
        self.chains = {}
        self.issue("root", CA, issuer=None)

    def _openssl(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], cwd=self.directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def key(self, name, kind):
        self._openssl("genpkey", "-algorithm", *KEYS[kind], "-out", f"{name}.key")

    def _sign(self, name, issuer, digest, dates, subject):
        self._openssl("req", "-new", "-config", "conf", "-key", f"{name}.key", "-subj",
                      f"/CN={subject}", "-out", f"{name}.csr")
        by = ["-cert", f"{issuer}.crt", "-keyfile", f"{issuer}.key"] if issuer else [
            "-selfsign", "-keyfile", f"{name}.key"]
        when = ["-startdate", dates[0], "-enddate", dates[1]] if dates else []
        self._openssl("ca", "-batch", "-notext", "-config", "conf", "-extfile", f"{name}.ext", *by,
                      *when, "-md", digest, "-in", f"{name}.csr", "-out", f"{name}.crt")

    def issue(self, name, *extensions, issuer="root", key="p256", digest="sha256", dates=None,
              subject=None):
        """Returns the name."""
        (self.directory / f"{name}.ext").write_text("\n".join(extensions) + "\n")
        self.key(name, key)
        self._sign(name, issuer, digest, dates, subject or f"forged {name}")
        own = (self.directory / f"{name}.crt").read_text()
        self.chains[name] = own + (self.chains[issuer] if issuer not in (None, "root") else "")
        self.path(f"{name}.pem").write_text(self.chains[name])
        return name

    def cross(self, name, issuer, subject):
        """NAME-by-ISSUER.crt: the same name and key as NAME's, signed by another."""
        other = f"{name}-by-{issuer}"
        for ending in ".key", ".ext":
            self.path(other + ending).write_bytes(self.path(name + ending).read_bytes())
        self._sign(other, issuer, "sha256", None, subject)

    def path(self, name):
        return self.directory / name

    def trust(self):
        return ["--cafile", self.path("root.pem")]

    def identity(self, name):
        own = ["--cert", self.path(f"{name}.pem"), "--key", self.path(f"{name}.key")]
        return [*self.trust(), *own]

    def server(self, name, **options):
        return server(self.path(f"{name}.pem"), self.path(f"{name}.key"), **options)


VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
            "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def server(chain, key, lowest="1.2", highest="1.3", clients=None, ciphers="ALL:@SECLEVEL=0"):
    """The server side of TLS, as careless as can be. `clients`: the CA whose clients it wants."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    with warnings.catch_warnings():  # that old versions are deprecated is the point
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = VERSIONS[lowest]
        context.maximum_version = VERSIONS[highest]
    context.load_cert_chain(chain, key)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
