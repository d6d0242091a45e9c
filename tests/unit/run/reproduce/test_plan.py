from functools import partial

import pytest
from msgspec import structs

from bench.catalog.load import builtin, find
from bench.compare.differences import THREADS
from bench.engine.protocol import Capacity
from bench.errors import NotComparable, UsageError
from bench.record.schema import (
    Diagnostic,
    Engine,
    Host,
    HostClass,
    Image,
    Limits,
    Memory,
    Record,
    Run,
    Source,
    Verdict,
)
from bench.run.plan import check_capacity
from bench.run.reproduce.limits import fitted
from bench.run.reproduce.mismatch import has_and_lacks, mismatches, parse_allow, require
from bench.run.reproduce.plan import MAX_REPEAT, MAX_VALUE, Origin, check_origin, plan_again
from bench.run.reproduce.preview import what_was_run
from tests.support.records import changed, record

GRAD = find(builtin(), "grad_cpu")
SOURCE = Source("catalog", sha256="5" * 64)
IMAGE = Image("bench-cpu", None, None, None, "f" * 64, "3.13.5", "2.7.1+cpu")
GIB = 1024**3
HOST = HostClass(cpu_model="Test CPU", cores=4, threads=8, memory_bytes=16 * GIB, kernel="6.1")


THERE = record(
    id="h/grad_cpu/20260101T000000Z",
    stamp="20260101T000000Z",
    node=GRAD.node,
    profile="smoke",
    source=SOURCE,
    image=IMAGE,
    engine=Engine("docker", "27.0", 2, {}, Limits(cpus=2.0, memory_bytes=4 * GIB, pids=512)),
    host=Host("h", HOST),
    runs=tuple(Run(n, "passed", wall_s=1.0, memory=Memory(peak_bytes=GIB)) for n in range(3)),
)
a_record = partial(changed, THERE)


def planned(record, *, trust=False):
    return plan_again(record, GRAD, builtin(), Origin(SOURCE), trust=trust)


CAPACITY = Capacity(8, 16 * GIB - 10**8)


def here(plan, *, capacity=CAPACITY, **changes):
    """What this machine begins for a plan, and what its engine can give."""
    host_class = changes.pop("host_class", HOST)
    engine = Engine(
        changes.pop("engine", "docker"),
        changes.pop("version", "27.0"),
        changes.pop("cgroup_version", 2),
        {},
        plan.task.limits,
    )
    place = changes.pop("place", True)
    begun = Record(
        id="here/grad_cpu/20260201T000000Z",
        stamp="20260201T000000Z",
        outcome="not_measured",
        diagnostic=Diagnostic("grad_cpu", GRAD.node, plan.diagnostic.device, plan.profile, None, None, plan.source),
        image=changes.pop("image", IMAGE) if place else None,
        engine=engine,
        host=Host("here", host_class),
        verdict=Verdict("not_measured"),
    )
    assert not changes
    return begun, capacity


def test_the_plan_is_what_the_record_did():
    record = a_record(variant="glibc-keep", environ={"MALLOC_MMAP_THRESHOLD_": "4294967296", "OMP_PLACES": "cores"})
    plan, left = planned(record)
    assert left == ()
    assert (plan.repeat, plan.profile, plan.variant.name) == (3, "smoke", "glibc-keep")
    assert (plan.task.limits.cpus, plan.task.limits.memory_bytes) == (2.0, 4 * GIB)
    assert plan.task.env["OMP_PLACES"] == "cores"
    assert plan.task.timeout_s == 1200.0
    assert mismatches(record, *here(plan)) == ()


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


def asking(*, repeat, timeout_s):
    diagnostic = Diagnostic("grad_cpu", GRAD.node, "cpu", "smoke", 905.0, timeout_s, SOURCE)
    return a_record(diagnostic=diagnostic, runs=tuple(Run(n, "passed", wall_s=1.0) for n in range(repeat)))


def test_a_stranger_cannot_occupy_the_machine():
    record = asking(repeat=MAX_REPEAT + 80, timeout_s=1e12)
    plan, _ = planned(record)
    assert (plan.repeat, plan.task.timeout_s, plan.diagnostic.timeout_s) == (MAX_REPEAT, 1200.0, 1200.0)
    first, _, bounds = what_was_run(record, plan)
    assert first.endswith(f", {MAX_REPEAT} runs")
    assert bounds == (
        "each run stopped after 1200.00 s, not 180 runs and 1000000000000.00 s as there (--trust allows it)"
    )
    trusted, _ = planned(record, trust=True)
    assert (trusted.repeat, trusted.task.timeout_s) == (180, 1e12)
    assert what_was_run(record, trusted)[2] == "each run stopped after 1000000000000.00 s"


def test_a_shorter_deadline_is_the_record_s_own():
    assert planned(asking(repeat=3, timeout_s=60.0))[0].task.timeout_s == 60.0


def test_a_profile_is_made_again_and_that_is_said():
    record = a_record(profiler=True)
    plan, left = planned(record)
    assert (plan.profiler, left) == (True, ())
    assert what_was_run(record, plan)[-1].startswith("under the profiler: its profile is made again")


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


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image": Image("bench-cpu", None, None, None, "0" * 64, "3.13.5", "2.7.1+cpu")}, "image"),
        ({"engine": "local"}, "engine"),
        ({"capacity": Capacity(8, GIB // 2)}, "memory"),
    ],
)
def test_what_cannot_be_matched_blocks_until_it_is_allowed(changes, code):
    record = a_record()
    found = mismatches(record, *here(planned(record)[0], **changes))
    assert [one.code for one in found if one.blocking] == [code]
    with pytest.raises(NotComparable, match=f"--allow {code}"):
        require(found, ())
    require(found, {code})


def limited(**limits):
    return a_record(engine=Engine("docker", "27.0", 2, {}, Limits(**limits)))


@pytest.mark.parametrize(
    ("limits", "said", "fit"),
    [
        ({"cpus": 64.0}, "cpus: a limit of 64 CPUs there, 8 CPUs here", {"cpus": 8.0}),
        ({"cpuset": "0-15"}, "cpus: the CPUs 0-15 there, 0 to 7 here", {"cpuset": "0,1,2,3,4,5,6,7"}),
        ({"cpuset": "6-9"}, "cpus: the CPUs 6-9 there, 0 to 7 here", {"cpuset": "6,7"}),
        ({"cpuset": "8,10"}, "cpus: the CPUs 8,10 there, 0 to 7 here", {"cpuset": "0,1"}),
        (
            {"memory_bytes": 64 * GIB},
            "memory: a limit of 64.00 GiB there, 16.00 GiB in all here",
            {"memory_bytes": 16 * GIB},
        ),
    ],
)
def test_a_limit_beyond_this_host_blocks_and_is_then_all_that_it_has(limits, said, fit):
    record = limited(**limits)
    plan, _ = planned(record)
    capacity = Capacity(8, 16 * GIB)
    found = mismatches(record, *here(plan, capacity=capacity))
    assert [str(one) for one in found if one.blocking] == [said]
    code = said.partition(":")[0]
    with pytest.raises(NotComparable, match=f"--allow {code} accepts it"):
        require(found, ())
    require(found, {code})
    clipped = fitted(plan, capacity).task.limits
    assert {name: getattr(clipped, name) for name in fit} == fit
    check_capacity(clipped, capacity)


@pytest.mark.parametrize("limits", [{}, {"cpus": 8.0}, {"cpuset": "0-7"}, {"memory_bytes": 16 * GIB}])
def test_a_limit_that_this_host_can_give_stays_as_it_was(limits):
    record = limited(**limits)
    plan, _ = planned(record)
    assert not any(one.blocking for one in mismatches(record, *here(plan, capacity=Capacity(8, 16 * GIB))))
    assert fitted(plan, Capacity(8, 16 * GIB)) is plan
    assert fitted(plan, Capacity(None, None)) is plan


@pytest.mark.parametrize(
    ("limits", "there", "blocking", "threads"),
    [
        ({"cpus": 32.0}, 32, False, 2),  # they follow from the limit, and go along with it
        ({"cpus": 32.0, "threads": 32}, 32, False, 2),
        ({"cpus": 32.0, "threads": 8}, 32, True, 2),
        ({"threads": 32}, 32, True, 2),
        ({"threads": 32}, None, True, 2),
        ({"cpuset": "0-7", "threads": 8}, 32, True, 2),
        ({"cpuset": "0,4", "threads": 2}, 32, True, 1),
        ({"cpus": 1.5, "cpuset": "0-3", "threads": 4}, 4, None, 4),  # its CPUs are as many here
        ({"cpus": 2.0, "threads": 32}, 32, None, 32),
        ({"threads": 32}, 2, None, 32),
        ({"threads": 2}, 32, None, 2),
    ],
)
def test_threads_that_lose_cpus_become_as_many_as_are_left(limits, there, blocking, threads):
    record = structs.replace(limited(**limits), host=Host("h", HostClass(cpu_model="Test CPU", threads=there)))
    plan, _ = planned(record)
    asked, capacity = plan.task.limits.threads, Capacity(2, 16 * GIB)
    found = [one for one in mismatches(record, *here(plan, capacity=capacity)) if one.code == "threads"]
    assert [one.blocking for one in found] == ([] if blocking is None else [blocking])
    if found:
        assert str(found[0]) == f"threads: {asked} threads there, CPUs for {threads} here"
    fit = fitted(plan, capacity, there)
    assert fit.task.limits.threads == threads
    assert {fit.task.env[name] for name in THREADS} == {str(threads)}


def test_a_library_s_own_number_of_threads_is_not_touched():
    record = structs.replace(limited(threads=32), environ={"MKL_NUM_THREADS": "3"})
    env = fitted(planned(record)[0], Capacity(2, 16 * GIB)).task.env
    assert (env["MKL_NUM_THREADS"], env["OMP_NUM_THREADS"]) == ("3", "2")


UNKNOWN = Image("bench-cpu", None, None, None, None, "3.13.5", "2.7.1+cpu")


@pytest.mark.parametrize(
    ("changes", "machine", "said"),
    [
        ({"image": None}, {}, f"image: not known there, {'f' * 16}… here"),
        ({"image": UNKNOWN}, {}, f"image: not known there, {'f' * 16}… here"),
        ({"image": UNKNOWN}, {"image": UNKNOWN}, "image: not known there, not known here"),
        ({}, {"image": UNKNOWN}, f"image: {'f' * 16}… there, not known here"),
        ({}, {"place": None}, f"image: {'f' * 16}… there, not known here"),
        (
            {"diagnostic": Diagnostic("grad_cpu", GRAD.node, "cpu", "full", 905.0, 1200.0, Source("catalog"))},
            {},
            f"source: not known there, {'5' * 16}… here",
        ),
    ],
)
def test_what_is_not_known_cannot_be_shown_to_be_the_same(changes, machine, said):
    record = a_record(**changes)
    found = mismatches(record, *here(planned(record)[0], **machine))
    assert [str(one) for one in found if one.blocking] == [said]


def test_another_source_blocks():
    record = a_record()
    plan, _ = plan_again(record, GRAD, builtin(), Origin(Source("catalog", sha256="6" * 64)), trust=False)
    assert [one.code for one in mismatches(record, *here(plan)) if one.blocking] == ["source"]


def test_another_host_is_said_and_blocks_nothing():
    record = a_record(engine=Engine("docker", "27.0", 2, {}, Limits()))
    other = HostClass(cpu_model="Other", threads=2, memory_bytes=8 * GIB)
    found = mismatches(
        record,
        *here(planned(record)[0], host_class=other, cgroup_version=1, capacity=Capacity(2, 8 * GIB - 10**8)),
    )
    assert {one.code for one in found} == {"cgroup", "cpus", "memory", "host"}
    assert not any(one.blocking for one in found)
    assert "memory: 16.00 GiB there, 8.00 GiB here" in {str(one) for one in found}


def test_a_gpu_that_is_not_here_blocks():
    record = a_record(
        diagnostic=Diagnostic("grad_cuda", GRAD.node, "cuda", "full", None, None, SOURCE),
        host=Host("h", HostClass(cpu_model="Test CPU", gpu="NVIDIA H100")),
    )
    plan = planned(a_record())[0]
    missing = [one for one in mismatches(record, *here(plan, place=None)) if one.blocking and one.code == "gpu"]
    assert [(one.then, one.here) for one in missing] == [("NVIDIA H100", "none")]
    (unseen,) = mismatches(record, *here(plan))  # a place for CUDA was prepared, on a machine that nobody can look at
    assert (unseen.code, unseen.here, unseen.blocking) == ("gpu", "one that cannot be seen from here", False)
    assert "GPU: NVIDIA H100 there, one that cannot be seen from here here" not in has_and_lacks(record, *here(plan))
    assert "GPU: NVIDIA H100 there, one that cannot be seen from here" in has_and_lacks(record, *here(plan))


def test_what_there_was_and_is_here_goes_line_by_line():
    record = a_record(engine=Engine("docker", "27.0", 2, {}, Limits()))
    lines = has_and_lacks(record, *here(planned(record)[0], cgroup_version=1, engine="local", version=None))
    assert lines[:2] == (
        "engine: docker 27.0 there, local here",
        "control groups: version 2 there, version 1 here",
    )
    assert "CPUs: 8, the same here" in lines
    assert "memory: 16.00 GiB, the same here" in lines
    assert lines[-1] == f"fingerprint of the image: {'f' * 16}…, the same here"


def test_only_diagnostics_of_this_catalog():
    with pytest.raises(NotComparable, match="older evidence"):
        check_origin(a_record(diagnostic=Diagnostic("grad_cpu", "", "cpu", None, None, None, Source("imported"))), True)
    with pytest.raises(NotComparable, match="--project and --trust"):
        check_origin(a_record(), False)
    check_origin(a_record(), True)


def test_allow_knows_its_words():
    assert parse_allow(" engine, image ") == {"engine", "image"}
    with pytest.raises(UsageError, match="colour"):
        parse_allow("engine,colour")
    assert parse_allow("") == frozenset()


def test_a_bundle_takes_nothing_of_the_sandbox_away_by_itself():
    record = a_record(variant="unconfined")
    with pytest.raises(UsageError, match="'unconfined' is run only with --trust"):
        planned(record)
    assert planned(record, trust=True)[0].task.security == "unconfined"
    for variant in builtin().variants:
        if variant.security in (None, "default"):
            assert planned(a_record(variant=variant.name))[0].task.security == "default"
