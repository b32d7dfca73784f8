"""A message goes from thimble pub to thimble sub through brokers of other makers, one of them with
a TLS stack that is not OpenSSL. What a broker does not support is named, and so is a broker that
is not there."""
import shutil

import pytest

from brokers import ALL_BROKERS, QOS, TLS, VERSIONS, Ejabberd
from program import ALL
from test_matrix import assert_nothing_is_kept

pytestmark = pytest.mark.deadline(300)


@pytest.fixture(scope="module")
def started(tmp_path_factory, lab):
    """Each is started once, when it is first wanted."""
    brokers = {}

    def get(kind):
        if kind not in brokers:
            brokers[kind] = kind(tmp_path_factory.mktemp(kind.__name__), lab).start()
        return brokers[kind]
    yield get
    for each in brokers.values():
        each.stop()


@pytest.fixture
def broker(request, started):
    kind = request.param
    if kind.heavy and not ALL:
        pytest.skip(f"{kind.name} is started by make check-all only")
    if not shutil.which(kind.program):
        pytest.skip(f"{kind.name} is NOT TESTED: missing, try apt-get install {kind.package}")
    return started(kind)


def cells(supported):
    return [pytest.param(kind, version, qos, id=f"{kind.__name__}-{version}-{qos}")
            for kind in ALL_BROKERS for version in VERSIONS for qos in QOS
            if kind.does(version, qos) == supported]


def test_every_cell_passes_somewhere_else():
    """Besides mosquitto (test_matrix.py) at least one broker that make check starts does it."""
    for version in VERSIONS:
        for qos in QOS:
            assert any(kind.does(version, qos) and not kind.heavy for kind in ALL_BROKERS)


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("broker, version, qos", cells(True), indirect=["broker"])
def test_round_trip(thimble, topic, broker, version, qos, tls):
    """Sent until it is received: these brokers do not tell when a subscription stands."""
    how = ["--tls-version", tls, "-V", version, "-t", topic, "-q", qos]
    subscriber = thimble.start("sub", *broker.where("sub"), *how, "-C", "1", "-v", report=True)
    while subscriber.is_running():
        publisher = thimble("pub", *broker.where("pub"), *how, "-m", "x", report=True).ends(0)
        assert_nothing_is_kept(publisher.report)
    assert subscriber.ends(0).out == f"{topic} x\n".encode()
    assert_nothing_is_kept(subscriber.report)
    assert subscriber.report["connection"]["tls_version"] == f"TLSv{tls}"


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("broker, version, qos", cells(False), indirect=["broker"])
def test_not_supported(thimble, topic, broker, version, qos, tls, record_property):
    """What the broker cannot do ends with a word about it."""
    code, text = broker.lacks[version, qos]
    record_property("not supported", f"{broker.name}: {version}, QoS {qos}, TLS {tls}")
    thimble("pub", *broker.where("pub"), "--tls-version", tls, "-V", version, "-t", topic,
            "-q", qos, "-m", "x", "--retry", "0").ends_refused(code, text)


def without(words, *names):
    """Of options and their values, those with other names."""
    pairs = zip(words[::2], words[1::2])
    return [word for name, value in pairs if name not in names for word in (name, value)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("broker", ALL_BROKERS, indirect=True, ids=lambda kind: kind.__name__)
def test_no_certificate(thimble, topic, broker, version):
    """It is mutual TLS: nobody comes in without one. ejabberd says so in CONNACK."""
    words = without(broker.where("pub"), "--cert", "--key")
    thimble("pub", *words, "-V", version, "-t", topic, "-m", "x", "--retry", "0").ends_refused(
        51 if isinstance(broker, Ejabberd) else 76)


@pytest.mark.parametrize("broker", [Ejabberd], indirect=True)
@pytest.mark.parametrize("version", VERSIONS)
def test_certificate_of_another_name(thimble, topic, broker, version):
    words = [*without(broker.where("pub"), "-u"), "-u", "sub@localhost", "-V", version]
    thimble("pub", *words, "-t", topic, "-n").ends_refused(51, "CONNACK")
