"""thimble bench: what it measures, and how it ends. A thousand connections: tests/hub."""
import json
import signal

import pytest

from lab import free_port
from program import SYSTEM_LIBS, told_bytes

MOST = told_bytes("connections")
COUNT = min(MOST, 10)


def bench(thimble, lab, *words, kind="ec"):
    return thimble.start("bench", *lab.tls(kind), "--hold", "0.3", *words)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_each_connection_keeps_what_is_planned(thimble, lab, kind):
    """... once the first is there, which brings along what they share."""
    done = bench(thimble, lab, "--json", "--sandbox=require", "--connections", COUNT, kind=kind).ends(0)
    first, last = json.loads(done.out)
    assert (first["connections"], last["connections"]) == (1, COUNT)
    grown = last["private_dirty_bytes"] - first["private_dirty_bytes"]
    assert last["private_dirty_each_bytes"] == grown // (COUNT - 1)
    assert 8192 < last["private_dirty_each_bytes"] <= last["planned_each_bytes"] or SYSTEM_LIBS
    assert first["opened_per_s"] > 0 and last["cpu_each_us_per_s"] < 20000


def test_for_people_it_is_a_table(thimble, lab):
    lines = bench(thimble, lab, "--connections", 1).ends(0).out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["connections", "1"]


def test_more_than_there_are_is_refused(thimble, lab):
    bench(thimble, lab, "--connections", MOST + 1).ends(64, f"give a whole number from 1 to {MOST}")


def test_a_broker_that_is_not_there(thimble, lab):
    done = thimble("bench", *lab.tls(), "-p", free_port(), "--json")
    done.ends_refused(4, "refused")


def test_the_wrong_authority(thimble, lab):
    done = thimble("bench", *lab.tls(), "--cafile", lab.path("rsa", "root.pem"))
    done.ends_refused(72, "not issued by")


def test_it_can_be_ended(thimble, lab):
    program = bench(thimble, lab, "--connections", 1, "--hold", 3600, "-V", "mqttv5", "-k", 4321)
    lab.log.await_line(", k4321")
    program.signal(signal.SIGTERM).ends(128 + signal.SIGTERM)
