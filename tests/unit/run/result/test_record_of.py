"""Plan, place, host and runs to a record, and the verdict that it gets."""

from dataclasses import replace

import msgspec
import pytest

from bench import __version__
from bench.catalog.load import builtin, find_variant
from bench.compare.verdict import verdict_of
from bench.engine.protocol import Place
from bench.errors import DamagedData
from bench.record.host_id import host_id
from bench.record.schema import Engine, Environment, HostClass, HostState, Image, Limits, Source, Verdict, Warning_
from bench.run.baseline import NONE, Baseline
from bench.run.result.reading import Reading
from bench.run.result.record_of import MISSING, Surroundings, record_of, with_verdict
from tests.support.records import STAMP, changed, make_record, make_run

IMAGE = Image("bench-cpu:test", "sha256:1", "base@sha256:2", "3" * 64, "4" * 64, "3.13.5", "2.7.1+cpu")
HOST = HostClass(cpu_model="Test CPU", cores=2, threads=2)
AROUND = Surroundings(
    place=Place("/py", "/agent", "/diag", "sha256:1", image=IMAGE),
    engine=Engine("docker", "27.0", 2, {}, Limits(cpus=2.0)),
    host_class=HOST,
    before=HostState(load=0.1),
    after=HostState(load=0.2),
    calibration_before={"one_core_s": 0.1},
    calibration_after={"one_core_s": None},
    unavailable={"host.class.gpu": "none was found"},
)


def made(plan, *readings, around=AROUND, **named):
    return record_of(plan, around, readings, stamp=STAMP, **named)


def read(index=0, *, unavailable=None, version=2, **changes):
    return Reading(make_run(index, **changes), unavailable or {}, version)


def test_a_record_is_what_was_planned_where_it_ran_and_what_was_read(plan):
    one, two = read(0), read(1, outcome="failed")
    record = made(plan, one, two, reproduces="other/grad_cpu/x")
    assert record.id == f"{host_id(HOST)}/grad_cpu/{STAMP}"
    assert (record.stamp, record.outcome, record.verdict.status) == (STAMP, "failed", "not_measured")
    assert record.runs == (one.run, two.run)
    assert (record.runs_asked, record.reproduces, record.variant, record.profiler) == (
        2,
        "other/grad_cpu/x",
        None,
        False,
    )
    assert (record.image, record.environment, record.engine) == (IMAGE, None, AROUND.engine)
    assert (record.host.id, record.host.class_) == (host_id(HOST), HOST)
    assert (record.host.before.load, record.host.after.load) == (0.1, 0.2)
    assert (record.calibration.before, record.calibration.after) == ({"one_core_s": 0.1}, {"one_core_s": None})
    assert record.tool == {"name": "bench", "version": __version__}
    assert record.environ == plan.task.env


def test_the_diagnostic_is_that_of_the_plan(plan):
    plan = replace(plan, diagnostic=replace(plan.diagnostic, ceiling_s=7.0, timeout_s=8.0), profile="full")
    diagnostic = made(plan).diagnostic
    assert (diagnostic.name, diagnostic.node, diagnostic.device) == (
        plan.diagnostic.name,
        plan.diagnostic.node,
        plan.diagnostic.device,
    )
    assert (diagnostic.profile, diagnostic.ceiling_s, diagnostic.timeout_s) == ("full", 7.0, 8.0)
    assert diagnostic.source == plan.source


def test_what_decides_how_much_work_it_was_has_the_values_that_it_had(plan):
    names = plan.diagnostic.profile("full").env
    assert names
    env = {**plan.task.env, **dict.fromkeys(names, "by hand")}
    plan = replace(plan, task=replace(plan.task, env=env))
    assert made(plan).diagnostic.params == dict.fromkeys(names, "by hand")
    assert made(replace(plan, task=replace(plan.task, env={}))).diagnostic.params == {}
    assert made(replace(plan, profile="of nobody")).diagnostic.params == {}


def test_a_variant_and_the_profiler_are_kept(plan):
    variant = find_variant(builtin(), "glibc-keep")
    record = made(replace(plan, variant=variant, profiler=True))
    assert (record.variant, record.profiler) == ("glibc-keep", True)


def test_an_environment_stands_in_for_an_image(plan):
    environment = Environment("3.13.5", None, "4" * 64, "5" * 64)
    record = made(plan, around=replace(AROUND, place=Place("/py", "/a", "/d", "", environment=environment)))
    assert (record.image, record.environment) == (None, environment)


@pytest.mark.parametrize(
    ("versions", "engine", "kept"),
    [((None, 1, 2), 2, 1), ((2,), None, 2), ((None,), 2, 2), ((), 1, 1), ((None,), None, None)],
)
def test_the_control_groups_are_those_that_a_run_saw(plan, versions, engine, kept):
    around = replace(AROUND, engine=Engine("docker", "27.0", engine))
    readings = [read(index, version=version) for index, version in enumerate(versions)]
    assert made(plan, *readings, around=around).engine.cgroup_version == kept


@pytest.mark.parametrize(
    ("security", "namespaces", "kept"),
    [
        ({"cgroup_namespace": "private"}, ("host",), {"cgroup_namespace": "host"}),
        ({"cgroup_namespace": "host"}, (None, "private"), {"cgroup_namespace": "private"}),
        ({"cgroup_namespace": "private"}, (None,), {"cgroup_namespace": "private"}),
        ({}, ("host",), {}),
    ],
)
def test_the_group_namespace_is_the_one_that_a_run_saw(plan, security, namespaces, kept):
    around = replace(AROUND, engine=Engine("docker", "27.0", 2, security))
    readings = [read(index, cgroup={"namespace": one}) for index, one in enumerate(namespaces)]
    assert made(plan, *readings, around=around).engine.security == kept


def test_no_run_is_not_measured(plan):
    record = made(plan)
    assert (record.outcome, record.runs, record.runs_asked) == ("not_measured", (), 2)


def test_reasons_are_under_the_paths_of_the_record(plan):
    readings = (read(0, unavailable={"wall_s": "a"}), read(1, unavailable={"cpu.user_s": "b", "session": "c"}))
    plan = replace(plan, source=Source("catalog", commit="1" * 40, dirty=False, sha256="0" * 64))
    assert made(plan, *readings).unavailable == {
        "host.class.gpu": "none was found",
        "runs[0].wall_s": "a",
        "runs[1].cpu.user_s": "b",
        "runs[1].session": "c",
    }


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        (Source("catalog"), {"commit", "dirty", "sha256"}),
        (Source("catalog", sha256="0" * 64), {"commit", "dirty"}),
        (Source("catalog", commit="1" * 40, dirty=False), {"sha256"}),  # clean is known
    ],
)
def test_what_is_not_known_of_a_source_has_its_reason(plan, source, missing):
    unavailable = made(replace(plan, source=source)).unavailable
    assert {path for path in unavailable if "source" in path} == {f"diagnostic.source.{name}" for name in missing}
    assert {unavailable[f"diagnostic.source.{name}"] for name in missing} == {
        "not a git checkout, or git could not say"
    }


TWO = make_record(runs=(make_run(0), make_run(1)))


def test_all_runs_that_were_asked_for_get_the_verdict_alone():
    decided = with_verdict(TWO, 2)
    assert decided.verdict == verdict_of(TWO, ())
    assert (decided.outcome, decided.runs) == ("passed", TWO.runs)
    assert with_verdict(TWO, 1, interrupted=True).outcome == "passed"  # it was over by then


def test_a_baseline_is_what_it_is_held_against():
    slow = changed(
        make_record(stamp="20250101T000000Z"), runs=tuple(make_run(n, wall_s=5.0 + n / 100) for n in range(6))
    )
    decided = with_verdict(TWO, 2, Baseline((slow,), asked=True))
    assert decided.verdict == verdict_of(TWO, (slow,), asked=True)
    assert decided.verdict.baseline.id == slow.id
    assert with_verdict(TWO, 2, NONE).verdict.baseline.id is msgspec.UNSET


@pytest.mark.parametrize(
    ("cut", "said"), [(None, "2 of 5 runs were made"), ("the disk is full", "2 of 5 runs were made: the disk is full")]
)
def test_fewer_runs_than_were_asked_for_are_said_first_and_warned_of(cut, said):
    other = Warning_("cpu_steal", "stolen")
    record = changed(TWO, runs=(TWO.runs[0], make_run(1, warnings=(other,))))
    decided = with_verdict(record, 5, cut=cut)
    assert decided.verdict.reasons[0] == said
    assert (decided.verdict.status, decided.outcome) == ("ok", "passed")
    assert decided.verdict.reasons[1:] == verdict_of(decided, ()).reasons
    assert decided.runs[0].warnings == ()
    assert decided.runs[1].warnings == (other, Warning_(MISSING, said, 3.0))


def test_runs_that_somebody_ended_keep_what_was_measured():
    decided = with_verdict(TWO, 3, cut="interrupted", interrupted=True)
    assert (decided.outcome, len(decided.runs), decided.runs[0].wall_s) == ("interrupted", 2, 10.5)
    assert decided.verdict.reasons[0] == "2 of 3 runs were made: interrupted"
    assert decided.verdict.status == "not_measured"


def test_no_run_at_all_has_its_reason_and_no_warning():
    decided = with_verdict(make_record(runs=(), outcome="not_measured"), 2, cut="no image")
    assert (decided.runs, decided.verdict.status) == ((), "not_measured")
    assert decided.verdict.reasons[0] == "0 of 2 runs were made: no image"


def test_each_value_that_is_null_has_a_reason_and_what_it_had_stays():
    record = changed(TWO, unavailable={"runs[0].pids_peak": "its own"})
    for decided in (with_verdict(record, 2), with_verdict(record, 3)):
        assert decided.unavailable["runs[0].pids_peak"] == "its own"
        assert decided.unavailable["reproduces"] == "it reproduces no other result"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (DamagedData("a time that is none"), "a time that is none"),
        (OverflowError("too large"), "too large"),
        (MemoryError("no room"), "MemoryError: no room"),
        (KeyError("x" * 1000), f"KeyError: '{'x' * 1000}"),
    ],
)
def test_a_comparison_that_fails_costs_no_evidence(monkeypatch, trouble, said):
    def fail(*_, **__):
        raise trouble

    monkeypatch.setattr("bench.run.result.record_of.verdict_of", fail)
    decided = with_verdict(TWO, 2)
    assert decided.runs == TWO.runs
    assert decided.verdict == Verdict("not_measured", (f"the runs could not be judged: {said}"[:300],))


def test_who_asks_the_comparison_to_end_is_heard(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.run.result.record_of.verdict_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        with_verdict(TWO, 2)


@pytest.mark.parametrize("asked", [True, False])
def test_a_baseline_that_somebody_named_is_judged_as_one(monkeypatch, asked):
    heard = []
    monkeypatch.setattr("bench.run.result.record_of.verdict_of", lambda *_, asked: heard.append(asked) or Verdict("ok"))
    with_verdict(TWO, 2, Baseline((), asked=asked))
    assert heard == [asked]
