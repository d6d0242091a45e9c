from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import pytest
from rich.console import Console, RenderableType

from bench.catalog.load import builtin
from bench.catalog.model import Catalog, Diagnostic
from bench.compare.comparison import compare
from bench.compare.explain.difference import explain, explain_difference
from bench.compare.history.changes import series_of
from bench.compare.ranking import rank
from bench.record.check import Check
from bench.record.schema import Metric
from bench.record.storage.manifest import Problem
from bench.record.storage.verify import BundleProblem, VerifyReport
from bench.report.entry import Entry
from bench.report.terminal.catalog import catalog_table
from bench.report.terminal.cells import bar, day, interval, signed_bar, sparkline
from bench.report.terminal.checks.doctor import doctor_view
from bench.report.terminal.checks.verify import verify_view
from bench.report.terminal.compare import comparison_view, ranking_view
from bench.report.terminal.explain import difference_view, explanation_view
from bench.report.terminal.history import changes_view, history_view
from bench.report.terminal.results import result_summary, results_table
from bench.report.terminal.whatif import VariantLine, whatif_view
from bench.report.text import plain
from tests.support.entries import bad_entries, limited, make_entries, make_entry, stamps, synthetic_record
from tests.support.hostile import MARKUP, hostile_record
from tests.support.records import replace


def shown(view: RenderableType, *, terminal: bool = False, width: int = 80, **options: object) -> str:
    stream = io.StringIO()
    Console(
        file=stream, width=width, force_terminal=terminal, color_system="standard" if terminal else None, **options
    ).print(view)  # type: ignore[arg-type]
    return stream.getvalue()


FIRST = synthetic_record(runs=6)
SLOWER = synthetic_record(runs=6, scale=1.1, stamp="20261103T080000Z")
OTHER = limited(synthetic_record(host="xeon-8488c-77be", runs=6), cpus=4, threads=4)
LOSSY = msgspec.structs.replace(
    FIRST,
    stamp="20261104T080000Z",
    runs=(*FIRST.runs, *(msgspec.structs.replace(run, outcome="timed_out") for run in FIRST.runs)),
)
LOST = {"timed_out": 6}
LONG_HOST = msgspec.structs.replace(FIRST.host, id="amd-ryzen-threadripper-pro-7995wx-192t-1024g-3f2a91")
LONG = msgspec.structs.replace(
    FIRST, host=LONG_HOST, diagnostic=msgspec.structs.replace(FIRST.diagnostic, profile="smoke")
)


def views() -> dict[str, RenderableType]:
    variants = [
        VariantLine("glibc", "", 845.0, passed=True),
        VariantLine("jemalloc", "", 338.0, passed=True, comparison=compare(FIRST, synthetic_record(runs=6, scale=0.4))),
        VariantLine("slow", "", 900.0, passed=False, comparison=compare(FIRST, SLOWER)),
        VariantLine("other", "", 900.0, passed=True, comparison=compare(FIRST, OTHER)),
        VariantLine("lossy", "", 845.0, passed=False, comparison=compare(FIRST, LOSSY), runs=12, not_passed=LOST),
        VariantLine("cut", "", 845.0, passed=False, problem="no disk", runs=2, not_passed={"interrupted": 1}),
        VariantLine("tcmalloc", "", None, passed=False, problem="no libtcmalloc in the image"),
    ]
    hostile = hostile_record(profiler=False)
    runs = tuple(msgspec.structs.replace(run, wall_s=30.0 + at) for at, run in enumerate(hostile.runs))
    hostile = msgspec.structs.replace(hostile, runs=runs)
    damaged = VerifyReport((Path("a"), Path("b")), (BundleProblem(Path("a"), Problem(MARKUP, MARKUP)),))
    return {
        "catalog": catalog_table(
            builtin(), {entry.record.diagnostic.name: entry for entry in make_entries(1, sampled=False)}, {}
        ),
        "results": results_table([*make_entries(2, sampled=False), Entry(LONG)]),
        "summary": result_summary(make_entry(runs=3, sampled=False)),
        "summary of a failure": result_summary(bad_entries()[2]),
        "summary of nothing": result_summary(bad_entries()[3]),
        "comparison": comparison_view(compare(FIRST, SLOWER)),
        "other host": comparison_view(compare(FIRST, OTHER)),
        "one run": comparison_view(compare(FIRST, synthetic_record(runs=1, stamp="20261103T080000Z"))),
        "accepted": comparison_view(
            compare(FIRST, msgspec.structs.replace(SLOWER, variant="thp"), accept=("variant",))
        ),
        "lossy": comparison_view(compare(FIRST, LOSSY)),
        "ranking": ranking_view(rank([FIRST, SLOWER, OTHER, LONG, LOSSY])),
        "plain ranking": ranking_view([compare(FIRST, SLOWER), compare(FIRST, OTHER)]),
        "history": history_view([make_entry(stamp=stamp, sampled=False) for stamp in stamps(9)]),
        "changes": changes_view(
            series_of(
                [
                    synthetic_record(stamp=stamp, scale=1 + (at > 8) / 9, noise=0.002)
                    for at, stamp in enumerate(stamps(15))
                ]
                + [synthetic_record(host="m-laptop-90d2"), hostile]
            )
        ),
        "explanation": explanation_view(explain(FIRST)),
        "difference": difference_view(explain_difference(FIRST, OTHER)),
        "whatif": whatif_view("grad_cpu", variants, "set LD_PRELOAD=libjemalloc.so.2"),
        "verify": verify_view(damaged),
        "doctor": doctor_view(
            [Check("Docker", "ok", "28.3"), Check("governor", "warn", MARKUP, "cpupower -g performance")]
        ),
        "hostile summary": result_summary(Entry(hostile, MARKUP)),
        "hostile results": results_table([Entry(hostile)]),
        "hostile comparison": comparison_view(compare(hostile, hostile)),
        "hostile history": history_view([Entry(hostile)] * 2),
        "hostile explanation": explanation_view(explain(hostile)),
        "hostile difference": difference_view(explain_difference(hostile, hostile)),
    }


VIEWS = views()


@pytest.mark.parametrize("name", VIEWS)
def test_eighty_columns_are_enough_and_a_pipe_gets_no_codes(name: str) -> None:
    text = shown(VIEWS[name])
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text.replace("whatif …", "").replace("%… +", "").replace("% … +", "") or "hostile" in name, text


@pytest.mark.parametrize("name", VIEWS)
def test_on_a_terminal_only_colours_are_sent(name: str) -> None:
    codes = re.findall(r"\x1b(\[[0-9;]*m)?", shown(VIEWS[name], terminal=True))
    assert all(codes), "an escape that is no colour"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(VIEWS["results"], terminal=True)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


def test_markup_of_rich_is_shown_and_not_obeyed() -> None:
    assert "[red]" in shown(VIEWS["hostile summary"], width=400)
    assert plain(MARKUP) in shown(VIEWS["verify"], width=400)


def test_the_catalog_shows_what_there_is_and_what_is_not() -> None:
    catalog = Catalog(
        (Diagnostic("grad_cpu", "", "t", "cpu", 905.0, 1200.0), Diagnostic("x_cpu", "", "t", "cpu", None, 9.0))
    )
    entry = make_entry(sampled=False)
    lines = shown(catalog_table(catalog, {"grad_cpu": entry}, {"grad_cpu": entry})).splitlines()
    assert "905.00 s" in lines[2]
    assert "✓ ok" in lines[3]
    assert entry.record.stamp in lines[3]
    assert "no result here" in lines[5]
    elsewhere = shown(catalog_table(catalog, {}, {"grad_cpu": entry}))
    assert f"no result here; the last, of {entry.record.host.id}:" in elsewhere
    assert "✓" not in elsewhere


def test_results_are_worst_first() -> None:
    text = shown(VIEWS["results"])
    assert text.index("over ceiling") < text.index("not measured") < text.index("✓ ok")


def test_summary_names_warnings_once_with_their_runs() -> None:
    text = shown(VIEWS["summary"])
    assert text.count("load average 3.1") == 1
    assert "(run 1)" in text
    assert "results/ryzen9" in text.replace("\n", "")


def test_comparison_says_what_and_why() -> None:
    text = shown(VIEWS["comparison"])
    assert text.startswith("✕ code regressed  grad_cpu")
    assert "├" in text
    assert "99% interval" in text
    text = shown(VIEWS["other host"])
    assert text.startswith("! host differs")
    assert "host.cpu_model" in text
    assert text.count("limits.cpus") == 1
    assert "too few runs" in shown(VIEWS["one run"]) or "belongs to the history" in shown(VIEWS["one run"]).replace(
        "\n", " "
    )
    assert "(accepted)" in shown(VIEWS["accepted"], width=200)


def test_runs_that_did_not_pass_are_counted_beside_those_that_did() -> None:
    text = shown(VIEWS["lossy"])
    assert text.startswith("! too few runs")
    assert "6 of 12" in text
    assert "6 of the result's 12 runs did not pass: 6 timed out" in text
    assert "6 of 12" in shown(VIEWS["ranking"])


def test_ranking_is_fastest_first_after_the_reference() -> None:
    for name in ("ranking", "plain ranking"):
        text = shown(VIEWS[name])
        assert text.index("the reference") < text.index("code regressed") < text.index("host differs")
    left_out = rank([FIRST, SLOWER, msgspec.structs.replace(OTHER, profiler=True)])
    assert "profiler" in shown(ranking_view(left_out))


def test_a_ranking_says_which_result_each_row_is_and_what_it_lacks() -> None:
    text = " ".join(shown(VIEWS["ranking"]).split())
    for stamp in ("20261102T080000Z", "20261103T080000Z", "20261104T080000Z"):
        assert stamp in text
    assert f"20261102T080000Z on {LONG_HOST.id}: not the same: profile" in text
    assert f"20261102T080000Z on {OTHER.host.id}: not the same: limits.cpus, limits.threads, host.cpu_model" in text
    assert "20261104T080000Z: 6 of the result's 12 runs did not pass" in text
    few = synthetic_record(runs=3, stamp="20261105T080000Z")
    thp = msgspec.structs.replace(SLOWER, variant="thp")
    nothing = msgspec.structs.replace(few, stamp="20261106T080000Z", id="n", runs=())
    text = " ".join(shown(ranking_view(rank([FIRST, few, thp, nothing], accept=("variant",)))).split())
    needed = compare(FIRST, few).runs_needed
    assert needed is not None
    assert f"20261105T080000Z: needs {needed} runs on each side" in text
    assert "20261103T080000Z thp: accepted: variant" in text
    assert "20261106T080000Z: the result has no run that passed with a wall time" in text


def test_history_has_a_band_once_there_are_enough() -> None:
    text = shown(VIEWS["history"])
    assert text.count(" – ✓") + len(re.findall(r"s – \d", text)) >= 6
    assert "█████████  from 0 up: 840.41 s to 854.46 s" in text
    few = shown(history_view([make_entry(stamp=stamp, sampled=False) for stamp in stamps(5)], most=3))
    assert "2 older results are not shown" in few
    assert "no result" in shown(history_view([]))
    assert "1 minor" not in shown(history_view([make_entry(sampled=False)]))


def test_explanation_names_where_time_went_and_what_to_try() -> None:
    text = shown(VIEWS["explanation"])
    assert "kernel time exceeds user" in text
    assert "not measured" in text  # steal, which has no reading here
    assert "--variants glibc,glibc-keep,jemalloc,tcmalloc,thp" in text
    assert "Nothing stands out" in shown(explanation_view(msgspec.structs.replace(explain(FIRST), findings=())))


def test_difference_orders_by_size_and_ties_to_what_differs() -> None:
    text = shown(VIEWS["difference"], width=300)
    assert re.search(r"became 1107\.\d\d s, \+264", text)
    part = text[text.index("What it may come from") :]
    assert part.index("• on CPU, system") < part.index("• throttled")
    assert "calibration one_core_s" in part
    same = shown(difference_view(explain_difference(FIRST, FIRST)))
    assert "What it may come from" not in same


def test_difference_lists_what_no_term_is_tied_to() -> None:
    changed = msgspec.structs.replace(FIRST, engine=msgspec.structs.replace(FIRST.engine, version="29.0"))
    assert "What else differs" in shown(difference_view(explain_difference(FIRST, changed)))


def test_whatif_calls_a_faster_variant_faster() -> None:
    text = shown(VIEWS["whatif"])
    assert "faster" in text
    assert "slower" in text
    assert "improved" not in text
    assert "no libtcmalloc in the image" in text
    assert "failed 6/12" in text
    assert "interrupted" in text
    assert "cut after 2 runs: no disk" in text
    assert text.rstrip().endswith("set LD_PRELOAD=libjemalloc.so.2")
    assert "not measured" not in shown(whatif_view("x", [VariantLine("a", "", 1.0, passed=True)], ""))


def test_verify_is_one_line_where_all_is_well() -> None:
    assert shown(verify_view(VerifyReport((Path("a"),), ()))).startswith("✓ 1 bundle,")
    assert "1 of 2 bundles is damaged" in shown(VIEWS["verify"])


def test_doctor_counts_and_shows_fixes() -> None:
    text = shown(VIEWS["doctor"], width=200)
    assert "→ cpupower" in text
    assert "1 warn, 1 ok" in text


def test_bars_are_to_an_eighth_and_show_the_least() -> None:
    assert bar(0.5, 8).plain == "████"
    assert bar(0.1, 10).plain == "█"
    assert bar(0.001, 10).plain == "▏"
    assert bar(0.0, 10).plain == ""
    assert bar(2.0, 4).plain == "████"
    assert bar(None, 4).plain == "–"


def test_signed_bars_have_their_middle_in_one_place() -> None:
    assert signed_bar(5.0, 10.0, 4).plain == "    │██"
    assert signed_bar(-10.0, 10.0, 4).plain == "████│"
    assert signed_bar(None, 10.0, 4).plain == "    │"
    assert signed_bar(0.0, 10.0, 4).plain == "    │"


def test_intervals_mark_zero_and_their_ends() -> None:
    assert interval(-0.05, 0.0, 0.05, 0.1, 4).plain == "  ├─●─┤  "
    assert interval(0.05, 0.075, 0.1, 0.1, 4).plain == "    │ ├●┤"
    assert interval(-0.3, 0.02, 0.3, 0.1, 4).plain == "◂───┼●──▸"


def test_sparkline_and_day() -> None:
    assert sparkline([1, 2, 4]) == "▂▄█"
    assert sparkline([844.94, 846.68]) == "██", "0.2 % is no step from nothing to full"
    assert sparkline([0.0, 0.0]) == ""
    assert sparkline([]) == ""
    assert day("20251015T134434Z") == "2025-10-15 13:44"
    assert day("\x1b[1mno stamp") == "no stamp"


LONGEST = "13th-gen-intel-core-i7-1365u-12t-90d2ab"


@pytest.mark.parametrize("width", [60, 80])
def test_a_table_of_results_keeps_names_whole_and_draws_what_is_used_of_the_ceiling(width: int) -> None:
    record = synthetic_record(scale=905 / 845 / 2, noise=0.0)
    record = msgspec.structs.replace(record, host=msgspec.structs.replace(record.host, id=LONGEST))
    none = msgspec.structs.replace(record, diagnostic=msgspec.structs.replace(record.diagnostic, ceiling_s=None))
    said = shown(results_table([Entry(record)]), width=width)
    assert LONGEST in said
    assert len(said.splitlines()) == 7, said
    assert "████····" in said
    assert "████████" in shown(results_table([Entry(synthetic_record(scale=2))]), width=width)
    assert "█" not in shown(results_table([Entry(none), bad_entries()[3]]), width=width)


def test_doctor_ends_with_fit_or_with_what_to_mend_first() -> None:
    good, load = Check("engine", "ok", "27"), Check("load", "warn", "9", "wait")
    others = [Check(name, "warn", "x", f"mend {name}") for name in ("boost", "governor", "swap", "huge pages")]
    assert shown(doctor_view([good])).rstrip().endswith("fit to measure")
    text = shown(doctor_view([*others, load, good]))
    assert "fit to measure with care; mend first:" in text
    first = [line.strip("• ").partition(":")[0] for line in text.splitlines() if line.startswith("•")]
    assert first == ["load", "swap", "boost"]
    assert "not fit to measure; mend first:" in shown(doctor_view([load, Check("engine", "fail", "none", "start one")]))


def test_whatif_has_the_tests_own_numbers_of_each_variant_with_their_words():
    def rated(record, rate):
        runs = tuple(replace(one, metrics={"rate": Metric(rate, "GB/s", "higher")}) for one in record.runs)
        return replace(record, runs=runs)

    one, two = rated(synthetic_record(runs=6), 100.0), rated(synthetic_record(runs=6, scale=0.4), 50.0)
    lines = [
        VariantLine("glibc", "", 1.0, passed=True),
        VariantLine("j", "", 0.4, passed=True, comparison=compare(one, two)),
    ]
    text = [" ".join(line.split()) for line in shown(whatif_view("x", lines, ""), width=120).splitlines()]
    assert "j rate 100 GB/s 50 GB/s 0.500 0.500 to 0.500 worse" in text
    assert any(line.startswith("j CPU time ") and line.endswith(" better") for line in text)
