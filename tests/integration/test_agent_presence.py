"""The agent tells how it is: online, offline and as a will, error; names in its topics."""
import json
import re
import signal

import pytest

from packets import PUBLISH, SUBSCRIBE, suback
from program import SANDBOX, SECONDS, TOP, until

EXAMPLE = TOP / "docs" / "examples" / "agent.json"
TOPIC = "pumps/status/pump-17"


@pytest.fixture
def broker(mosquitto):
    return mosquitto("allow_anonymous true").start()


@pytest.fixture
def heard(thimble, broker):
    """Status messages, as the broker passes them on."""
    listener = thimble.start("sub", *broker.plain, "-t", "pumps/status/#", "-F", "%p")
    broker.log.await_subscription("pumps/status/#")

    def states():
        return [json.loads(line) for line in listener.out.splitlines()]
    yield states
    listener.signal(signal.SIGTERM).ends(0)


@pytest.fixture
def start(thimble, tmp_path, broker):
    def begin(*words, **changes):
        settings = json.loads(EXAMPLE.read_text())
        del settings["tls"]
        settings["mqtt"] |= {"broker": "127.0.0.1", "port": broker.port, "no_tls": True}
        del settings["mqtt"]["use_tls"]
        settings |= {"sandbox": SANDBOX, "backoff": "0.05s..0.1s"} | changes
        path = tmp_path / "agent.json"
        path.write_text(json.dumps(settings))
        return thimble.start("agent", "-c", path, *words)
    return begin


def await_state(states, *wanted):
    until(lambda: [each["status"] for each in states()] == list(wanted), f"{wanted}: {states()}")
    return states()[-1]


def test_online_and_the_will(start, heard):
    """As the source systems have it: these names, in this order, times of UTC."""
    agent = start()
    online = await_state(heard, "online")
    assert list(online) == ["deviceId", "timestamp", "status", "firmwareVersion"]
    assert (online["deviceId"], online["firmwareVersion"]) == ("pump-17", "2.1.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", online["timestamp"])
    agent.signal(signal.SIGKILL).ends(-signal.SIGKILL)
    offline = await_state(heard, "online", "offline")
    assert offline == online | {"status": "offline", "timestamp": offline["timestamp"]}


def test_it_says_goodbye(start, heard, broker, thimble):
    agent = start()
    await_state(heard, "online")
    agent.signal(signal.SIGTERM).ends(0)
    await_state(heard, "online", "offline")
    kept = thimble("sub", *broker.plain, "-t", TOPIC, "-C", "1", "-W", SECONDS)
    assert json.loads(kept.out)["status"] == "offline"


def test_online_again(start, heard, broker):
    """After a break of the connection; the listener's breaks, too."""
    agent = start()
    await_state(heard, "online")
    broker.stop()
    broker.start()
    until(lambda: [each["status"] for each in heard()][-1] == "online" and len(heard()) > 1,
          "online again")
    agent.signal(signal.SIGTERM).ends(0)


def test_a_refused_subscription_is_an_error(start, fake):
    told = []

    def refuse(peer):
        peer.greet()
        told.append(json.loads(peer.expect(PUBLISH).payload))
        wanted = peer.expect(SUBSCRIBE)
        peer.send(suback(wanted.packet_id, b"\x01\x80", peer.version))
        told.append(json.loads(peer.expect(PUBLISH).payload))
        peer.drain()
    agent = start(mqtt={"broker": "127.0.0.1", "port": fake(refuse).port, "no_tls": True})
    until(lambda: len(told) == 2, "both messages")
    assert [each["status"] for each in told] == ["online", "error"]
    assert told[1]["reason"] == "subscription-refused"
    agent.signal(signal.SIGTERM).ends(0)


def test_topics_and_id_are_filled_in(start, broker):
    agent = start(topic=["a/${device_id}/${client_id}", "$${device_id}", "$SYS/x"])
    for topic in ("a/pump-17/pump-17", "${device_id}", "$SYS/x"):
        broker.log.await_subscription(topic)
    assert " as pump-17 " in broker.log.text()
    agent.signal(signal.SIGTERM).ends(0)


def test_hostname(start, broker):
    agent = start(topic=["of/${hostname}/x"])
    with open("/proc/sys/kernel/hostname") as file:
        broker.log.await_subscription(f"of/{file.read().strip()}/x")
    agent.signal(signal.SIGTERM).ends(0)


@pytest.mark.parametrize("name", ["${device}", "${device_id", "${}", "a/${DEVICE_ID}"])
def test_unknown_names_have_a_place(start, name):
    agent = start(topic=["fine", name]).ends(67)
    assert re.search(r":1:\d+: \$\{[^}]*\}: no such name; there are \$\{device_id\}",
                     agent.err), agent.err


def test_unknown_names_of_the_command_line(start):
    agent = start("-t", "x/${what}", topic=None).ends(64)
    assert "${what}: no such name" in agent.err


@pytest.mark.parametrize("value", ["a/b", "a+b", "#", 'quo"te', "back\\slash", "line\nbreak"])
def test_values_change_no_levels(start, value):
    agent = start(device_id=value).ends(64)
    assert "${device_id}: its value has" in agent.err


def test_a_device_without_a_name(start):
    assert "${device_id}: there is none" in start(device_id=None).ends(64).err


def test_of_the_identity(start, thimble, lab, tmp_path, broker):
    store = tmp_path / "identities"
    thimble("identity", "import", "pump", "--identity-dir", store, "--cert",
                lab.path("ec", "client.pem"), "--key", lab.path("ec", "client.key"),
                "--endpoint", "localhost", "--device-id", "pump-9")
    settings = {"device_id": None, "identity": "pump", "identity_dir": str(store), "tls": {
        "cafile": str(lab.path("ec", "root.pem"))}, "mqtt": {
        "broker": "localhost", "port": int(lab.ports["ec_port"]), "client_id": "${device_id}"}}
    agent = start(**settings)
    lab.log.await_subscription("pumps/commands/pump-9")
    agent.signal(signal.SIGTERM).ends(0)


def test_one_will_only(start):
    assert "--will-topic" in start(will={"topic": "w"}).ends(64).err


def test_checked_and_shown(thimble, tmp_path, broker):
    shown = thimble("config", "show", "--effective", EXAMPLE)
    assert re.search(r"^status-topic +file +pumps/status/pump-17$", shown.out.decode(), re.M)
