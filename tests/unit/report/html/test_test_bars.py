from __future__ import annotations

import re

import msgspec
import pytest

from bench.record.schema import Run
from bench.record.schema import TestResult as Node
from bench.report.entry import Entry
from bench.report.html import palette
from bench.report.html.sections import detail
from bench.report.html.test_bars import apart, bars_of, drawn_tests, lanes_of, phases, placing, spoken_tests
from tests.support.drawn import Drawing, percent
from tests.support.entries import make_entry, with_tests

CELLS = [f"a/test_grad.py::test_gradient_stability[cell-{at:02}-of-25]" for at in range(1, 26)]


def test_all_tests_of_a_run_are_on_its_timeline_by_what_sets_them_apart() -> None:
    entry = make_entry(runs=1)
    run = with_tests(CELLS)
    record = msgspec.structs.replace(entry.record, runs=(run,))
    figure = detail(Entry(record, "", entry.samples), 200).timeline
    assert figure is not None
    names = [f"cell-{at:02}" for at in range(1, 26)]
    assert [bar.text for bar in bars_of(phases(run, run.wall_s or 0.0))] == names
    bars = Drawing(figure).all("rect", "bar")
    assert len(bars) == 25
    assert bars[6].findtext("title", "").startswith(f"{CELLS[6]}, ")
    starts = [percent(bar, "x") for bar in bars]
    ends = [start + percent(bar, "width") for start, bar in zip(starts, bars, strict=True)]
    assert starts[1:] == pytest.approx(ends[:-1], abs=0.02)
    assert ends[-1] == pytest.approx(100, abs=0.02)
    assert "25 tests" in figure.alt
    assert CELLS[24] in figure.alt
    assert figure.table.columns[-1].label == "tests"
    column = [row.cells[-1].text for row in figure.table.rows]
    assert column[0] == "–"
    assert column[-1] == "cell-24 and cell-25"


def test_a_test_lies_where_it_began_with_its_setup_and_teardown() -> None:
    entry = make_entry(runs=1)
    tests = (
        Node("t.py::test_a", "passed", 50.0, 100.0, 20.0, None, 10.0),
        Node("t.py::test_b", "passed", 0.001, 200.0, 0.001, None, 300.0),
        Node("t.py::test_c", "error", 40.0, None, None, None, 550.0),
    )
    run = msgspec.structs.replace(entry.record.runs[0], tests=tests)
    figure = detail(Entry(msgspec.structs.replace(entry.record, runs=(run,)), "", entry.samples), 200).timeline
    assert figure is not None
    end = run.wall_s or 0.0
    bars = bars_of(phases(run, end))
    assert [bar.text for bar in bars] == ["setup", "a", "teardown", "b", "setup"]
    assert [bar.start for bar in bars] == [10.0, 60.0, 160.0, 300.0, 550.0]
    assert [bar.end - bar.start for bar in bars] == pytest.approx([50.0, 100.0, 20.0, 200.002, 40.0])
    colours = [palette.BROWN, palette.GREY, palette.BROWN, palette.GREY, palette.RED]
    assert [bar.colour for bar in bars] == colours
    assert bars[2].hover == "t.py::test_a, teardown, 20.00 s"
    assert bars[4].hover == "t.py::test_c, setup, 40.00 s, not passed"
    drawn = Drawing(figure).all("rect", "bar")
    assert [percent(bar, "x") for bar in drawn] == pytest.approx([100 * bar.start / end for bar in bars], abs=0.01)
    assert [bar.get("class") for bar in drawn] == [f"bar {colour}" for colour in colours]
    assert [bar.findtext("title") for bar in drawn] == [bar.hover for bar in bars]
    assert "end to end" not in figure.note
    assert figure.legend[:2] == (("test", palette.GREY), ("its setup and teardown", palette.BROWN))
    first = figure.table.rows[0].cells
    assert (first[0].order, first[-1].text) == (0.0, "a")


def test_a_test_at_work_when_the_run_was_ended_reaches_to_its_end() -> None:
    tests = (
        Node("t.py::test_a", "passed", 0.0, 5.0, 0.0, None, 1.0),
        Node("t.py::test_b", "unfinished", started_s=6.5),
    )
    found = phases(Run(0, "timed_out", wall_s=30.0, tests=tests), 30.0)
    assert [(phase.short, phase.start, phase.end, phase.passed) for phase in found] == [
        ("a", 1.0, 6.0, True),
        ("b", 6.5, 30.0, False),
    ]
    assert phases(Run(0, "timed_out", wall_s=30.0, tests=(Node("t", "unfinished"),)), 30.0) == ()


def test_tests_that_ran_at_the_same_time_lie_above_one_another() -> None:
    times = ((1.0, 5.0), (1.1, 5.0), (6.05, 2.0), (6.2, 1.0))
    tests = tuple(Node(f"t{at}", "passed", call_s=took, started_s=start) for at, (start, took) in enumerate(times))
    found = phases(Run(0, "passed", wall_s=9.0, tests=tests), 9.0)
    assert lanes_of(found) == [0, 1, 0, 1]
    assert [bar.lane for bar in bars_of(found)] == [0, 1, 0, 1]
    assert re.findall(r' y="(\d+)" height="(\d+)"', drawn_tests(found, 9.0)) == 2 * [("0", "10"), ("10", "10")]
    after = tuple(Node(f"t{at}", "passed", call_s=1.0, started_s=at * 0.9999) for at in range(3))
    found = phases(Run(0, "passed", wall_s=3.0, tests=after), 3.0)
    assert [bar.lane for bar in bars_of(found)] == [0, 0, 0]
    assert re.findall(r' y="(\d+)" height="(\d+)"', drawn_tests(found, 3.0)) == 3 * [("0", "20")]


def test_a_test_without_a_start_lies_beside_its_neighbour() -> None:
    lengths = (2.0, 3.0, 4.0, 1.0)
    starts = (None, 10.0, None, 20.0)
    tests = tuple(
        Node(f"t{at}", "passed", call_s=length, started_s=start)
        for at, (length, start) in enumerate(zip(lengths, starts, strict=True))
    )
    run = Run(0, "passed", wall_s=30.0, tests=tests)
    assert [(phase.start, phase.end) for phase in phases(run, 30.0)] == [(8, 10), (10, 13), (13, 17), (20, 21)]
    assert placing(run).startswith("2 of 4 tests lie beside their neighbours")
    assert placing(with_tests(CELLS)).startswith("The tests lie end to end")


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["test_dtype_float32", "test_dtype_float64"], ["float32", "float64"]),
        (["test_a[1-x]", "test_a[2-x]"], ["1", "2"]),
        (["test_a[1]", "test_b[1]"], ["a", "b"]),
        (["test_a", "test_a[1]"], ["a", "a[1]"]),
        (["test_a", "test_a_"], ["a", "a_"]),
        (["x", "y"], ["x", "y"]),
        (["same", "same"], ["same", "same"]),
        ([], []),
    ],
)
def test_short_names_are_what_sets_names_apart(names: list[str], short: list[str]) -> None:
    assert apart(names) == short


def test_very_many_tests_share_bars_and_leave_no_gap() -> None:
    run = with_tests([f"t.py::test_{at}" for at in range(2000)], uneven=True)
    found = phases(run, run.wall_s or 0.0)
    assert 60 < len(found) < 400
    assert sum(phase.tests for phase in found) == 2000
    assert [phase.start for phase in found[1:]] == pytest.approx([phase.end for phase in found[:-1]])
    assert re.fullmatch(r"\d+ tests, t.py::test_0 to t.py::test_\d+", found[0].name)
    assert spoken_tests(found).startswith("2000 tests, from ")


def test_a_test_that_did_not_pass_stands_out() -> None:
    run = with_tests(CELLS[:2], outcome="failed")
    bars = bars_of(phases(run, run.wall_s or 0.0))
    assert {bar.colour for bar in bars} == {palette.RED}
    assert all(bar.hover.endswith(", not passed") for bar in bars)


def test_the_table_of_a_timeline_has_means_and_maxima_of_what_is_known() -> None:
    entry = make_entry(runs=1, sampled=False)
    lines = "".join(f"{at},{at * 2.0},{at if at != 30 else ''}\n" for at in range(1, 61))
    figure = detail(Entry(entry.record, "", {0: f"t_s,cpu_total_s,memory_bytes\n{lines}"}), 240).timeline
    assert figure is not None
    assert [row.cells[1].order for row in figure.table.rows] == pytest.approx([2.0] * 20)
    assert [row.cells[2].order for row in figure.table.rows] == [29.0 if at == 10 else 3.0 * at for at in range(1, 21)]


def test_a_text_stands_in_its_bar_from_the_width_on_in_which_it_fits() -> None:
    run = with_tests(["t.py::test_a_very_long_name_of_a_test", *(f"t.py::test_b{at}" for at in range(40))], uneven=True)
    drawn = drawn_tests(phases(run, run.wall_s or 0.0), run.wall_s or 0.0)
    assert ">a_very" not in drawn
    assert 'class="inside fits700">b5<' in drawn
    alone = with_tests(["t.py::test_a_very_long_name_of_a_test"])
    assert 'class="inside fits300">test_a_very_long_name_of_a_test<' in drawn_tests(
        phases(alone, alone.wall_s or 0.0), alone.wall_s or 0.0
    )
