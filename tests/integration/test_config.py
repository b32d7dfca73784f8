"""Settings in JSON: what counts, what is refused and where, and what the program makes of it."""
import json
import re
import signal
import subprocess
import sys

import pytest

from program import SANDBOX, TOP, told_bytes, until

sys.path.insert(0, str(TOP / "tools"))
import keys  # noqa: E402


@pytest.fixture
def config(tmp_path):
    def write(content, name="agent.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path
    return write


def shown(thimble, *words, **options):
    """Name: (origin, value)."""
    out = thimble("config", "show", "--effective", *words, **options).ends(0).out.decode()
    rows = [line.split(None, 2) for line in out.splitlines()]
    return {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in rows}


def connection(lab, kind="ec"):
    file = {name: str(lab.path(kind, f"{name}.pem")) for name in ("root", "client")}
    return {"mqtt": {"broker": "localhost", "port": int(lab.ports[f"{kind}_port"]), "use_tls": True},
            "tls": {"cafile": file["root"], "cert": file["client"],
                    "key": str(lab.path(kind, "client.key"))}}


def test_schema_and_manual_are_what_the_table_says():
    subprocess.run([TOP / "tools" / "keys.py", "--check"], check=True)


def sample(shape):
    """Something the schema allows."""
    if "anyOf" in shape:
        return sample(shape["anyOf"][0])
    if "enum" in shape:
        return shape["enum"][0]
    kind = shape["type"] if isinstance(shape["type"], str) else "string"
    if kind == "array":
        item = sample(shape["items"])
        return ["/bin/cat" if item == "x" else item]
    if kind == "object":
        one_of = shape.get("oneOf", [{}])[0]
        names = shape.get("required", []) + one_of.get("required", [])
        return {name: sample(shape["properties"][name]) for name in names}
    text = "1s..2s" if "doubling" in shape.get("description", "") else "x"
    return {"boolean": True, "integer": shape.get("minimum", 1), "number": 1, "string": text}[kind]


def mistake(thimble, path):
    """What is wrong with the file itself, or ''."""
    done = thimble("config", "show", "--effective", path)
    return done.err if done.end() == 67 else ""


def test_every_name_of_the_schema_is_taken(thimble, config):
    """... with a value the schema allows, and another spelling."""
    names = json.loads(keys.SCHEMA.read_text())["definitions"]
    aliases = set(keys.read_aliases()) & set(names)
    del names["=settings"], names["=connection"], names["mem-report"]
    assert len(names) > 100 and len(aliases) > 8
    cleans = {"clean-session", "clean-start"}  # not of the agent: below
    for chosen in (set(names) - aliases, aliases - cleans):
        content = {name: sample(names[name]) for name in sorted(chosen)}
        assert mistake(thimble, config(content)) == ""
        hyphens = {name.replace("-", "_"): value for name, value in content.items()}
        assert mistake(thimble, config({"mqtt": hyphens})) == ""


def test_values_of_another_type_are_refused(thimble, config):
    """Every eighth name; those of other commands are passed over."""
    names = [(name, shape) for name, (option, shape) in keys.read_keys().items()
             if shape.get("type") in ("boolean", "integer", "number") and "agent" in option.commands]
    assert len(names) > 30
    for name, shape in names[::8]:
        assert "1:" in mistake(thimble, config({name: "yes"})), name


def test_names_lead_to_options(thimble, config):
    rows = shown(thimble, config({
        "mqtt": {"broker": "b.example", "client_id": "pump-17", "keepalive": 33, "no_tls": True,
                 "will": {"topic": "gone", "qos": 1, "retain": True}},
        "network": {"timeout": {"tcp": 2.5}}, "topic": ["a/#", "b"], "srv": False, "username": None}))
    assert rows["host"] == ("file", "b.example")
    assert rows["id"] == ("file", "pump-17")
    assert rows["keepalive"] == ("file", "33")
    assert rows["no-tls"] == ("file", "true")
    assert rows["port"] == ("default", "1883")
    assert (rows["will-topic"], rows["will-qos"]) == (("file", "gone"), ("file", "1"))
    assert rows["timeout-tcp"] == ("file", "2.500")
    assert rows["topic"] == ("file", "a/# b")
    assert "username" not in rows and "-S" not in rows


def test_the_names_of_other_devices_are_taken(thimble, config):
    path = config({"mqtt": {"broker": "b.example", "port": 8884, "client_id": "pump-17",
                            "use_tls": True}, "cafile": "x"})
    rows = shown(thimble, path)
    assert [rows[name] for name in ("host", "port", "id")] == [
        ("file", "b.example"), ("file", "8884"), ("file", "pump-17")]
    assert "no-tls" not in rows


@pytest.mark.parametrize("content", [
    {"mqtt": {"use_tls": False}}, {"use-tls": False}, {"use_tls": False, "cafile": "x"},
    {"tls": {"use_tls": False, "no_tls": True}}])
def test_without_tls_there_is_one_name_and_it_says_so(thimble, config, content):
    """use_tls false is refused wherever it stands, unless the command line says --no-tls."""
    path = config({"broker": "127.0.0.1", "port": 1, "topic": "t", "message": "m", **content})
    for command in ["config", "check"], ["agent", "-c"], ["pub", "--config"]:
        run = thimble(*command, path).ends(67, 'all may be sent in the clear, give "no_tls": true')
        assert ":1:" in run.err and "use-tls: " in run.err
    if "no_tls" not in str(content):
        thimble("config", "check", path, "--no-tls").ends(0)


@pytest.mark.parametrize("content, refused", [
    ({"clean_session": True}, True), ({"mqtt": {"clean_start": True}}, True),
    ({"disable_clean_session": False}, True), ({"clean_session": False}, False)])
def test_an_agent_keeps_its_session(thimble, config, content, refused):
    """... and says so to whoever wants it otherwise; sub takes the word."""
    path = config({"host": "127.0.0.1", "port": 1, "no_tls": True, "id": "x", "topic": "t", **content})
    check = thimble("config", "check", path)
    if not refused:
        check.ends(0)
        return
    assert re.search(r":1:\d+: an agent keeps its session; without id there is none", check.ends(67).err)
    thimble("sub", "--config", path, "--retry", "0").ends_refused(4)


@pytest.mark.parametrize("content, absent, present", [
    ({"no_tls": True}, ("tls-version", "ocsp", "clock", "clock-timeout", "ws-path", "will-qos", "failback",
                        "spool-full", "inbox-mode", "status-mode", "auth", "session-expiry",
                        "max-inflight", "fwmark", "heap-budget", "backoff"),
     {"qos": "0", "port": "1883", "keepalive": "60"}),
    ({"no_tls": True, "brokers": ["a", "b"], "ws": True, "will": {"topic": "t"}, "status_socket": "/s",
      "id": "x", "spool": "/s", "inbox": "/i"}, ("host",),
     {"failback": "600", "ws-path": "/mqtt", "will-qos": "0", "status-mode": "0600",
      "spool-full": "oldest", "inbox-mode": "0600"}),
    ({"host": "h", "cafile": "x"}, ("auth",), {"ocsp": "off", "clock": "wait", "clock-timeout": "120"}),
    ({"unix": "/s"}, ("port", "ocsp"), {}),
    ({"srv": True, "host": "h", "no_tls": True}, ("port",), {})])
def test_only_defaults_that_count_are_shown(thimble, config, content, absent, present):
    rows = shown(thimble, config({"host": "h", **content} if "brokers" not in content else content))
    assert not set(absent) & set(rows)
    assert {name: rows[name] for name in present} == {
        name: ("default", value) for name, value in present.items()}


def test_names_are_those_of_the_configuration(thimble, config):
    """What has only a letter on the command line, too; what the configuration has no name for is left out."""
    rows = shown(thimble, config({"host": "h", "no_tls": True, "id": "x", "protocol_version": "5", "srv": True,
                                  "session_expiry": 7, "max_inflight": 3, "format": "%p"}), "-N")
    assert {name: rows[name] for name in ("srv", "session-expiry", "max-inflight", "format")} == {
        "srv": ("file", "true"), "session-expiry": ("file", "7"), "max-inflight": ("file", "3"),
        "format": ("file", "%p")}
    assert not [name for name in rows if name.startswith("-")]


def test_failback_is_of_several_brokers(thimble, config):
    path = config({"host": "h", "no_tls": True, "failback": 5})
    thimble("config", "check", path).ends(64, "--failback: needs --brokers")


def test_handlers_are_shown(thimble, config):
    rows = shown(thimble, config({"host": "h", "no_tls": True, "id": "pump",
                                  "handlers": [{"topic": "do/${client_id}", "run": ["/bin/true"]}]}))
    assert rows["handlers"] == ("file", "do/pump /bin/true")


def test_what_counts_more(thimble, config):
    """Flag, environment, file, default; a list is one value."""
    path = config({"no-tls": True, "host": "file", "username": "file", "id": "file",
                   "topic": ["file", "file2"], "password": "secret"})
    rows = shown(thimble, path, "-i", "flag", "-t", "flag",
                 env={"THIMBLE_HOST": "variable", "THIMBLE_USERNAME": ""})
    assert rows["host"] == ("environment", "variable")
    assert rows["username"] == ("file", "file")
    assert (rows["id"], rows["topic"]) == (("flag", "flag"), ("flag", "flag"))
    assert rows["pw"] == ("file", "(hidden)")
    assert rows["keepalive"] == ("default", "60")


def test_pins_are_an_array_too(thimble, config):
    one, other = (f"sha256//{43 * letter}=" for letter in "AB")
    for pins in f"{one};{other}", [one, other]:
        assert shown(thimble, config({"host": "h", "cafile": "x", "pin": pins}))["pin"] == ("file", f"{one};{other}")


def test_a_url_takes_the_place_of_what_it_says(thimble, config):
    path = config({"host": "file", "port": 1, "no-tls": True})
    assert shown(thimble, path, "-L", "mqtt://flag:2")["port"] == ("flag", "2")
    path = config({"url": "mqtt://file:2"})
    assert shown(thimble, path)["host"] == ("file", "file")
    assert shown(thimble, path, "-h", "flag", "--no-tls")["host"] == ("flag", "flag")


def test_without_tls_what_the_file_says_of_it_does_not_count(thimble, config):
    path = config({"cafile": "/nonexistent", "cert": "x", "key": "y"})
    thimble("config", "check", path, "--no-tls").ends(0)


@pytest.mark.parametrize("content, where, what", [
    ('{"keepaliv": 5}', "1:2", "keepaliv: no such name; did you mean keepalive?"),
    ('{\n "mqtt": {\n  "clientid": "x"}}', "3:3", "clientid: no such name; did you mean client-id?"),
    ('{"qoss": {"zzzz": 1}}', "1:11", "qoss-zzzz: no such name"),
    ('{"port": 99999}', "1:10", "port 99999: give a whole number from 1 to 65535"),
    ('{"port": "x"}', "1:10", "port x: give a whole number"),
    ('{"insecure": "true"}', "1:14", "insecure: give true or false"),
    ('{"port": 1,\n\t"port": 2}', "2:2", "given twice"),
    ('{"port": 1, "mqtt": {"port": 2}}', "1:22", "given twice"),
    ('{"tls": {"cafile": "a" "b"}}', "1:24", "not JSON here, which wants a comma or }"),
    ('{"host": b}', "1:10", "not JSON here, which wants a value"),
    ('{"host": "b"} // no comments', "1:15", "not JSON here, which wants the end"),
    ('{"mqtt":' * 9, "1:65", "at most 8 levels"),
    ('{"config": "x"}', "1:2", "config: no such name"),
    ('{"tls-engine": "x"}', "1:2", "tls-engine: no such name"),
    ("", "1:1", "an object"),
])
def test_mistakes_have_a_place(thimble, config, content, where, what):
    path = config(content, "c")
    run = thimble("config", "check", path).ends(67, what)
    assert f":{where}: " in run.err


def test_limits_of_a_file(thimble, config, tmp_path):
    full = '{"no-tls":true}'
    path = config(full + " " * (16384 - len(full)))
    thimble("config", "check", path).ends(0)
    path = config(full + " " * (16385 - len(full)))
    thimble("config", "check", path).ends(67, "at most 16384 bytes")
    thimble("config", "check", tmp_path / "none").ends(66, "No such file")
    thimble("config", "check", tmp_path).ends(66, "directory")
    thimble("agent", "-c", tmp_path).ends(66, "directory")
    thimble("agent", "--no-tls").ends(64, "-c: the configuration is missing")


def test_check_reads_the_files_that_are_named(thimble, config, lab):
    settings = connection(lab)
    thimble("config", "check", config(settings)).ends(0)
    settings["tls"]["key"] = str(lab.path("ec", "server.key"))
    thimble("config", "check", config(settings)).ends(71)
    settings["tls"]["cafile"] = "/nonexistent"
    thimble("config", "check", config(settings)).ends(66, "/nonexistent")
    thimble("config", "check").ends(64)
    thimble("config", "show", config(settings)).ends(64)


def test_pub_and_sub_use_it_too(thimble, config, lab):
    path = config({**connection(lab), "topic": "config/both", "qos": 1, "verbose": True,
                   "message": "hello"})
    sub = thimble.start("sub", "--config", path, "-C", "1")
    lab.log.await_subscription("config/both")
    thimble("pub", "--config", path).ends(0)
    sub.ends(0)
    assert sub.out == b"config/both hello\n"


def test_a_password_is_given_and_wiped(thimble, config, mosquitto, tmp_path):
    (tmp_path / "users").write_text("")
    subprocess.run(["mosquitto_passwd", "-b", tmp_path / "users", "joe", "s3cret"], check=True)
    (tmp_path / "users").chmod(0o644)
    broker = mosquitto("allow_anonymous false", f"password_file {tmp_path}/users").start()
    settings = {"host": "127.0.0.1", "port": broker.port, "no_tls": True, "username": "joe",
                "topic": "t", "message": "m", "qos": 1}
    thimble("pub", "--config", config({**settings, "password": "s3cret"})).ends(0)
    thimble("pub", "--config", config({**settings, "password": "wrong"})).ends_refused(51)


def test_the_agent_stays(thimble, config, lab):
    """Prints what comes; with an id the session is kept; told to end, it ends well."""
    settings = {**connection(lab), "topic": "config/agent", "qos": 1, "id": "config-agent",
                "jsonl": True, "sandbox": SANDBOX}
    agent = thimble.start("agent", "-c", config(settings))
    lab.log.await_subscription("config/agent")
    thimble("pub", *lab.tls(), "-t", "config/agent", "-m", "one", "-q", "1").ends(0)
    until(lambda: b'"one"' in agent.out, "the message")
    agent.signal(signal.SIGTERM).ends(0)
    thimble("pub", *lab.tls(), "-t", "config/agent", "-m", "two", "-q", "1").ends(0)
    agent = thimble.start("agent", "-c", config(settings))
    until(lambda: b'"two"' in agent.out, "what came while it was away")
    agent.signal(signal.SIGTERM).ends(0)


# ---- several connections ------------------------------------------------------------------------

def several(*connections, **top):
    """A configuration of such; nameless ones are called a, b, ... and have a host each."""
    named = [{"name": name, **({} if "no_host" in each else {"host": f"{name}.example"}), **each}
             for name, each in zip("abcdefgh", connections)]
    for each in named:
        each.pop("no_host", None)
    return {"no_tls": True, **top, "connections": named}


def test_connections_are_shown_one_by_one(thimble, config):
    """What is common to them comes first; of each its name, then what counts for it."""
    path = config(several({"keepalive": 7, "id": "x-${connection}"}, {"port": 5, "srv": False}, qos=1, log_format="json"))
    out = thimble("config", "show", "--effective", path).ends(0).out.decode()
    common, a, b = re.split(r"^name +file +(?=[ab]$)", out, flags=re.M)
    rows = [dict(line.split(None, 1) for line in part.splitlines()[begin:])
            for begin, part in enumerate((common, a, b)) for begin in [min(begin, 1)]]
    assert rows[0]["log-format"].split() == ["file", "json"] and "sandbox" in rows[0] and "qos" not in rows[0]
    assert rows[1]["id"].split() == ["file", "x-a"] and rows[1]["host"].split() == ["file", "a.example"]
    assert rows[1]["keepalive"].split() == ["file", "7"] and rows[2]["keepalive"].split() == ["default", "60"]
    assert rows[2]["port"].split() == ["file", "5"] and "id" not in rows[2]
    assert [row["qos"].split() for row in rows[1:]] == [["file", "1"]] * 2
    assert not any("sandbox" in row or "log-format" in row for row in rows[1:])


def test_one_of_several_may_be_the_only_one(thimble, config):
    """It is as if all stood at the top: it prints, and secrets may stand on the command line."""
    path = config(several({"topic": "t", "username": "u"}))
    rows = shown(thimble, path, "-P", "secret")
    assert rows["name"] == ("file", "a") and rows["topic"] == ("file", "t") and rows["sandbox"] == ("default", "auto")


@pytest.mark.parametrize("content, where, what", [
    ('{"connections": []}', "1:18", "connections: give an array of objects"),
    ('{"connections": {}}', "1:18", "connections: give an array of objects"),
    ('{"connections": {"name": "a"}}', "1:26", "connections: give an array of objects"),
    ('{"connections": "a"}', "1:17", "connections: give an array of objects"),
    ('{"connections": ["a"]}', "1:18", "connections: give an array of objects"),
    ('{"connections": [["a"]]}', "1:19", "connections: give an array of objects"),
    ('{"connections": [[]]}', "1:19", "connections: give an array of objects"),
    ('{"connections": [{"name": "a", "connections": [{"name": "b"}]}]}', "1:49", "connections-name: no such name"),
    ('{"no_tls": true, "connections": [{}, {"name": "a"}]}', "1:35", "this connection has no name"),
    ('{"no_tls": true, "connections": [{"name": "a"},\n {}]}', "2:3", "this connection has no name"),
    ('{"no_tls": true, "connections": [{"name": "a"},\n {"host": "b"}]}', "2:11", "this connection has no name"),
    ('{"connections": [{"name": "a",\n "name": "b"}]}', "2:2", "given twice"),
    ('{"connections": [{"name": ""}]}', "1:27", "name: give at most 31 letters"),
    ('{"connections": [{"name": "a b"}]}', "1:27", "name: give at most 31 letters"),
    ('{"connections": [{"name": "\\u00e9"}]}', "1:27", "name: give at most 31 letters"),
    (json.dumps({"connections": [{"name": "x" * 32}]}), "1:27", "name: give at most 31 letters"),
    ('{"connections": [{"name": null}]}', "1:27", "name: give at most 31 letters"),
    ('{"no_tls": true, "connections": [{"name": "a", "host": "a"},\n{"name": "b", "mqtt": {"qoss": 1}}]}',
     "2:24", "qoss: no such name; did you mean qos?"),
    ('{"no_tls": true, "connections": [{"name": "a", "host": "a"},\n{"name": "b", "port": 0}]}', "2:23", "port 0: give"),
    ('{"no_tls": true, "host": "x", "connections": [{"name": "a"},\n{"name": "b", "host": "y"}]}', "2:15", "given twice"),
    ('{"no_tls": true, "connections": [{"name": "a", "host": "a"},\n{"name": "b", "id": "${c}"}]}', "2:21", "${c}: no such name"),
    ('{"no_tls": true, "connections": [{"name": "a", "host": "a"},\n{"name": "b", "handlers": [{"topic": "t"}]}]}',
     "2:29", "a handler has"),
])
def test_mistakes_of_connections_have_a_place(thimble, config, content, where, what):
    path = config(content, "c")
    for command in ["config", "check"], ["agent", "-c"]:
        run = thimble(*command, path).ends(67, what)
        assert f":{where}: " in run.err


def test_so_many_connections_there_may_be(thimble, config):
    thimble("config", "check", config(several({}, {}, {}, {}))).ends(0)
    thimble("config", "check", config(several({}, {}, {}, {}, {}))).ends(67, "connections: at most 4 of them")


COMMON = {"status_socket": "/s", "status_mode": "0600", "log_format": "json", "sandbox": "off", "debug": True,
          "quiet": True, "events": "/e", "mem_report": "json:/r", "memory_trace": "/m", "tls_keylog": "/k", "clock": "fail",
          "clock_timeout": 1, "sntp": ["t"], "clock_file": "/c", "hwrng": "/h", "exit_codes": "thimble", "verbose": True,
          "format": "%p", "pretty": True, "jsonl": True}


@pytest.mark.parametrize("name", COMMON)
def test_what_is_common_stands_at_the_top(thimble, config, name):
    path = config(several({}, {name: COMMON[name]}))
    run = thimble("config", "check", path).ends(67, "of all connections: give it at the top")
    assert re.search(r":1:\d+: ", run.err)
    top = {name: COMMON[name], **({"status_socket": "/s"} if name == "status_mode" else {})}
    if name != "mem_report":
        assert shown(thimble, config(several({}, {}, **top)))


def test_the_schema_knows_what_is_common():
    assert {name.replace("_", "-") for name in COMMON} == keys.read_common()
    shapes = json.loads(keys.SCHEMA.read_text())["definitions"]
    inside, top = shapes["=connection"]["properties"], shapes["=settings"]["properties"]
    assert not set(COMMON) & set(inside) and set(COMMON) < set(top)
    assert "name" in inside and "name" not in top and "connections" not in inside


@pytest.mark.parametrize("path", sorted((TOP / "docs" / "examples").glob("*.json")), ids=lambda path: path.stem)
def test_examples_can_be_read(thimble, path):
    """Its files are the reader's."""
    out = thimble("config", "show", "--effective", path).ends(0).out.decode()
    names = [each["name"] for each in json.loads(path.read_text()).get("connections", [])]
    assert re.findall(r"^name +file +(.*)$", out, re.M) == names


def column_of(key, content, find=str.rindex):
    """Of the last value with this name."""
    return find(json.dumps(content), f'"{key}": ') + len(f'"{key}": ') + 1


@pytest.mark.parametrize("option, shared", [
    ("--spool", {"spool": "/s"}), ("--inbox", {"inbox": "/i"}), ("--drop", {"drop": "/d", "drop_topic": "t"}),
    ("--prom-file", {"prom_file": "/p"}), ("--stdin", {"stdin": True}), ("name", {"name": "a"}),
    ("--session-file", {"session_file": "/f"})])
def test_connections_have_things_of_their_own(thimble, config, option, shared):
    own = [{"id": "x", **({"spool": f"/{n}"} if option in ("--inbox", "--drop", "--stdin") else {})} for n in "ab"]
    tls = {"no_tls": False, "cafile": "/c"} if "session_file" in shared else {}
    for several_ones in several(*({**each, **shared} for each in own), **tls), several(*own, **shared, **tls):
        if option != "name" or "name" not in several_ones:
            run = thimble("config", "show", "--effective", config(several_ones)).ends(
                67, f"{option}: connection a has the same; give each its own")
            assert f":1:{column_of(next(iter(shared)), several_ones)}: " in run.err
    if option != "name":
        thimble("config", "show", "--effective", config(several({**own[0], **shared}, own[1], **tls))).ends(0)


@pytest.mark.parametrize("one, other, same", [
    ("/a/b", "/a//b", True), ("/a/b", "/a/b/", True), ("//a/b//", "/a/b", True), ("/a/b", "/a/bb", False),
    ("/a/bb", "/a/b", False), ("/a/b", "/ab", False), ("/a/b", "/a", False)])
def test_a_path_is_the_same_with_more_slashes(thimble, config, one, other, same):
    path = config(several({"id": "x", "spool": one}, {"id": "x", "spool": other}))
    run = thimble("config", "show", "--effective", path).ends(67 if same else 0)
    assert ("--spool: connection a has the same" in run.err) == same


def test_what_the_command_line_gives_all_of_them_may_not_be_shared(thimble, config):
    path = config(several({"id": "x"}, {"id": "x"}))
    thimble("config", "check", path, "--spool", "/s").ends(
        64, "thimble config b: for all connections: --spool: connection a has the same; give each its own")


@pytest.mark.parametrize("one, other, refused", [
    ({"id": "x"}, {"id": "x"}, True), ({"id": "x"}, {"id": "y"}, False), ({}, {}, False),
    ({"id": "x"}, {"id": "x", "port": 5}, False), ({"id": "x", "port": 1883}, {"id": "x"}, True),
    ({"id": "${connection}"}, {"id": "${connection}"}, False), ({"id": "${connection}"}, {"id": "a"}, True),
    ({"id_prefix": "x"}, {"id_prefix": "x"}, True), ({"id_prefix": "x"}, {"id_prefix": "y"}, False),
    ({"id": "x"}, {"id": "x", "host": "other"}, False), ({"id": "x", "unix": "/a"}, {"id": "x", "unix": "/b"}, False),
    ({"id": "x", "unix": "/a"}, {"id": "x", "unix": "/a"}, True),
    ({"id": "x", "brokers": ["a", "b"]}, {"id": "x", "brokers": ["b", "a"]}, False),
    ({"id": "x", "brokers": ["a", "b"]}, {"id": "x", "brokers": ["a"]}, True)])
def test_two_may_not_be_the_same_client(thimble, config, one, other, refused):
    content = several(*({"no_host": True, **each} for each in (one, other)))
    run = thimble("config", "check", config(content))
    if refused:
        key, option = ("id", "-i") if "id" in one else ("id_prefix", "-I")
        run.ends(67, f":1:{column_of(key, content)}: {option}: connection a has the same; give each its own")
    else:
        run.ends(0)


@pytest.mark.parametrize("each, what", [
    ({"topic": "t"}, "-t: several connections print nothing; give handlers"),
    ({"topic": "t", "handlers": [{"topic": "t", "run": ["/bin/true"]}]}, "-t: several connections print nothing")])
def test_several_print_nothing(thimble, config, each, what):
    for content in several(each, {}), several({}, each):
        at = "ab"[content["connections"][1].get("topic", "") != ""]
        run = thimble("agent", "-c", config(content)).ends(67, f":1:{column_of('topic', content, str.index)}: {what}")
        assert f"thimble agent {at}: " in run.err
    thimble("agent", "-c", config(several({}, {})), "-t", "t").ends(64, what)
    thimble("config", "check", config(several({}, {})), "--mem-report=json:/x").ends(64, "--mem-report: several connections")


@pytest.mark.parametrize("words, env", [
    (["-P", "s"], {}), (["-L", "mqtt://h"], {}), (["--proxy", "socks5h://p"], {}), ([], {"THIMBLE_PASSWORD": "s"}),
    (["--psk", "00", "--psk-identity", "x"], {})])
def test_secrets_of_several_stand_in_the_configuration(thimble, config, words, env):
    """Elsewhere they are wiped when the first one has them."""
    content = several({"username": "u"}, {"username": "u"}, no_tls=None, cafile="/nonexistent")
    run = thimble("config", "check", config(content), *words, env=env)
    run.ends(64, "give those of several connections in the configuration")
    thimble("config", "check", config(several({"username": "u"}, {})), env={"THIMBLE_PASSWORD": ""}).ends(0)


def test_a_password_for_each(thimble, config):
    path = config(several({"password": "s1"}, {}, username="u"))
    out = thimble("config", "show", "--effective", path).ends(0).out.decode()
    assert len(re.findall(r"^pw +file +\(hidden\)$", out, re.M)) == 1
    out = thimble("config", "show", "--effective", config(several({}, {}, username="u", password="s"))).ends(0).out.decode()
    assert len(re.findall(r"^pw +file +\(hidden\)$", out, re.M)) == 2


@pytest.mark.parametrize("count, which", [(2, [0, 1]), (3, [0]), (3, [1]), (3, [2]), (3, [0, 2]), (3, [1, 2]), (4, [0]),
                                          (4, [3])])
def test_a_plain_endpoint_needs_room(thimble, config, count, which):
    """A block that no connection has; hub has enough."""
    blocks = told_bytes("connections")
    connections = [{"id": "x", "spool": f"/s{n}"} for n in range(count)]
    for each in which:
        connections[each] |= {"insecure_plain": "p", "insecure_plain_topic": ["t"]}
    content = several(*connections, no_tls=False, cafile="/c")
    run = thimble("config", "show", "--effective", config(content))
    if count + len(which) <= blocks:
        run.ends(0)
    else:
        run.ends(67, f":1:{column_of('insecure_plain', content)}: --insecure-plain: only for {blocks - count} "
                     f"of {count} connections")


def test_check_opens_the_files_of_each(thimble, config, lab):
    first, second = connection(lab), connection(lab, "rsa")
    both = {"connections": [{"name": "one", **first}, {"name": "two", **second}]}
    thimble("config", "check", config(both)).ends(0)
    second["tls"]["key"] = str(lab.path("ec", "server.key"))
    thimble("config", "check", config(both)).ends(71, " two: ")
    second["tls"]["cafile"] = "/nonexistent"
    thimble("config", "check", config(both)).ends(66, " two: ").says("/nonexistent")
    first["tls"]["cafile"] = "/nowhere"
    thimble("config", "check", config(both)).ends(66, " one: ").says("/nowhere")


def test_settings_that_do_not_fit_name_the_connection(thimble, config):
    for name, content in ("a", several({}, {"cafile": "/x"}, no_tls=None)), ("b", several({"cafile": "/x"}, {}, no_tls=None)):
        for command in "config", "agent":
            words = [command, "check"] if command == "config" else [command, "-c"]
            thimble(*words, config(content)).ends(64, f"thimble {command} {name}: --cafile: TLS needs")


def test_others_have_one_connection(thimble, config):
    path = config(several({"host": "127.0.0.1", "port": 1}, {}))
    for command in ["pub", "-m", "m"], ["sub"], ["rr", "-e", "e", "-m", "m"]:
        run = thimble(*command, "-t", "t", "--config", path).ends(67, "connections: only the agent has them")
        assert re.search(r":1:\d+: ", run.err)
