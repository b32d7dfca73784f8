"""A wrong command line or file is found before anything is sent, and named."""
import os
import subprocess

import pytest

from lab import free_port, needs_ipv6

USAGE = {
    "no topic": (["pub", "-m", "x"], "-t"),
    "no message": (["pub", "--no-tls", "-t", "a"], "-m"),
    "two messages": (["pub", "--no-tls", "-t", "a", "-m", "x", "-n"], "more than one"),
    "wildcard": (["pub", "--no-tls", "-t", "a/#", "-m", "x"], "a/#"),
    "filter": (["sub", "--no-tls", "-t", "a#"], "a#"),
    "newline": (["pub", "--no-tls", "-t", "a\nb", "-m", "x"], "-t a?b"),
    "qos": (["pub", "-t", "a", "-m", "x", "-q", "3"], "-q"),
    "port": (["pub", "-t", "a", "-m", "x", "-p", "65536"], "-p"),
    "number": (["sub", "-t", "a", "-C", "1x"], "-C"),
    "unknown option": (["sub", "-t", "a", "--topik", "b"], "--topic"),
    "unknown command": (["pubb"], "pub"),
    "value missing": (["sub", "-t"], "-t"),
    "certificate without key": (["sub", "-t", "a", "--cafile", "x", "--cert", "y"], "--key"),
    "no authority": (["sub", "-t", "a"], "--cafile"),
    "tls and no tls": (["sub", "-t", "a", "--no-tls", "--cafile", "x"], "--cafile"),
    "password without user": (["sub", "-t", "a", "--no-tls", "-P", "secret"], "-u"),
    "session without id": (["sub", "-t", "a", "--no-tls", "-c"], "-i"),
    "url and host": (["pub", "-L", "mqtt://h/t", "-h", "h", "-m", "x"], "-h"),
    "url of another kind": (["pub", "-L", "http://h/t", "-m", "x"], "mqtt"),
    "keep alive": (["sub", "-t", "a", "--no-tls", "-k", "1"], "-k"),
    "budget": (["sub", "-t", "a", "--no-tls", "--heap-budget", "9999999"], "--heap-budget"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(thimble, name):
    words, text = USAGE[name]
    done = thimble(*words).ends(64, text)
    assert done.out == b"" and "secret" not in done.err


# ---- files --------------------------------------------------------------------------------------

def with_file(lab, option, path):
    words = lab.tls()
    words[words.index(option) + 1] = path
    return ["pub", *words, "-t", "t", "-m", "x"]


@pytest.mark.parametrize("option", ["--cafile", "--cert", "--key"])
def test_missing_file(thimble, lab, option, tmp_path):
    missing = tmp_path / "not-here.pem"
    thimble(*with_file(lab, option, missing)).ends_refused(66, str(missing)[-40:], "No such file")


@pytest.mark.parametrize("option", ["--cafile", "--cert", "--key"])
def test_directory_for_a_file(thimble, lab, option, tmp_path):
    thimble(*with_file(lab, option, tmp_path)).ends_refused(67, "is a directory")


CONTENTS = {
    "empty": b"",
    "text": b"not a certificate\n",
    "binary": bytes(range(256)) * 8,
    "cut": b"-----BEGIN CERTIFICATE-----\nMIIB\n",
    "damaged": b"-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n",
    "no base64": b"-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
    "zeros": bytes(20000),
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("option", ["--cafile", "--cert", "--key"])
def test_unusable_content(thimble, lab, option, content, tmp_path):
    path = tmp_path / "bad.pem"
    path.write_bytes(CONTENTS[content])
    thimble(*with_file(lab, option, path)).ends_refused(67, "bad.pem")


def test_key_with_pass_phrase(thimble, lab, tmp_path):
    path = tmp_path / "locked.key"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-v2", "aes256", "-passout", "pass:x", "-in",
                    lab.path("ec", "client.key"), "-out", path], check=True, capture_output=True)
    thimble(*with_file(lab, "--key", path)).ends_refused(67, "locked.key", "encrypted", "openssl")


@pytest.mark.parametrize("key", ["ec/server.key", "rsa/client.key"])
def test_key_of_another_certificate(thimble, lab, key):
    """Refused before connecting, not by the broker's alert."""
    done = thimble(*with_file(lab, "--key", lab.directory / key))
    done.ends_refused(71, "does not belong")


@pytest.mark.parametrize("option", ["--cafile", "--cert"])
def test_key_in_place_of_a_certificate(thimble, lab, option):
    thimble(*with_file(lab, option, lab.path("ec", "client.key"))).ends_refused(67)


@pytest.mark.parametrize("form", ["sec1", "pkcs8", "der"])
def test_every_form_of_a_key(thimble, lab, form, tmp_path):
    path = tmp_path / "key"
    how = {"sec1": ["ec"], "pkcs8": ["pkcs8", "-topk8", "-nocrypt"],
           "der": ["pkey", "-outform", "DER"]}
    subprocess.run(["openssl", *how[form], "-in", lab.path("ec", "client.key"), "-out", path],
                   check=True, capture_output=True)
    thimble(*with_file(lab, "--key", path)).ends(0)


@pytest.mark.parametrize("content, code", [(None, 66), (b"", 67), (b"\nsecond line\n", 67),
                                           (b"x" * 5000, 67)])
def test_password_file(thimble, lab, content, code, tmp_path):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    done = thimble("pub", *lab.plain, "-u", "me", "--password-file", path, "-t", "t", "-m", "x")
    done.ends_refused(code, "password")


def test_message_file(thimble, lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["pub", *lab.plain, "-t", "t", "-f"]
    thimble(*words, "missing").ends_refused(66, "missing", "No such file")
    thimble(*words, tmp_path).ends_refused(66, "Is a directory")


# ---- where there is no broker -------------------------------------------------------------------

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", needs_ipv6()])
def test_refused_port(thimble, lab, host):
    words = ["-h", host, "-p", free_port(), *lab.identity()]
    thimble("pub", *words, "-t", "t", "-m", "x").ends_refused(4, "refused")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64 + ".test", "-h"])
def test_name_without_address(thimble, lab, host):
    """With a name server or without one: there is no address."""
    words = ["-h", host, *lab.identity(), "--timeout-lookup", "2"]
    thimble("pub", *words, "-t", "t", "-m", "x").ends_refused(20)


@pytest.mark.parametrize("report", ["/nowhere/report.json", "/"])
def test_report_that_cannot_be_written(thimble, lab, report):
    done = thimble("pub", *lab.plain, "-t", "t", "-m", "x", f"--mem-report=json:{report}")
    done.ends_refused(66, report)


def test_nothing_is_opened_when_the_command_line_is_wrong(tmp_path, thimble):
    """Not even the files that are named in it."""
    os.mkfifo(tmp_path / "fifo")  # opening it would hang
    thimble("sub", "--cafile", tmp_path / "fifo", "-t", "a", "-q", "7").ends(64)
