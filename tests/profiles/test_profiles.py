"""small and tiny stay within their budget, do what is asked of them, and say what they lack; client
has its size. All profiles, and all tests on each: make profiles."""
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("profiles", TOP / "tools" / "profiles.py")
profiles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(profiles)
budget = profiles.budget

SAMPLE = ["tests/integration/test_matrix.py", "tests/integration/test_refused_servers.py"]
RUNS = 2
FEATURES = TOP / "config" / "features.mk"
OF_A_COMMAND = "no such option"  # of one that is not there
# Those of pub or sub, too.
OF_CLIENTS = {"--identity", "--identity-dir", "--config", "--agent", "--message-id"}


def wrong(measured, binary):
    """What is above its entry or its goal."""
    book, key = json.loads(budget.BUDGET.read_text()), budget.key_of(binary)
    rows = budget.judge(measured, book["entries"].get(key, {}), book["goals"].get(key, {}))
    found = [row for row in rows if row[0] in ("GREW", "MISSED")]
    print(found)
    return found


@pytest.mark.parametrize("profile", ["small", "tiny"])
def test_within_the_budget(profile, monkeypatch):
    monkeypatch.chdir(TOP)
    binary = profiles.binary_of(profile)
    assert wrong(budget.measure(binary, RUNS), binary) == []


def test_size_of_the_client(monkeypatch):
    """The whole trust policy and its commands, without what stays by itself. What it needs of memory:
    make profiles."""
    monkeypatch.chdir(TOP)
    binary = profiles.binary_of("client")
    assert wrong({"binary": budget.size(binary)}, binary) == []
    assert budget.lacks(binary) == profiles.lacks("client") == ["agent", "tunnel", "spool"]


@pytest.mark.parametrize("profile", ["small", "tiny"])
def test_does_what_default_does(monkeypatch, profile):
    monkeypatch.chdir(TOP)
    assert profiles.run_tests(profile, SAMPLE) == 0


def said(profile, *words):
    return subprocess.run([TOP / profiles.binary_of(profile), *words], text=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)


@pytest.mark.parametrize("profile", ["small", "tiny"])
def test_says_what_it_lacks(profile):
    """What the tests are not run for is refused, word by word: what default has of pub and sub by its
    name, the options of commands that are not there as those of nobody."""
    options = profiles.assignments(FEATURES)
    of_commands = {option for feature in ("certificates", "identity", "tunnel", "agent", "spool")
                   for option in options[f"{feature}.options"]} - OF_CLIENTS
    words = [word for word, lack in profiles.lacking_words(profile)
             if word.startswith("-") and "=" not in word or word == lack]
    assert {"--ws", "-F", "--proxy", "--auth", "-L", "mem"} <= set(words)
    for word in words:
        done = said(profile, *(["sub", word, "1"] if word.startswith("-") else [word]))
        sentence = OF_A_COMMAND if word in of_commands else \
            f"not in this build (profile {profile}); the default one has it"
        assert (done.returncode, f"{word}: {sentence}" in done.stderr) == (64, True), done.stderr


def test_the_list_names_what_a_profile_lacks():
    known = {path.stem for path in (TOP / "config" / "profile").glob("*.h")}
    for profile in known.copy():
        known |= set(profiles.lacks(profile))
    lines = (TOP / "tests" / "profiles" / "not-here").read_text().splitlines()
    named = {name for line in lines if line and not line.startswith(("#", "because: "))
             for name in line.split()[0].split(",")}
    assert named and named <= known


@pytest.mark.parametrize("option", ["-f", "-s"])
def test_tiny_says_what_is_too_large(tmp_path, option):
    """Before it connects; a byte less goes on to the connection."""
    file = tmp_path / "payload"
    said = {}
    for size in 8191, 8192:
        file.write_bytes(bytes(size))
        words = ["-f", file] if option == "-f" else ["-s"]
        with open(file, "rb") as content:
            done = subprocess.run([TOP / profiles.binary_of("tiny"), "pub", "-t", "a", "--no-tls",
                                   "-p", "1", *words], stdin=content, text=True,
                                  stderr=subprocess.PIPE)
        said[size] = done.returncode, done.stderr
    assert said[8192][0] == 25
    assert "has 8192 bytes or more, too many for this build (profile tiny)" in said[8192][1]
    assert said[8191][0] == 4


def test_says_the_section_of_a_broken_rule():
    """... in place of the sentence, which default has."""
    has = {profile: b"the QoS is 3 (3.3.1.2)" in (TOP / profiles.binary_of(profile)).read_bytes()
           for profile in ("default", "small", "tiny")}
    short = {profile: b"see MQTT 3.3.1.2" in (TOP / profiles.binary_of(profile)).read_bytes()
             for profile in ("default", "small", "tiny")}
    assert has == {"default": True, "small": False, "tiny": False}
    assert short == {"default": False, "small": True, "tiny": True}


def test_what_is_there_is_not_called_lacking():
    """The sentence is of other profiles only."""
    done = subprocess.run([TOP / "build" / "thimble", "pub", "--ws"], text=True,
                          stderr=subprocess.PIPE)
    assert "not in this build" not in done.stderr
