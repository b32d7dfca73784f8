"""small and tiny stay within their budget, do what is asked of them, and say what they lack. All
profiles, and all tests on each: make profiles."""
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


def wrong(binary, book, key):
    rows = budget.judge(budget.measure(binary, RUNS), book["entries"].get(key, {}),
                        book["goals"].get(key, {}))
    found = [row for row in rows if row[0] in ("GREW", "MISSED")]
    print(found)
    return found


@pytest.mark.parametrize("profile", ["small", "tiny"])
def test_within_the_budget(profile, monkeypatch):
    monkeypatch.chdir(TOP)
    binary = profiles.binary_of(profile)
    book = json.loads(budget.BUDGET.read_text())
    assert wrong(binary, book, budget.key_of(binary)) == []


def test_does_what_default_does(monkeypatch):
    """tiny publishes and subscribes in the test above."""
    monkeypatch.chdir(TOP)
    assert profiles.run_tests("small", SAMPLE) == 0


@pytest.mark.parametrize("profile", ["small", "tiny"])
@pytest.mark.parametrize("words", [["pub", "--ws"], ["sub", "-F", "%p"], ["pub", "--proxy=x"],
                                   ["pub", "--auth", "scram-sha-256"], ["rr"]])
def test_says_what_it_lacks(profile, words):
    done = subprocess.run([TOP / profiles.binary_of(profile), *words], text=True,
                          stderr=subprocess.PIPE)
    assert done.returncode == 64
    assert f"{words[-1 if words == ['rr'] else 1].split('=')[0]}: not in this build " \
           f"(profile {profile}); the default one has it" in done.stderr


@pytest.mark.parametrize("word", ["--topic-alias-maximum", "--ws"])
def test_tiny_lacks_more(word):
    done = subprocess.run([TOP / profiles.binary_of("tiny"), "sub", word, "3"], text=True,
                          stderr=subprocess.PIPE)
    assert done.returncode == 64
    assert f"{word}: not in this build (profile tiny)" in done.stderr


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
