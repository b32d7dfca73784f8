"""A broker that does not want us: each refusal has its exit code, and a sentence that says why."""
import subprocess

import pytest

from packets import (CONNECT, DISCONNECT, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBSCRIBE, V4,
                     V5, ack, connack, packet, suback, text)

PUB = ["-t", "t", "-m", "x", "-q", "1"]


# ---- certificates -------------------------------------------------------------------------------

@pytest.mark.parametrize("command", [["pub", "-m", "x"], ["sub"]])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("what, word", [
    ("client-expired", "renew"), ("other", "issuer"), ("none", "give a certificate")])
def test_client_certificate(thimble, lab, what, word, kind, tls, command):
    """With TLS 1.3 the refusal comes after the handshake, with the first bytes read."""
    server = lab.tls(kind)[:6]
    certificate = {"client-expired": lab.path(kind, "client-expired.pem"),
                   "other": lab.path("other", "client.pem")}.get(what)
    key = lab.path("other" if what == "other" else kind, "client.key")
    identity = ["--cert", certificate, "--key", key] if certificate else []
    done = thimble(*command, *server, *identity, "--tls-version", tls, "-t", "t")
    done.ends_refused(76, word)
    assert done.out == b""


# ---- credentials and rules, as mosquitto has them -----------------------------------------------

@pytest.fixture
def strict(mosquitto, tmp_path):
    """A broker that knows one user, who may write open/# and read nothing else."""
    passwords, rules = tmp_path / "passwords", tmp_path / "rules"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "anna", "right"], check=True,
                   capture_output=True)
    passwords.chmod(0o644)
    rules.write_text("user anna\ntopic readwrite open/#\n")
    return mosquitto("allow_anonymous false", f"password_file {passwords}",
                     f"acl_file {rules}").start()


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@pytest.mark.parametrize("who", [[], ["-u", "anna", "-P", "wrong"], ["-u", "eve", "-P", "right"]])
def test_credentials(thimble, strict, who, version):
    done = thimble("pub", *strict.plain, *PUB, *who, "-V", version)
    done.ends_refused(51, "CONNACK")


def test_right_credentials(thimble, strict):
    thimble("pub", *strict.plain, "-u", "anna", "-P", "right", "-t", "open/a", "-n").ends(0)


@pytest.mark.parametrize("version, code", [("mqttv311", 0), ("mqttv5", 51)])
def test_forbidden_publish(thimble, strict, version, code):
    """With MQTT 3.1.1 a broker cannot say so: mosquitto acknowledges and drops."""
    who = [*strict.plain, "-u", "anna", "-P", "right", "-V", version]
    thimble("pub", *who, "-t", "closed/a", "-m", "x", "-q", "1").ends(code)


# ---- every answer a broker can give -------------------------------------------------------------

CONNACKS = [
    (V4, 1, 54), (V4, 2, 53), (V4, 3, 55), (V4, 4, 52), (V4, 5, 51),
    (V5, 0x80, 50), (V5, 0x81, 50), (V5, 0x82, 50), (V5, 0x83, 50), (V5, 0x84, 54),
    (V5, 0x85, 53), (V5, 0x86, 52), (V5, 0x87, 51), (V5, 0x88, 55), (V5, 0x89, 55),
    (V5, 0x8A, 50), (V5, 0x8C, 52), (V5, 0x90, 50), (V5, 0x95, 25), (V5, 0x97, 56),
    (V5, 0x99, 50), (V5, 0x9A, 50), (V5, 0x9B, 50), (V5, 0x9C, 50), (V5, 0x9D, 50),
    (V5, 0x9F, 56),
]


def name(version):
    return "mqttv5" if version == V5 else "mqttv311"


@pytest.mark.parametrize("version, reason, code", CONNACKS)
def test_connack(thimble, fake, version, reason, code):
    def refuse(peer):
        peer.expect(CONNECT)
        peer.send(connack(version, reason))
        peer.finish()
    broker = fake(refuse)
    done = thimble("pub", *broker.plain, "-V", name(version), *PUB)
    done.ends_refused(code, f"code {reason}", "CONNACK")
    assert broker.attempts == 1


def test_reason_string_is_shown(thimble, fake):
    def refuse(peer):
        peer.expect(CONNECT)
        peer.send(connack(V5, 0x87, raw=b"\x1f" + text("ask the \nadmin")))
        peer.finish()
    done = thimble("pub", *fake(refuse).plain, "-V", "mqttv5", *PUB)
    done.ends_refused(51, "ask the ?admin")


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("reason, code", [(0x80, 50), (0x83, 50), (0x87, 51), (0x90, 50),
                                          (0x91, 50), (0x97, 56), (0x99, 50)])
def test_refused_message(thimble, fake, reason, code, qos):
    """Not a success, and nothing hangs on it: the next message goes."""
    def refuse_first(peer):
        peer.greet()
        kind = PUBACK if qos == 1 else PUBREC
        first, second = peer.expect(PUBLISH), peer.expect(PUBLISH)
        peer.send(ack(kind, first.packet_id, reason), ack(kind, second.packet_id))
        if qos == 2:
            peer.send(ack(PUBCOMP, peer.expect(PUBREL).packet_id))
        assert peer.expect_end().reason == 0
    broker = fake(refuse_first)
    done = thimble("pub", *broker.plain, "-V", "mqttv5", "-t", "t", "-l", "-q", qos,
                   stdin=b"one\ntwo\n")
    done.ends_refused(code, str(reason))


@pytest.mark.parametrize("version, reason", [(V4, 0x80), (V5, 0x80), (V5, 0x83), (V5, 0x87),
                                             (V5, 0x8F), (V5, 0x91), (V5, 0x97), (V5, 0x9E),
                                             (V5, 0xA1), (V5, 0xA2)])
def test_refused_subscription(thimble, fake, version, reason):
    def refuse_second(peer):
        peer.greet()
        wanted = peer.expect(SUBSCRIBE)
        peer.send(suback(wanted.packet_id, bytes([0, reason]), version))
        peer.expect_end()
    done = thimble("sub", *fake(refuse_second).plain, "-V", name(version), "-t", "good/#", "-t",
                   "bad/#")
    done.ends_refused(58, "bad/#", str(reason))


@pytest.mark.parametrize("reason, code", [(0x80, 50), (0x87, 51), (0x8E, 57),
                                          (0x97, 56), (0x98, 50), (0x9C, 50)])
def test_disconnect_with_reason(thimble, fake, reason, code):
    """None of these passes by itself: there is no second attempt."""
    def send_away(peer):
        peer.greet().grant()
        peer.send(packet(DISCONNECT, bytes([reason])))
        peer.finish()
    broker = fake(send_away)
    done = thimble("sub", *broker.plain, "-V", "mqttv5", "-t", "t")
    done.ends_refused(code, "DISCONNECT", f"code {reason}")
    assert broker.attempts == 1


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_session_takeover(thimble, lab, topic, version):
    """mosquitto closes the connection of the first without a word, in MQTT 5 too."""
    who = [*lab.tls(), "-V", version, "-i", topic, "-t", topic]
    first = thimble.start("sub", *who, "--retry", "0")
    lab.log.await_subscription(topic)
    thimble("sub", *who, "-E").ends(0)
    first.ends_refused(7, "closed the connection")
