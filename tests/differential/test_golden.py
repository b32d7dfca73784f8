"""What only mosquitto 2.1 has, held against tables made from its documentation."""
import re

import pytest

from arena import Brokers, Stage
from compare import make_links
from golden import ROWS
from program import THIMBLE


@pytest.fixture(scope="module")
def brokers(tmp_path_factory):
    make_links(THIMBLE)
    arena = Brokers(tmp_path_factory.mktemp("golden"))
    yield arena
    arena.stop()


def has(packet, wanted):
    return all(packet.get(name) == value for name, value in wanted.items())


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_golden(brokers, tmp_path, row):
    stage = Stage(brokers, row, f"g{ROWS.index(row):02}", True, tmp_path / "run")
    status = stage.run()
    assert (stage.file("stdout"), status) == (row.stdout, row.status), stage.file("stderr")
    sent = [packet for connection in stage.connections() for packet in connection[0]]
    for wanted in row.sent:
        assert any(has(packet, wanted) for packet in sent), sent
    for name, pattern in row.made.items():
        assert re.search(pattern, (stage.directory / name).read_text(), re.M)


def test_names_are_unique():
    assert len({row.name for row in ROWS}) == len(ROWS)
