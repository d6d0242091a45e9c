from __future__ import annotations

import msgspec
import plotly.graph_objects as go
import pytest

from bench.compare.comparison import compare
from bench.compare.explain.breakdown import NAMES, budget
from bench.compare.explain.difference import explain_difference
from bench.compare.stats.prediction import predict
from bench.record.schema import Cpu, Io, Memory
from bench.report.entry import Entry
from bench.report.html import palette
from bench.report.html.breakdown import breakdown
from bench.report.html.comparison import difference_figure, intervals
from bench.report.html.distribution import POINTS, distribution
from bench.report.html.history import history
from bench.report.html.hosts import host_table
from bench.report.html.model import Figure, anchor
from bench.report.html.plot import bound_marks, label, rounded, span
from bench.report.html.sections import detail, groups
from bench.report.html.timeline import timeline_figure
from bench.report.timeline import parse_samples
from bench.report.trend import DRAWN, bands, breaks, next_band, stands_out, time_spent
from tests.unit.report.factory import bad_entries, limited, make_entries, make_entry, make_record, stamps


def valid(figure: Figure | None) -> Figure:
    """Plotly's own validation of every property."""
    assert figure is not None
    go.Figure(figure.spec)
    return figure


def timeline_of(entry: Entry) -> Figure:
    run = entry.record.runs[0]
    timeline = parse_samples(entry.samples[run.index])
    assert timeline is not None
    return valid(timeline_figure("f", "h", "ok", run, entry.record.engine.limits, timeline))


def test_every_figure_of_a_page_is_what_plotly_takes() -> None:
    for group in groups(make_entries(4)):
        for figure in (*group.figures, *group.histories):
            valid(figure)
        for one in group.details:
            if one.timeline:
                valid(one.timeline)


def test_distribution_has_every_run_and_crosses_for_what_did_not_pass() -> None:
    entries = [make_entry(runs=4, sampled=False), bad_entries()[0]]
    figure = valid(distribution("grad_cpu", entries, ["ryzen9-5950x-1f3a", "m-laptop-90d2"]))
    box, crosses = figure.spec["data"]
    assert len(box["x"]) == len(box["y"]) == len(box["meta"]["host"]) == 4
    assert crosses["y"] == ["m-laptop-90d2"]
    assert len(figure.table.rows) == 5
    assert "ceiling 905.00 s, timeout 1200.00 s" in figure.alt


def test_a_ceiling_is_drawn_where_all_hosts_share_it() -> None:
    entry = make_entry(sampled=False)
    other = make_record(host="m-laptop-90d2")
    other = msgspec.structs.replace(other, diagnostic=msgspec.structs.replace(other.diagnostic, ceiling_s=950.0))
    hosts = [entry.record.host.id, other.host.id]
    figure = valid(distribution("grad_cpu", [entry, Entry(other)], hosts))
    assert [note["text"] for note in figure.spec["layout"]["annotations"]] == ["timeout 1200.00 s"]
    assert "The ceiling is not the same on all hosts, so none is drawn: 905.00 s, 950.00 s." in figure.note
    older = msgspec.structs.replace(other, stamp="20200101T000000Z", host=entry.record.host)
    assert "not the same" not in distribution("grad_cpu", [Entry(older), entry], hosts[:1]).note


def test_a_comparison_names_its_host_also_where_it_has_a_variant() -> None:
    one = compare(make_record(runs=6), make_record(runs=6, scale=0.5, variant="jemalloc"))
    figure = valid(intervals([one]))
    assert figure.spec["data"][0]["y"] == ["1. grad_cpu jemalloc<br>ryzen9-5950x-1f3a"]


def test_cpu_time_that_was_not_measured_is_one_dash() -> None:
    entry = make_entry(runs=1, sampled=False)
    bare = msgspec.structs.replace(entry.record.runs[0], cpu=Cpu())
    facts = dict(detail(Entry(msgspec.structs.replace(entry.record, runs=(bare,))), 40).facts)
    assert facts["CPU time, user and system"] == "–"
    assert " s + " in dict(detail(entry, 40).facts)["CPU time, user and system"]


def test_distribution_of_very_many_runs_draws_boxes() -> None:
    entry = make_entry(runs=POINTS + 1, sampled=False)
    box = distribution("grad_cpu", [entry], [entry.record.host.id]).spec["data"][0]
    assert box["boxpoints"] == "outliers"


def test_distribution_without_a_passed_run() -> None:
    figure = valid(distribution("grad_cpu", bad_entries()[:1], ["m-laptop-90d2"]))
    assert figure.alt.startswith("No run passed")


def test_ceiling_and_timeout_are_lines_inside_and_notes_outside() -> None:
    shapes, notes = bound_marks((800.0, 1300.0), 905.0, 1200.0, vertical=True)
    assert [shape["x0"] for shape in shapes] == [905.0, 1200.0]
    assert [note["text"] for note in notes] == ["ceiling 905.00 s", "timeout 1200.00 s"]
    shapes, notes = bound_marks((20.0, 30.0), 90.0, 180.0, vertical=False)
    assert shapes == []
    assert notes[0]["text"] == "ceiling 90.00 s, timeout 180.00 s ↑"
    shapes, notes = bound_marks((20.0, 100.0), 90.0, None, vertical=False)
    assert shapes[0]["y0"] == 90.0
    assert bound_marks((0, 1), None, None, vertical=True) == ([], [])


def test_span_reaches_a_near_bound_and_not_a_far_one() -> None:
    assert span([840.0, 850.0], (905.0, None))[1] > 905
    assert span([840.0, 850.0], (9000.0,))[1] < 1000
    assert span([], ()) == pytest.approx((0.0, 1.06))


def test_breakdown_is_what_compare_worked_out() -> None:
    entry = make_entry(sampled=False)
    figure = valid(breakdown("grad_cpu", [entry], [entry.record.host.id]))
    spent = budget(entry.record)
    assert spent is not None
    drawn = sum(trace["x"][0] for trace in figure.spec["data"])
    assert drawn == pytest.approx(spent.wall_s, rel=1e-3)
    assert set(palette.TERMS) == set(NAMES)
    # Steal was not measured: a dash, never 0.
    steal = figure.table.rows[0].cells[3 + NAMES.index("steal")]
    assert (steal.text, steal.order) == ("–", None)


def test_breakdown_of_nothing_is_no_figure() -> None:
    assert breakdown("grad_cpu", bad_entries(), ["x"]) is None


def test_breakdown_leaves_out_what_was_not_counted() -> None:
    """An imported wall time without counters is no bar of "100 % unexplained"."""
    entry = make_entry(runs=1, sampled=False)
    bare = msgspec.structs.replace(
        make_record(host="m-laptop-90d2", runs=1).runs[0], cpu=Cpu(), memory=Memory(), io=Io()
    )
    imported = Entry(msgspec.structs.replace(make_record(host="m-laptop-90d2"), runs=(bare,)))
    assert breakdown("grad_cpu", [imported], ["m-laptop-90d2"]) is None
    both = valid(breakdown("grad_cpu", [entry, imported], ["m-laptop-90d2", "ryzen9-5950x-1f3a"]))
    assert len(both.table.rows) == 1
    older = msgspec.structs.replace(make_record(host="m-laptop-90d2"), stamp="20200101T000000Z")
    (group,) = groups([Entry(older), imported])
    assert "Where the wall time went" in [figure.title for figure in group.figures]


def test_a_single_band_is_wide_enough_to_see() -> None:
    """Three results expect a fourth: a step from the third to beyond it."""
    figure = valid(history("grad_cpu", "h", [make_entry(stamp=stamp, sampled=False) for stamp in stamps(3)]))
    upper, _, line = figure.spec["data"]
    assert upper["x"][0] == line["x"][-1] < upper["x"][1]
    assert upper["y"][0] == upper["y"][1]
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
    assert (found[7].low_s, found[7].high_s) == (expected.low, expected.high)


def test_long_histories_get_bands_at_their_end() -> None:
    entries = [make_entry(stamp=stamp, runs=1, sampled=False) for stamp in stamps(DRAWN + 10)]
    found = bands(entries)
    assert found[5] is None
    assert all(found[10:])


def test_history_marks_what_lies_outside_its_band() -> None:
    entries = [make_entry("dtype_cpu", stamp=stamp, sampled=False, noise=0.004) for stamp in stamps(9)]
    entries.append(make_entry("dtype_cpu", stamp="20261201T000000Z", scale=1.2, sampled=False))
    figure = valid(history("dtype_cpu", "h", entries))
    assert figure.spec["data"][-1]["marker"]["symbol"][-1] == "diamond"
    assert "outside the expected" in figure.alt
    assert len(figure.spec["data"]) == 3
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
    assert (found[11].low_s, found[11].high_s) == (expected.low, expected.high)
    assert breaks(entries)[6] == ("image.fingerprint",)
    assert next_band([rebuilt(entry, str(at)) for at, entry in enumerate(entries)]) is None
    assert next_band([]) is None


def test_a_history_shows_where_it_breaks() -> None:
    entries = [make_entry("dtype_cpu", stamp=stamp, sampled=False, noise=0.004) for stamp in stamps(12)]
    entries[6:] = [rebuilt(entry, "4e" * 32) for entry in entries[6:]]
    figure = valid(history("dtype_cpu", "h", entries))
    *edges, line = figure.spec["data"]
    assert [len(edge["x"]) for edge in edges] == [4, 4, 5, 5]
    assert max(edges[0]["x"]) < line["x"][6] < min(edges[2]["x"])
    (mark,) = (shape for shape in figure.spec["layout"]["shapes"] if "dot" in shape["line"].get("dash", ""))
    assert line["x"][5] < mark["x0"] < line["x"][6]
    assert "1 break, the last 6 results back: image.fingerprint." in figure.alt
    assert figure.table.rows[5].cells[-1].text == "not like the one before: image.fingerprint"


def test_history_of_two_expects_nothing_and_takes_odd_stamps() -> None:
    entries = [make_entry(stamp=stamp, sampled=False) for stamp in ("nonsense", "zzz")]
    figure = valid(history("grad_cpu", "h", entries))
    assert "too few before it" in figure.alt
    assert figure.spec["data"][0]["x"] == ["1970-01-01 00:00:00"] * 2


def test_timeline_panels_limits_and_phases() -> None:
    entry = make_entry(runs=1)
    figure = timeline_of(Entry(limited(entry.record, cpus=13), "", entry.samples))
    titles = [note["text"] for note in figure.spec["layout"]["annotations"]]
    assert "CPUs in use" in titles
    assert "Memory, GiB" in titles
    assert "limit 13" in titles
    assert "limit 12 GiB" in titles
    lines = [shape["y0"] for shape in figure.spec["layout"]["shapes"] if shape["type"] == "line"]
    assert lines == [13, 12.0]
    bars = figure.spec["data"][-1]
    assert bars["text"] == ["test_stability"]
    (test,) = entry.record.runs[0].tests
    assert bars["base"] == [pytest.approx(test.started_s, rel=1e-5)]
    assert bars["x"] == [pytest.approx(test.setup_s + test.call_s + test.teardown_s, rel=1e-5)]
    assert len(figure.table.rows) == 20
    assert "One test, tests/test_gradients.py::test_stability." in figure.alt
    assert "CPUs in use, limit: 13." in figure.alt


def test_timeline_shows_only_what_was_sampled() -> None:
    entry = make_entry(runs=1, sampled=False)
    csv = "t_s,cpu_total_s,memory_bytes\n" + "".join(f"{at},{at},1000000\n" for at in range(1, 30))
    figure = timeline_of(Entry(entry.record, "", {0: csv}))
    assert [trace["name"] for trace in figure.spec["data"]] == ["CPU", "memory", "tests"]
    assert "MiB" in figure.alt
    bare = msgspec.structs.replace(entry.record.runs[0], tests=())
    record = msgspec.structs.replace(entry.record, runs=(bare,))
    figure = timeline_of(Entry(record, "", {0: "t_s,swap_bytes\n1,1\n2,2\n"}))
    assert figure.spec["data"] == []
    assert "tests" not in figure.note


def test_comparison_intervals_and_difference() -> None:
    first, other = make_record(runs=6), make_record(host="xeon-8488c-77be", runs=6)
    figure = valid(intervals([compare(first, other)]))
    assert figure.spec["data"][0]["x"][0] == pytest.approx(31.3, abs=1)
    assert intervals([]) is None
    figure = valid(difference_figure(explain_difference(first, other)))
    assert sum(figure.spec["data"][0]["x"]) == pytest.approx(264.3, abs=1)
    assert any("host.cpu_model" in cell.text for row in figure.table.rows for cell in row.cells)


def test_difference_of_a_result_with_itself() -> None:
    record = make_record(runs=3)
    figure = valid(difference_figure(explain_difference(record, record)))
    assert set(figure.spec["data"][0]["x"]) == {0.0}


def test_host_table_with_calibration_and_facts_not_known() -> None:
    record = make_record()
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
    record = make_record(runs=1)
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
    assert label("<b>a</b> & \x1b[1mb") == "&lt;b&gt;a&lt;/b&gt; &amp; b"
    assert rounded([1.23456, None, float("nan"), float("inf")]) == [1.235, None, None, None]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", sorted({*palette.TERMS.values(), palette.TEAL}))
def test_colours_stand_out_on_both_pages(colour: str) -> None:
    """WCAG 2.2, 1.4.11 for the colour on the page, and 1.4.3 for the black text inside a bar."""
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(colour, "#15181d") >= 3
    assert contrast(colour, "#000000") >= 4.5


def test_text_colours_of_the_style_sheet_meet_aa() -> None:
    from importlib import resources

    css = resources.files("bench.report.html").joinpath("assets", "report.css").read_text()
    blocks = css.split("--page:")[1:]
    assert len(blocks) == 4
    for block in blocks:
        colours = dict(
            part.strip().removeprefix("--").split(": ")
            for part in f"page:{block}".split("}")[0].split(";")
            if ":" in part
        )
        for name in ("ink", "muted", "link", "bad", "caution", "good", "none"):
            for ground in ("page", "surface"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground, colours)
