"""Enhanced authentication with SCRAM-SHA-256, against mosquitto with a plugin built on OpenSSL."""
import pathlib
import subprocess

import pytest

from program import patient, until

HERE = pathlib.Path(__file__).parent
USER = ["-V", "5", "-u", "us,er=1", "--auth", "scram-sha-256"]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    made = tmp_path_factory.mktemp("plugin") / "scram.so"
    subprocess.run(["gcc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", made,
                    HERE / "scram_plugin.c", "-lcrypto"], check=True)
    return made


@pytest.fixture
def broker(mosquitto, plugin):
    """broker(password, more lines): mosquitto that knows this password."""
    def make(password, *more):
        return mosquitto(f"plugin {plugin}", f"plugin_opt_password {password}", *more).start()
    return make


def password(tmp_path, text):
    path = tmp_path / "password"
    path.write_text(text + "\n")
    return [*USER, "--password-file", path]


def test_both_know_the_password(broker, thimble, tmp_path, topic):
    made = broker("pencil sharpener")
    who = password(tmp_path, "pencil sharpener")
    sub = thimble.start("sub", *made.plain, *who, "-t", topic, "-C", "1", "-q", "1")
    made.log.await_subscription(topic)
    thimble("pub", *made.plain, *who, "-t", topic, "-m", "hello", "-q", "1").ends(0)
    sub.ends(0)
    assert sub.out == b"hello\n"
    assert made.log.has("u'us")
    assert "pencil" not in made.log.text()


def test_many_iterations(broker, thimble, tmp_path, topic):
    made = broker("pencil", "plugin_opt_iterations 600000")
    who = password(tmp_path, "pencil")
    thimble("pub", *made.plain, *who, "-t", topic, "-m", "hello", "-q", "1",
            "--timeout-connack", patient(30), seconds=patient(40)).ends(0)


@pytest.mark.parametrize("iterations", [4095, 600001])
def test_iterations_that_are_not_acceptable(broker, thimble, tmp_path, topic, iterations):
    made = broker("pencil", f"plugin_opt_iterations {iterations}")
    who = password(tmp_path, "pencil")
    run = thimble("pub", *made.plain, *who, "-t", topic, "-m", "hello", "-q", "1")
    run.ends_refused(52, "iterations")


def test_our_password_is_wrong(broker, thimble, tmp_path, topic):
    made = broker("pencil")
    who = password(tmp_path, "crayon")
    run = thimble("pub", *made.plain, *who, "-t", topic, "-m", "hello", "-q", "1")
    run.ends_refused(51, "not authorized")
    assert "PUBLISH" not in made.log.text()


def test_the_broker_does_not_know_the_password(broker, thimble, tmp_path, topic):
    """It accepts everybody, to be told everything."""
    made = broker("crayon", "plugin_opt_lie yes")
    who = password(tmp_path, "pencil")
    run = thimble("pub", *made.plain, *who, "-t", topic, "-m", "secret", "-q", "1")
    run.ends_refused(52, "does not prove")
    until(lambda: "disconnected" in made.log.text() or "closed" in made.log.text(), "the end")
    assert "PUBLISH" not in made.log.text()


def test_a_broker_that_knows_no_scram(mosquitto, thimble, tmp_path, topic):
    made = mosquitto("allow_anonymous true").start()
    who = password(tmp_path, "pencil")
    run = thimble("pub", *made.plain, *who, "-t", topic, "-m", "secret", "-q", "1")
    run.ends_refused(52, "bad authentication method")
