"""All there is to check of a server at once: a whole bundle of roots, a long list of revoked
certificates, and a stapled response. Of the laboratory's certificates, of one kind each."""
import pathlib
import subprocess

from forge import server
from stapled import Issued, identifier, response, single, staple

DEBIAN = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
REVOKED = 3000
NEXT = ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20480101000000Z"]


def many(count):
    """So many numbers, none of them anybody's."""
    return [f"{0x7000000000000000 + number:X}" for number in range(count)]


def whole_bundle(directory, folder):
    path = directory / "all.pem"
    path.write_text((folder / "root.pem").read_text() + DEBIAN.read_text())
    return path


def issuer(directory, folder):
    """Of the server's certificate."""
    path = directory / "issuer.pem"
    path.write_text("-----BEGIN " + (folder / "server.pem").read_text().split("-----BEGIN ")[2])
    return path


def long_list(directory, folder):
    (directory / "index").write_text("".join(
        f"R\t480101000000Z\t210101000000Z\t{number}\tunknown\t/CN=x\n" for number in many(REVOKED)))
    (directory / "conf").write_text(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {directory}/index\n")
    subprocess.run(["openssl", "ca", "-config", directory / "conf", "-gencrl", "-md", "sha256", *NEXT,
                    "-cert", issuer(directory, folder), "-keyfile", folder / "intermediate.key",
                    "-out", directory / "crl"], check=True, capture_output=True)
    return directory / "crl"


def checking(directory, folder):
    """The options of a client; its root is one of many."""
    return ["--cafile", whole_bundle(directory, folder), "--crlfile", long_list(directory, folder),
            "--ocsp=must", "--cert", folder / "client.pem", "--key", folder / "client.key"]


def checked(directory, folder, kind, version):
    """A server that wants a client's certificate, and staples what is said of its own."""
    key = {"ec": "p256", "rsa": "rsa2048"}[kind]
    by = Issued(issuer(directory, folder), folder / "intermediate.key", key)
    leaf = Issued(folder / "server.pem", folder / "server.key", key)
    context = server(folder / "server.pem", folder / "server.key", lowest=version, highest=version,
                     clients=folder / "root.pem")
    return staple(context, response([single(identifier(leaf.serial, by))], by))
