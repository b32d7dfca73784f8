"""The map of the house holds, and the tool that says so can say no."""
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = TOP / "build" / "libthimble.a"


def check(*arguments):
    return subprocess.run([TOP / "tools" / "check-rooms.py", *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_sources_keep_to_the_map():
    result = check()
    assert result.returncode == 0, result.stdout


def test_library_keeps_to_the_map():
    result = check("--library", LIBRARY)
    assert result.returncode == 0, result.stdout


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources to break."""
    for folder in ("include", "mem", "src", "config"):
        shutil.copytree(TOP / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.o", ".*"))
    return tmp_path


def write(tree, path, text):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)


VIOLATIONS = [
    ("src/mqtt/x.c", f"/* {'x' * 95} */\n", "src/mqtt/x.c:1: 101 columns"),
    ("src/mqtt/x.c", "\n" * 901, "src/mqtt/x.c:901: 901 lines"),
    ("src/mqtt/x.c", '#include "net/socket.h"\n', "room mqtt may not include net/socket.h"),
    ("src/mqtt/x.c", "#include <sys/socket.h>\n", "room mqtt may not include sys/socket.h"),
    ("src/mqtt/x.c", "#include <wolfssl/ssl.h>\n", "room mqtt may not include wolfssl/ssl.h"),
    ("src/net/x.c", '#include "mqtt/mqtt.h"\n', "room net may not include mqtt/mqtt.h"),
    ("src/tls/x.c", '#include "session/session.h"\n', "room tls may not include session/"),
    ("src/cli/x.c", '#include "client/block.h"\n', "room cli may not include client/block.h"),
    ("src/session/x.c", '#include "../net/socket.h"\n', "session may not include ../net/"),
    ("mem/x.c", '#include "base/log.h"\n', "room mem may not include base/log.h"),
    ("src/base/x.c", "void *f(void) { return malloc(3); }\n", "malloc() in room base"),
    ("mem/x.c", "void f(void *p) {\n    free (p);\n}\n", "mem/x.c:2: free() in room mem"),
    ("src/client/x.c", "void f(void) { wolfSSL_new(0); }\n", "wolfSSL_new() in room client"),
    ("src/net/x.c", "void f(void) { wc_Sha256Final(0, 0); }\n", "wc_Sha256Final() in room net"),
    ("src/client/x.c", "int f(void) { return socket(1, 2, 3); }\n", "socket() in room "),
    ("src/tls/x.c", 'void f(void) { printf("x"); }\n', "printf() in room tls"),
    ("src/report/x.c", "void f(void) { cJSON_Delete(0); }\n", "cJSON_Delete() in room report"),
    ("src/net/x.c", "void f(void) { exit(1); }\n", "exit() in room net"),
    ("src/net/x.c", "void f(void) { signal(13, 0); }\n", "signal() in room net"),
    ("src/cli/x.c", "void f(char *p) { strcat(p, p); }\n", "strcat() in room cli"),
    ("src/base/x.c", "int f(void)\n{\n#ifdef X\n    return 1;\n#endif\n}\n", "x.c:3: a"),
    ("src/base/x.c", "int f(void)\n{\n    {\n    }\n#if 1\n#endif\n}\n", "x.c:5: a"),
    ("src/attic/x.c", "int f(void);\n", "src/attic/x.c:1: belongs to no room"),
    ("include/x.h", '#include "mem/pool.h"\n', "room public may not include mem/pool.h"),
]


@pytest.mark.parametrize("path, text, complaint", VIOLATIONS)
def test_violation_is_found(tree, path, text, complaint):
    write(tree, path, text)
    result = check("--tree", tree)
    assert result.returncode == 1
    assert complaint in result.stdout


INNOCENT = [
    ("src/net/x.c", '/* malloc(1) */ // free(2)\nconst char *f = "exit(1) \\" malloc(2)";\n'),
    ("src/net/x.c", "int f(struct s *s) { return s->connect(1) + s->io.printf(2); }\n"),
    ("src/mqtt/x.c", "int th_socket(int);\nint f(void) { return th_socket(1) + my_free(2); }\n"),
    ("src/base/x.c", "#ifdef X\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\n"
                     "#endif\n"),
    ("src/base/x.c", "struct s {\n#ifdef X\n    int x;\n#endif\n};\n"),
    ("src/base/x.c", "int a[] = {\n#if 1\n1\n#endif\n};\n"),
    ("src/base/x.c", "int f(char c)\n{\n    return c == '{' || c == '\\'';\n}\n#if 1\n#endif\n"),
]


@pytest.mark.parametrize("path, text", INNOCENT)
def test_innocent_is_not_accused(tree, path, text):
    write(tree, path, text)
    assert f"{path}:" not in check("--tree", tree).stdout


def test_empty_room_is_found(tree):
    shutil.rmtree(tree / "src" / "json")
    assert "room json has no files" in check("--tree", tree).stdout


def library(folder, source):
    write(folder, "x.c", source)
    subprocess.run(["gcc", "-c", "-o", folder / "x.o", folder / "x.c"], check=True)
    subprocess.run(["ar", "rcs", folder / "libx.a", folder / "x.o"], check=True)
    return check("--map", TOP / "config" / "rooms", "--tree", folder,
                 "--library", folder / "libx.a").stdout


def test_library_symbols_are_read(tmp_path):
    assert "libx.a" not in library(tmp_path, "static int y;\nint *th_y(void) { return &y; }\n")


def test_library_has_what_the_headers_announce(tmp_path):
    write(tmp_path, "include/x.h", "struct s {\n    int (*f)(int);\n};\n/* th_no(1); */\n"
                                   "int th_x(void);\nconst char *th_y(struct s *s,\n    int i);\n")
    complaints = library(tmp_path, "int th_x(void) { return 1; }\n")
    assert "lacks th_y, which include/x.h announces" in complaints
    assert complaints.count("lacks") == 1


@pytest.mark.parametrize("source, complaint", [
    ("int wolfSSL_Init(void) { return 0; }\n", "defines wolfSSL_Init, which"),
    ("int malloc;\n", "defines malloc\n"),
    ("void abort(void);\nvoid th_x(void) { abort(); }\n", "refers to abort\n"),
    ("int *sigaction(int);\nint *th_x(void) { return sigaction(1); }\n", "refers to sigaction\n"),
    ("void th_y(void);\nvoid th_x(void) { th_y(); }\n", "lacks th_y\n"),
    ("static int x;\n", "defines nothing"),
])
def test_library_violation_is_found(tmp_path, source, complaint):
    assert complaint in library(tmp_path, source)
