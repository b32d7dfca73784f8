"""Pre-shared keys, cipher suites by name, and key logs, with mosquitto and openssl s_server."""
import subprocess

import pytest

from lab import free_port, is_open
from program import SECONDS, until

KEY = "00112233445566778899aabbccddeeff"
OTHER_KEY = "ffeeddccbbaa99887766554433221100"
TLS = ["1.2", "1.3"]
MOSQUITTO_TLS = {"1.2": "tlsv1.2", "1.3": "tlsv1.3"}
PSK_SUITE = {"1.2": "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256",
             "1.3": "TLS_CHACHA20_POLY1305_SHA256"}


@pytest.fixture
def psk(mosquitto, tmp_path):
    """A broker with a plain port, and one where device-7 has KEY."""
    keys = tmp_path / "keys"
    keys.write_text(f"device-7:{KEY}\n")
    keys.chmod(0o644)
    port = free_port()
    broker = mosquitto("allow_anonymous true", f"listener {port} 127.0.0.1", "psk_hint hello",
                       f"psk_file {keys}", "tls_version tlsv1.2").start()
    broker.tls_port = port
    return broker


def to(broker, version, key=KEY, identity="device-7"):
    return ["-h", "127.0.0.1", "-p", broker.tls_port, "--tls-version", version, "--psk", key,
            "--psk-identity", identity]


# ---- pre-shared keys -------------------------------------------------------------------------

@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("tls", TLS)
def test_round_trip(psk, thimble, topic, tls, qos):
    how = [*to(psk, tls), "-t", topic, "-q", qos]
    subscriber = thimble.start("sub", *how, "-C", "1", "-W", SECONDS, report=True)
    psk.log.await_subscription(topic)
    publisher = thimble("pub", *how, "-m", "between us", report=True).ends(0)
    assert subscriber.ends(0).out == b"between us\n"
    for report in publisher.report, subscriber.report:
        assert report["connection"]["cipher_suite"] == PSK_SUITE[tls]
        assert report["connection"]["tls_version"] == f"TLSv{tls}"
    assert KEY not in publisher.err + subscriber.err


@pytest.mark.parametrize("tls", TLS)
def test_the_same_as_with_mosquittos_clients(psk, thimble, topic, tls):
    how = ["-h", "127.0.0.1", "-p", str(psk.tls_port), "--psk", KEY, "--psk-identity", "device-7",
           "--tls-version", MOSQUITTO_TLS[tls], "-t", topic, "-q", "1"]
    subscriber = thimble.start("sub", *how, "-C", "2", "-W", SECONDS)
    psk.log.await_subscription(topic)
    subprocess.run(["mosquitto_pub", *how, "-m", "theirs"], check=True, timeout=SECONDS)
    thimble("pub", *how, "-m", "ours").ends(0)
    assert subscriber.ends(0).out == b"theirs\nours\n"


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("key, identity", [(OTHER_KEY, "device-7"), (KEY, "device-8")])
def test_a_key_or_identity_the_broker_does_not_know(psk, thimble, topic, tls, key, identity):
    run = thimble("pub", *to(psk, tls, key, identity), "-t", topic, "-m", "x", "--retry", "5")
    run.ends_refused(52, "pre-shared key", identity)
    assert "trying again" not in run.err  # it would not help
    assert key not in run.err


@pytest.mark.parametrize("tls", TLS)
def test_a_broker_with_certificates_is_not_what_was_asked_for(lab, thimble, topic, tls):
    run = thimble("pub", "-h", "localhost", "-p", lab.ports["ec_port"], "--tls-version", tls,
                  "--psk", KEY, "--psk-identity", "device-7", "-t", topic, "-m", "x")
    run.ends_refused(52, "pre-shared key")


@pytest.mark.parametrize("tls", TLS)
def test_a_broker_with_keys_only_shares_nothing_with_certificates(psk, lab, thimble, topic, tls):
    run = thimble("pub", "-h", "127.0.0.1", "-p", psk.tls_port, "--tls-version", tls,
                  *lab.identity(), "-t", topic, "-m", "x")
    run.ends_refused(77, "no cipher suite")


def test_a_short_key_is_warned_of(psk, thimble, topic):
    run = thimble("pub", *to(psk, "1.3", key="00" * 8), "-t", topic, "-m", "x", "-d")
    run.ends(52, "8 bytes")


# ---- suites ----------------------------------------------------------------------------------

SUITES = [
    ("ec", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384",
     "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("rsa", "1.2", "--ciphers", "ECDHE-RSA-AES256-GCM-SHA384",
     "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("rsa", "1.2", "--ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
     "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ec", "1.2", "--ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
     "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("ec", "1.3", "--ciphersuites", "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ("rsa", "1.3", "--ciphersuites", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    ("ec", "1.3", "--ciphersuites", "TLS_CHACHA20_POLY1305_SHA256",
     "TLS_CHACHA20_POLY1305_SHA256"),
]


@pytest.mark.parametrize("kind, tls, option, names, suite", SUITES)
def test_suites_by_name(lab, thimble, topic, kind, tls, option, names, suite):
    run = thimble("pub", *lab.tls(kind), "--tls-version", tls, option, names, "-t", topic,
                  "-m", "x", "-q", "1", report=True).ends(0)
    assert run.report["connection"]["cipher_suite"] == suite


@pytest.mark.parametrize("words", ["DEFAULT", "HIGH:!aNULL:!MD5", "ALL:!EXPORT:!LOW:@STRENGTH"])
def test_what_scripts_say_to_openssl(lab, thimble, topic, words):
    thimble("pub", *lab.tls(), "--tls-version", "1.2", "--ciphers", words, "-t", topic, "-m", "x",
            "-q", "1").ends(0)


@pytest.mark.parametrize("option, names, word", [
    ("--ciphers", "AES128-SHA", "AES128-SHA"),
    ("--ciphers", "ECDHE-RSA-AES128-GCM-SHA256:RC4-SHA", "RC4-SHA"),
    ("--ciphers", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    ("--ciphersuites", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256"),
    ("--ciphersuites", "DEFAULT", "DEFAULT"),
])
def test_a_suite_there_is_not(thimble, lab, topic, option, names, word):
    run = thimble("pub", *lab.tls(), option, names, "-t", topic, "-m", "x").ends(64)
    assert word in run.err
    assert "CHACHA20" in run.err  # what there is


# ---- key logs --------------------------------------------------------------------------------

@pytest.fixture
def server(lab, tmp_path):
    """openssl s_server that logs its keys; speaks TLS, and no MQTT."""
    started = []

    def make(*options):
        port, log = free_port(), tmp_path / "server.keys"
        command = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}",
                   "-cert", lab.path("ec", "server.pem"), "-cert_chain",
                   lab.path("ec", "server.pem"), "-key", lab.path("ec", "server.key"),
                   "-keylogfile", log, *options]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until(lambda: is_open(port), "the server's port")
        return port, log
    yield make
    for process in started:
        process.kill()
        process.wait()


def secrets(path):
    """The exporter's secret opens no record, and is not told by us."""
    return sorted(line for line in path.read_text().splitlines()
                  if not line.startswith(("#", "EXPORTER_SECRET ")))


@pytest.mark.parametrize("tls, option, lines", [("1.2", "-tls1_2", 1), ("1.3", "-tls1_3", 4)])
def test_the_key_log_is_the_servers(server, lab, thimble, tmp_path, topic, tls, option, lines):
    port, theirs = server(option)
    ours = tmp_path / "keys"
    thimble("pub", "-h", "localhost", "-p", port, *lab.identity(), "--tls-version", tls,
            "--tls-keylog", ours, "-t", topic, "-m", "x", "--timeout-connack", "1").end()
    assert len(secrets(ours)) == lines
    assert secrets(ours) == secrets(theirs)
    assert ours.stat().st_mode & 0o077 == 0


def test_a_key_log_that_cannot_be_written(lab, thimble, topic):
    run = thimble("pub", *lab.tls(), "--tls-keylog", "/nowhere/keys", "-t", topic, "-m", "x")
    assert run.end() != 0
    assert "/nowhere/keys" in run.err
