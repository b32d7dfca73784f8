"""thimble stays within its committed budget, and the tool that says so can say no."""
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("budget", TOP / "tools" / "budget.py")
budget = importlib.util.module_from_spec(spec)
spec.loader.exec_module(budget)


def test_within_the_budget():
    done = subprocess.run([TOP / "tools" / "budget.py"], text=True, stdout=subprocess.PIPE)
    print(done.stdout)
    assert done.returncode == 0


def test_every_goal_is_a_figure_that_is_kept():
    """A goal that nothing measures would be a promise nobody holds."""
    book = json.loads(budget.BUDGET.read_text())
    assert book["goals"]
    for key, goals in book["goals"].items():
        assert set(budget.flat(goals)) <= set(budget.flat(book["entries"][key]))


def test_readme_says_what_is_written_down():
    assert budget.readme_table(json.loads(budget.BUDGET.read_text())) in \
        (TOP / "README.md").read_text()


def verdict(value, entry, goal=None, figure="heap_peak_bytes"):
    measured, known = ({"pub": {figure: number}} for number in (value, entry))
    goals = {} if goal is None else {"pub": {figure: goal}}
    (row,) = budget.judge(measured, known, goals)
    return row[0]


def test_a_byte_more_grows():
    assert verdict(1000, 1000) == "OK"
    assert verdict(1001, 1000) == "GREW"
    assert verdict(999, 1000) == "SHRANK"


def test_new_certificates_are_no_growth():
    assert verdict(1008, 1000, figure="record_cell_peak_bytes") == "OK"
    assert verdict(1009, 1000, figure="record_cell_peak_bytes") == "GREW"


def test_instructions_may_vary_by_three_percent():
    assert verdict(103000, 100000, figure="instructions") == "OK"
    assert verdict(103001, 100000, figure="instructions") == "GREW"


def test_a_goal_is_held_even_if_the_budget_allows_more():
    assert verdict(900, 1000, goal=900) == "SHRANK"
    assert verdict(901, 1000, goal=900) == "MISSED"


@pytest.mark.parametrize("measured, entry", [({}, {"pub": {"x": 1}}), ({"pub": {"x": 1}}, {})])
def test_a_figure_that_comes_or_goes_is_a_failure(measured, entry):
    (row,) = budget.judge(measured, entry, {})
    assert row[0] in budget.FAILURES


def compare(book, measured):
    return budget.compare("default/x86_64/1.0", measured, book)


def test_growth_fails_the_comparison(capsys):
    book = {"entries": {"default/x86_64/1.0": {"pub": {"x": 10}}}, "goals": {}}
    assert compare(book, {"pub": {"x": 10}}) == 0
    assert compare(book, {"pub": {"x": 11}}) == 1
    assert "--update" in capsys.readouterr().out


def test_another_version_is_reported_not_judged(capsys):
    book = {"entries": {"default/x86_64/0.9": {"pub": {"x": 10}}}, "goals": {}}
    assert compare(book, {"pub": {"x": 99}}) == 0
    output = capsys.readouterr().out
    assert "not judged" in output and "99" in output and "10" in output


def test_update_writes_what_the_next_run_is_held_against(tmp_path):
    path = tmp_path / "budget.json"
    book = {"entries": {"other": {"pub": {"x": 1}}}, "goals": {}}
    budget.update("default/x86_64/1.0", {"pub": {"x": 10}}, book, path)
    written = json.loads(path.read_text())
    assert written["entries"]["other"] == {"pub": {"x": 1}}
    assert compare(written, {"pub": {"x": 10}}) == 0
    assert compare(written, {"pub": {"x": 11}}) == 1


def test_the_largest_of_all_runs_counts():
    assert budget.largest([{"x": 1, "y": 9}, {"x": 3, "y": 2}]) == {"x": 3, "y": 9}
