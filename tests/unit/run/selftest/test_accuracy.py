"""A reading against the truth: what holds, what is off, what cannot be told."""

import pytest

from bench.record.schema import Cpu, Faults, Io, Memory, Run, Warning_
from bench.run.result.reading import Reading
from bench.run.selftest.accuracy import as_run, hold, parse_truth
from bench.run.selftest.checks import NO_LIMITS, Check, Figure


def check(*figures, outcome="passed"):
    return Check("weight", "a load", ("cpu",), figures, NO_LIMITS, outcome)


def reading(outcome="passed", unavailable=None, signature=None, **parts):
    return Reading(Run(0, outcome, signature=signature, **parts), unavailable or {})


TOTAL = Figure("cpu.total_s", "cpu_total_s", 0.01)


@pytest.mark.parametrize(
    ("read", "outcome"), [(2.0, "passed"), (2.019, "passed"), (1.981, "passed"), (2.021, "failed"), (1.979, "failed")]
)
def test_a_reading_within_its_bound_holds(read, outcome):
    (held,) = hold(check(TOTAL), reading(cpu=Cpu(total_s=read)), {"cpu_total_s": 2.0})
    assert held.outcome == outcome
    assert held.error == pytest.approx(read - 2.0)
    assert held.bound == pytest.approx(0.02)
    assert (held.unit, held.relative) == ("s", True)


@pytest.mark.parametrize(("read", "outcome"), [(0.98, "failed"), (0.991, "passed"), (1.3, "passed"), (1.33, "failed")])
def test_a_truth_may_be_known_as_an_interval(read, outcome):
    figure = Figure("cpu.user_s", "user", 0.02, scale=0.5, slack="other")
    (held,) = hold(check(figure), reading(cpu=Cpu(user_s=read)), {"user": 1.0, "other": 0.31})
    assert held.outcome == outcome
    assert held.true_text == "1.00 s to 1.31 s"
    assert held.bound_text == "10 ms"


def test_a_truth_that_is_too_uncertain_tells_nothing_unless_the_reading_lies_outside():
    figure = Figure("cpu.throttled_s", "held_back_s", 2.0, scale=0.1, slack="unsure_s")
    truth = {"held_back_s": 0.2, "unsure_s": 0.8}
    (held,) = hold(check(figure), reading(cpu=Cpu(throttled_s=0.7)), truth)
    assert held.outcome == "skipped"
    assert "too busy or too slow" in held.sentence()
    (held,) = hold(check(figure), reading(cpu=Cpu(throttled_s=1.3)), truth)
    assert held.outcome == "failed"
    (held,) = hold(check(figure), reading(cpu=Cpu(throttled_s=0.9)), {"held_back_s": 0.95, "unsure_s": 0.05})
    assert held.outcome == "passed"


def test_more_is_right_where_the_truth_is_the_least():
    figure = Figure("memory.peak_bytes", 100.0, 0.02, at_least=True)
    assert hold(check(figure), reading(memory=Memory(peak_bytes=900)), {})[0].outcome == "passed"
    assert hold(check(figure), reading(memory=Memory(peak_bytes=97)), {})[0].outcome == "failed"


def test_exact_counts_and_warnings():
    figures = (Figure("memory.oom_kills", 1, 0.0), Figure("warnings.leftover_processes", "left", 0.0))
    run = reading(memory=Memory(oom_kills=2), warnings=(Warning_("leftover_processes", "one"),))
    kills, left = hold(check(*figures), run, {"left": 1})
    assert (kills.outcome, left.outcome) == ("failed", "passed")
    assert "off by +100.00 %" in kills.sentence()


def test_what_could_not_be_read_fails_nothing_and_says_why():
    run = reading(memory=Memory(), unavailable={"memory.peak_bytes": "memory.peak needs Linux 5.19"})
    figures = (Figure("memory.peak_bytes", 1.0, 0.1), Figure("io.read_bytes", "read_bytes", 0.1))
    peak, read = hold(check(*figures), run, {"read_bytes": None})
    assert (peak.outcome, peak.why) == ("skipped", "not read: memory.peak needs Linux 5.19")
    assert (read.outcome, read.why) == (
        "skipped",
        "the load could not tell its own read_bytes here (a folder in memory has no disk below it)",
    )
    assert as_run(check(*figures), run, (peak, read)).outcome == "not_measured"


def test_a_load_that_does_not_end_as_it_must_is_one_failure():
    (held,) = hold(check(TOTAL), reading("timed_out", signature="timed out after 120 s"), {"cpu_total_s": 2.0})
    assert held.sentence() == "weight, outcome: ended as timed_out, must end as passed: timed out after 120 s"
    (held,) = hold(check(TOTAL, outcome="oom_killed"), reading("passed"), {"cpu_total_s": 2.0})
    assert held.outcome == "failed"
    (held,) = hold(check(TOTAL), reading("passed"), None)
    assert held.sentence() == "weight, outcome: the load did not say what it cost"
    assert as_run(check(TOTAL), reading("passed"), (held,)).metrics == {}


def test_the_truth_is_the_last_line_that_a_load_said():
    said = b'noise\n{"load": "cpu", "cpu_total_s": 1}\n{"load": "cpu", "cpu_total_s": 2.0}\n[1]\n{"other": 1}\nend\n'
    assert parse_truth(said) == {"load": "cpu", "cpu_total_s": 2.0}
    assert parse_truth(b"Traceback\n") is None


def test_the_run_of_a_check_holds_reading_truth_error_and_bound():
    read = reading(cpu=Cpu(user_s=1.0, total_s=2.2), faults=Faults(minor=5), io=Io(write_bytes=3))
    figures = (TOTAL, Figure("faults.minor", 5.0, 0.0), Figure("io.write_bytes", 3.0, 0.0))
    made = check(*figures)
    run = as_run(made, read, hold(made, read, {"cpu_total_s": 2.0}))
    assert (run.outcome, run.cpu.total_s) == ("failed", 2.2)
    assert run.signature == "weight, cpu.total_s: reads 2.20 s, true is 2.00 s; off by +10.00 %, may be off by 1 %"
    assert [(test.node, test.outcome) for test in run.tests] == [
        ("weight::cpu.total_s", "failed"),
        ("weight::faults.minor", "passed"),
        ("weight::io.write_bytes", "passed"),
    ]
    said = {name: (metric.value, metric.unit) for name, metric in run.metrics.items() if name.startswith("cpu.")}
    assert said == {
        "cpu.total_s.reading": (2.2, "s"),
        "cpu.total_s.truth": (2.0, "s"),
        "cpu.total_s.truth_most": (2.0, "s"),
        "cpu.total_s.error": (pytest.approx(0.2), "s"),
        "cpu.total_s.bound": (pytest.approx(0.02), "s"),
    }
