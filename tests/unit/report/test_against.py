from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from bench.compare.alignment import reference
from bench.compare.comparison import compare
from bench.record.schema import Outcome, Record, Status, Verdict
from bench.report import against as module
from bench.report.entry import Entry, newest_per_key
from bench.report.export.json_document import report_document
from bench.report.export.junit import render_junit
from bench.report.export.pull_request import render_markdown
from bench.report.html.page import render_page
from bench.report.status import state_of
from bench.report.terminal.results import results_table
from tests.support.entries import limited, stamps, synthetic_record
from tests.unit.report.test_terminal import shown

BEFORE, AFTER, LATER = stamps(3)


def record(stamp: str = BEFORE, *, scale: float = 1.0, runs: int = 8, **changes: object) -> Record:
    """Eight quiet runs, so that a fifth more is a regression."""
    made = synthetic_record("dtype_cpu", stamp=stamp, scale=scale, runs=runs, noise=0.002, **changes)
    return msgspec.structs.replace(made, runs=tuple(msgspec.structs.replace(run, warnings=()) for run in made.runs))


def against(entries: list[Entry], *records: list[Record]) -> list[Entry]:
    """The entries of a baseline in which nothing is wrong."""
    made, problems = module.against(entries, *records)
    assert problems == []
    return made


def regressed() -> list[Entry]:
    """An older result, and one that is a fifth slower than its baseline."""
    return against([Entry(record()), Entry(record(AFTER, scale=1.2))], [record()])


def test_the_graver_of_verdict_and_comparison_is_the_state() -> None:
    older, slower = regressed()
    assert older.comparison is None
    assert older.state.code == "ok"
    assert slower.record.verdict.status == "ok"
    assert slower.state.code == "code_regressed"
    assert slower.reasons[0].startswith("wall time +19.8 %")
    assert slower.reasons[-1] == slower.record.verdict.reasons[-1]


@pytest.mark.parametrize(
    ("outcome", "own", "compared", "code"),
    [
        ("passed", "ok", "code_regressed", "code_regressed"),
        ("passed", "over_ceiling", "same", "over_ceiling"),
        ("passed", "code_regressed", "code_improved", "code_regressed"),
        ("passed", "ok", "code_improved", "code_improved"),
        ("passed", "ok", "same", "same"),
        ("passed", "ok", "host_differs", "host_differs"),
        ("passed", "ok", "not_measured", "ok"),
        ("failed", "ok", "code_regressed", "failed"),
    ],
)
def test_what_decides(outcome: Outcome, own: Status, compared: Status, code: str) -> None:
    """How a run ended goes first; a baseline without a time says nothing of what was measured against it."""
    made = msgspec.structs.replace(record(), outcome=outcome, verdict=Verdict(own, ("why",)))
    assert state_of(made, compared).code == code


def test_a_comparison_that_decides_nothing_gives_no_reason() -> None:
    over = msgspec.structs.replace(record(AFTER), verdict=Verdict("over_ceiling", ("over by 3 s",)))
    (entry,) = against([Entry(over)], [record()])
    assert entry.comparison is not None
    assert entry.reasons == ("over by 3 s",)


def test_markdown_says_the_regression_in_its_headline_and_its_results() -> None:
    entries = regressed()
    text = render_markdown(entries, [entry.comparison for entry in entries if entry.comparison])
    assert text.splitlines()[2] == "❌ 1 code regressed"
    assert text.count("| ❌ code regressed | `dtype_cpu`") == 2
    assert "✅" not in text


def test_junit_fails_on_the_regression_and_says_it() -> None:
    root = ET.fromstring(render_junit(regressed()))
    assert (root.get("tests"), root.get("failures")) == ("1", "1")
    (failure,) = root.iter("failure")
    assert str(failure.get("message")).startswith("code regressed: wall time +19.8 %")
    values = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert (values["verdict"], values["against_baseline"]) == ("ok", "code_regressed")


def test_json_counts_the_regression() -> None:
    document = json.loads(json.dumps(report_document(regressed())))
    assert document["counts"] == {"code_regressed": 1, "ok": 1}
    assert document["results"][0]["state"] == "code_regressed"


def test_the_page_shows_the_regression_in_tiles_tables_and_filters() -> None:
    entries = regressed()
    source = render_page(entries, comparisons=[entry.comparison for entry in entries if entry.comparison])
    body = re.sub(r"<script.*?</script>", "", source, flags=re.DOTALL)
    assert re.search(r'<option value="code_regressed"', body)
    tiles, overview = body.split("Newest results that need a look, the worst first", 1)
    row = re.search(r"<tbody>\s*<tr.*?</tr>", overview, re.DOTALL)
    assert row is not None
    assert "code regressed" in row[0]
    assert "against baseline" in row[0]
    assert "code regressed" in tiles


def test_the_terminal_shows_the_regression_first() -> None:
    lines = shown(results_table(regressed())).splitlines()
    assert "code regressed" in lines[2]


def test_each_variant_is_held_against_its_own_baseline() -> None:
    """A newer result of another variant does not take the place of the plain one that got slower."""
    plain, jemalloc = record(AFTER, scale=1.2), record(LATER, scale=0.5, variant="jemalloc")
    baseline = [record(), record(BEFORE, scale=0.5, variant="jemalloc", id="other")]
    slower, same = against([Entry(plain), Entry(jemalloc)], baseline)
    assert slower.comparison is not None
    assert same.comparison is not None
    assert (slower.comparison.status, same.comparison.status) == ("code_regressed", "same")
    text = render_markdown([slower, same], [slower.comparison, same.comparison])
    assert text.count("| `dtype_cpu (jemalloc)` |") == 2


def test_limits_are_not_pooled() -> None:
    large, small = (
        {"cpus": 4.0, "threads": 4},
        {"cpus": 1.0, "threads": 1},
    )
    baseline = [limited(record(), **large), limited(record(AFTER, scale=1.8), **small)]
    now = [limited(record(LATER, scale=1.2), **large), limited(record(LATER, scale=1.8, id="small"), **small)]
    found = against([Entry(one) for one in now], baseline)
    assert [entry.comparison.status for entry in found if entry.comparison] == ["code_regressed", "same"]


HOST = "epyc-7763-a01c"


@pytest.mark.parametrize(
    ("baseline", "chosen"),
    [
        ([record(id="a"), record(AFTER, id="b", host=HOST)], ["a"]),  # its own host before a newer one
        ([record(id="a"), record(AFTER, id="b", variant="thp")], ["a"]),  # its own kind
        ([record(id="a", host=HOST), record(AFTER, id="b", variant="thp")], ["a"]),  # its kind before its host
        ([record(id="a", variant="thp"), record(AFTER, id="b", variant="jemalloc")], ["b"]),  # the newest, if no other
        ([record(AFTER, id="b", host=HOST), record(id="a", host=HOST)], ["a", "b"]),  # all of the newest's group
        ([limited(record(id="a", host=HOST), cpus=1.0), record(AFTER, id="b", host=HOST)], ["b"]),
        ([limited(record(id="a"), cpus=1.0), record(AFTER, id="b", host=HOST)], ["a"]),  # its host under other limits
        ([record(id="a"), record(AFTER, id="b", image=None)], ["a"]),  # its own build
        ([record(id="a", profiler=True)], []),
        ([], []),
    ],
)
def test_what_a_result_is_held_against(baseline: list[Record], chosen: list[str]) -> None:
    assert [one.id for one in reference(record(LATER), baseline)] == chosen


def test_a_result_is_no_baseline_of_itself_and_the_profiler_s_of_nothing() -> None:
    one = record()
    assert against([Entry(one)], [one])[0].comparison is None
    profiled = msgspec.structs.replace(record(LATER), profiler=True)
    plain, under = against([Entry(record(AFTER)), Entry(profiled)], [one])
    assert plain.comparison is not None
    assert under.comparison is None
    assert newest_per_key([plain, under]) == [under]


def test_the_noise_of_a_history_is_heard_as_compare_hears_it() -> None:
    """Sessions that differ by themselves: what a pair alone would call slower may be this host's noise."""
    sessions = [record(stamp, scale=scale, id=stamp) for stamp, scale in zip(stamps(6), (1, 1.2) * 3, strict=True)]
    now = record(LATER.replace("2026", "2027"), scale=1.1)
    (alone,), (heard,) = against([Entry(now)], sessions[:1]), against([Entry(now)], sessions[:1], sessions)
    assert alone.comparison is not None
    assert heard.comparison == compare(sessions[0], now, history=sessions)
    assert heard.comparison.aa_noise != alone.comparison.aa_noise


def test_a_wall_time_that_is_none_stops_no_other_comparison() -> None:
    good = record(AFTER, scale=1.2)
    bad = msgspec.structs.replace(
        record(AFTER, variant="thp"), runs=(msgspec.structs.replace(good.runs[0], wall_s=-1.0),)
    )
    baseline = [record(), record(variant="thp", id="thp")]
    (alone, compared), (problem,) = module.against([Entry(bad), Entry(good)], baseline)
    assert alone.comparison is None
    assert compared.state.code == "code_regressed"
    assert "wall" in str(problem)
