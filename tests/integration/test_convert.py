"""What a bridge of mosquitto and options files become: dist/desk/thimble-convert. The shipped
program judges the result, a real broker has the last word."""
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys

import pytest

from program import SANDBOX, THIMBLE, TOP, until

sys.path.insert(0, str(TOP / "tools"))
import completion  # noqa: E402

TOOL = TOP / "dist" / "desk" / "thimble-convert"


class Converted:
    def __init__(self, done, written):
        self.code, self.said, self.out = done.returncode, done.stderr, done.stdout
        self.file = written

    @property
    def json(self):
        return json.loads(self.file.read_text() if self.file.exists() else self.out)

    def secret(self, kind):
        """A file only we may read."""
        path = self.file.with_name(f"{self.file.name}.{kind}")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return path.read_text()


BOTH_AWKS = pytest.mark.parametrize("awk", ["system", "busybox"], indirect=True)


@pytest.fixture
def awk(request, tmp_path):
    """The awk of this machine, or the one of small ones."""
    if getattr(request, "param", "system") == "busybox":
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "awk").symlink_to(shutil.which("busybox"))
    return f"{tmp_path}/bin:{os.environ['PATH']}"


@pytest.fixture
def convert(tmp_path, awk):
    """Of a text, or of lines."""
    def run(text, *words, name="bridge.conf", to="out.json", code=0):
        source = tmp_path / name
        source.write_text(text if isinstance(text, str) else "\n".join(text) + "\n")
        target = ["-o", tmp_path / to] if to else []
        done = subprocess.run([TOOL, *target, *words, source], text=True, capture_output=True,
                              env={**os.environ, "PATH": awk, "THIMBLE": str(THIMBLE)})
        assert done.returncode == code, done.stderr
        return Converted(done, tmp_path / (to or "none"))
    return run


NEWLINE = "\n"
PLAIN = ["connection pump", "address broker.example", "notifications false"]
TLS = [*PLAIN, "bridge_cafile /etc/ca.pem"]


def effective(thimble, converted):
    """What the program takes from it: name, value."""
    out = thimble("config", "show", "--effective", converted.file).ends(0).out.decode()
    rows = [line.split(None, 2) for line in out.splitlines()]
    return {row[0]: row[2] if len(row) > 2 else "" for row in rows if row[1] == "file"}


# ---- bridges ------------------------------------------------------------------------------------

@BOTH_AWKS
def test_a_bridge_with_everything(convert, thimble):
    made = convert("""# of a hub
connection pump
address one.example:8883 two.example ::1:8884
topic commands/# in 2 "" hubs/17/
topic "" in 1 local remote
topic "with blank" both 1
bridge_cafile /etc/ca.pem
bridge_certfile /etc/c.pem
bridge_keyfile /etc/c.key
bridge_tls_version tlsv1.2
bridge_protocol_version mqttv50
bridge_require_ocsp true
bridge_alpn mqtt
bridge_bind_address 127.0.0.1
remote_clientid a"b\\c${x}
remote_username joe
remote_password  s3 cret"\\x
keepalive_interval 30
restart_timeout 10 60
round_robin true
notifications false
cleansession false
start_type automatic
try_private false
""", "--spool", "/s", "--inbox", "/i", code=3)
    assert effective(thimble, made) == {
        "brokers": "one.example:8883 two.example:1883 [::1]:8884", "failback": "0",
        "topic": "hubs/17/commands/# remote with blank", "qos": "2", "jsonl": "true",
        "cafile": "/etc/ca.pem", "cert": "/etc/c.pem", "key": "/etc/c.key", "tls-version": "1.2+",
        "protocol-version": "mqttv5", "ocsp": "must", "tls-alpn": "mqtt", "bind": "127.0.0.1",
        "id": 'a"b\\c${x}', "username": "joe", "password-file": f"{made.file}.password",
        "keepalive": "30", "backoff": "10..60", "spool": "/s", "inbox": "/i"}
    assert made.secret("password") == 's3 cret"\\x\n'
    assert "s3 cret" not in made.said + made.file.read_text()
    assert "bridge.conf:6: topic out: to do: hand in what is for with blank" in made.said
    assert "bridge.conf:5: topic in: remote comes with QoS 2" in made.said
    assert "bridge.conf:5: topic in: it keeps its name, and is not called local" in made.said
    assert "left out" not in made.said


@BOTH_AWKS
@pytest.mark.parametrize("line, member", [
    ("restart_timeout 20", {"backoff": "20s..20s"}),
    ("bridge_tls_version tlsv1.3", {"tls_version": "1.3+"}),
    ("bridge_protocol_version mqttv31", {"protocol_version": "mqttv31"}),
    ("bridge_tls_use_os_certs true", {"tls_use_os_certs": True}),
    ("bridge_insecure false", {}),
    ("bridge_require_ocsp false", {}),
    ("clientid old", {"client_id": "old"}),
    ("bridge_max_topic_alias 5", {"topic_alias_maximum": 5}),
    ("bridge_session_expiry_interval 0xFFFFFFFF", {"session_expiry": -1}),
    ("bridge_session_expiry_interval 3000000000", {"session_expiry": 3000000000}),
    ("keepalive_interval 0060", {"keepalive": 60}),
    ("  # in the middle", {}),
    ("topic t in", {"topic": ["t"], "qos": 0, "jsonl": True}),
    ("topic t in 1\ntopic t in 1", {"topic": ["t"], "qos": 1, "jsonl": True}),
])
def test_single_lines(convert, thimble, line, member):
    made = convert([*TLS, line])
    base = {"broker": "broker.example", "port": 1883, "cafile": "/etc/ca.pem",
            "client_id": "${hostname}.pump"}
    assert made.json == {**base, **member}
    effective(thimble, made)


@pytest.mark.parametrize("line, remedy", [
    ("topic t", "thimble pub --agent /run/thimble/pump/in -t TOPIC -q 0"),
    ("notifications true", "status_topic"),
    ("notification_topic x", "status_topic"),
    ("cleansession true", "keeps its session"),
    ("start_type once", "thimble sub"),
    ("start_type lazy", "spool"),
    ("bridge_outgoing_retain false", "hand in nothing with retain"),
    ("bridge_tcp_keepalive 1 2 3", "keepalive"),
    ("bridge_unheard_of x", "nothing like it"),
    ("\n".join(f"topic t/{number} in" for number in range(65)), "t/64: the agent subscribes to 64"),
    ("addresses" + " h" * 8, "h: the agent knows 8 brokers"),
])
def test_what_has_no_counterpart_is_named(convert, line, remedy):
    made = convert([*TLS, line], code=3)
    last = made.said.splitlines()[-1]
    assert f"bridge.conf:{5 + line.count(NEWLINE)}: " in last and remedy in last
    assert ("left out" in last) != ("to do" in last)


def test_what_is_the_brokers_is_named(convert):
    made = convert(["listener 1883", "include_dir /etc/x", *TLS], code=3)
    assert ":1: listener: left out" in made.said
    assert ":2: include_dir: left out: convert" in made.said


def test_needless_lines_are_told(convert):
    made = convert([*TLS, "try_private true", "local_clientid x"])
    assert ":5: try_private: needless" in made.said
    assert ":6: local_clientid: there is no" in made.said


def test_of_several_one_is_chosen(convert):
    two = [*TLS, "connection other", "address other.example", "bridge_capath /etc/ca"]
    assert convert(two, "--connection", "other").json["broker"] == "other.example"
    assert "not there; there is pump, other" in convert(two, "--connection", "x", code=67).said


@BOTH_AWKS
def test_several_become_connections_of_one_agent(convert, thimble, tmp_path):
    """Each with what is its own; what is printed by one goes to handlers."""
    (tmp_path / "site").mkdir()
    made = convert(["port 1884", *TLS, "remote_username me", 'remote_password s"1', "topic in/# in 1 here/ there/",
                    "topic out/# out 1", "", "connection the other", "addresses a.example:8883 b.example",
                    "bridge_capath /etc/ca", "topic x both 2", "remote_clientid c"], to="site/agent.json", code=3)
    pump, other = made.json["connections"]
    assert made.json.keys() == {"connections"}
    assert [pump["name"], other["name"]] == ["pump", "the_other"]
    assert (pump["broker"], pump["client_id"]) == ("broker.example", "${hostname}.pump")
    assert (other["brokers"], other["client_id"]) == (["a.example:8883", "b.example:1883"], "c")
    assert (pump["spool"], pump["inbox"]) == ("/var/lib/thimble/site/pump", "/run/thimble/site/pump.in")
    assert [{**each["handlers"][0]} for each in (pump, other)] == [
        {"topic": "there/in/#", "append": "/var/lib/thimble/site/pump.received", "max_kb": 1024, "qos": 1},
        {"topic": "x", "append": "/var/lib/thimble/site/the_other.received", "max_kb": 1024, "qos": 2}]
    assert made.secret("pump.password") == 's"1\n' and pump["password_file"] == f"{made.file}.pump.password"
    assert not {"topic", "jsonl", "qos"} & (set(pump) | set(other))
    assert made.said.count("bridge.conf:1: port: left out") == 1
    out = thimble("config", "show", "--effective", made.file).ends(0).out.decode()
    assert [line.split()[2] for line in out.splitlines() if line.startswith("name ")] == ["pump", "the_other"]


OTHER = ["connection other", "address other.example", "bridge_cafile /etc/ca.pem", "notifications false"]


@pytest.mark.parametrize("lines, words, code, reason", [
    ([*TLS, *OTHER[:2]], [], 64, "connection other: without TLS everybody can read it"),
    ([*TLS, *TLS], [], 67, "connection pump: stands there twice"),
    ([*TLS, "connection a b", *OTHER[1:], "connection a_b", *OTHER[1:]], [], 67, "two connections would have one name"),
    ([*TLS, *(line for n in range(4) for line in (f"connection c{n}", *OTHER[1:]))], [], 64, "at most 4 connections"),
    ([*TLS, *OTHER], ["--spool", "/s"], 64, "each of several connections has its own"),
    ([*TLS, *OTHER, "bridge_identity me", "bridge_psk 0123456789abcdef"], [], 64, "choose with --connection"),
])
def test_several_that_cannot_be(convert, lines, words, code, reason):
    refused = convert([*lines, "remote_password p"] if code == 67 else lines, *words, code=code)
    assert reason in refused.said and not refused.file.exists()
    assert not list(refused.file.parent.glob("*.password"))


@pytest.mark.parametrize("lines, word, member", [
    (PLAIN, "--no-tls", "no_tls"),
    ([*TLS, "bridge_insecure true"], "--insecure", "insecure"),
])
def test_less_security_needs_a_word(convert, lines, word, member):
    refused = convert(lines, code=64)
    assert not refused.file.exists() and word in refused.said
    assert convert(lines, word).json[member] is True


def test_without_tls_nothing_of_it_is_left(convert, thimble):
    made = convert([*PLAIN, "bridge_tls_version tlsv1.3"], "--no-tls")
    assert effective(thimble, made)["no-tls"] == "true"
    assert "tls_version: means nothing without TLS" in made.said


@BOTH_AWKS
def test_psk_goes_beside(convert, thimble):
    lines = [*PLAIN, "bridge_identity me", "bridge_psk 0123456789abcdef"]
    made = convert(lines, code=3)
    assert "0123" not in made.said + made.file.read_text() and ".options" in made.said
    assert made.secret("options") == "--psk-identity me\n--psk 0123456789abcdef\n"
    thimble("config", "check", made.file, "-o", f"{made.file}.options").ends(0)
    refused = convert(lines, to=None, code=64)
    assert "a secret; give -o FILE" in refused.said and refused.out == ""


@pytest.mark.parametrize("name, directory", [
    ("../../etc", "_._.._etc"), ("a b$(id)", "a_b__id_"), ("site/pump-1", "site_pump-1"), ("-rf", "_rf")])
def test_a_name_is_that_of_a_directory(convert, thimble, name, directory):
    made = convert([f"connection {name}", *TLS[1:], "topic t"], code=3)
    assert made.json["spool"] == f"/var/lib/thimble/{directory}/spool"
    assert f"--agent /run/thimble/{directory}/in -t" in made.said
    assert made.json["client_id"] == f"${{hostname}}.{name}"


def test_what_is_larger_than_the_agent_takes_is_refused(convert):
    lines = [f"topic {'x' * 300}/{number} in" for number in range(60)]
    refused = convert([*TLS, *lines], code=67)
    assert "more than the 16384 bytes" in refused.said and not refused.file.exists()


@BOTH_AWKS
@pytest.mark.parametrize("line, reason", [
    ("address h:99999", "the port is wrong"),
    ("address ::1", "IPv6 addresses need one"),
    ("topic x sideways", "in, out or both"),
    ("topic x in 3", "0, 1 or 2"),
    ('topic "" in 0 "" r', "empty"),
    ("keepalive_interval soon", "give a whole number"),
    ("keepalive_interval 4", "give a whole number from 5 to 65535"),
    ("bridge_max_topic_alias 65536", "give a whole number from 0 to 65535"),
    ("bridge_session_expiry_interval 4294967296", "give a whole number from 0 to 4294967295"),
    ("restart_timeout 0", "give a whole number from 1 to 86400"),
    ("restart_timeout 5 2", "give a whole number from 5 to 86400"),
    ("topic x in 1 # why", "a prefix has neither + nor #"),
    ("bridge_certfile", "bridge_certfile: the value is missing"),
    ("remote_username  ", "remote_username: the value is missing"),
    ("connection", "connection: the value is missing"),
    ("address :8883", "the port is wrong"),
    ("bridge_insecure perhaps", "give true or false"),
    ("bridge_protocol_version 4", "mqttv311"),
    ("bridge_tls_version sslv3", "give tlsv1"),
])
def test_mistakes_have_a_line(convert, line, reason):
    refused = convert([*TLS, line], code=67)
    last = refused.said.splitlines()[-1]
    assert "bridge.conf:5: " in last and reason in last and not refused.file.exists()


def test_files_that_cannot_be(convert, tmp_path):
    assert "there is no connection in it" in convert(["listener 1"], code=67).said
    assert "without an address" in convert(["connection x"], code=67).said
    assert "there is no connection" in convert("", code=67).said
    for words, code in [([tmp_path / "none"], 66), ([tmp_path], 66), ([], 64), (["-o"], 64),
                        (["--nonsense"], 64), (["a", "b"], 64), (["--help"], 0)]:
        assert subprocess.run([TOOL, *words], capture_output=True).returncode == code


def test_nothing_is_written_over(convert, tmp_path):
    """Neither a file nor, through a link, another one."""
    victim = tmp_path / "victim"
    for name in "out.json", "out.json.password":
        (tmp_path / name).symlink_to(victim)
        refused = convert([*TLS, "remote_username u", "remote_password p"], code=66)
        assert "is there already" in refused.said and not victim.exists()
        (tmp_path / name).unlink()
        for left in tmp_path.glob("out.json*"):
            left.unlink()


# ---- options files ------------------------------------------------------------------------------

OPTIONS = """# mine
-h broker.example
-p 8883
-t a/b
--topic ${x}/#
-q 1
-u joe
--pw s3 cret
--cafile /etc/ca.pem
-i pump
-F %t %p
--keepalive=33
--retry inf
--will-topic w
--will-retain
"""


@BOTH_AWKS
def test_an_options_file(convert, thimble):
    made = convert(OPTIONS, name="thimble_sub")
    assert made.json == {
        "broker": "broker.example", "port": 8883, "topic": ["a/b", "$${x}/#"], "qos": 1,
        "username": "joe", "password_file": f"{made.file}.password", "cafile": "/etc/ca.pem",
        "client_id": "pump", "format": "%t %p", "keepalive": 33, "retry": "inf", "will_topic": "w",
        "will_retain": True}
    assert made.secret("password") == "s3 cret\n"
    assert effective(thimble, made)["topic"] == "a/b ${x}/#"


@pytest.mark.parametrize("line, where, remedy", [
    ("-C 5", "-C", "no option of the agent"),
    ("-N", "-N", "give it to the agent"),
    ("-D connect user-property a b", "-D", "give it to the agent"),
    ("-o other", "-o", "convert that file"),
    ("--tls-engine x", "--tls-engine", "no option of the agent"),
    ("--nonsense", "--nonsense", "no option of the agent"),
])
def test_options_that_are_no_agents_are_named(convert, line, where, remedy):
    made = convert(["--cafile /etc/ca.pem", line], name="mosquitto_sub", code=3)
    assert f"mosquitto_sub:2: {where}: left out: " in made.said and remedy in made.said


def test_what_was_published_is_to_be_handed_in(convert):
    made = convert(["--cafile /etc/ca.pem", "-t x"], name="mosquitto_pub", code=3)
    assert made.json == {"cafile": "/etc/ca.pem"}
    assert ":2: -t: to do: hand in what is for x: thimble pub --agent" in made.said


@pytest.mark.parametrize("line", ["-L mqtt://h/t", "--no-tls", "-L ws://h", "-h h"])
def test_options_without_tls_need_a_word(convert, thimble, line):
    """mosquitto's clients have none unless they are told."""
    assert "--no-tls" in convert([line], name="mosquitto_sub", code=64).said
    rows = effective(thimble, convert([line], "--no-tls", name="mosquitto_sub"))
    assert "no-tls" in rows or rows["url"]


@pytest.mark.parametrize("line", ["--insecure", "--insecure-no-verify"])
def test_options_of_less_security_need_a_word(convert, line):
    assert "--insecure" in convert(["--cafile x", line], name="thimble_sub", code=64).said
    assert convert(["--cafile x", line], "--insecure", name="thimble_sub").json[
        line[2:].replace("-", "_")] is True


@pytest.mark.parametrize("line, name, text, member", [
    ("-L mqtts://joe:p%40%3Aw@h:1/t", "password", "p@:w\n", {"url": "mqtts://joe@h:1/t"}),
    ("--proxy socks5h://u:secret@p", "options", "--proxy socks5h://u:secret@p\n", {}),
    ("--psk 00112233", "options", "--psk 00112233\n", {}),
])
def test_secrets_of_options_go_beside(convert, line, name, text, member):
    made = convert([line, "-i x"], name="thimble_sub", code=0 if name == "password" else 3)
    assert made.secret(name) == text
    assert made.json.items() >= member.items()
    assert text.split()[-1] not in made.file.read_text() + made.said


@BOTH_AWKS
def test_every_option_of_the_agent_is_understood(convert, thimble):
    """Those of the table, by each of their names; the program knows what becomes of them."""
    beside = {"pw", "psk", "proxy", "url", "property", "exit-codes", "config", "help", "version",
              "tls-engine", "tls-engine-kpass-sha1", "no-tls"}
    options = [option for option in completion.read_options() if "agent" in option.commands
               and option.name not in beside and option.letter not in ("o", "N")]
    assert len(options) > 80
    lines = [f"{spelling} {option.words[0] if option.words else 1 if option.value else ''}".strip()
             for option in options for spelling in option.spellings]
    made = convert(lines, "--insecure", name="thimble_sub")
    assert len(made.json) == len(options)
    run = thimble("config", "show", "--effective", made.file)
    run.end()
    assert "no such name" not in run.err and "true or false" not in run.err, run.err


# ---- a broker -----------------------------------------------------------------------------------

def bridge_to(lab):
    return ["connection pump", f"address localhost:{lab.ports['ec_port']}", "notifications false",
            f"bridge_cafile {lab.path('ec', 'root.pem')}", "bridge_tls_version tlsv1.2",
            f"bridge_certfile {lab.path('ec', 'client.pem')}",
            f"bridge_keyfile {lab.path('ec', 'client.key')}"]


def hand_in(path, topic):
    with socket.socket(socket.AF_UNIX) as inbox:
        inbox.connect(str(path))
        inbox.sendall(json.dumps({"topic": topic, "payload": "21.5"}).encode() + b"\n")
        assert b"accepted" in inbox.recv(100)


def test_what_it_says_works(convert, thimble, lab, tmp_path, topic):
    """In and out, over mutual TLS."""
    made = convert([*bridge_to(lab), f"topic commands/# in 1 here/ {topic}/",
                    f"topic sensors/# out 1 here/ {topic}/"],
                   "--spool", tmp_path / "spool", "--inbox", tmp_path / "in", code=3)
    thimble("config", "check", made.file).ends(0)
    agent = thimble.start("agent", "-c", made.file, f"--sandbox={SANDBOX}")
    lab.log.await_subscription(f"{topic}/commands/#")
    thimble("pub", *lab.tls(), "-t", f"{topic}/commands/go", "-m", "now", "-q", 1).ends(0)
    until(lambda: b'"now"' in agent.out, "the command")
    sub = thimble.start("sub", *lab.tls(), "-t", f"{topic}/sensors/1", "-C", 1)
    lab.log.await_subscription(f"{topic}/sensors/1")
    hand_in(tmp_path / "in", f"{topic}/sensors/1")
    sub.ends(0)
    assert sub.out == b"21.5\n"
    agent.signal(signal.SIGTERM).ends(0)


def asked_for(broker):
    """Client ids that came, and what they subscribed to."""
    lines = broker.log.text().splitlines()
    return ({line.split(" as ")[1].split()[0] for line in lines if " as " in line},
            {line.split("\t")[1] for line in lines if "\t" in line and "(QoS" in line})


def test_a_broker_sees_no_difference(convert, thimble, mosquitto):
    """mosquitto as a bridge and the agent in its place: the same client id, the same filters."""
    broker = mosquitto("allow_anonymous true").start()
    lines = ["connection pump", f"address 127.0.0.1:{broker.port}", "notifications false",
             "topic a/# in 1", 'topic "" in 1 local remote', "topic b in 1 L/ R/"]
    bridge = mosquitto("allow_anonymous true", *lines).start()
    broker.log.await_subscription("R/b")
    bridge.stop()
    theirs = asked_for(broker)
    assert len(theirs[0]) == 1 and len(theirs[1]) == 3
    broker.stop()
    broker.log.path.write_text("")
    broker.start()
    made = convert(lines, "--no-tls")
    agent = thimble.start("agent", "-c", made.file)
    broker.log.await_subscription("R/b")
    agent.signal(signal.SIGTERM).ends(0)
    assert asked_for(broker) == theirs
