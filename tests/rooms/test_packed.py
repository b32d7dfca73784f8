"""Sources are packed for the static binary (config/pack.awk) without losing a letter."""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(str(path.relative_to(TOP)) for folder in ("src", "mem")
                 for path in (TOP / folder).rglob("*.c"))
PAIR = re.compile(r"\{(\d+), (\d+)\}")
PAIRS = [tuple(map(int, pair)) for pair in PAIR.findall((TOP / "src/base/pairs.h").read_text())]


def pack(source, text=None, **environment):
    return subprocess.run(["awk", "-f", "config/pack.awk", "src/base/pairs.h", source], cwd=TOP,
                          input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "LC_ALL": "C", **environment})


def packed(text):
    """It without the line that says where it came from."""
    result = pack("-", text)
    assert result.returncode == 0, result.stderr
    return result.stdout.partition(b"\n")[2]


def pair_of(byte):
    """The two it stands for, or (0, 0): itself."""
    row = (byte - 127) % 256
    return PAIRS[row] if row < len(PAIRS) else (0, 0)


def letters(byte):
    return "".join(map(letters, pair_of(byte))) if any(pair_of(byte)) else chr(byte)


OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


def meaning(escape):
    byte = int(escape[1], 8)
    return letters(byte).encode() if any(pair_of(byte)) else escape[0]


def unpacked(text):
    return OCTAL.sub(meaning, text)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_comes_back(source):
    result = pack(source)
    assert result.returncode == 0, result.stderr
    head, _, body = result.stdout.partition(b"\n")
    assert head.decode() == f'#line 1 "{source}"'
    assert unpacked(body) == unpacked((TOP / source).read_bytes())


def depth(byte):
    return 1 + max(map(depth, pair_of(byte))) if any(pair_of(byte)) else 0


def test_pairs_are_within_each_other_as_config_stack_says():
    table = (TOP / "config/stack").read_text()
    times, = re.findall(r"\[cycle put_letters\]\ntimes = (\d+)", table)
    assert max(map(depth, range(256))) < int(times)


def test_sentences_become_shorter():
    sentence = b'"The broker does not accept the certificate of this client: name another one."'
    assert len(OCTAL.sub(b"x", packed(sentence))) < 0.6 * len(sentence)


UNTOUCHED = [
    b'x = "EC PRIVATE KEY"; h = "Upgrade: websocket"; y = "--host"; z = "Client Key";',
    b'/* the broker "said the certificate has expired" */',
    b"x = '\"'; /* then the connection */ y = '\"';",
    b'/* one line\n   "of the certificate of the broker"\n*/ x = "a";',
    b'printf("%s %d %-12.*s\\n");',
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_no_sentence_stays(text):
    assert packed(text + b"\n") == text + b"\n"


PACKED = [
    b'x("the certificate of %s, line %u: %.*s; \\"name\\" the broker\\n\\0and the other");',
    b'x = "the one" /* the "two */ "and the other"; /* " */ y = "the broker of the";',
    b"x = '\\''; y = \"the broker of the certificate\";",
    b'x = "100 % of the broker, 50%% of the other";',
]


@pytest.mark.parametrize("text", PACKED)
def test_what_is_one_comes_back(text):
    after = packed(text + b"\n")
    assert after != text + b"\n" and unpacked(after) == text + b"\n"
    for kept in re.findall(rb"%[a-z%.*]+|\\[n0\"']|/\*.*?\*/", text):
        assert kept in after


REFUSED = ['x = "grün";', r'x = "the \x41 of the broker";', r'x = "the \a of the broker";',
           r'x = "the \001 of the broker";']


@pytest.mark.parametrize("text", REFUSED)
def test_what_would_be_read_as_a_pair_is_refused(text):
    result = pack("-", f"\n{text}\n".encode())
    assert result.returncode == 1
    assert b':2: not to be packed: "' in result.stderr


def test_comments_may_say_anything():
    assert pack("-", "/* grün \\x41 of the broker */\n".encode()).returncode == 0
