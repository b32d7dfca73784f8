"""Keys and passwords lie in pages that are neither dumped nor swapped out, and nowhere else: each is
searched for, as it is and in the forms it is written in, wherever it could have got to."""
import base64
import pathlib
import re
import resource
import signal
import subprocess

import pytest

PASSWORD = b"c4nary-in-the-p1t"
CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()


def private_key(lab, kind):
    """What nobody else may know of the lab's key: of EC the scalar, of RSA a prime."""
    words = {"ec": ["ec", "-text"], "rsa": ["rsa", "-text"]}[kind]
    text = subprocess.run(["openssl", *words, "-noout", "-in", lab.path(kind, "client.key")],
                          check=True, capture_output=True, text=True).stdout
    name = {"ec": "priv", "rsa": "prime1"}[kind]
    digits = re.search(rf"^{name}:\s+([0-9a-f:\s]+)^\S", text, re.M).group(1)
    return bytes.fromhex(re.sub(r"[:\s]", "", digits)).lstrip(b"\0")


def forms(secret):
    """In a dump, in base64 wherever it begins in a larger text, in hexadecimal digits."""
    shifted = [base64.b64encode(b"\0" * n + secret)[4 if n else 0:-4] for n in range(3)]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), *shifted]


def has(data, secret):
    return any(form in data for form in forms(secret))


@pytest.fixture
def subscriber(thimble, lab, topic, tmp_path):
    """One that holds a key and a password, connected; with its secrets."""
    def start(kind="ec", *words, prefix=()):
        (tmp_path / "password").write_bytes(PASSWORD + b"\n")
        sub = thimble.start("sub", *lab.tls(kind), "-t", topic, "-u", "me", "--password-file",
                            tmp_path / "password", "-d", *words, prefix=prefix)
        sub.says("up")
        lab.log.await_subscription(topic)
        return sub, [PASSWORD, private_key(lab, kind)]
    return start


# ---- pages ---------------------------------------------------------------------------------------

def mappings(pid):
    """Name, flags, first and last address of what it can write to."""
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    return [(match[3].split()[-1], match[4].split(), int(match[1], 16), int(match[2], 16))
            for match in re.finditer(r"^(\w+)-(\w+) .w(.*)\n(?:.*\n)*?VmFlags: (.*)", text, re.M)]


def holders(pid, secret):
    """The mappings that have it."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for name, flags, first, end in mappings(pid):
            memory.seek(first)
            if has(memory.read(end - first), secret):
                found.append((name, flags))
    return found


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_pages_are_locked_and_not_dumped(subscriber, kind, sandbox):
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] < 1 << 20:
        pytest.skip("RLIMIT_MEMLOCK does not allow it here")
    sub, secrets = subscriber(kind, "--sandbox", sandbox)
    for secret in secrets:
        places = holders(sub.pid, secret)
        assert places, "a client without its secret"
        for name, flags in places:
            assert "dd" in flags and "lo" in flags, f"{name} can be dumped or swapped: {flags}"
    sub.signal(signal.SIGTERM).ends(0)


def test_without_the_right_to_lock_pages(subscriber):
    """They are at least not dumped."""
    sub, secrets = subscriber("ec", prefix=["sh", "-c", 'ulimit -l 0; exec "$0" "$@"'])
    for secret in secrets:
        places = holders(sub.pid, secret)
        assert places and all("dd" in flags for _, flags in places)
    sub.signal(signal.SIGTERM).ends(0)


@pytest.mark.parametrize("how", ["options", "url", "identity", "passphrase"])
def test_however_they_were_given(thimble, lab, topic, tmp_path, how):
    """The command line is written over, files are read into locked pages; nowhere else anything is."""
    port, key = lab.ports["ec_port"], private_key(lab, "ec")
    words, secrets = lab.tls("ec"), [key, PASSWORD]
    if how == "options":
        words += ["-u", "me", "-P", PASSWORD.decode()]
    elif how == "url":
        words = [*lab.identity("ec"), "-L", f"mqtts://me:{PASSWORD.decode()}@localhost:{port}/{topic}"]
    elif how == "identity":
        where = ["--identity-dir", tmp_path / "ids"]
        thimble("identity", "import", "device", *lab.identity("ec"), *where).ends(0)
        words, secrets = ["-h", "localhost", "-p", port, "--identity", "device", *where], [key]
    else:
        (tmp_path / "passphrase").write_bytes(PASSWORD)
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in", lab.path("ec", "client.key"), "-out",
                        tmp_path / "key", "-passout", f"file:{tmp_path}/passphrase"], check=True)
        words[words.index("--key") + 1] = tmp_path / "key"
        words += ["--keypass-file", tmp_path / "passphrase"]
    sub = thimble.start("sub", *words, *([] if how == "url" else ["-t", topic]), "-d",
                        f"--mem-report=json:{tmp_path}/report")
    lab.log.await_subscription(topic)
    for secret in secrets:
        assert all({"dd", "lo"} <= set(flags) for _, flags in holders(sub.pid, secret)), how
        assert secret is not key or holders(sub.pid, key), "a client without its key"
    shown = [pathlib.Path(f"/proc/{sub.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    sub.signal(signal.SIGTERM).ends(0)
    for secret in secrets:
        assert not any(has(data, secret) for data in
                       [*shown, sub.err.encode(), (tmp_path / "report").read_bytes()])


# ---- what is left behind -------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_no_core_file_has_them(subscriber, tmp_path, kind):
    """Out of the sandbox, which allows none."""
    if CORE_PATTERN[0] in "|/" or not resource.getrlimit(resource.RLIMIT_CORE)[1]:
        pytest.skip("core files of this machine go elsewhere")
    there = tmp_path / "cores"
    there.mkdir()
    unlimited = ["sh", "-c", f'cd "{there}"; ulimit -c unlimited; exec "$0" "$@"']
    sub, secrets = subscriber(kind, "--sandbox", "off", prefix=unlimited)
    sub.signal(signal.SIGABRT).ends(-signal.SIGABRT)
    core = b"".join(path.read_bytes() for path in there.iterdir())
    assert b"--password-file" in core, "not a core file of ours"
    for secret in secrets:
        assert not has(core, secret)


def test_nothing_written_has_them(subscriber, tmp_path):
    """Neither standard error nor the reports; /proc shows no more of them."""
    report, trace = tmp_path / "report", tmp_path / "trace"
    sub, secrets = subscriber("ec", f"--mem-report=json:{report}", "--memory-trace", trace,
                              f"--events={tmp_path}/events")
    shown = [pathlib.Path(f"/proc/{sub.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    sub.signal(signal.SIGTERM).ends(0)
    files = [report.read_bytes(), trace.read_bytes(), (tmp_path / "events").read_bytes()]
    written = [*files, sub.err.encode(), *shown]
    assert all(written), "nothing to search in"
    for secret in secrets:
        assert not any(has(data, secret) for data in written)


def test_no_profile_of_memory_has_them(thimble, lab, topic, tmp_path):
    out = tmp_path / "massif"
    massif = ["valgrind", "--tool=massif", f"--massif-out-file={out}"]
    thimble("pub", *lab.tls(), "-t", topic, "-n", "-u", "me", "-P", PASSWORD.decode(),
            prefix=massif).ends(0)
    profile = out.read_bytes()
    assert b"mem_heap_B" in profile
    # The command line as it was begun with stands in valgrind's own header.
    body = profile.split(b"\n", 2)[2]
    assert not has(body, private_key(lab, "ec")) and not has(body, PASSWORD)
