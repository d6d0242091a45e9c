"""Ctrl-C at every point between the first run and its bundle: what was measured is kept, and the command ends with 130."""

import os
import signal

import pytest

import bench.run.measure
import bench.run.session
from bench.cli import main
from bench.errors import ExitCode
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify


def strike(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def strike_before(monkeypatch, module, name, times):
    """Have signals arrive as a function is entered."""
    original = getattr(module, name)

    def struck(*words, **more):
        for _ in range(times):
            strike()
        return original(*words, **more)

    monkeypatch.setattr(module, name, struck)


def only(results):
    (bundle,) = find_bundles(str(results))
    assert verify(bundle.path).ok
    return bundle.record


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (bench.run.session, "read_run"),
        (bench.run.measure, "look_again"),
        (bench.run.measure, "with_verdict"),
        (bench.run.measure, "collect"),
        (bench.run.measure, "write_bundle"),
        (bench.run.measure, "read_bundle"),
    ],
)
def test_a_run_that_has_passed_is_kept(engine, monkeypatch, bench_, tmp_path, module, name, times):
    strike_before(monkeypatch, module, name, times)
    code, out, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert code == ExitCode.INTERRUPTED
    record = only(tmp_path / "r")
    assert (record.outcome, len(record.runs)) == ("passed", 1)
    assert "grad_cpu" in out
    assert err.splitlines()[-1] == "bench: interrupted"


def test_a_run_that_was_interrupted_survives_a_second_ctrl_c_after_its_end(engine, monkeypatch, bench_, tmp_path):
    engine.outcomes = ["interrupted"]
    strike_before(monkeypatch, bench.run.measure, "write_bundle", 2)
    assert bench_("run", "grad_cpu", "--results", tmp_path / "r")[0] == 130
    assert only(tmp_path / "r").outcome == "interrupted"


def test_the_look_at_the_host_afterwards_is_given_up_at_once(engine, handed, bench_, tmp_path):
    seen = []

    def calibrate():
        seen.append("begun")
        if len(seen) == 2:
            strike()
            seen.append("gone on")
        return {"one_core_s": 0.1}, {}

    handed.calibrate(calibrate)
    assert bench_("run", "grad_cpu", "--results", tmp_path / "r")[0] == 130
    assert seen == ["begun", "begun"]
    record = only(tmp_path / "r")
    assert record.outcome == "passed"
    assert record.unavailable["host.after.load"] == "the command was interrupted"


def test_between_two_runs_it_ends_the_command_and_says_what_is_missing(engine, monkeypatch, bench_, tmp_path):
    strike_before(monkeypatch, bench.run.session, "read_run", 1)
    assert bench_("run", "grad_cpu", "--repeat", "3", "--results", tmp_path / "r")[0] == 130
    record = only(tmp_path / "r")
    assert len(engine.executed) == 1
    assert (record.outcome, [run.outcome for run in record.runs]) == ("interrupted", ["passed"])
    said = "1 of 3 runs were made: the command was interrupted"
    assert record.verdict.reasons[0] == said
    assert [(warning.code, warning.message, warning.value) for warning in record.runs[0].warnings] == [
        ("runs_missing", said, 2.0)
    ]


def test_before_the_first_run_it_leaves_a_bundle_without_runs(engine, monkeypatch, bench_, tmp_path):
    strike_before(monkeypatch, bench.run.measure, "make_runs", 1)
    code, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert (code, engine.executed) == (130, [])
    assert err.splitlines()[-1] == "bench: interrupted"
    record = only(tmp_path / "r")
    assert (record.outcome, record.runs) == ("interrupted", ())


def test_a_first_look_at_the_host_is_given_up_at_once(engine, handed, bench_, tmp_path):
    def calibrate():
        strike()
        return {"one_core_s": 0.1}, {}

    handed.calibrate(calibrate)
    code, _, err = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert (code, engine.executed, err.splitlines()[-1]) == (130, [], "bench: interrupted")
    record = only(tmp_path / "r")
    assert (record.outcome, record.runs, record.calibration.before) == ("interrupted", (), {})
    assert record.unavailable["host.before.load"] == "the command was interrupted"


def test_variants_that_were_measured_are_kept(engine, monkeypatch, bench_, tmp_path):
    execute = engine.execute

    def third(*words):
        if len(engine.executed) == 2:
            strike()
        return execute(*words)

    monkeypatch.setattr(engine, "execute", third)
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "5", "--results", tmp_path / "r")
    assert bench_(*words)[0] == 130
    assert sorted(len(bundle.record.runs) for bundle in find_bundles(str(tmp_path / "r"))) == [1, 2]
    assert {bundle.record.outcome for bundle in find_bundles(str(tmp_path / "r"))} == {"interrupted"}


def test_a_self_test_that_was_made_is_kept(engine, monkeypatch, bench_, tmp_path):
    import bench.run.selftest.run as selftest

    monkeypatch.setattr(selftest, "hold", lambda *_: ())
    strike_before(monkeypatch, selftest, "write_result", 2)
    assert bench_("run", "selftest", "--results", tmp_path / "r")[0] == 130
    assert len(only(tmp_path / "r").runs) > 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_from_outside_is_as_ctrl_c(engine, handed, monkeypatch, tmp_path, number):
    execute = engine.execute

    def interrupted(*words):
        if engine.executed:
            os.kill(os.getpid(), number)
        return execute(*words)

    before = signal.getsignal(number)
    monkeypatch.setattr(engine, "execute", interrupted)
    assert handed.main(["run", "grad_cpu", "--repeat", "2", "--results", str(tmp_path / "r")]) == 130
    assert signal.getsignal(number) is before


def test_a_command_gives_the_handlers_back(monkeypatch, capsys):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    registered = []
    monkeypatch.setattr("atexit.register", registered.append)
    monkeypatch.setattr("sys.argv", ["bench", "--version"])
    assert main() == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert len(registered) == 1  # from the end of the process on they mean nothing
