"""A message goes from thimble pub through mosquitto to thimble sub, in every combination."""
import pytest

from lab import needs_ipv6
from program import SECONDS, SYSTEM_LIBS

TLS = ["1.2", "1.3"]
KINDS = ["ec", "rsa"]
QOS = [0, 1, 2]
VERSIONS = ["mqttv311", "mqttv5"]


def assert_nothing_is_kept(report):
    """The connection's memory is given back to the last byte."""
    pools = report["pools"]
    assert pools["tls_heap"]["live_bytes"] == pools["record_cell"]["live_bytes"] == 0
    assert all(purpose["live_bytes"] == 0 for purpose in report["purposes"].values())
    allocations = report["allocations"]
    assert allocations["taken_allocations"] == allocations["returned_allocations"]
    took = pools["process_heap"]["peak_bytes"] if SYSTEM_LIBS else allocations["taken_allocations"]
    assert took > 0
    assert allocations["refused_allocations"] == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", QOS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tls", TLS)
def test_round_trip(thimble, lab, topic, tls, kind, qos, version):
    how = [*lab.tls(kind), "--tls-version", tls, "-V", version, "-q", qos, "-t", topic]
    subscriber = thimble.start("sub", *how, "-C", "1", "-W", SECONDS, "-v", report=True)
    lab.log.await_subscription(topic)
    publisher = thimble("pub", *how, "-m", "through and through", report=True).ends(0)
    subscriber.ends(0)
    assert subscriber.out == f"{topic} through and through\n".encode()
    assert publisher.out == b""
    assert publisher.err == subscriber.err == ""
    for report in publisher.report, subscriber.report:
        assert report["connection"]["tls_version"] == f"TLSv{tls}"
        assert report["connection"]["attempts"] == 1
        assert_nothing_is_kept(report)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", needs_ipv6()])
def test_every_way_to_name_the_broker(thimble, lab, topic, host):
    thimble("pub", *lab.tls(host=host), "-t", topic, "-m", "x", "-q", "1").ends(0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sent, received", [(0, 2), (2, 0), (1, 2), (2, 1)])
def test_the_lower_quality_of_service_counts(thimble, lab, topic, sent, received, version):
    how = [*lab.tls(), "-V", version, "-t", topic]
    subscriber = thimble.start("sub", *how, "-q", received, "-C", "1")
    lab.log.await_subscription(topic)
    thimble("pub", *how, "-q", sent, "-m", "x").ends(0)
    assert subscriber.ends(0).out == b"x\n"
