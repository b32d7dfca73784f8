"""The audit agrees to the byte, and would say so if it did not."""
import importlib.util
import json
import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
WORK = TOP / "build" / "audit"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools"))
spec = importlib.util.spec_from_file_location("audit", TOP / "tools" / "audit.py")
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)


def run(*words):
    return subprocess.run([TOP / "tools" / "audit.py", *words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def result():
    """Of the whole audit."""
    done = run()
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    return json.loads((TOP / "build" / "audit.json").read_text())


def test_report_massif_and_witness_agree(result):
    rows = {row["scenario"]: row for row in result["scenarios"]}
    assert set(rows) == {scenario.name for scenario in audit.SCENARIOS} and len(rows) >= 12
    for row in rows.values():
        assert row["pool_peak_bytes"] == row["massif_peak_bytes"] == row["witness_peak_bytes"] > 0
        assert row["memcheck_errors"] == row["kept_bytes"] == 0
        assert row["program"] == "build/thimble" or row["scenario"] == "two"
        assert row["refusals"] == 0 or row["scenario"] == "too-small"
        assert row["static_bytes"] > row["pool_peak_bytes"] + row["stack_peak_bytes"]


def test_who_does_wrong_is_caught(result):
    assert len(result["controls"]) == len(audit.CONTROLS)
    assert all(control["caught"] for control in result["controls"])


def test_the_files_are_there_to_be_read(result):
    """What massif writes, whole, with one peak, and ms_print's text of it."""
    for row in result["scenarios"]:
        for tag in "massif", "witness", "pages":
            profile = (WORK / f"{row['scenario']}.{tag}.out").read_text()
            assert re.match(r"desc: .*\ncmd: .*\ntime_unit: B\n#-+\nsnapshot=0\n", profile)
            assert profile.count("heap_tree=peak") == 1
            assert "Number of snapshots" in (WORK / f"{row['scenario']}.{tag}.txt").read_text()


def test_the_printed_table_is_of_these_scenarios():
    text = (TOP / "README.md").read_text()
    printed = re.findall(r"^  (\S+) +(?:[\d,]+ +){7}[\d,]+$", text, re.M)
    assert printed == [scenario.name for scenario in audit.SCENARIOS]


def commands():
    """Those of the page, without the first: the laboratory is there."""
    page = (TOP / "docs" / "audit.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    return "".join(blocks).replace("make lab\n", "")


def test_the_page_can_be_followed(tmp_path):
    """Word by word; only the laboratory is another one."""
    (tmp_path / "build").symlink_to(TOP / "build")
    with audit.Lab(audit.WORK / "page"):
        done = subprocess.run(["bash", "-e"], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              input=commands().replace("build/lab", "build/audit/page"))
    assert done.returncode == 0, done.stdout
    massif, report = re.findall(r"^\d+$", done.stdout, re.M)[:2]
    assert massif == report
    assert "in use at exit: 0 bytes" in done.stdout and "ERROR SUMMARY: 0 errors" in done.stdout
    assert re.search(r"^ n0: (\d+) 0x0: .*\n n0: 0 0x.*\n n0: 0 0x", done.stdout, re.M), done.stdout


@pytest.mark.parametrize("name, complaint", [("uncounted", "the report says"),
                                             ("leak", "given back")])
def test_the_whole_audit_fails_for_one_byte(result, tmp_path, name, complaint):
    """Not the controls alone: the audit itself, given a binary that does wrong."""
    done = run("--binary", f"build/audit/{name}", "--only", "publish-ec-1.3", "--json",
               tmp_path / "json")
    assert done.returncode == 1 and complaint in done.stdout, done.stdout
