"""The programs of docs/ are compiled as their readers would, and run. So is a program that uses the
library beside another wolfSSL."""
import os
import re
import socket
import subprocess
import threading

import pytest

from forge import server
from program import SECONDS, TOP

LIBRARY = TOP / os.environ.get("BUILD", "build") / "libthimble.a"
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror"]


def build(directory, *words):
    program = directory / "program"
    subprocess.run(["cc", "-I", TOP / "include", *words, "-o", program, "-pthread"], check=True)
    return program


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    def compile(name):
        return build(tmp_path_factory.mktemp(name), "-std=c11", *STRICT, TOP / "docs" / f"{name}.c",
                     LIBRARY)
    return compile


def run(program, *words):
    return subprocess.run([program, *map(str, words)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=SECONDS)


def identity(lab, kind="ec"):
    return [lab.path(kind, name) for name in ("root.pem", "client.pem", "client.key")]


# ---- example.c ----------------------------------------------------------------------------------

def test_example(example, lab):
    program = example("example")
    for kind in ("ec", "rsa"):
        done = run(program, "localhost", lab.ports[f"{kind}_port"], *identity(lab, kind))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "thimble/example: hello from a thimble\n"


def test_example_that_fails(example, lab):
    program = example("example")
    done = run(program, "localhost", lab.ports["ec_port"], *identity(lab, "rsa"))
    assert done.returncode == 1
    assert "certificate-error while " in done.stderr
    done = run(program, "localhost", 1, lab.path("ec", "nothing.pem"), *identity(lab)[1:])
    assert done.returncode == 1
    assert "file-error" in done.stderr
    assert run(program).returncode == 1


# ---- example_tls.c ------------------------------------------------------------------------------

@pytest.fixture
def reverser(lab):
    """Answers one line with the line reversed, like openssl s_server -rev."""
    context = server(lab.path("ec", "server.pem"), lab.path("ec", "server.key"),
                     clients=lab.path("ec", "root.pem"))
    listener = socket.create_server(("127.0.0.1", 0))
    ended = []

    def serve():
        raw, _ = listener.accept()
        with context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False) as peer:
            line = peer.recv(100)
            peer.sendall(line.rstrip(b"\n")[::-1] + b"\n")
            ended.append(peer.recv(100))
    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(20)
    listener.close()
    assert ended == [b""], "an end without close_notify"


def test_example_tls(example, lab, reverser):
    done = run(example("example_tls"), "127.0.0.1", reverser, *identity(lab))
    assert (done.returncode, done.stdout, done.stderr) == (0, "elbmiht\n", "")


def test_example_tls_against_a_broker(example, lab):
    """It is no MQTT that it speaks: mosquitto ends the connection, and the program says so."""
    done = run(example("example_tls"), "localhost", lab.ports["ec_port"], *identity(lab))
    assert done.returncode == 1
    assert re.match("(connection-closed|receive-error) while ", done.stderr)


# ---- headers and archive ------------------------------------------------------------------------

@pytest.mark.parametrize("compiler", [["cc", "-std=c99", "-Wshadow"], ["cc", "-std=c11", "-Wshadow"],
                                      ["clang", "-x", "c++", "-std=c++11"]])
def test_headers(tmp_path, compiler):
    """Each public header stands alone, in C and in C++."""
    for header in (TOP / "include").rglob("*.h"):
        source = tmp_path / "header.c"
        source.write_text(f"#include <{header.relative_to(TOP / 'include')}>\n")
        subprocess.run([*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        "-I", TOP / "include", "-fsyntax-only", source], check=True)


def test_symbols():
    """Nothing but th_* is defined, and nothing of wolfSSL is missing."""
    listed = subprocess.run(["nm", "-g", LIBRARY], stdout=subprocess.PIPE, text=True, check=True)
    symbols = [line.split()[-2:] for line in listed.stdout.splitlines() if len(line.split()) > 1]
    defined = [name for kind, name in symbols if kind not in "Uw"]
    missing = [name for kind, name in symbols if kind == "U"]
    assert defined and all(name.startswith("th_") for name in defined)
    assert not [name for name in missing if re.match("(?i)wolfssl|wc_|cjson", name)]


def test_beside_another_wolfssl(tmp_path, lab):
    """The other copy has its own settings and allocator, and both speak TLS in turns."""
    other = TOP / "build" / "lib" / "libwolfssl.a"
    subprocess.run(["make", "-s", "-C", TOP, other.relative_to(TOP)], check=True)
    program = build(tmp_path, "-std=c11", "-D_GNU_SOURCE", *STRICT, "-DWOLFSSL_USER_SETTINGS",
                    "-I", TOP / "config", "-isystem", TOP / "build" / "gen",
                    "-isystem", TOP / "build" / "deps" / "wolfssl",
                    TOP / "tests" / "integration" / "two_wolfssl.c", LIBRARY, other)
    done = run(program, lab.ports["ec_port"], *identity(lab))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "theirs ours theirs\n"
