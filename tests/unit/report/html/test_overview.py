"""The table at the top: what asks for a reader comes first, the rest is folded, and nothing is said twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
import pytest

from bench.compare.comparison import compare
from bench.record.schema import Cpu, Memory, Metric, Verdict, VerdictBaseline
from bench.report.against import against
from bench.report.entry import Entry
from bench.report.html.overview.change import Change, change_of
from bench.report.html.overview.drawings import change_drawing, reach_of, trend_drawing
from bench.report.html.overview.lines import Line, Trend, overview_lines
from bench.report.html.page import render_page
from tests.support.entries import bad_entries, make_entries, stamps, synthetic_record

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)


def only(*entries: Entry) -> Line:
    (line,) = overview_lines(entries)
    return line


def section(source: str, name: str) -> str:
    start = source.index(f'<section id="{name}"')
    return source[start : source.index("</section>", start)]


def history(count: int, last: float = 1.0, **changes: object) -> list[Entry]:
    """Results of one host that scatter by a thousandth, the newest slower by a factor."""
    return [
        Entry(synthetic_record("dtype_cpu", stamp=stamp, runs=3, noise=0.001, scale=last if at == count - 1 else 1.0, **changes))
        for at, stamp in enumerate(stamps(count))
    ]  # fmt: skip


def test_what_needs_a_look_comes_first_and_the_rest_is_folded_without_a_script() -> None:
    source = render_page(make_entries(3, sampled=False), now=NOW)
    overview = section(source, "verdicts")
    first, folded = overview.split('<details id="fine">')
    states = re.findall(r'<tr data-host="[^"]*" data-diagnostic="[^"]*" data-state="([^"]*)"', first)
    assert states == ["over_ceiling", "over_ceiling", "failed", "timed_out", "oom_killed", "not_measured"]
    assert set(re.findall(r'data-state="([^"]*)"', folded)) == {"ok"}
    assert folded.count("<tr data-host=") == 7
    assert "7 newest results as expected" in folded


def test_few_results_that_are_all_as_expected_are_not_folded_away() -> None:
    overview = section(render_page(history(3), now=NOW), "verdicts")
    assert "<summary>The newest result is as expected</summary>" in overview
    assert '<details id="fine" open>' in overview


def test_each_reason_is_given_once() -> None:
    entries = [*history(2, verdict=Verdict("ok", ("first of the ok", "second of the ok"))), *bad_entries()]
    over = synthetic_record(
        "bandwidth_cpu", runs=2, verdict=Verdict("over_ceiling", ("reason one", "reason two", "reason three"))
    )
    before = synthetic_record(
        "bandwidth_cpu", runs=2, stamp=stamps(1)[0], verdict=Verdict("over_ceiling", ("an older one",))
    )
    source = render_page([*entries, Entry(over), Entry(before)], now=NOW)
    for reason in (
        "second of the ok",
        "reason one",
        "reason two",
        "reason three",
        "an older one",
        "Timeout: test_stability",
    ):
        assert source.count(reason) == 1, reason
    assert "reason one" in section(source, "verdicts")
    assert "reason two" in section(source, "diagnostics")
    assert "an older one" in section(source, "all")


def test_a_comparison_tells_its_reasons_once() -> None:
    entries = [Entry(synthetic_record(stamp=stamp, runs=6)) for stamp in stamps(2)]
    made, _ = against(entries, [entries[0].record])
    (comparison,) = [one.comparison for one in made if one.comparison]
    source = render_page(made, comparisons=[comparison], now=NOW)
    assert comparison.reasons
    for reason in comparison.reasons:
        assert source.count(reason) <= 1


def test_a_result_outside_of_its_history_needs_a_look_whatever_its_verdict() -> None:
    assert not only(*history(12)).attention
    line = only(*history(12, 1.3))
    assert line.attention
    assert line.entry.state.code == "ok"
    assert line.why.startswith("outside what the results before it led to expect: 2")


def test_a_change_that_the_runs_show_needs_a_look_if_there_is_no_band_yet() -> None:
    def two(scale: float) -> list[Entry]:
        first, second = (
            Entry(synthetic_record("dtype_cpu", stamp=stamp, runs=8, noise=0.002, scale=by))
            for stamp, by in zip(stamps(2), (1.0, scale), strict=True)
        )
        return [first, second]

    line = only(*two(1.1))
    assert line.attention
    assert line.why.startswith("wall time +9")
    assert line.why.endswith("against 1 result before it")
    assert only(*two(0.9)).why.startswith("wall time -")
    assert not only(*two(1.001)).attention


def test_columns_without_anything_are_left_out() -> None:
    def heads(entries: list[Entry]) -> list[str]:
        return re.findall(r'<th scope="col" class="c-(\w+)">', section(render_page(entries, now=NOW), "verdicts"))

    bare = synthetic_record(runs=1)
    bare = msgspec.structs.replace(bare, runs=(msgspec.structs.replace(bare.runs[0], metrics={}),))
    assert heads([Entry(bare)]) == ["verdict", "what", "host", "time", "cpu", "peak", "when"]
    assert heads(history(2)) == ["verdict", "what", "host", "change", "trend", "time", "cpu", "peak", "own", "when"]


def test_the_change_is_the_comparisons_then_the_records_own_then_that_from_before() -> None:
    first, second = (
        synthetic_record(stamp=stamp, runs=6, scale=scale) for stamp, scale in zip(stamps(2), (1.0, 1.1), strict=True)
    )
    kept = msgspec.structs.replace(
        second.verdict, baseline=VerdictBaseline(stamp="S", ratio=2.0, ratio_low=1.9, ratio_high=2.1)
    )
    compared = Entry(msgspec.structs.replace(second, verdict=kept), comparison=compare(first, second))
    found = change_of(compared)
    assert found is not None
    assert found.against == f"baseline {first.stamp}"
    own = change_of(Entry(compared.record), [Entry(first)])
    assert own == Change(2.0, 1.9, 2.1, "baseline S")
    before = change_of(Entry(second), [Entry(first)])
    assert before is not None
    assert before.against == "1 result before it"
    assert before.ratio == found.ratio
    assert change_of(Entry(second)) is None
    assert "too few runs for an interval" in Change(1.1, None, None, "x").spoken


def test_only_like_is_a_change_from_what_was_before() -> None:
    old, new = history(2)
    image = msgspec.structs.replace(new.record.image, fingerprint="e" * 64)
    line = only(old, Entry(msgspec.structs.replace(new.record, image=image)))
    assert line.change is None
    assert line.trend is not None
    assert line.trend.breaks == {1}


def test_a_trend_needs_two_points() -> None:
    assert only(*history(1)).trend is None
    assert len(only(*history(40)).trend.walls) == 30  # type: ignore[union-attr]


def test_noise_of_a_percent_is_no_mountain() -> None:
    def rise(*walls: float) -> float:
        path = re.search(r' d="([^"]*)"', trend_drawing(Trend(walls)))
        assert path
        heights = [int(y) for y in re.findall(r"[ML]\d+ (\d+)", path[1])]
        return max(heights) - min(heights)

    assert rise(100.0, 101.0) < 8
    assert rise(100.0, 150.0) > 25


@pytest.mark.parametrize(
    ("ends", "reach"), [((0.99, 1.02), 0.05), ((0.9, 1.24), 0.3), ((0.5, 14.0), 1.0), ((1.0, float("inf")), 0.05)]
)
def test_all_changes_share_a_scale(ends: tuple[float, float], reach: float) -> None:
    change = Change(1.0, *ends, "x")
    assert reach_of([None, change]) == reach
    drawn = change_drawing(change, reach)
    assert not re.search(r"nan|inf", re.sub(r"<title>.*</title>|aria-label=\"[^\"]*\"", "", drawn))


def test_more_of_what_should_be_high_is_no_loss() -> None:
    assert 'class="mini red"' in change_drawing(Change(1.1, 1.05, 1.2, "x"), 0.3)
    assert 'class="mini blue"' in change_drawing(Change(1.1, 1.05, 1.2, "x", higher=True), 0.3)
    first, second = (
        synthetic_record(stamp=stamp, runs=6, scale=by) for stamp, by in zip(stamps(2), (1.0, 0.9), strict=True)
    )
    found = change_of(Entry(second, comparison=compare(first, second, metric="rate")))
    assert found is not None
    assert found.higher
    assert found.against == f"baseline {first.stamp}, rate"


def test_what_is_not_known_is_a_dash_and_a_peak_says_which_it_is() -> None:
    record = synthetic_record(runs=1)

    def peak(outcome: str = "passed", **memory: int | None) -> str:
        run = msgspec.structs.replace(record.runs[0], cpu=Cpu(), memory=Memory(**memory), outcome=outcome)
        line = only(Entry(msgspec.structs.replace(record, runs=(run,))))
        assert line.cpu_s is None
        return line.peak[0]

    assert peak() == "–"
    assert peak(max_rss_bytes=2**30) == "1.00 GiB RSS"
    assert peak(peak_bytes=2**30) == "1.00 GiB + cache"
    assert peak(anon_peak_bytes=2**20, max_rss_bytes=2**30) == "1.00 MiB"
    assert peak("oom_killed", anon_peak_bytes=2**20, peak_bytes=2**30) == "1.00 GiB + cache"


def test_a_line_has_two_own_numbers_and_counts_the_rest() -> None:
    record = synthetic_record(runs=1)
    metrics = {name: Metric(value, unit) for name, value, unit in (("a", 2.5, "GB/s"), ("b", 0.5, "1"), ("c", 3.0, ""))}
    run = msgspec.structs.replace(record.runs[0], metrics=metrics)
    source = render_page([Entry(msgspec.structs.replace(record, runs=(run,)))], now=NOW)
    assert "a <b>2.5 GB/s</b><br>b <b>0.5</b><br>and <b>1 more</b>" in section(source, "verdicts")
    assert "<dt>c</dt><dd>3</dd>" in section(source, "diagnostics")


def test_one_run_is_no_spread_and_no_history() -> None:
    source = render_page([Entry(synthetic_record(runs=1))], now=NOW)
    assert "f-runs-" not in source
    assert "f-history-" not in source
    assert "Every run, the newest first" in source


def test_what_the_verdicts_mean_is_headed_so() -> None:
    assert "What the verdicts mean</h2>" in render_page(history(1), now=NOW)
