"""The memory is what the report says: strace bears witness, on the shipped binary; valgrind does in
tests/audit."""
import re
import subprocess

import pytest

from forge import CA, LOCALHOST, SERVER, server
from packets import publish
from program import TOP
from test_matrix import assert_nothing_is_kept

STRACE = ["strace", "-f", "-qq"]


def mapped_after_exec(trace):
    """Calls that ask the kernel for memory, in everything the program did."""
    return [line for line in trace.read_text().splitlines()
            if re.search(r"\b(brk|mmap|mmap2|mremap|munmap|sbrk|shmat)\(", line)]


@pytest.fixture
def watched(thimble, tmp_path):
    """Runs thimble under strace and returns it with the file of its calls."""
    def run(*words, **options):
        trace = tmp_path / "trace"
        prefix = [*STRACE, "-o", trace]
        return thimble(*words, prefix=prefix, **options), trace
    return run


def message_file(tmp_path):
    path = tmp_path / "message"
    path.write_bytes(b"m" * 12000)
    return path


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("what", ["text", "file", "lines", "input", "refused", "url"])
def test_pub_asks_for_no_memory(watched, lab, topic, tmp_path, kind, what):
    how = ["-t", topic, *lab.tls(kind), "-q", "2"]
    words, stdin, code = {
        "text": ([*how, "-m", "x"], None, 0),
        "file": ([*how, "-f", message_file(tmp_path)], None, 0),
        "lines": ([*how, "-l"], b"a line\n" * 500, 0),
        "input": ([*how, "-s"], b"i" * 9000, 0),
        "refused": ([*how[:2], *lab.tls(kind)[:4], "--cafile", lab.path("other", "root.pem"), "-n"],
                    None, 72),
        "url": (["-L", f"mqtts://localhost:{lab.ports[kind + '_port']}/{topic}", "-n",
                 *lab.identity(kind)], None, 0),
    }[what]
    done, trace = watched("pub", *words, stdin=stdin, report=True)
    done.ends(code)
    assert mapped_after_exec(trace) == []
    assert "execve(" in trace.read_text() and "exit_group(" in trace.read_text()


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_sub_asks_for_no_memory(thimble, watched, lab, topic, tls, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(b"L" * 100_000)
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", lab.ports["plain_port"], "-t", topic,
                    "-r", "-f", large], check=True)
    done, trace = watched("sub", *lab.tls(), "--tls-version", tls, "-q", "2", "-t", topic,
                          "-C", "1", "-v", "-d", "--mem-report")
    done.ends(0)
    assert len(done.out) > 100_000
    assert mapped_after_exec(trace) == []


def test_failures_and_words_ask_for_no_memory(watched, lab):
    for words, code in [(["help"], 0), (["version"], 0), (["explain"], 0), (["explain", "72"], 0),
                        (["sub", "--help"], 0), (["pub"], 64),
                        (["pub", "-h", "no-such-host.invalid", "--no-tls", "-t", "a", "-n",
                          "--timeout", "1"], 20)]:
        done, trace = watched(*words)
        done.ends(code)
        assert mapped_after_exec(trace) == []


def test_that_strace_would_show_it(tmp_path):
    """What the tests above look for is there in a program that does ask."""
    subprocess.run([*STRACE, "-o", tmp_path / "trace", "/bin/true"], check=True)
    assert mapped_after_exec(tmp_path / "trace")


# ---- the report ---------------------------------------------------------------------------------

def assert_consistent(report):
    """What must hold in every report, whatever happened."""
    memory, pools, phases = report["memory"], report["pools"], report["phases"]
    split = sum(purpose["at_peak_bytes"] for purpose in report["purposes"].values())
    assert split == memory["pool_peak_bytes"]
    assert memory["pool_peak_bytes"] == max(phase["peak_bytes"] for phase in phases.values())
    assert memory["stack_peak_bytes"] == max(phase["stack_peak_bytes"] for phase in phases.values())
    for count in "taken", "refused":
        name = f"{count}_allocations"
        assert report["allocations"][name] == sum(phase[name] for phase in phases.values())
    for pool in pools.values():
        assert pool["live_bytes"] <= pool["peak_bytes"]
        assert pool["peak_bytes"] <= pool["budget_bytes"] <= pool["size_bytes"]
    for purpose in report["purposes"].values():
        assert purpose["at_peak_bytes"] <= purpose["peak_bytes"]
        assert purpose["live_bytes"] <= purpose["peak_bytes"]
    process = report["process"]
    assert process["peak_bytes"] >= max(memory["pool_peak_bytes"], process["live_bytes"])
    assert memory["static_bytes"] <= process["static_bytes"]


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_report(thimble, lab, topic, kind, tls):
    done = thimble("pub", *lab.tls(kind), "--tls-version", tls, "-t", topic, "-m", "x", "-q", "1",
                   report=True).ends(0)
    report = done.report
    assert_consistent(report)
    assert_nothing_is_kept(report)
    times = report["times"]
    assert all(times[name] > 0 for name in times if name != "lookup_us"), times
    assert report["memory"]["kernel_bytes"] == (report["socket"]["receive_buffer_bytes"] +
                                                report["socket"]["send_buffer_bytes"]) > 0
    assert report["identity"]["resident_bytes"] > 0
    assert report["connection"]["cipher_suite"].startswith("TLS_")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_the_suite_we_prefer(thimble, lab, topic, tls):
    report = thimble("pub", *lab.tls(), "--tls-version", tls, "-t", topic, "-n",
                     report=True).ends(0).report
    assert report["connection"]["cipher_suite"].endswith("CHACHA20_POLY1305_SHA256")


def test_report_has_the_documented_keys(thimble, lab, topic):
    """docs/memory-report.md and the program agree, key by key."""
    report = thimble("pub", *lab.tls(), "-t", topic, "-n", report=True).ends(0).report
    lines = (TOP / "docs" / "memory-report.md").read_text().splitlines()
    documented = {line.split("`")[1] for line in lines if re.match(r"\| `[a-z_*]+\.", line)}

    def keys(value, path):
        if not isinstance(value, dict):
            return {".".join(path)}
        many = path in (["pools"], ["leases"], ["phases"], ["purposes"])
        return set().union(*(keys(value[key], [*path, "*" if many else key]) for key in value))
    assert keys(report, []) == {key for key in documented
                                if "leases" in report or not key.startswith("leases.")}


@pytest.mark.parametrize("words, code", [
    (["-h", "localhost", "-p", "1", "--no-tls"], 4), (["-h", "no-such-host.invalid", "--no-tls",
                                                       "--timeout", "1"], 20)])
def test_report_of_a_failure(thimble, words, code):
    done = thimble("pub", *words, "-t", "t", "-m", "x", report=True).ends(code)
    assert_consistent(done.report)
    assert done.report["memory"]["pool_peak_bytes"] == 0


def test_report_after_a_refused_certificate(thimble, lab):
    words = lab.tls()
    words[words.index("--cafile") + 1] = lab.path("other", "root.pem")
    done = thimble("pub", *words, "-t", "t", "-m", "x", report=True).ends(72)
    assert_consistent(done.report)
    assert_nothing_is_kept(done.report)


def test_report_for_people(thimble, lab, topic):
    done = thimble("pub", *lab.tls(), "-t", topic, "-m", "x", "--mem-report").ends(0)
    for word in "static", "pool", "stack", "kernel", "TLS heap", "handshak", "TLSv1.3":
        assert word.lower() in done.err.lower(), done.err
    assert done.out == b"" and max(map(len, done.err.splitlines())) <= 80


# ---- pools that are too small -------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("budget", ["1k", "4k", "6k", "7k"])
def test_heap_too_small(thimble, lab, topic, kind, budget):
    """Pool, phase and need are named, nothing stays; and with enough of it, it works."""
    done = thimble("pub", *lab.tls(kind), "-t", topic, "-m", "x", "--heap-budget", budget,
                   report=True)
    done.ends_refused(84, "TLS heap", "shaking", "bytes", "refused")
    report = done.report
    refusal = report["last_refusal"]
    assert (refusal["pool"], refusal["phase"]) == ("TLS heap", "shaking")
    assert refusal["needed_bytes"] + refusal["live_bytes"] > refusal["budget_bytes"] - 512
    assert str(refusal["needed_bytes"]) in done.err
    assert report["allocations"]["refused_allocations"] > 0
    assert all(report["pools"][pool]["live_bytes"] == 0 for pool in ("tls_heap", "record_cell"))
    assert_consistent(report)


def test_smallest_heap_that_works_is_near_the_reported_peak(thimble, lab, topic):
    """The report is an honest guide to the budget."""
    how = ["pub", *lab.tls(), "-t", topic, "-m", "x", "-q", "1"]
    peak = thimble(*how, report=True).ends(0).report["pools"]["tls_heap"]["peak_bytes"]
    assert thimble(*how, "--heap-budget", peak - 1000).end() == 84
    thimble(*how, "--heap-budget", peak + 1000).ends(0)


@pytest.mark.parametrize("size, code", [(1000, 0), (3000, 84)])
def test_window_too_small_for_a_header(thimble, fake, size, code):
    """The payload streams, but topic and properties must fit."""
    def script(peer):
        peer.greet().grant()
        peer.send(publish("t" * size, b"x" * 5000))
        peer.drain()
    done = thimble("sub", *fake(script).plain, "-t", "#", "-C", "1", "--window-budget", "2k")
    done.ends(code)
    if code:
        done.ends_refused(84, "window", "2048", "up", "PUBLISH header", str(1 + 2 + 2 + size))


def test_outbox_too_small(thimble, lab, topic):
    done = thimble("pub", *lab.tls(), "-t", topic, "-m", "x", "--outbox-budget", "100")
    done.ends_refused(84, "outbox", "resting", "824")
    done = thimble("pub", *lab.tls(), "-t", topic, "-l", "--outbox-budget", "2k", stdin=b"x" * 3000)
    done.ends_refused(25, "line 1", "outbox")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_text_larger_than_the_outbox(thimble, lab, topic, qos):
    """It goes from where it stands, piece by piece."""
    sub = thimble.start("sub", *lab.tls(), "-t", topic, "-C", "1", "-q", qos)
    lab.log.await_subscription(topic)
    thimble("pub", *lab.tls(), "-t", topic, "-m", "x" * 100_000, "-q", qos, "--outbox-budget",
            "2k").ends(0)
    assert sub.ends(0).out == b"x" * 100_000 + b"\n"


def test_lines_go_through_a_small_outbox(thimble, lab, topic):
    """It waits for room instead of failing."""
    lines = b"".join(b"%d %s\n" % (n, b"x" * 300) for n in range(200))
    sub = thimble.start("sub", *lab.tls(), "-q", "1", "-t", topic, "-C", "200")
    lab.log.await_subscription(topic)
    thimble("pub", *lab.tls(), "-t", topic, "-l", "-q", "1", "--outbox-budget", "2k",
            stdin=lines).ends(0)
    assert sub.ends(0).out == lines


@pytest.fixture(scope="module")
def long_chains(forge):
    """long6, long9, ...: that many certificates below the root."""
    issuer = "root"
    for depth in range(1, 13):
        forge.issue(f"link{depth}", CA, issuer=issuer)
        issuer = f"link{depth}"
        forge.issue(f"long{depth + 1}", SERVER, LOCALHOST, issuer=issuer)
    return forge


@pytest.mark.parametrize("length, budget, code, word", [
    (4, "36k", 0, ""), (9, "36k", 0, ""), (9, "6k", 84, "TLS heap"), (10, "36k", 68, "more than 9"),
    (12, "36k", 68, "more than 9")])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_long_chain(thimble, fake, long_chains, tls, length, budget, code, word):
    """Nine certificates are accepted; what is refused gives everything back."""
    def script(peer):
        peer.greet()
        peer.drain()
    broker = fake(script, tls=long_chains.server(f"long{length}", lowest=tls, highest=tls))
    done = thimble("pub", *broker.where, *long_chains.trust(), "-t", "t", "-m", "x",
                   "--heap-budget", budget, report=True)
    done.ends(code, word)
    assert_consistent(done.report)
    assert done.report["pools"]["tls_heap"]["live_bytes"] == 0


# ---- records ------------------------------------------------------------------------------------

@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_full_records(thimble, fake, lab, kind, tls):
    """Records of 2^14 bytes, one after the other, go through the one record cell."""
    payload = bytes(range(256)) * 1024

    def script(peer):
        peer.greet().grant()
        peer.socket.sendall(publish("t", payload))
        peer.drain()
    context = server(lab.path(kind, "server.pem"), lab.path(kind, "server.key"), tls, tls)
    broker = fake(script, tls=context)
    done = thimble("sub", *broker.where, *lab.identity(kind), "-t", "t", "-C", "1", "-N",
                   report=True)
    assert done.ends(0).out == payload
    cell = done.report["pools"]["record_cell"]
    assert 16384 < cell["peak_bytes"] <= cell["size_bytes"] == 16640
    assert_nothing_is_kept(done.report)
