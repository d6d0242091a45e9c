from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from importlib import resources

import msgspec
import pytest

from bench.compare.comparison import compare
from bench.compare.explain.breakdown import NAMES, budget
from bench.compare.explain.difference import explain_difference
from bench.compare.sample import sample_of
from bench.compare.stats.prediction import predict
from bench.record.schema import Cpu, Io, Memory
from bench.report.entry import Entry
from bench.report.html import palette
from bench.report.html.breakdown import breakdown
from bench.report.html.comparison import difference_figure, intervals
from bench.report.html.distribution import POINTS, distribution
from bench.report.html.history import changes_table, history
from bench.report.html.hosts import host_table
from bench.report.html.model import Figure, anchor
from bench.report.html.palette import COLOURS
from bench.report.html.sections import detail, groups
from bench.report.html.svg.frame import MOST_LINES, SHOWN_LINES, Line, bounds_of, lines_chart, panel
from bench.report.html.svg.marks import EMPTY, element, line_path, steps_path
from bench.report.html.svg.scale import Scale, from_zero, moment, over_time, span, time_ticks
from bench.report.html.timeline import timeline_figure
from bench.report.timeline import parse_samples
from bench.report.trend import DRAWN, bands, breaks, next_band, stands_out, time_spent
from tests.support.drawn import Drawing, percent
from tests.support.entries import bad_entries, limited, make_entries, make_entry, stamps, synthetic_record


def valid(figure: Figure | None) -> Figure:
    """A figure whose drawing is well-formed and made of numbers."""
    assert figure is not None
    Drawing(figure)
    return figure


def timeline_of(entry: Entry) -> Figure:
    run = entry.record.runs[0]
    timeline = parse_samples(entry.samples[run.index])
    assert timeline is not None
    return valid(timeline_figure("f", run, entry.record.engine.limits, timeline))


def test_every_figure_of_a_page_is_well_formed_and_of_numbers() -> None:
    for group in groups(make_entries(4)):
        for figure in (*group.figures, *group.histories):
            valid(figure)
        for one in group.details:
            if one.timeline:
                valid(one.timeline)


def test_distribution_has_every_run_and_crosses_for_what_did_not_pass() -> None:
    entries = [make_entry(runs=4, sampled=False), bad_entries()[0]]
    figure = valid(distribution("grad_cpu", entries, ["ryzen9-5950x-1f3a", "m-laptop-90d2"]))
    passed, stopped = Drawing(figure).all("div", "line")
    assert [line.get("data-host") for line in (passed, stopped)] == ["ryzen9-5950x-1f3a", "m-laptop-90d2"]
    runs = [f"{run.wall_s:.2f} s, {entries[0].record.stamp}, run {run.index}" for run in entries[0].record.runs]
    assert [one.findtext("title") for one in passed.iter("circle")] == runs
    assert passed.findtext(".//g[@class='box blue']/title", "").startswith("4 runs: median ")
    assert {one.get("data-state") for one in passed.iter("g")} == {None, "ok"}
    assert list(stopped.iter("circle")) == []
    assert [one.findtext("title") for one in stopped.iter("g") if one.get("class") == "cross"] == [
        "timed out at 1200.00 s, 20261103T090000Z, run 0"
    ]
    assert len(figure.table.rows) == 5
    assert "ceiling 905.00 s, timeout 1200.00 s" in figure.alt


def test_a_ceiling_is_drawn_where_all_hosts_share_it() -> None:
    entry = make_entry(sampled=False)
    other = synthetic_record(host="m-laptop-90d2")
    other = msgspec.structs.replace(other, diagnostic=msgspec.structs.replace(other.diagnostic, ceiling_s=950.0))
    hosts = [entry.record.host.id, other.host.id]
    figure = valid(distribution("grad_cpu", [entry, Entry(other)], hosts))
    bounds = [text for text in Drawing(figure).texts() if "ceiling" in text or "timeout" in text]
    assert bounds == ["timeout 1200.00 s"]
    assert "The ceiling is not the same on all hosts, so none is drawn: 905.00 s, 950.00 s." in figure.note
    older = msgspec.structs.replace(other, stamp="20200101T000000Z", host=entry.record.host)
    assert "not the same" not in distribution("grad_cpu", [Entry(older), entry], hosts[:1]).note


def test_a_comparison_names_its_host_also_where_it_has_a_variant() -> None:
    one = compare(synthetic_record(runs=6), synthetic_record(runs=6, scale=0.5, variant="jemalloc"))
    figure = valid(intervals([one]))
    assert Drawing(figure).texts()[-1] == "1. grad_cpu jemalloc\nryzen9-5950x-1f3a"


def test_cpu_time_that_was_not_measured_is_one_dash() -> None:
    entry = make_entry(runs=1, sampled=False)
    bare = msgspec.structs.replace(entry.record.runs[0], cpu=Cpu())
    facts = dict(detail(Entry(msgspec.structs.replace(entry.record, runs=(bare,))), 40).facts)
    assert facts["CPU time, user and system"] == "–"
    assert " s + " in dict(detail(entry, 40).facts)["CPU time, user and system"]


def test_distribution_of_very_many_runs_draws_boxes() -> None:
    entry = make_entry(runs=POINTS + 1, sampled=False)
    drawing = Drawing(distribution("grad_cpu", [entry], [entry.record.host.id]))
    (box,) = drawing.titles("g", "box")
    assert box.startswith(f"{POINTS + 1} runs: median ")
    whisker = drawing.all("g", "box")[0][1]
    outliers = [percent(dot, "cx") for dot in drawing.all("circle")]
    assert 0 < len(outliers) < POINTS / 20
    assert all(not percent(whisker, "x1") < x < percent(whisker, "x2") for x in outliers)


def test_a_box_is_the_middle_half_and_its_whiskers_reach_no_outlier() -> None:
    record = synthetic_record(runs=6)
    walls = (10.0, 11.0, 12.0, 13.0, 14.0, 30.0)
    runs = tuple(msgspec.structs.replace(run, wall_s=wall) for run, wall in zip(record.runs, walls, strict=True))
    drawing = Drawing(distribution("g", [Entry(msgspec.structs.replace(record, runs=runs))], [record.host.id]))
    dots = [percent(dot, "cx") for dot in drawing.all("circle")]
    assert dots == sorted(dots)
    _, whisker, middle, median = drawing.all("g", "box")[0]
    assert (percent(whisker, "x1"), percent(whisker, "x2")) == (dots[0], dots[4])
    assert percent(middle, "x") == pytest.approx((3 * dots[1] + dots[2]) / 4, abs=0.02)
    assert percent(median, "x1") == pytest.approx((dots[2] + dots[3]) / 2, abs=0.02)


def test_equal_runs_are_seen_as_several_dots() -> None:
    record = synthetic_record(runs=3)
    runs = tuple(msgspec.structs.replace(run, wall_s=10.0) for run in record.runs)
    drawing = Drawing(distribution("g", [Entry(msgspec.structs.replace(record, runs=runs))], [record.host.id]))
    assert len({dot.get("cy") for dot in drawing.all("circle")}) == 3


def test_more_hosts_than_fit_are_said_and_those_beyond_the_first_wait() -> None:
    lines = [Line((f"host-{at}",), EMPTY, f"host-{at}") for at in range(MOST_LINES + 1)]
    body = lines_chart(lines, 30, Scale(0, 1), "s")
    assert body.count('class="line"') == MOST_LINES
    assert body.count(" hidden>") == MOST_LINES - SHOWN_LINES
    entries = [make_entry(runs=1, sampled=False)]
    hosts = [entries[0].record.host.id, *(f"h{at}" for at in range(MOST_LINES))]
    assert f"The first {MOST_LINES} of {MOST_LINES + 1} are drawn" in distribution("g", entries, hosts).note


def test_distribution_without_a_passed_run() -> None:
    figure = valid(distribution("grad_cpu", bad_entries()[:1], ["m-laptop-90d2"]))
    assert figure.alt.startswith("No run passed")


def named(body: str) -> list[str]:
    return [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", body) if "ceiling" in text or "timeout" in text]


def test_ceiling_and_timeout_are_lines_inside_and_notes_outside() -> None:
    bounds = bounds_of(905.0, 1200.0)
    body = lines_chart([], 30, Scale(800.0, 1300.0), "s", bounds)
    assert re.findall(r'<line x1="([^"]*)%" [^>]*class="bound', body) == ["21", "80"]
    assert named(body) == ["ceiling 905.00 s", "timeout 1200.00 s"]
    assert 'class="lines up2"' in body
    body = panel(100, Scale(20.0, 30.0), EMPTY, (), bounds_of(90.0, 180.0))
    assert 'class="bound' not in body
    assert named(body) == ["ceiling 90.00 s, timeout 180.00 s ↑"]
    assert named(panel(100, Scale(950.0, 990.0), EMPTY, (), bounds_of(905.0, 1200.0))) == [
        "ceiling 905.00 s ↓, timeout 1200.00 s ↑"
    ]
    assert named(lines_chart([], 30, Scale(950.0, 990.0), "s", bounds_of(905.0, None))) == ["ceiling 905.00 s ←"]
    body = panel(100, Scale(20.0, 100.0), EMPTY, (), bounds_of(90.0, None))
    assert re.findall(r'y1="([^"]*)" y2="[^"]*" class="bound red"', body) == ["12.5"]
    assert bounds_of(None, None) == ()


def test_span_reaches_a_near_bound_and_not_a_far_one() -> None:
    assert span([840.0, 850.0], (905.0, None)).high > 905
    assert span([840.0, 850.0], (9000.0,)).high < 1000
    assert span([], ()) == Scale(pytest.approx(0.0), pytest.approx(1.06))


def test_a_run_alone_has_an_axis_from_zero_or_with_the_bound_beside_it() -> None:
    assert span([0.819], (1200.0,)) == Scale(0.0, pytest.approx(0.868, abs=1e-3))
    near = span([900.0], (905.0,))
    assert near.low < 800
    assert 905 < near.high < 920


def test_axes_have_round_values_as_exact_as_their_step() -> None:
    assert [text for _, text in Scale(0.0, 1196.8).ticks()] == ["0", "200", "400", "600", "800", "1000"]
    assert [text for _, text in Scale(0.814, 0.824).ticks(5)] == ["0.814", "0.816", "0.818", "0.820", "0.822", "0.824"]
    assert [text for _, text in Scale(-3.1, 12.0).ticks(4)] == ["0", "5", "10"]
    assert [text for _, text in Scale(0.0, 4e-5).ticks(4)] == ["0.00000", "0.00001", "0.00002", "0.00003", "0.00004"]
    for low, high in ((0.0, 7e-12), (1e9, 3e9), (5.0, 5.0001), (0.0, 6.1)):
        ticks = Scale(low, high).ticks()
        assert 2 <= len(ticks) <= 7
        assert all(low * (1 - 1e-9) <= value <= high * (1 + 1e-9) for value, _ in ticks)
        assert len({text for _, text in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-11-30 12:40", "2026-11-30 12:43", ["12:40", "12:41", "12:42", "12:43"]),
        ("2026-11-30 20:00", "2026-12-01 05:00", ["20:00", "22:00", "1 Dec", "02:00", "04:00"]),
        ("2026-10-01 06:00", "2026-10-06 12:00", ["2 Oct", "4 Oct", "6 Oct"]),
        ("2026-01-10 06:00", "2026-06-20 12:00", ["Mar 2026", "May 2026"]),
        ("2001-01-10 06:00", "2026-06-20 12:00", ["2010", "2020"]),
    ],
)
def test_times_have_round_ticks_of_utc(first: str, last: str, said: list[str]) -> None:
    times = [datetime.fromisoformat(f"{time}+00:00") for time in (first, last)]
    scale = Scale(*map(moment, times))
    ticks = time_ticks(scale)
    assert [text for _, text in ticks] == said
    assert all(scale.holds(at) for at, _ in ticks)


def test_a_single_time_has_an_axis_too() -> None:
    at = datetime(2026, 11, 30, 12, 40, tzinfo=UTC)
    assert [text for _, text in time_ticks(over_time([at, at]))] == ["12:40"]


def test_breakdown_is_what_compare_worked_out() -> None:
    entry = make_entry(sampled=False)
    figure = valid(breakdown("grad_cpu", [entry], [entry.record.host.id]))
    spent = budget(sample_of(entry.record))
    assert spent is not None
    bars = Drawing(figure).all("rect", "bar")
    ends = [(percent(bar, "x"), percent(bar, "x") + percent(bar, "width")) for bar in bars]
    assert [first for first, _ in ends[1:]] == pytest.approx([last for _, last in ends[:-1]], abs=0.02)
    assert ends[-1][1] == pytest.approx(100 / 1.06, abs=0.02)
    told = [float(said.split(": ")[1].split(" s,")[0]) for said in Drawing(figure).titles("rect") if " s," in said]
    assert sum(told) == pytest.approx(spent.wall_s, rel=2e-3)
    assert set(palette.TERMS) == set(NAMES)
    # Steal was not measured: a dash, never 0.
    steal = figure.table.rows[0].cells[3 + NAMES.index("steal")]
    assert (steal.text, steal.order) == ("–", None)


def test_breakdown_of_nothing_is_no_figure() -> None:
    timed_out, *others = bad_entries()
    assert breakdown("grad_cpu", others, ["x"]) is None
    assert breakdown("grad_cpu", [timed_out], ["x"]) is not None  # where its time went is what one wants to know


def test_breakdown_leaves_out_what_was_not_counted() -> None:
    """An imported wall time without counters is no bar of "100 % unexplained"."""
    entry = make_entry(runs=1, sampled=False)
    bare = msgspec.structs.replace(
        synthetic_record(host="m-laptop-90d2", runs=1).runs[0], cpu=Cpu(), memory=Memory(), io=Io()
    )
    imported = Entry(msgspec.structs.replace(synthetic_record(host="m-laptop-90d2"), runs=(bare,)))
    assert breakdown("grad_cpu", [imported], ["m-laptop-90d2"]) is None
    both = valid(breakdown("grad_cpu", [entry, imported], ["m-laptop-90d2", "ryzen9-5950x-1f3a"]))
    assert len(both.table.rows) == 1
    older = msgspec.structs.replace(synthetic_record(host="m-laptop-90d2"), stamp="20200101T000000Z")
    (group,) = groups([Entry(older), imported])
    assert "Where the wall time went" in [figure.title for figure in group.figures]


def test_a_single_band_is_wide_enough_to_see() -> None:
    """Three results expect a fourth: a step from the third to beyond it."""
    figure = valid(history("grad_cpu", "h", [make_entry(stamp=stamp, sampled=False) for stamp in stamps(3)]))
    drawing = Drawing(figure)
    (band,) = drawing.all("rect", "band")
    newest = percent(drawing.all("circle", "mark")[-1], "cx")
    assert float(band.attrib["x"]) / 20 == pytest.approx(newest, abs=0.03)
    assert float(band.attrib["x"]) + float(band.attrib["width"]) == 2000
    assert float(band.attrib["width"]) > 50
    assert "The next is expected between" in figure.alt


def test_breakdown_of_many_hosts_names_some_and_counts_the_rest() -> None:
    entries = [make_entry(stamp=stamp, sampled=False) for stamp in stamps(8)]
    assert "2 more hosts are in the table" in valid(breakdown("g", entries, [])).alt


def test_bands_are_the_prediction_of_the_results_before() -> None:
    entries = [make_entry(stamp=stamp, sampled=False) for stamp in stamps(8)]
    found = bands(entries)
    assert found[:3] == [None, None, None]
    expected = predict([entry.wall_s or 0.0 for entry in entries[:7]])
    assert expected is not None
    assert found[7] is not None
    assert (found[7].low_s, found[7].high_s) == (expected.interval.low, expected.interval.high)


def test_long_histories_get_bands_at_their_end() -> None:
    entries = [make_entry(stamp=stamp, runs=1, sampled=False) for stamp in stamps(DRAWN + 10)]
    found = bands(entries)
    assert found[5] is None
    assert all(found[10:])


def test_history_marks_what_lies_outside_its_band() -> None:
    entries = [make_entry("dtype_cpu", stamp=stamp, sampled=False, noise=0.004) for stamp in stamps(9)]
    entries.append(make_entry("dtype_cpu", stamp="20261201T000000Z", scale=1.2, sampled=False))
    figure = valid(history("dtype_cpu", "h", entries))
    drawing = Drawing(figure)
    assert len(drawing.all("circle", "mark")) == 9
    (outside,) = drawing.titles("g", "diamond")
    assert outside.endswith("2026-12-01 00:00, ok, 3 runs")
    assert "outside the expected" in figure.alt
    assert len(drawing.all("rect", "band")) == 8
    assert all(said.startswith("expected: ") for said in drawing.titles("rect", "band"))
    assert "inside the expected" in valid(history("dtype_cpu", "h", entries[:-1])).alt


def rebuilt(entry: Entry, fingerprint: str) -> Entry:
    assert entry.record.image
    image = msgspec.structs.replace(entry.record.image, fingerprint=fingerprint)
    return Entry(msgspec.structs.replace(entry.record, image=image))


def test_bands_begin_anew_with_another_build() -> None:
    entries = [make_entry("dtype_cpu", stamp=stamp, sampled=False, noise=0.004) for stamp in stamps(12)]
    entries[6:] = [rebuilt(entry, "4e" * 32) for entry in entries[6:]]
    found = bands(entries)
    assert [band is not None for band in found] == [False] * 3 + [True] * 3 + [False] * 3 + [True] * 3
    expected = predict([entry.wall_s or 0.0 for entry in entries[6:11]])
    assert expected is not None
    assert found[11] is not None
    assert (found[11].low_s, found[11].high_s) == (expected.interval.low, expected.interval.high)
    assert breaks(entries)[6] == ("image.fingerprint",)
    assert next_band([rebuilt(entry, str(at)) for at, entry in enumerate(entries)]) is None
    assert next_band([]) is None


def test_a_history_shows_where_it_breaks() -> None:
    entries = [make_entry("dtype_cpu", stamp=stamp, sampled=False, noise=0.004) for stamp in stamps(12)]
    entries[6:] = [rebuilt(entry, "4e" * 32) for entry in entries[6:]]
    figure = valid(history("dtype_cpu", "h", entries))
    drawing = Drawing(figure)
    bands = [float(band.attrib["x"]) / 20 for band in drawing.all("rect", "band")]
    assert len(bands) == 3 + 4
    places = [
        percent(mark, "cx" if mark.tag == "circle" else "x")
        for mark in drawing.root.iter()
        if "mark" in mark.get("class", "").split()
    ]
    assert bands[2] < places[6] < bands[3]
    (mark,) = drawing.all("line", "break")
    assert places[5] < percent(mark, "x1") < places[6]
    assert "1 break, the last 6 results back: image.fingerprint." in figure.alt
    assert figure.table.rows[5].cells[-1].text == "not like the one before: image.fingerprint"


def test_a_history_has_a_step_where_its_level_changed() -> None:
    made = [
        make_entry("dtype_cpu", stamp=stamp, sampled=False, noise=0.003, scale=1.1 if at >= 8 else 1.0)
        for at, stamp in enumerate(stamps(14))
    ]
    figure = valid(history("dtype_cpu", "h", made))
    levels = [one for one in Drawing(figure).all("path", "line", "orange") if one.findtext("title")]
    assert [re.sub(r" [\d.]+ s$", "", one.findtext("title", "")) for one in levels] == [
        "level of 8 results:",
        "level of 6 results:",
    ]
    heights = [float(one.attrib["d"].split()[1].split("h")[0]) for one in levels]
    assert heights[0] > heights[1]  # down the drawing is less
    assert "1 change of level, the newest worse by +" in figure.alt
    table = changes_table([*made, *bad_entries()])
    assert table is not None
    (row,) = table.rows
    assert [cell.text for cell in row.cells[:3]] == ["2026-10-07 06:00", "ryzen9-5950x-1f3a", "worse"]
    assert row.cells[6].text == "not the code: 8f2c31a before and after"
    steady = valid(history("dtype_cpu", "h", made[:8]))
    assert Drawing(steady).all("path", "line", "orange") == []
    assert changes_table(made[:8]) is None
    assert groups(made)[0].changes == table


def test_history_of_two_expects_nothing_and_takes_odd_stamps() -> None:
    entries = [make_entry(stamp=stamp, sampled=False) for stamp in ("nonsense", "zzz")]
    figure = valid(history("grad_cpu", "h", entries))
    assert "too few before it" in figure.alt
    assert "1970-01-01, UTC" in Drawing(figure).texts()


def test_timeline_panels_limits_and_phases() -> None:
    entry = make_entry(runs=1)
    figure = timeline_of(Entry(limited(entry.record, cpus=13), "", entry.samples))
    drawing = Drawing(figure)
    assert {"Tests", "CPUs in use", "Memory, GiB", "limit 13", "limit 12 GiB"} <= set(drawing.texts())
    assert "seconds since the start" in drawing.texts()
    assert len(drawing.all("line", "bound", "dashed")) == 2
    (test,) = entry.record.runs[0].tests
    (bar,) = drawing.all("rect", "bar")
    assert bar.findtext("title", "").startswith("tests/test_gradients.py::test_stability, ")
    assert "test_stability" in drawing.texts()
    wall = entry.record.runs[0].wall_s
    assert wall
    assert percent(bar, "x") == pytest.approx(100 * (test.started_s or 0.0) / wall, abs=0.01)
    length = (test.setup_s or 0.0) + (test.call_s or 0.0) + (test.teardown_s or 0.0)
    assert percent(bar, "width") == pytest.approx(100 * length / wall, abs=0.02)
    assert len(figure.table.rows) == 20
    assert "One test, tests/test_gradients.py::test_stability." in figure.alt
    assert "CPUs in use, limit: 13." in figure.alt
    # A reader who points at a part of the run sees what the table says of it.
    told = [rect.findtext("title", "") for rect in drawing.all("svg", "parts")[0].iter("rect")]
    assert len(told) == 20
    assert all(
        f"user {row.cells[2].text}, memory {row.cells[3].text}" in said
        for said, row in zip(told, figure.table.rows, strict=True)
    )


def steps_of(path: str, ground: float) -> list[float]:
    """Heights of an area of steps above its ground, a value for each step."""
    heights, at = [], ground
    for kind, number in re.findall(r"([hv])(-?\d+)", path):
        if kind == "v":
            at += int(number)
        else:
            heights += [ground - at] * int(number)
    return heights


def test_areas_and_lines_have_the_values_of_their_samples() -> None:
    entry = make_entry(runs=1, sampled=False)
    times = list(range(1, 41))
    rows = "".join(f"{at},{at * 0.5},{at * 0.25},{1e6 * at}\n" for at in times)
    record = msgspec.structs.replace(entry.record, runs=(msgspec.structs.replace(entry.record.runs[0], wall_s=40.0),))
    csv = f"t_s,cpu_user_s,cpu_system_s,memory_bytes\n{rows}"
    drawing = Drawing(timeline_of(Entry(record, "", {0: csv})))
    user, system = drawing.all("path", "area")
    high, low = (steps_of(area.attrib["d"], 184.0) for area in (user, system))
    assert len(high) == len(low) == 40
    assert high == pytest.approx([184 / 1.06] * 40, abs=1)
    assert low == pytest.approx([high[0] / 3] * 40, abs=1)
    (memory,) = drawing.all("path", "line")
    start, *rest = re.findall(r"-?\d+(?:\.\d+)?", memory.attrib["d"])
    assert start == "0.5"
    assert memory.attrib["d"].count("M") == 1
    # Ever up, from a fortieth of the whole to the whole.
    assert int(rest[0]) == pytest.approx(184 - 184 / 1.06 / 40, abs=1)
    ups = [int(down) for _, down in re.findall(r"(1)(-\d+)", memory.attrib["d"])]
    assert int(rest[0]) + sum(ups) == pytest.approx(184 - 184 / 1.06, abs=2)


def test_a_gap_in_what_is_known_is_a_gap_in_a_line() -> None:
    assert line_path([None, 3, 3, 5, None, 7, None]) == "M1.5 3h0h1l1 2M5.5 7h0"
    assert line_path([3, 5, 4, 4, 4, 2]) == "M0.5 3h0l1 2 1-1h2l1-2"
    assert line_path([]) == line_path([None]) == ""
    assert steps_path([1, 1, None, 4], 9) == "M0 9v-8h2v8h1v-5h1v5z"


def test_what_stayed_at_zero_is_said_and_not_drawn() -> None:
    entry = make_entry(runs=1, sampled=False)
    rows = "".join(f"{at},{at * 0.5},0,0,{at * 0.1}\n" for at in range(1, 41))
    csv = f"t_s,cpu_total_s,throttled_s,memory_pressure_some_s,cpu_pressure_some_s\n{rows}"
    figure = timeline_of(Entry(entry.record, "", {0: csv}))
    texts = Drawing(figure).texts()
    assert "Throttled, % of time" not in texts
    assert "Pressure, % of time" in texts
    assert "Not drawn, since under 0.1 % of the time all along: throttled, memory pressure." in figure.note
    assert "CPU pressure" in [name for name, _ in figure.legend]
    assert "memory pressure" not in [name for name, _ in figure.legend]


def test_timeline_shows_only_what_was_sampled() -> None:
    entry = make_entry(runs=1, sampled=False)
    csv = "t_s,cpu_total_s,memory_bytes\n" + "".join(f"{at},{at},1000000\n" for at in range(1, 30))
    figure = timeline_of(Entry(entry.record, "", {0: csv}))
    assert [name for name, _ in figure.legend] == ["CPU", "memory"]
    drawing = Drawing(figure)
    assert (len(drawing.all("path")), len(drawing.all("rect", "bar"))) == (2, 1)
    assert "MiB" in figure.alt
    bare = msgspec.structs.replace(entry.record.runs[0], tests=())
    record = msgspec.structs.replace(entry.record, runs=(bare,))
    figure = timeline_of(Entry(record, "", {0: "t_s,swap_bytes\n1,1\n2,2\n"}))
    assert Drawing(figure).texts() == []
    assert "tests" not in figure.note


def test_comparison_intervals_and_difference() -> None:
    first, other = synthetic_record(runs=6), synthetic_record(host="xeon-8488c-77be", runs=6)
    figure = valid(intervals([compare(first, other)]))
    (dot,) = Drawing(figure).all("circle", "mark")
    assert dot.findtext("title") == "+31.3 %, host differs"
    (whisker,) = Drawing(figure).all("g", "whisker")
    assert percent(whisker[0], "x1") < percent(dot, "cx") < percent(whisker[0], "x2")
    assert intervals([]) is None
    figure = valid(difference_figure(explain_difference(first, other)))
    told = [float(said.split(" s:")[0]) for said in Drawing(figure).titles("rect", "bar") if " s:" in said]
    assert sum(told) == pytest.approx(264.3, abs=1)
    assert any("host.cpu_model" in cell.text for row in figure.table.rows for cell in row.cells)


def test_difference_of_a_result_with_itself() -> None:
    record = synthetic_record(runs=3)
    figure = valid(difference_figure(explain_difference(record, record)))
    assert {bar.get("width") for bar in Drawing(figure).all("rect", "bar")} == {"0%"}


def test_host_table_with_calibration_and_facts_not_known() -> None:
    record = synthetic_record()
    calibrated = msgspec.structs.replace(
        record.calibration, before={"triad_bytes_per_s": 2.0**34, "one_core_s": None, "score": 12.0}
    )
    bare = msgspec.structs.replace(record, image=None, calibration=calibrated)
    table, shared = host_table([Entry(bare)])
    texts = [cell.text for cell in table.rows[0].cells]
    assert "16.00 GiB/s" in texts
    assert "12" in texts
    assert "–" in texts
    assert "torch" not in dict(shared)
    assert dict(shared)["boost"] == "yes"


def test_damaged_times_have_no_budget_and_no_findings() -> None:
    record = synthetic_record(runs=1)
    broken = msgspec.structs.replace(record, runs=(msgspec.structs.replace(record.runs[0], wall_s=-1.0),))
    assert time_spent(Entry(broken)) is None
    assert stands_out(Entry(broken)) == ()
    assert "kernel_time_exceeds_user" in [finding.code for finding in stands_out(Entry(record))]


def test_anchors_are_stable_and_differ_where_names_do() -> None:
    assert anchor("d", "grad_cpu") == anchor("d", "grad_cpu")
    names = ["grad_cpu", "grad-cpu", "grad cpu", "<grad cpu>", "x" * 100, "x" * 101, "\ud800"]
    assert len({anchor("d", name) for name in names}) == len(names)
    assert all(anchor("d", name).isascii() for name in names)


def test_labels_are_taken_literally() -> None:
    said = element("text", title="<b>a</b> & \x1b[1mb", class_='"><script>', x=1.23456, y=None)
    assert said == '<text class="&quot;&gt;&lt;script&gt;" x="1.23"><title>&lt;b&gt;a&lt;/b&gt; &amp; b</title></text>'


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def themes() -> list[dict[str, str]]:
    """The colours of the style sheet: light, dark twice, paper."""
    css = resources.files("bench.report.html").joinpath("assets", "report.css").read_text()
    blocks = [f"page:{block}".split("}")[0] for block in css.split("--page:")[1:]]
    assert len(blocks) == 4
    return [
        dict(part.strip().removeprefix("--").split(": ") for part in block.split(";") if ":" in part)
        for block in blocks
    ]


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_stand_out_on_both_pages(colour: str) -> None:
    """WCAG 2.2, 1.4.11 for the colour on the page, and 1.4.3 for the black text inside a bar."""
    for theme in themes():
        assert contrast(theme[colour], theme["page"]) >= 3
        assert contrast(theme[colour], "#000000") >= 4.5
    assert set(palette.TERMS.values()) <= set(COLOURS)


def test_text_colours_of_the_style_sheet_meet_aa() -> None:
    for colours in themes():
        for name in ("ink", "muted", "link", "bad", "caution", "good", "none"):
            for ground in ("page", "surface"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground, colours)


def test_axes_hold_any_number():
    for scale in (from_zero([-1.7e308, 1.7e308, math.inf]), span([1e-308, 1.7e308], ())):
        assert scale.ticks(7)
        assert 0 <= scale.share(1.7e308) <= 1
