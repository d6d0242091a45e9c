"""The text files of a bundle."""

from __future__ import annotations

import msgspec
import pytest

from bench.record.schema import Limits, Memory, Metric, Verdict, VerdictBaseline, Warning_
from bench.report.files.analysis import analysis_name, analysis_time_txt
from bench.report.files.summary import Operator, render_summary
from bench.report.files.texts import ended, env_txt, exit_code_txt, signature
from tests.support.records import make_record, make_run


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def test_environment_is_one_line_a_name() -> None:
    text = env_txt({"OMP_NUM_THREADS": "2", "SECRET": "x", "MINE": "a\nb\\", "HF_TOKEN": "y"}, ["MINE", "HF_TOKEN"])
    assert text == "HF_TOKEN=[redacted:name]\nMINE=a\\nb\\\\\nOMP_NUM_THREADS=2\n"


def test_exit_codes() -> None:
    assert exit_code_txt(make_run()) == "0\n"
    assert exit_code_txt(make_run(exit_code=None, signal=9)) == "137\nsignal 9\n"
    assert exit_code_txt(make_run(exit_code=None)) == "unknown\n"


def test_summary_of_one_run() -> None:
    record = make_record(
        verdict=Verdict(
            "ok",
            ("within the ceiling",),
            9.5,
            VerdictBaseline(
                id="ref/x",
                median_s=10.0,
                ratio_low=1.01,
                ratio_high=1.1,
                predicted_low_s=9.0,
                predicted_high_s=10.2,
                belongs=False,
            ),
        ),
        unavailable={"runs[0].memory.swap_peak_bytes": "cgroup v1 has no such file"},
    )
    record = msgspec.structs.replace(
        record, engine=msgspec.structs.replace(record.engine, limits=Limits(cpus=2.0, memory_bytes=1024**3))
    )
    text = render_summary(
        record, findings=["kernel time exceeds user time"], operators=[Operator(f"op{n}", n / 10, n) for n in range(12)]
    )
    assert text.startswith("# grad_cpu: passed\n")
    assert row(text, "wall") == "| wall | 10.50 s |"
    assert row(text, "pytest") == "| pytest | 10.00 s |"
    assert row(text, "call") == "| call | 9.50 s |"
    assert row(text, "user") == "| user | 12.00 s |"
    assert row(text, "system") == "| system | 3.00 s |"
    assert row(text, "CPU") == "| CPU | 143 % |"
    assert row(text, "ceiling") == "| ceiling | 20.00 s | +9.50 s (+47.5 %) |"
    assert row(text, "timeout") == "| timeout | 60.00 s | +49.50 s (+82.5 %) |"
    assert row(text, "baseline ref/x") == "| baseline ref/x | 10.00 s | +0.50 s (+5.0 %) |"
    assert row(text, "99 % interval of the ratio") == "| 99 % interval of the ratio | 1.0100 to 1.1000 |  |"
    assert (
        row(text, "predicted by the history")
        == "| predicted by the history | 9.00 s to 10.20 s | does not belong to it |"
    )
    assert row(text, "largest resident set of one process").endswith("| 2.00 GiB |")
    assert row(text, "minor page faults") == "| minor page faults | – |"
    assert "CPUs 2.0, memory 1.00 GiB" in text
    assert "- kernel time exceeds user time" in text
    assert "cgroup v1 has no such file" in text
    assert row(text, "op11")
    assert "| op1 |" not in text
    assert "## Runs" not in text
    assert "Verdict: **ok**\n- within the ceiling" in text


def test_summary_of_repeats_shows_the_spread_and_each_run() -> None:
    runs = tuple(
        make_run(
            n,
            wall_s=10.0 + n,
            metrics={"rate": Metric(1e9 * (n + 1), "B/s", "higher")},
            warnings=(Warning_("cpu_steal", "steal 2 %"),) if n else (),
        )
        for n in range(3)
    )
    text = render_summary(make_record(runs=runs))
    assert row(text, "wall") == "| wall | 11.00 s | 10.00 s | 12.00 s | 3 of 3 |"
    assert row(text, "minor page faults") == "| minor page faults | – | – | – | 0 of 3 |"
    assert row(text, "rate") == "| rate | 2e+09 | B/s | higher | 3 |"
    assert row(text, "2").startswith("| 2 | passed, exit code 0 | 12.00 s |")
    assert "- cpu_steal: steal 2 % (runs 1, 2)" in text
    assert row(text, "ceiling") == "| ceiling | 20.00 s | +8.00 s (+40.0 %) |"
    assert row(text, "baseline") == "| baseline | – | none given |"


def test_summary_of_nothing_measured() -> None:
    record = make_record(runs=(), outcome="not_measured", verdict=Verdict("not_measured", ("no GPU was found",)))
    text = render_summary(record)
    assert text.startswith("    not measured: no GPU was found\n\n# grad_cpu: not measured\n\n")
    assert "## Timing" not in text
    assert analysis_time_txt(record).startswith("not measured: no GPU was found\n\n")
    assert analysis_time_txt(record).endswith("no run\n")


def test_failure_stands_at_the_top_of_both_files() -> None:
    run = make_run(
        outcome="timed_out", exit_code=None, signal=9, signature="timed out after 60 s in test_y\nstack: <x>`|"
    )
    record = make_record(runs=(run,), outcome="timed_out")
    assert render_summary(record).splitlines()[:2] == ["    timed out after 60 s in test_y", "    stack: <x>`|"]
    assert analysis_time_txt(record).splitlines()[0] == "timed out after 60 s in test_y"
    assert analysis_name(record) == "analysis/grad_cpu_time.txt"
    several = make_record(
        runs=(make_run(0), make_run(1, outcome="oom_killed", signal=9, exit_code=None)), outcome="oom_killed"
    )
    assert signature(several) == "run 1: oom killed, ended by signal 9"
    assert signature(make_record()) is None
    assert signature(make_record(runs=(make_run(0), make_run(1, outcome="not_measured")))) is None
    assert signature(make_record(runs=(), outcome="interrupted")) == "interrupted"


def test_analysis_holds_margins_and_readings() -> None:
    text = " ".join(analysis_time_txt(make_record()).split())
    assert "wall 10.50 s" in text
    assert "margin to the ceiling +9.50 s" in text
    assert "margin to the timeout +49.50 s" in text
    assert "peak of anonymous memory, sampled 3.00 GiB" in text
    assert "margin to the ceiling –" in " ".join(analysis_time_txt(make_record(runs=(make_run(wall_s=None),))).split())


def test_ended() -> None:
    assert ended(make_run(exit_code=None, outcome="interrupted")) == "interrupted"


def test_a_profiled_run_is_marked() -> None:
    assert "not compared with others" in render_summary(make_record(profiler=True))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a|b",
        "`x`",
        "[x](http://y)",
        "# head",
        "- item",
        "1. item",
        "a\n\n# b",
        "\x1b[31mred",
        "\u202eabc",
        "![x](y)",
        "***",
    ],
)
def test_no_text_of_a_record_becomes_markup(text: str) -> None:
    record = make_record(
        runs=(make_run(warnings=(Warning_(text, text),), metrics={text: Metric(1.0, text)}), make_run(1)),
        variant=text,
        unavailable={text: text},
        verdict=Verdict("ok", (text,), None, VerdictBaseline(id=text, host=text)),
    )
    record = msgspec.structs.replace(record, diagnostic=msgspec.structs.replace(record.diagnostic, node=text))
    rendered = render_summary(record, findings=[text], operators=[Operator(text, 1.0)])
    plain = render_summary(make_record())
    assert "\x1b" not in rendered
    assert "\u202e" not in rendered
    assert "<script" not in rendered
    assert "](" not in rendered.replace("\\](", "")
    heads = [line for line in rendered.splitlines() if line.startswith("#")]
    assert len(heads) <= len([line for line in plain.splitlines() if line.startswith("#")]) + 6
    assert all(line.startswith(("## ", "# grad")) for line in heads)
    widths = [line.replace("\\|", "").count("|") for line in rendered.splitlines() if line.startswith("|")]
    assert set(widths) <= {3, 4, 6, 11}


def test_memory_unknown_stays_unknown() -> None:
    text = render_summary(make_record(runs=(make_run(memory=Memory()),)))
    assert row(text, "peak of anonymous memory, sampled").endswith("| – |")
