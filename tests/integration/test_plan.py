"""thimble mem plan: what it says from files alone, a broker with those files makes true."""
import json

import pytest

from forge import CA, CLIENT, LOCALHOST, NOT_CA, SERVER, Forge
from lab import free_port

TOLERATED = 0.02
MESSAGE_BYTES = 200

# The keys of the root, of the intermediates below it, of the server; names the server has; the keys
# of our own intermediates, and ours.
CHAINS = [
    ("p256", "", "p256", 1, "", "p256"),
    ("p256", "p256", "p256", 1, "", "p256"),
    ("p256", "p256 p256", "p256", 1, "", "p256"),
    ("p256", "p256 p256 p256 p256", "p256", 1, "", "p256"),
    ("p256", "p256 p256 p256 p256 p256 p256 p256", "p256", 1, "", "p256"),
    ("p256", "p256", "p256", 20, "", "p256"),
    ("p256", "p256", "p256", 80, "", "p256"),
    ("p256", "p256", "p256", 2, "p256", "p256"),
    ("p256", "p256", "p256", 2, "p256 p256 p256", "p256"),
    ("p256", "p256", "p384", 3, "", "p256"),
    ("p384", "p384", "p384", 1, "", "p384"),
    ("p384", "p256", "p256", 1, "", "p256"),
    ("p384", "p384 p384", "p256", 5, "p384", "p256"),
    ("p384", "p384", "rsa2048", 1, "", "p256"),
    ("rsa2048", "", "rsa2048", 1, "", "rsa2048"),
    ("rsa2048", "rsa2048", "rsa2048", 1, "", "rsa2048"),
    ("rsa2048", "rsa2048 rsa2048 rsa2048", "rsa2048", 1, "", "rsa2048"),
    ("rsa2048", "rsa2048", "rsa2048", 30, "rsa2048 rsa2048", "rsa2048"),
    ("rsa2048", "rsa2048", "rsa2048", 1, "", "p256"),
    ("rsa2048", "rsa2048", "p256", 1, "", "p256"),
    ("rsa2048", "p256", "p256", 12, "", "p256"),
    ("rsa2048", "rsa3072", "rsa2048", 1, "", "rsa2048"),
    ("rsa3072", "rsa3072", "rsa3072", 1, "", "rsa2048"),
    ("rsa4096", "rsa2048", "rsa2048", 1, "", "rsa2048"),
    ("rsa4096", "rsa4096", "rsa2048", 1, "", "rsa2048"),
    ("rsa4096", "rsa4096", "rsa4096", 1, "", "rsa2048"),
    ("rsa4096", "p384", "p256", 1, "", "p256"),
    ("rsa4096", "rsa2048", "p256", 40, "", "p384"),
    ("p256", "p256", "p256", 1, "", "rsa2048"),
    ("p256", "p256", "p256", 1, "", "rsa4096"),
    ("p256", "p256", "rsa3072", 1, "", "p384"),
    ("p256", "p384 rsa2048", "p256", 7, "p256", "rsa2048"),
]


def issue(forge, name, usage, names, between, key):
    """`name`, below intermediates with these keys."""
    issuer = "root"
    for kind in between.split():
        issuer = forge.issue(f"{name} {len(forge.chains)}", CA, issuer=issuer, key=kind)
    more = "".join(f", DNS:host{n}.example.org" for n in range(1, names))
    forge.issue(name, NOT_CA, usage, LOCALHOST + more, issuer=issuer, key=key)


def sent(forge):
    """The server's chain. With nothing between, OpenSSL adds the root it knows."""
    path = forge.path("sent.pem")
    chain = forge.chains["server"]
    alone = chain.count("BEGIN CERTIFICATE") == 1
    path.write_text(chain + (forge.path("root.pem").read_text() if alone else ""))
    return path


@pytest.fixture
def broker(mosquitto):
    def start(forge):
        port = free_port()
        mosquitto("allow_anonymous true", f"listener {port} 127.0.0.1", "require_certificate true",
                  f"cafile {forge.path('root.pem')}", f"certfile {sent(forge)}",
                  f"keyfile {forge.path('server.key')}").start()
        return port
    return start


def planned(thimble, forge, command, *wishes):
    plan = thimble("mem", "plan", *wishes, sent(forge), *command, "--json").ends(0).out
    return {pool: row["needed_bytes"] for pool, row in json.loads(plan).items()}


def measured(thimble, command, port):
    run = thimble(*command, "-p", port, report=True).ends(0)
    return {pool: row["peak_bytes"] for pool, row in run.report["pools"].items()}


def assert_close(plan, peaks):
    """How much is read ahead is the network's affair: the TCP cell may need less than planned."""
    for pool, needed_bytes in plan.items():
        least = 0.5 if pool == "tcp_cell" else 1 - TOLERATED
        assert least * needed_bytes <= peaks[pool] <= (1 + TOLERATED) * needed_bytes, (
            pool, needed_bytes, peaks[pool])


@pytest.mark.parametrize("root, between, server, names, ours, client", CHAINS)
def test_the_plan_comes_true(thimble, tmp_path, broker, root, between, server, names, ours, client):
    (tmp_path / "forge").mkdir()
    forge = Forge(tmp_path / "forge")
    forge.issue("root", CA, issuer=None, key=root)
    issue(forge, "server", SERVER, names, between, server)
    issue(forge, "client", CLIENT, 1, ours, client)
    port = broker(forge)
    for version in ("tlsv1.2", "tlsv1.3"):
        command = ["pub", "-h", "localhost", *forge.identity("client"), "--tls-version", version,
                   "-t", "t", "-q", "1", "-m", "x" * MESSAGE_BYTES]
        plan = planned(thimble, forge, command, "--messages=1", "--record-bytes=100",
                       f"--message-bytes={MESSAGE_BYTES}")
        assert_close(plan, measured(thimble, command, port))


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"])
def test_the_plan_knows_the_record_cipher(thimble, forge, broker, suite):
    issue(forge, "server", SERVER, 1, "p256", "p256")
    issue(forge, "client", CLIENT, 1, "", "p256")
    command = ["pub", "-h", "localhost", *forge.identity("client"), "--ciphersuites", suite,
               "--tls-version", "tlsv1.3", "-t", "t", "-q", "1", "-m", "x" * MESSAGE_BYTES]
    plan = planned(thimble, forge, command, "--messages=1", "--record-bytes=100",
                   f"--message-bytes={MESSAGE_BYTES}")
    assert_close(plan, measured(thimble, command, broker(forge)))


def test_the_plan_knows_full_records_and_what_waits(thimble, lab):
    command = ["pub", *lab.identity(), "-h", "localhost", "-t", "t", "-l"]
    chain = lab.path("ec", "server.pem")
    words = ["mem", "plan", "--messages=20", "--message-bytes=500", chain, *command, "--json"]
    plan = json.loads(thimble(*words).ends(0).out)
    assert plan["record_cell"]["needed_bytes"] == 16384 + 17
    assert 20 * 500 < plan["outbox"]["needed_bytes"] < 20 * 600
    assert plan["outbox"]["size_bytes"] > plan["outbox"]["needed_bytes"]


def test_the_plan_is_a_table(thimble, lab):
    out = thimble("mem", "plan", lab.path("ec", "server.pem"), "sub", "-h", "localhost",
                  *lab.identity(), "-t", "t").ends(0).out.decode()
    rows = [line.split() for line in out.splitlines()]
    assert [row[0] for row in rows] == ["tcp_cell", "record_cell", "window", "outbox", "tls_heap",
                                        "shared_heap"]
    assert all(row[2] == "of" and 0 < int(row[1]) <= int(row[3]) for row in rows)


def test_each_connection_of_an_agent_is_planned(thimble, lab, tmp_path):
    own = {kind: {"name": kind, "cafile": str(lab.path(kind, "root.pem")), "cert": str(lab.path(kind, "client.pem")),
                  "key": str(lab.path(kind, "client.key"))} for kind in ("ec", "rsa")}
    path, chain = tmp_path / "agent.json", lab.path("ec", "server.pem")
    path.write_text(json.dumps({"host": "localhost", "connections": list(own.values())}))
    out = thimble("mem", "plan", chain, "agent", "-c", path).ends(0).out.decode()
    assert [line.split() for line in out.splitlines() if line.startswith("connection")] == [
        ["connection", "ec"], ["connection", "rsa"]]
    told = thimble("mem", "plan", chain, "agent", "-c", path, "--json").ends(0).out.decode()
    ec, rsa = (json.loads("{" + part) for part in told.split("{\n", 1)[1].split("\n{\n"))
    assert (ec.pop("name"), rsa.pop("name")) == ("ec", "rsa") and ec.keys() == rsa.keys()
    assert ec["shared_heap"]["needed_bytes"] < rsa["shared_heap"]["needed_bytes"]
    path.write_text(json.dumps({"host": "localhost", **own["rsa"]} | {"name": None}).replace('"name": null, ', ""))
    assert json.loads(thimble("mem", "plan", chain, "agent", "-c", path, "--json").ends(0).out) == rsa
    path.write_text(json.dumps({"host": "localhost", "id": "x", "connections": list(own.values())}))
    thimble("mem", "plan", chain, "agent", "-c", path).ends(67, "thimble agent rsa: ")


def test_more_than_fits_waits_is_told(thimble, lab):
    words = ["mem", "plan", "--messages=100", "--message-bytes=1000",
             lab.path("ec", "server.pem"), "pub", "-h", "localhost", *lab.identity(), "-t", "t"]
    thimble(*words, "-m", "x").ends(84, "15 of 100 messages")


@pytest.mark.parametrize("words, code, text", [
    (["plan"], 64, "does not fit"),
    (["plan", "server.pem"], 64, "does not fit"),
    (["plan", "server.pem", "pubs"], 64, "pubs"),
    (["plan", "--messages=x", "server.pem", "pub"], 64, "--messages=x"),
    (["plan", "server.pem", "pub", "--nonsense"], 64, "--nonsense"),
    (["plan", "missing.pem", "pub", "IDENTITY"], 66, "missing.pem"),
    (["plan", "/dev/null", "pub", "IDENTITY"], 67, "/dev/null"),
    (["plan", "server.pem", "pub", "--no-tls", "-h", "localhost", "-t", "t", "-m", "x"], 64, "TLS"),
])
def test_what_cannot_be_planned_is_told(thimble, lab, words, code, text):
    identity = ["-h", "localhost", *lab.identity(), "-t", "t", "-m", "x"]
    known = {"server.pem": [lab.path("ec", "server.pem")], "IDENTITY": identity}
    given = [part for word in words for part in known.get(word, [word])]
    thimble("mem", *given).ends(code, text)


@pytest.mark.parametrize("key, problem", [
    ("rsa1024", "RSA needs 2,048 to 4,096 bits"), ("p521", "other than P-256 and P-384"),
    ("p224", "other than P-256 and P-384"), ("ed25519", "not supported"),
])
def test_no_plan_for_a_chain_that_would_be_refused(thimble, lab, tmp_path, key, problem):
    forge = Forge(tmp_path)
    forge.issue("server", NOT_CA, SERVER, LOCALHOST, key=key)
    thimble("mem", "plan", tmp_path / "server.pem", "pub", "-h", "localhost", "-t", "t", "-m", "x",
            *lab.identity()).ends_refused(67, problem)
