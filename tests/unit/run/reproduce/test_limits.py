import pytest
from msgspec import structs

from bench.compare.likeness.differences import THREADS
from bench.engine.protocol import Capacity
from bench.errors import NotComparable, UsageError
from bench.record.schema import (
    Host,
    HostClass,
    Limits,
)
from bench.run.plan import check_capacity
from bench.run.reproduce.limits import fitted, fitted_limits, usable_cpus
from bench.run.reproduce.mismatch import mismatches, require
from tests.support.reproduced import GIB, here, limited, planned


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


def test_what_the_plan_asks_for_beside_its_limits_stays():
    plan, _ = planned(limited(cpus=64.0))
    fit = fitted(plan, Capacity(2, GIB))
    assert fit.task.limits == Limits(cpus=2.0, pids=512, threads=2)
    assert {name: value for name, value in fit.task.env.items() if name not in THREADS} == {
        name: value for name, value in plan.task.env.items() if name not in THREADS
    }
    assert (fit.repeat, fit.task.argv, plan.task.limits.cpus) == (plan.repeat, plan.task.argv, 64.0)


@pytest.mark.parametrize(
    ("limits", "fit"),
    [
        (Limits(cpus=8.5), Limits(cpus=4.0)),
        (Limits(cpus=0.5, memory_bytes=GIB), Limits(cpus=0.5, memory_bytes=GIB)),
        (Limits(memory_bytes=2 * GIB + 1), Limits(memory_bytes=2 * GIB)),
        (Limits(cpuset="5-20"), Limits(cpuset="0,1,2,3")),  # as many as there are, where none of them is here
        (Limits(cpuset="9"), Limits(cpuset="0")),
        (Limits(cpuset=" 2,1 "), Limits(cpuset=" 2,1 ")),  # as it was written, since all of them are here
        (Limits(cpuset="0-1,4"), Limits(cpuset="0,1")),
        (Limits(pids=10_000), Limits(pids=10_000)),  # no host has a number of processes
    ],
)
def test_each_limit_is_cut_by_itself(limits, fit):
    assert fitted_limits(limits, Capacity(4, 2 * GIB)) == fit


@pytest.mark.parametrize(
    ("capacity", "fit"),
    [
        (Capacity(None, None), Limits(cpus=8.0, cpuset="0-7", memory_bytes=8 * GIB, threads=8)),
        (Capacity(None, GIB), Limits(cpus=8.0, cpuset="0-7", memory_bytes=GIB, threads=8)),
        (Capacity(2, None), Limits(cpus=2.0, cpuset="0,1", memory_bytes=8 * GIB, threads=2)),
    ],
)
def test_what_is_not_known_of_a_host_cuts_nothing(capacity, fit):
    asked = Limits(cpus=8.0, cpuset="0-7", memory_bytes=8 * GIB, threads=8)
    assert fitted_limits(asked, capacity) == fit


def test_a_part_of_a_cpu_counts_as_one_for_threads():
    assert fitted_limits(Limits(cpus=1.5, threads=8), Capacity(2, GIB), 8) == Limits(cpus=1.5, threads=8)
    assert fitted_limits(Limits(cpuset="0-3", cpus=2.5, threads=8), Capacity(2, GIB), 8).threads == 2
    assert fitted_limits(Limits(threads=8), Capacity(3, GIB), 4).threads == 3
    assert fitted_limits(Limits(cpuset="0-7", threads=2), Capacity(4, GIB), 8).threads == 2  # never more than asked


def test_a_list_of_cpus_that_is_none_is_refused():
    with pytest.raises(UsageError, match="'3-1' is not a list of CPUs"):
        fitted_limits(Limits(cpuset="3-1"), Capacity(4, GIB))


@pytest.mark.parametrize(
    ("limits", "host", "cpus"),
    [
        (Limits(), None, None),
        (Limits(), 8, 8),
        (Limits(cpus=1.5), 8, 1.5),
        (Limits(cpuset="0-2,5"), 2, 4),  # a record's own list counts, whatever stands for its host
        (Limits(cpus=3.0, cpuset="0,1"), 8, 2),
        (Limits(cpus=0.5, cpuset="0,1"), None, 0.5),
    ],
)
def test_the_cpus_that_limits_leave(limits, host, cpus):
    assert usable_cpus(limits, host) == cpus
