"""Starts the program under test. Whatever is started here has an end."""
import fnmatch
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
THIMBLE = pathlib.Path(os.environ.get("THIMBLE", TOP / "build" / "thimble")).resolve()
# The file that says what it is, when THIMBLE only starts it.
IMAGE = pathlib.Path(os.environ.get("THIMBLE_IMAGE", THIMBLE)).resolve()

# Long matrices run as a sample, and whole with `make check-all`.
ALL = os.environ.get("THIMBLE_CHECK") == "all" or os.environ.get("THIMBLE_ALL") == "1"

# A machine under load is slow, an imitated one slower; nothing here should come near.
PATIENCE = int(os.environ.get("THIMBLE_PATIENCE", "1"))
SECONDS = 60 * PATIENCE

# What we were started by may have these ignored, as nohup has; we go on doing so, but what we start
# hears them: a handler does not outlast exec.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


def patient(seconds):
    """So long on a machine that is not imitated: what a program has to do in time, or is told to."""
    return round(seconds * PATIENCE, 3)


# qemu 7.2 knows no seccomp(2), and no limits: there the lock is closed as far as it goes.
SANDBOX = "auto" if os.environ.get("THIMBLE_QEMU") else "require"

# The distribution's libwolfssl has one heap, the process heap; those of TLS are empty.
SYSTEM_LIBS = os.environ.get("THIMBLE_SYSTEM_LIBS") == "1"


def until(condition, what, seconds=SECONDS):
    """Waits for `condition` to be true, and returns what it returned."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)
    return result


def environment(more):
    """Ours without what could change thimble's mind."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("THIMBLE")}
    return {**ours, "XDG_CONFIG_HOME": "/nonexistent", **(more or {})}


def not_here():
    """What cannot be with this binary: another build, another processor. $THIMBLE_NOT_HERE has lines
    of a test, "test_x.py::test_name*", or of a word of a command line, "--option", a tab, and why.
    The tests; the words."""
    path = os.environ.get("THIMBLE_NOT_HERE")
    lines = pathlib.Path(path).read_text().splitlines() if path else []
    pairs = [line.split("\t") for line in lines]
    return [pair for pair in pairs if "::" in pair[0]], [pair for pair in pairs if "::" not in pair[0]]


NOT_HERE, WORDS_NOT_HERE = not_here()


def why_not_here(words):
    """... this command line, or None."""
    return next((reason for word in map(str, words) for pattern, reason in WORDS_NOT_HERE
                 if fnmatch.fnmatchcase(word, pattern)), None)


def told_bytes(name):
    """In bytes, as `thimble version` tells it."""
    told = subprocess.run([THIMBLE, "version"], text=True, stdout=subprocess.PIPE, check=True).stdout
    return int(re.search(rf"^{name} +(\d+)$", told, re.M)[1])


def status_of(pid):
    """/proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def has_begun(runner):
    """The process of an agent's handlers: what it is comes last."""
    return status_of(runner)["NoNewPrivs"] == "1"


class Program:
    """One run. Output goes to files, so that it never waits for us."""

    def __init__(self, directory, words, stdin=None, stdout=None, env=None, prefix=()):
        self.words = [str(word) for word in words]
        self.directory = directory
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*map(str, prefix), str(THIMBLE), *self.words],
            stdin=self._input(stdin), stdout=stdout or self._file("out"), stderr=self._file("err"),
            env=environment(env))

    def _file(self, name):
        return open(self.directory / name, "wb")

    def _input(self, stdin):
        if not isinstance(stdin, bytes):
            return subprocess.DEVNULL if stdin is None else stdin
        (self.directory / "in").write_bytes(stdin)
        return open(self.directory / "in", "rb")

    @property
    def out(self):
        return (self.directory / "out").read_bytes()

    @property
    def err(self):
        return (self.directory / "err").read_text(errors="backslashreplace")

    @property
    def pid(self):
        return self.process.pid

    @property
    def report(self):
        return json.loads((self.directory / "report").read_text())

    def is_running(self):
        return self.process.poll() is None

    def says(self, text, seconds=SECONDS):
        """Waits until it has said `text` on standard error."""
        until(lambda: text in self.err or not self.is_running(), f"{text!r} from {self}", seconds)
        assert text in self.err, self.story()
        return self

    def prints(self, data, seconds=SECONDS):
        """Waits until standard output is `data`."""
        until(lambda: self.out == data or not self.is_running(), f"{data!r} from {self}", seconds)
        assert self.out == data, self.story()
        return self

    def signal(self, number):
        self.process.send_signal(number)
        return self

    def has_heard(self, number):
        """It has taken this signal, which otherwise waits: a second one would be the same."""
        return not self.is_running() or not int(status_of(self.pid)["ShdPnd"], 16) >> (number - 1) & 1

    def calls(self, seconds):
        """System calls it makes in so long, by a tracer that comes and goes: one line for each. It
        waits in one when the tracer comes, and goes on to wait when it is left."""
        trace = self.directory / "calls"
        tracer = subprocess.Popen(["strace", "-qq", "-o", trace, "-p", str(self.pid)])
        until(lambda: status_of(self.pid)["TracerPid"] != "0", "the tracer")
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(SECONDS)
        return trace.read_text().splitlines()

    def end(self, seconds=SECONDS):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"did not end within {seconds} s\n{self.story()}") from None

    def ends(self, code, text="", seconds=SECONDS):
        """Waits for its end, with this exit status, having said `text`."""
        got = self.end(seconds)
        assert got == code, f"wanted {code}, got {got}\n{self.story()}"
        assert text in self.err, f"wanted {text!r}\n{self.story()}"
        return self

    def ends_refused(self, code, *texts):
        """The same, and its last word is a sentence with all `texts` and the code's number."""
        self.ends(code)
        last = [line for line in self.err.splitlines() if line.startswith("thimble")][-1]
        assert f"({code} " in last and all(text in last for text in texts), self.story()
        return self

    @property
    def seconds(self):
        """From its start until now."""
        return time.monotonic() - self.began

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def story(self):
        return f"{self}\n{self.err[-3000:]}\n(out: {self.out[:300]!r})"

    def __str__(self):
        return "thimble " + " ".join(self.words)


class Programs:
    """Starts thimble: thimble("pub", ...) runs it to its end, thimble.start(...) leaves it running.
    `report` asks for the memory report in JSON."""

    def __init__(self, directory):
        self.directory = directory
        self.all = []

    def start(self, *words, report=False, **options):
        if reason := why_not_here(words):
            pytest.skip(f"NOT HERE: {reason}")
        directory = self.directory / f"run{len(self.all)}"
        directory.mkdir()
        words = [f"--sandbox={SANDBOX}" if word == "--sandbox=require" else word for word in words]
        wanted = [f"--mem-report=json:{directory}/report"] if report else []
        self.all.append(Program(directory, [*words, *wanted], **options))
        return self.all[-1]

    def __call__(self, *words, seconds=SECONDS, **options):
        program = self.start(*words, **options)
        program.end(seconds)
        return program

    def stop(self):
        for program in self.all:
            program.stop()
