import pytest

from bench.catalog.load import builtin
from bench.errors import NotComparable, UsageError
from bench.record.schema import (
    Diagnostic,
    Source,
)
from bench.run.reproduce.mismatch import mismatches, require
from bench.run.reproduce.plan import MAX_REPEAT, MAX_VALUE, check_origin
from tests.support.reproduced import GIB, a_record, asking, here, planned


def test_the_plan_is_what_the_record_did():
    record = a_record(variant="glibc-keep", environ={"MALLOC_MMAP_THRESHOLD_": "4294967296", "OMP_PLACES": "cores"})
    plan, left = planned(record)
    assert left == ()
    assert (plan.repeat, plan.profile, plan.variant.name) == (3, "smoke", "glibc-keep")
    assert (plan.task.limits.cpus, plan.task.limits.memory_bytes) == (2.0, 4 * GIB)
    assert plan.task.env["OMP_PLACES"] == "cores"
    assert plan.task.timeout_s == 1200.0
    assert mismatches(record, *here(plan)) == ()


def test_a_stranger_cannot_occupy_the_machine():
    record = asking(repeat=MAX_REPEAT + 80, timeout_s=1e12)
    plan, _ = planned(record)
    assert (plan.repeat, plan.task.timeout_s, plan.diagnostic.timeout_s) == (MAX_REPEAT, 1200.0, 1200.0)
    trusted, _ = planned(record, trust=True)
    assert (trusted.repeat, trusted.task.timeout_s) == (180, 1e12)


def test_a_shorter_deadline_is_the_record_s_own():
    assert planned(asking(repeat=3, timeout_s=60.0))[0].task.timeout_s == 60.0


def test_a_profile_is_made_again():
    plan, left = planned(a_record(profiler=True))
    assert (plan.profiler, left) == (True, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LD_PRELOAD", "evil.so"),
        ("PATH", "/evil"),
        ("PYTHONSTARTUP", "evil.py"),
        ("OMP_TOOL_LIBRARIES", "/results/h/evil.so"),
        ("TORCH_LOGS_OUT", "../over"),
        ("MALLOC_CONF", "[redacted:key]"),
        ("OMP_X", "a\x00b"),
        ("OMP_X", "a\x1b[31m"),
        ("OMP_PLACES", "{out}"),
        ("OMP_PLACES", "1" * (MAX_VALUE + 1)),
        ("BENCH_PROFILER_OUT", "{out}"),
        ("BENCH_ANYTHING", "1"),
    ],
)
def test_a_stranger_s_variable_is_not_taken_over_and_blocks(name, value):
    record = a_record(environ={name: value})
    plan, left = planned(record)
    assert name not in plan.task.env
    (mismatch,) = left
    assert (mismatch.code, mismatch.blocking, name in mismatch.then) == ("environment", True, True)
    with pytest.raises(NotComparable, match="--allow environment"):
        require(left, ())
    require(left, {"environment"})


@pytest.mark.parametrize(("name", "value"), [("BENCH_PROFILE", "full"), ("BENCH_DEVICE", "cuda")])
def test_what_the_plan_sets_itself_is_not_set_otherwise(name, value):
    usual = planned(a_record())[0].task.env
    same, left = planned(a_record(environ={name: usual[name]}))
    assert (same.task.env, left) == (usual, ())
    plan, left = planned(a_record(environ={name: value}))
    assert plan.task.env == usual
    assert f"{name} set" in left[0].then


@pytest.mark.parametrize(("name", "value"), [("MY=\x00", "a"), ("", "a"), ("A=B", "a"), ("MY", "a\x00b")])
def test_what_no_process_can_have_is_not_taken_on_trust_either(name, value):
    plan, left = planned(a_record(environ={name: value}), trust=True)
    assert name not in plan.task.env
    assert [one.code for one in left] == ["environment"]


def test_trust_takes_all_but_what_was_redacted():
    record = a_record(environ={"LD_PRELOAD": "libx.so", "MY_KEY": "[redacted:key]"})
    plan, left = planned(record, trust=True)
    assert plan.task.env["LD_PRELOAD"] == "libx.so"
    assert "MY_KEY" in left[0].then


def test_only_diagnostics_of_this_catalog():
    with pytest.raises(NotComparable, match="older evidence"):
        check_origin(a_record(diagnostic=Diagnostic("grad_cpu", "", "cpu", None, None, None, Source("imported"))), True)
    with pytest.raises(NotComparable, match="--project and --trust"):
        check_origin(a_record(), False)
    check_origin(a_record(), True)


def test_a_bundle_takes_nothing_of_the_sandbox_away_by_itself():
    record = a_record(variant="unconfined")
    with pytest.raises(UsageError, match="'unconfined' is run only with --trust"):
        planned(record)
    assert planned(record, trust=True)[0].task.security == "unconfined"
    for variant in builtin().variants:
        if variant.security in (None, "default"):
            assert planned(a_record(variant=variant.name))[0].task.security == "default"
