"""The pictures say what was measured: a fresh trace is drawn, and read back from the drawing."""
import csv
import pathlib
import re
import sys
import xml.etree.ElementTree

import pytest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools"))
import pictures  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
COMMITTED = sorted((TOP / "docs" / "pictures").glob("*.svg"))


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """A run under massif, and its picture."""
    folder = tmp_path_factory.mktemp("pictures")
    with pictures.Lab(pictures.WORK / "test-lab") as lab:
        pictures.trace_under_massif(lab, folder)
    pictures.timeline(folder / "trace", folder / "massif", folder / "report", folder / "svg")
    return folder


def rows(folder):
    with open(folder / "trace", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def path_of(root, name):
    return next(each for each in root.iter(f"{SVG}path") if each.get("id") == name).get("d")


def heights(path):
    """{massif's time: the last bytes drawn there} of a path of steps."""
    x, y, found = 0, 0, {}
    for letter, number in re.findall(r"([HV])(-?\d+)", path.removesuffix("V0Z")):
        if letter == "H":
            x = int(number)
        else:
            y = int(number)
            found[x] = y
    return found, x


def level_at(found, when):
    return found[max((x for x in found if x <= when), default=None)] if found else 0


def test_the_top_of_the_stack_is_what_is_live(measured):
    root = xml.etree.ElementTree.parse(measured / "svg").getroot()
    found, end = heights(path_of(root, f"band{len(pictures.BANDS) - 1}"))
    clock, last = 0, {}
    for row in rows(measured):
        clock += abs(int(row["bytes"]))
        last[clock] = int(row["live"])
    assert clock == end and len(last) > 100
    for when, live in last.items():
        assert level_at(found, when) == live, when


def test_bands_lie_on_each_other(measured):
    root = xml.etree.ElementTree.parse(measured / "svg").getroot()
    edges = [heights(path_of(root, f"band{i}"))[0] for i in range(len(pictures.BANDS))]
    for when in edges[-1]:
        levels = [level_at({0: 0, **edge}, when) for edge in edges]
        assert levels == sorted(levels)
    assert max(edges[0].values()) > 1000, "what connections share is the lowest"


def test_peak_and_ceiling_are_the_reports(measured):
    report = pictures.read_report(measured / "report")
    root = xml.etree.ElementTree.parse(measured / "svg").getroot()
    found, _ = heights(path_of(root, f"band{len(pictures.BANDS) - 1}"))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert max(found.values()) == report["peak"]
    assert f"{report['peak']:,} B" in texts and f"{report['ceiling']:,} B" in texts
    assert report["ceiling"] > report["peak"] > 8000
    parts = texts[texts.index("the peak, of which then:") + 2:][:2 * len(pictures.BANDS):2]
    assert sum(int(part.replace(",", "")) for part in parts) == report["peak"]


def test_massif_saw_every_event(measured):
    """Not only the peak: each snapshot lies on the trace."""
    clock, live = 0, {0: 0}
    for row in rows(measured):
        clock += abs(int(row["bytes"]))
        live[clock] = int(row["live"])
    massif = pictures.read_massif(measured / "massif")
    assert len(massif) > 100
    assert [(when, heap) for when, heap in massif if live.get(when) != heap] == []


def test_a_byte_too_many_shows(measured, tmp_path):
    """The comparison can fail."""
    text = (measured / "trace").read_text().splitlines()
    cells = text[40].split("\t")
    text[40] = "\t".join([*cells[:4], str(int(cells[4]) + 1), cells[5]])
    (tmp_path / "trace").write_text("\n".join(text) + "\n")
    pictures.timeline(tmp_path / "trace", measured / "massif", measured / "report",
                      tmp_path / "svg")
    (tmp_path / "massif").write_text((measured / "massif").read_text())
    (tmp_path / "report").write_text((measured / "report").read_text())
    for test in (test_the_top_of_the_stack_is_what_is_live, test_massif_saw_every_event):
        with pytest.raises(AssertionError):
            test(tmp_path)


def test_phases_have_their_names(measured):
    names = [name for name, *_ in pictures.phases(pictures.read_trace(measured / "trace"))]
    assert names[:7] == ["set up", "finding", "dialing", "shaking", "greeting", "up", "closing"]
    said = " ".join(each.text for each in xml.etree.ElementTree.parse(measured / "svg").iter(
        f"{SVG}text"))
    assert all(name in said for name in names)


def test_every_purpose_has_a_band():
    source = (TOP / "mem" / "purpose.c").read_text()
    assert set(re.findall(r'= "([a-z-]+)"', source)) == set(pictures.BAND_OF)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_what_is_committed_is_a_picture(path):
    root = xml.etree.ElementTree.parse(path).getroot()
    text = path.read_text()
    assert root.tag == f"{SVG}svg" and root.get("viewBox")
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"<script|\son\w+=|href=|@import|url\(", text)
    assert f"docs/pictures/{path.name}" in (TOP / "README.md").read_text()


def test_both_pictures_are_committed():
    assert [path.name for path in COMMITTED] == ["comparison.svg", "timeline.svg"]
