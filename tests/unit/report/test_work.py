"""A difference of work in every kind of report: its sums, the operators that differ, the functions that called them."""

import io

from rich.console import Console

from bench.compare.comparison import compare
from bench.compare.explain.difference import explain_difference
from bench.report.entry import Entry
from bench.report.export.pull_request import render_markdown
from bench.report.files.summary import render_summary
from bench.report.html.comparison import work_comparison
from bench.report.terminal.compare import comparison_view, ranking_view
from bench.report.terminal.explain import difference_view
from bench.report.work import work_rows
from tests.support.records import record, replace
from tests.unit.compare.test_experiment import BASE, SAME
from tests.unit.compare.work.test_difference import result, work

MORE = compare(result(work()), result(work(168, 1_119_000)))


def test_rows_have_sums_operators_and_rates():
    rows = {row.name: row.cells[1:] for row in work_rows(MORE.work)}
    assert rows["floating-point operations"] == ("1 MFLOP", "1.12 MFLOP", "+11.90 %", "")
    assert rows["minor faults"] == ("7", "7", "equal", "not judged: changes from run to run, also with the same work")
    assert rows["aten::mm"] == ("150", "168", "+12.00 %", "all in simulator.run")
    assert rows["FLOP a second"][:2] == ("10 kFLOP", "11.2 kFLOP")


def test_the_page_the_comment_and_the_summary_show_it():
    table = work_comparison([MORE])
    assert ["aten::mm", "150", "168"] in [[cell.text for cell in row.cells[2:5]] for row in table.rows]
    assert work_comparison([compare(record(), record())]) is None
    comment = render_markdown([], [MORE])
    assert "### Work that differs" in comment
    assert "all in simulator.run" in comment
    assert "### Work" not in render_markdown([Entry(record(), "x")], [compare(result(work()), result(work()))])
    summary = render_summary(result(work()))
    assert "170 operator calls, 1 MFLOP, 500 Python calls, counted in a run that is not timed" in summary
    assert "| aten::mm | 150 | simulator.run |" in summary
    assert "## Work" not in render_summary(record())


def shown(view):
    console = Console(width=160, file=io.StringIO(), force_terminal=False)
    console.print(view)
    return " ".join(console.file.getvalue().split())


def test_the_terminal_shows_it_of_a_pair_of_several_and_of_an_experiment():
    line = "does 11.9 % more floating-point operations, which one run on each side shows: aten::mm 150 → 168 calls"
    row = "aten::mm 150 168 +12.00 % all in simulator.run"
    pair = shown(comparison_view(MORE))
    assert f"the result {line}" in pair
    assert row in pair
    assert f"the result {line}" in shown(ranking_view([MORE]))
    explained = shown(difference_view(explain_difference(result(work()), result(work(168, 1_119_000)))))
    assert "aten::mm 150 → 168 calls" in explained
    assert row in explained
    alike = shown(difference_view(explain_difference(result(work()), result(work(), (120.0,)))))
    assert "equal to the reference's): the time is the machine's or the allocator's, not the amount of work" in alike
    sides = [
        replace(side, runs=(replace(side.runs[0], work=found), *side.runs[1:]))
        for side, found in ((BASE, work()), (SAME, work(168, 1_119_000)))
    ]
    experiment = shown(comparison_view(compare(*sides)))
    assert f"the head {line}" in experiment
    assert row in experiment
    assert "FLOP" not in shown(comparison_view(compare(BASE, SAME)))


def test_a_comment_has_the_sentence_however_much_else_there_is_to_say():
    reasons = (*(f"reason {at}: {'x' * 80}" for at in range(9)), *MORE.reasons)
    comment = render_markdown([], [replace(MORE, reasons=reasons)])
    assert comment.count("the result does 11.9 % more floating-point operations") == 1
    assert "reason 0" in comment
    assert "reason 8" not in comment
