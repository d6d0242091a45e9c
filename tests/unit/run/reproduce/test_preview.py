import pytest

from bench.record.schema import (
    Engine,
    Limits,
    Run,
)
from bench.run.reproduce.plan import MAX_REPEAT
from bench.run.reproduce.preview import limits_text, what_was_run
from tests.support.reproduced import GIB, GRAD, a_record, asking, planned


def test_what_will_run_is_said():
    record = a_record(variant="threads-2", environ={"OMP_PLACES": "cores", "LANG": "C.UTF-8"})
    said = what_was_run(record, planned(record)[0])
    assert said == (
        f"h/grad_cpu/20260101T000000Z: {GRAD.node}, profile smoke, variant threads-2, 3 runs",
        "with cpus 2.0, pids 512, memory 4.00 GiB",
        "each run stopped after 1200.00 s",
        "environment: OMP_PLACES=cores",
    )
    bare = a_record(engine=Engine("local", None, None), runs=(Run(0, "passed", wall_s=1.0),))
    assert what_was_run(bare, planned(bare)[0])[1:] == (
        "with no limits",
        "each run stopped after 1200.00 s",
    )


def test_what_a_stranger_asked_for_and_does_not_get_is_said():
    record = asking(repeat=MAX_REPEAT + 80, timeout_s=1e12)
    plan, _ = planned(record)
    first, _, bounds = what_was_run(record, plan)
    assert first.endswith(f", {MAX_REPEAT} runs")
    assert bounds == (
        "each run stopped after 1200.00 s, not 180 runs and 1000000000000.00 s as there (--trust allows it)"
    )
    trusted, _ = planned(record, trust=True)
    assert what_was_run(record, trusted)[2] == "each run stopped after 1000000000000.00 s"


def test_a_profile_that_is_made_again_is_said():
    record = a_record(profiler=True)
    plan, _ = planned(record)
    assert what_was_run(record, plan)[-1].startswith("under the profiler: its profile is made again")


@pytest.mark.parametrize(
    ("repeat", "timeout_s", "bounds"),
    [
        (MAX_REPEAT, 1200.0, "each run stopped after 1200.00 s"),
        (MAX_REPEAT + 1, 60.0, "each run stopped after 60.00 s, not 101 runs as there (--trust allows it)"),
        (1, 1200.5, "each run stopped after 1200.00 s, not 1200.50 s as there (--trust allows it)"),
    ],
)
def test_only_what_is_held_back_is_said(repeat, timeout_s, bounds):
    record = asking(repeat=repeat, timeout_s=timeout_s)
    assert what_was_run(record, planned(record)[0])[-1] == bounds


def test_one_run_is_no_runs():
    record = a_record(runs=(Run(0, "passed", wall_s=1.0),))
    first = what_was_run(record, planned(record)[0])[0]
    assert first == f"h/grad_cpu/20260101T000000Z: {GRAD.node}, profile smoke, 1 run"


def test_a_variable_that_is_not_taken_over_is_not_said_to_be():
    environ = {"LD_PRELOAD": "libx.so", "OMP_PLACES": "cores", "MKL_X": "2"}
    record = a_record(environ=environ)
    assert what_was_run(record, planned(record)[0])[-1] == "environment: MKL_X=2 OMP_PLACES=cores"
    trusted = what_was_run(record, planned(record, trust=True)[0])[-1]
    assert trusted == "environment: LD_PRELOAD=libx.so MKL_X=2 OMP_PLACES=cores"
    alone = a_record(environ={"LD_PRELOAD": "libx.so"})
    assert not any(line.startswith("environment") for line in what_was_run(alone, planned(alone)[0]))


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(), "no limits"),
        (Limits(cpus=0.5), "cpus 0.5"),
        (Limits(memory_bytes=512 * 1024**2), "memory 512.00 MiB"),
        (
            Limits(cpus=2.0, cpuset="0-3", memory_bytes=GIB, pids=512, threads=4),
            "cpus 2.0, cpuset 0-3, pids 512, threads 4, memory 1.00 GiB",
        ),
    ],
)
def test_limits_in_words(limits, text):
    assert limits_text(limits) == text
