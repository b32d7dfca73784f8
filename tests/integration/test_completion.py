"""The option table, --help and the completions of bash and zsh are of one mind. (The manual is
compared with the table in tests/unit/cli/test_docs.c.)"""
import re
import shutil
import subprocess

import pytest

from program import TOP

BASH, ZSH = (TOP / "docs" / "completion" / name for name in ("thimble.bash", "_thimble"))
COMMANDS = ["pub", "sub", "rr", "agent", "tunnel", "bench", "cert", "key", "csr"]


def complete(*words):
    """What bash offers for the last word."""
    script = f"""source {BASH}
COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
COMP_CWORD={len(words) - 1}
_thimble
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    assert not done.stderr
    return done.stdout.split()


def test_they_are_what_the_table_says():
    subprocess.run([TOP / "tools" / "completion.py", "--check"], check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_completion_list_the_same(thimble, command):
    out = thimble(command, "--help").ends(0).out.decode()
    heads = [line[2:30] for line in out.splitlines() if line.startswith("  ")]
    told = {word for head in heads for word in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", head)}
    assert set(complete("thimble", command, "-")) == told
    assert len(told) > (80 if command in COMMANDS[:4] else 4)


@pytest.mark.parametrize("command", COMMANDS)
def test_links_are_completed_too(command):
    assert complete(f"mosquitto_{command}", "--") == complete("thimble", command, "--")


@pytest.mark.parametrize("words, offered", [
    (["thimble", ""], ["pub", "sub", "rr", "tunnel", "bench", "agent", "config", "cert", "key", "csr", "identity", "spool", "status", "mem", "explain", "version", "help", "--help", "--version"]),
    (["thimble", "s"], ["sub", "spool", "status"]),
    (["thimble", "help", "r"], ["rr"]),
    (["thimble", "mem", "st"], ["static"]),
    (["thimble", "mem", "static", "--"], ["--json"]),
    (["thimble", "spool", "st"], ["stat"]),
    (["thimble", "config", "s"], ["show"]),
    (["thimble", "config", "show", "-"], ["--effective"]),
    (["thimble", "pub", "--status-mode", "066"], ["0660", "0666"]),
    (["thimble", "pub", "--will-t"], ["--will-topic"]),
    (["thimble", "pub", "--lat"], []),
    (["thimble", "rr", "--lat"], ["--latency"]),
    (["thimble", "sub", "-q", ""], ["0", "1", "2"]),
    (["thimble", "sub", "--retain-handling", "n"], ["new", "never"]),
    (["thimble", "pub", "-D", "dis"], ["disconnect"]),
    (["thimble", "pub", "-D", "publish", "cont"], ["content-type"]),
    (["thimble", "pub", "-m", "-"], []),
])
def test_bash(words, offered):
    assert complete(*words) == offered


def test_files_and_folders(tmp_path):
    (tmp_path / "root.pem").write_text("")
    assert complete("thimble", "pub", "--cafile", f"{tmp_path}/r") == [f"{tmp_path}/root.pem"]


def test_zsh():
    """zsh reads it, and knows every option."""
    if not shutil.which("zsh"):
        pytest.skip("zsh is NOT TESTED: missing, try apt-get install zsh")
    script = f"""autoload -U compinit && compinit -u -D
fpath=({ZSH.parent} $fpath)
autoload -U _thimble && autoload +X _thimble && functions _thimble >/dev/null"""
    subprocess.run(["zsh", "-f", "-c", script], check=True)
    text = ZSH.read_text()
    for command in COMMANDS:
        part = text[text.index(f"_thimble_{command}()"):]
        part = part[:part.index("\n}")]
        offered = set(re.findall(r"^        '[*]?(?:\([^)]*\))?(--?[\w-]+?)(?:=-?)?\[", part, re.M))
        assert offered == set(complete("thimble", command, "-"))
