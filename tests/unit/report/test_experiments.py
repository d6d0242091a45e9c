"""Both sides of an experiment are one row with its verdict, in every form of the report and in the history."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import msgspec
import pytest
from rich.console import Console as Terminal

from bench import units
from bench.compare.comparison import compare
from bench.compare.experiment import head_goes_first
from bench.record.schema import Cpu, Metric, Record
from bench.report import experiments
from bench.report.against import against, with_comparisons
from bench.report.entry import Entry
from bench.report.experiments import sides_apart, with_experiments
from bench.report.export.json_document import report_document
from bench.report.export.junit import render_junit
from bench.report.export.pull_request import render_markdown
from bench.report.html.comparison import intervals
from bench.report.html.experiment.sides import experiment_figures
from bench.report.html.overview.lines import overview_lines
from bench.report.html.page import Content, render_page
from bench.report.presentation import medians_text
from bench.report.site.pages import site_files
from bench.report.terminal.history import history_view
from bench.report.terminal.results import results_table
from bench.report.text import markdown
from tests.support.entries import synthetic_record
from tests.support.records import replace
from tests.unit.compare.test_experiment import noisy, run, side
from tests.unit.report.test_terminal import shown

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)


def told(made: Record, words: str, name: str = "ab-1") -> Record:
    return replace(made, experiment=replace(made.experiment, words=words, id=name), id=f"{made.id}-{name}-{words}")


BASE = told(side("base", noisy(1.0, 12, 1)), "main")
SLOWER, SAME, FASTER = (told(side("head", noisy(level, 12, 2)), "") for level in (1.1, 1.0, 0.9))
VERDICTS = {"code_regressed": SLOWER, "same": SAME, "code_improved": FASTER}
LABELS = {"code_regressed": "code regressed", "same": "same", "code_improved": "code improved"}


def entries_of(*records: Record) -> list[Entry]:
    return with_experiments([Entry(record, f"results/{at}") for at, record in enumerate(records)])


@pytest.mark.parametrize("status", VERDICTS)
def test_both_sides_are_one_entry_with_the_verdict(status: str) -> None:
    head = VERDICTS[status]
    (entry,) = entries_of(head, BASE)
    assert (entry.record, entry.state.code) == (head, status)
    assert entry.comparison == compare(BASE, head)
    assert entry.sides == ("main", "the working tree")
    assert entry.group.startswith("grad_cpu (main → the working tree, ")
    assert entry.group.endswith(", experiment ab-1)")
    assert [one.record for one in sides_apart([entry])] == [BASE, head]


@pytest.mark.parametrize("status", VERDICTS)
def test_every_form_shows_it_once(status: str) -> None:
    head = VERDICTS[status]
    entries, label = entries_of(BASE, head), LABELS[status]
    comparison = compare(BASE, head)
    sentence = comparison.reasons[0]
    text = render_markdown(entries, [comparison])
    assert f"1 {label}\n" in text
    assert "1 ok" not in text
    assert "### Newest results" not in text
    assert "### Against the baseline" not in text
    (row,) = (line for line in text.splitlines() if "`main` → " in line)
    assert f" {label} | `grad_cpu` " in row
    assert f"| {markdown(sentence)} |" in row
    suites = ET.fromstring(render_junit(entries))
    assert (suites.get("tests"), suites.get("failures")) == ("1", str(int(status == "code_regressed")))
    given = {one.get("name"): one.get("value") for one in suites.iter("property")}
    assert (given["result"], given["base"], given["experiment"], given["pairs"]) == (head.id, BASE.id, status, "12")
    page = render_page(entries, comparisons=[comparison], now=NOW)
    verdicts = page[page.index('id="verdicts"') : page.index('id="comparisons"')]
    assert verdicts.count("<tr data-host=") == 1
    assert verdicts.count(sentence) == page.count(sentence) == 1
    assert f'data-state="{status}"' in verdicts
    assert "ok</span>" not in verdicts
    assert "newest result" not in verdicts.replace("Newest results", "")
    assert ("1 experiment as expected" in verdicts) == (status != "code_regressed")
    assert page.count("2 results, 1 host") == 2
    feed = site_files(Content(entries, [comparison], now=NOW))["feed.xml"]
    assert feed.count("<entry>") == 1
    assert f"{label}: {sentence}" in feed
    listed = shown(results_table(entries), width=200)
    assert (label in listed, sentence in listed, listed.count("main → ")) == (True, True, 1)


@pytest.mark.parametrize("status", VERDICTS)
def test_the_history_has_a_row_for_it(status: str) -> None:
    plain = Entry(synthetic_record("grad_cpu", runs=2))
    sides = [Entry(BASE), Entry(VERDICTS[status])]
    listed = shown(history_view([*sides, plain]), width=160)
    lines = listed.splitlines()
    (at,) = (at for at, line in enumerate(lines) if "main → the working tree" in line)
    assert LABELS[status] in lines[at]
    assert compare(BASE, VERDICTS[status]).reasons[0] in lines[at + 1]
    assert "grad_cpu: experiments on " in listed
    assert "of experiment" not in listed
    assert plain.record.stamp in listed
    assert BASE.stamp not in listed


def test_a_side_alone_is_called_so_and_is_not_ok() -> None:
    for alone, other in ((BASE, "head"), (SLOWER, "base")):
        (entry,) = entries_of(alone)
        said = f"nothing is decided: the {other} of experiment ab-1 is not among these results"
        assert (entry.state.code, entry.undecided) == ("not_measured", said)
        assert said in render_markdown([entry])
        assert said in render_junit([entry])
        assert 'skipped="1"' in render_junit([entry])
        (line,) = overview_lines([entry])
        assert (line.attention, line.why) == (True, said)
        assert said in shown(results_table([entry]), width=200)
        assert said in shown(history_view([Entry(alone)]), width=200)
        compared = with_comparisons([entry], [compare(BASE, SLOWER)])[0]  # by --compared, wherever the base is
        assert compared.state.code == ("code_regressed" if alone is SLOWER else "not_measured")


def test_a_base_that_failed_is_not_hidden_by_its_head() -> None:
    failed = replace(told(side("base", [1.0, run(1, 1.0, "failed")]), "main"), outcome="failed")
    (entry,) = entries_of(failed, told(side("head", [1.0, 1.0]), ""))
    assert entry.state.code == "failed"
    assert 'failures="1"' in render_junit([entry])


def test_sides_that_cannot_be_judged_stay_and_say_why() -> None:
    turned = replace(BASE, experiment=replace(BASE.experiment, order=tuple(1 - one for one in BASE.experiment.order)))
    entries = entries_of(turned, SLOWER)
    assert [entry.record for entry in entries] == [turned, SLOWER]
    assert all("is not the one that was drawn" in entry.undecided for entry in entries)
    assert {entry.state.code for entry in entries} == {"not_measured"}


def test_experiments_do_not_mix_and_each_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(experiments, "compare", lambda a, b: asked.append((a.id, b.id)) or compare(a, b))
    other = told(BASE, "v1", "ab-2"), told(FASTER, "v2", "ab-2")
    entries = entries_of(other[1], BASE, SLOWER, other[0])
    for render in (render_markdown, render_junit, render_page):
        render(entries)
    assert [entry.sides for entry in entries] == [("v1", "v2"), ("main", "the working tree")]
    assert [entry.state.code for entry in entries] == ["code_improved", "code_regressed"]
    assert sorted(asked) == sorted([(BASE.id, SLOWER.id), (other[0].id, other[1].id)])
    document = report_document(entries)
    assert document["counts"] == {"code_regressed": 1, "code_improved": 1}
    assert [one["record"]["id"] for one in document["results"]] == [SLOWER.id, BASE.id, other[1].id, other[0].id]
    json.dumps(document)


def test_an_experiment_that_went_on_is_told_by_its_newest_sides() -> None:
    first = [
        replace(told(side(name, [1.0, 1.0]), words), stamp="20260101T000000Z", id=name)
        for name, words in (("base", "main"), ("head", ""))
    ]
    (old, new) = entries_of(*first, BASE, SLOWER)
    assert (old.state.code, new.state.code) == ("insufficient_runs", "code_regressed")
    assert "1 code regressed\n" in render_markdown([old, new])
    (left, new) = entries_of(first[0], BASE, SLOWER)
    assert "newer results of it have all its pairs" in left.undecided


def test_a_baseline_is_no_matter_of_an_experiment() -> None:
    entries = entries_of(BASE, SLOWER)
    made, problems = against(entries, [replace(BASE, experiment=msgspec.UNSET)])
    assert (made, problems) == (entries, [])


def test_results_without_an_experiment_stay_as_they_are() -> None:
    entries = [Entry(synthetic_record("grad_cpu", runs=2)), Entry(synthetic_record("dtype_cpu", runs=2))]
    assert with_experiments(entries) == entries


def test_the_page_draws_both_sides_by_the_figure_that_decides() -> None:
    (entry,) = entries_of(BASE, SLOWER)
    trial = entry.comparison.experiment
    both, pairs = experiment_figures(entry)
    assert (both.title, pairs.title) == (
        "Both sides: call, the time in the tests' calls",
        "Change of time in the tests' calls, pair by pair",
    )
    assert both.body.count("<circle") == len(BASE.runs) + len(SLOWER.runs)
    assert [row.cells[0].text for row in both.table.rows] == [str(pair) for pair in range(12)]
    row = both.table.rows[0].cells
    calls = [record.runs[record.experiment.pair.index(0)].tests[0].call_s for record in (BASE, SLOWER)]
    assert [cell.order for cell in row[1:4]] == [*calls, pytest.approx(100 * (calls[1] / calls[0] - 1))]
    assert row[4].text == ("head" if head_goes_first(SLOWER.experiment.seed, 0) else "base")
    assert [row.cells[0].text for row in pairs.table.rows][:2] == ["time in the tests' calls", "wall time"]
    page = render_page(entries_of(BASE, SLOWER), now=NOW)
    medians = medians_text(trial.decides)
    assert "Runs per host" not in page
    whole = medians.replace(" ", "&nbsp;").replace("&nbsp;→&nbsp;", "&nbsp;→ ")
    assert f"{whole} <br>call" in page, "no figure is parted from its unit"
    for name in ("base", "head"):
        assert f">{name}</" in page
    table = io.StringIO()
    Terminal(file=table, width=200).print(results_table(entries_of(BASE, SLOWER)))
    assert f"call {units.figure(trial.decides.a, 's')} →" in table.getvalue()


def test_a_page_heads_a_comparison_by_the_figure_that_it_is_about() -> None:
    comparison = compare(BASE, SLOWER)
    figure = intervals([comparison])
    assert figure.title == "Change of time in the tests' calls"
    assert intervals([replace(comparison, metric="wall")]).title == "Change of wall time"
    assert intervals([comparison, replace(comparison, metric="wall")]).title == "Change of the figure that decides"
    medians = [cell.order for cell in figure.table.rows[0].cells[4:6]]
    assert medians == [comparison.experiment.decides.a, comparison.experiment.decides.b]


@pytest.mark.parametrize("missing", ["base", "head", "both"])
def test_a_side_without_the_figure_draws_what_is_there(missing: str) -> None:
    records = {"base": BASE, "head": SLOWER}
    for name in ("base", "head"):
        if missing in (name, "both"):
            runs = [replace(one, outcome="failed") for one in records[name].runs]
            records[name] = replace(records[name], runs=runs)
    (entry,) = entries_of(*records.values())
    figures = experiment_figures(entry)
    assert len(figures) == (0 if missing == "both" else 1)
    assert render_page([entry], now=NOW)


def rated(record: Record, rate: float, cpu_s: float) -> Record:
    values = noisy(1.0, len(record.runs), 9)
    runs = tuple(
        replace(one, metrics={"rate": Metric(rate * value, "GB/s", "higher")}, cpu=Cpu(total_s=cpu_s * value))
        for one, value in zip(record.runs, values, strict=True)
    )
    return replace(record, runs=runs)


def test_the_figures_that_inform_stand_beside_the_one_that_decides_in_every_form() -> None:
    base, head = rated(BASE, 100.0, 2.0), rated(SLOWER, 50.0, 2.0)
    (entry,) = entries_of(base, head)
    rate, cpu = (
        next(one for one in entry.comparison.experiment.informs if one.name == name) for name in ("rate", "cpu")
    )
    number = f"{medians_text(rate)}, -50.0 % ({units.interval(rate.low, rate.high)})"
    text = render_markdown([entry])
    (row,) = (line for line in text.splitlines() if "`main` → " in line)
    assert f"rate {markdown(number)}: worse; " in row
    assert f"CPU time {medians_text(cpu)}, +0.0 % ({units.interval(cpu.low, cpu.high)}): same" in row
    page = render_page([entry], now=NOW)
    assert f"rate <b>{number}</b>" in page
    assert f"{medians_text(cpu)}<br>+0.0 %</td>" in page
    assert "rate " in shown(results_table([entry]), width=200)
    (alone,) = entries_of(head)
    assert "→" not in str(overview_lines([alone])[0].own)  # a side alone has its own


def test_an_experiment_without_a_decision_is_called_undecided_on_the_page_too() -> None:
    first = [told(side(name, [1.0, 1.0]), words) for name, words in (("base", "main"), ("head", ""))]
    (entry,) = entries_of(*first)
    assert (entry.state.code, entry.state.label) == ("insufficient_runs", "undecided")
    page = render_page([entry])
    assert "! undecided" in page
    assert "! too few runs" not in page
    assert "main → the working tree" in page
