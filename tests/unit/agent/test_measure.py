"""Readings to figures: growth, peaks, what wait4 fills in, and what is said of the rest."""

from __future__ import annotations

import msgspec
import pytest

from bench.agent.cgroup.reading import Reading
from bench.agent.measure import Taken, measure
from bench.agent.reap import Usage
from bench.agent.run_delay import NO_FILE, RunDelay
from bench.agent.sampler import Maxima
from bench.record.schema import ContextSwitches, Cpu, Faults, Io, Memory

BEFORE = Reading(
    cpu_total_s=1.0, cpu_user_s=0.75, cpu_system_s=0.25, periods=10, throttled_periods=1, throttled_s=0.5,
    cpu_some_s=0.1, cpu_full_s=0.0, memory_bytes=5, memory_peak_bytes=100, anon_bytes=4, memory_limit_bytes=1000,
    oom_kills=1, memory_some_s=0.0, minor_faults=100, major_faults=1, read_bytes=10, write_bytes=20, io_some_s=0.5,
    pids=1, pids_peak=2, swap_peak_bytes=0,
)  # fmt: skip
AFTER = Reading(
    cpu_total_s=4.0, cpu_user_s=2.75, cpu_system_s=1.25, periods=30, throttled_periods=6, throttled_s=2.0,
    cpu_some_s=0.6, cpu_full_s=0.5, memory_bytes=6, memory_peak_bytes=900, anon_bytes=4, memory_limit_bytes=1000,
    oom_kills=1, memory_some_s=0.25, minor_faults=600, major_faults=4, read_bytes=110, write_bytes=220, io_some_s=1.0,
    pids=1, pids_peak=9, swap_peak_bytes=64,
)  # fmt: skip
USAGE = Usage(2.0, 1.0, 777, 450, 2, 4, 8, 33, 44, 5)
MAXIMA = Maxima(3, 800, 700, 50, 0, 6)


def taken(**changes: object) -> Taken:
    delay = RunDelay(list)
    delay.take(1, 1_250_000_000)
    base = Taken(BEFORE, AFTER, MAXIMA, USAGE, {}, 2, peak_is_fresh=False, own=Usage(), run_delay=delay)
    return base._replace(**changes)


def test_figures_have_exactly_the_keys_of_the_record() -> None:
    figures = measure(taken()).figures
    for part, struct in (
        ("cpu", Cpu), ("memory", Memory), ("faults", Faults), ("context_switches", ContextSwitches), ("io", Io),
    ):  # fmt: skip
        assert set(figures[part]) == set(struct.__struct_fields__)
        msgspec.convert(figures[part], struct)


def test_counters_grow_and_peaks_stand() -> None:
    measured = measure(taken())
    assert measured.figures["cpu"] == {
        "user_s": 2.0, "system_s": 1.0, "total_s": 3.0, "periods": 20, "throttled_periods": 5, "throttled_s": 1.5,
        "pressure_some_s": 0.5, "pressure_full_s": 0.5, "run_delay_s": 1.25,
    }  # fmt: skip
    assert measured.figures["memory"] == {
        "peak_bytes": 900, "anon_peak_bytes": 700, "max_rss_bytes": 777, "swap_peak_bytes": 64, "limit_bytes": 1000,
        "oom_kills": 0, "pressure_some_s": 0.25,
    }  # fmt: skip
    assert measured.figures["faults"] == {"minor": 500, "major": 3}
    assert measured.figures["context_switches"] == {"voluntary": 33, "involuntary": 44}
    assert measured.figures["io"] == {"read_bytes": 100, "write_bytes": 200, "pressure_some_s": 0.5}
    assert measured.figures["pids_peak"] == 9
    assert measured.unavailable == {}
    assert measured.warnings == []
    assert "supervisor included" in measured.sources["memory.peak_bytes"]


def test_the_supervisors_own_share_is_no_part_of_the_run() -> None:
    measured = measure(taken(own=Usage(0.25, 0.5, 10_000, 60, 1, 9, 9, 9, 9)))
    cpu = measured.figures["cpu"]
    assert (cpu["user_s"], cpu["system_s"], cpu["total_s"]) == (1.75, 0.5, 2.25)
    assert measured.figures["faults"] == {"minor": 440, "major": 2}
    assert measured.sources["cpu.total_s"] == "cgroup v2, less the supervisor's own 0.75"
    assert measured.figures["io"]["read_bytes"] == 100
    assert measured.figures["context_switches"]["voluntary"] == 33
    assert measure(taken(own=Usage(user_s=9.0))).figures["cpu"]["user_s"] == 0


def test_waiting_that_no_task_tells_is_missing_with_its_reason() -> None:
    for seen in (None, RunDelay(list)):
        measured = measure(taken(run_delay=seen))
        assert measured.figures["cpu"]["run_delay_s"] is None
        assert measured.unavailable == {"cpu.run_delay_s": NO_FILE}


def test_a_peak_from_before_the_child_is_not_the_childs() -> None:
    old = measure(taken(after=AFTER._replace(memory_peak_bytes=100)))
    assert old.figures["memory"]["peak_bytes"] is None
    assert "before the child" in old.unavailable["memory.peak_bytes"]
    fresh = measure(taken(after=AFTER._replace(memory_peak_bytes=100), peak_is_fresh=True))
    assert fresh.figures["memory"]["peak_bytes"] == 100


def test_version_1_takes_bytes_from_wait4() -> None:
    measured = measure(taken(version=1))
    assert measured.figures["io"]["read_bytes"] == 4 * 512
    assert measured.figures["io"]["write_bytes"] == 8 * 512
    assert measured.sources["io.write_bytes"] == "wait4"
    assert measured.figures["faults"]["minor"] == 500


def test_without_a_group_wait4_counts_and_the_rest_is_explained() -> None:
    nothing = Reading(cpu_total_s=0.0, cpu_user_s=0.0, cpu_system_s=0.0, anon_bytes=0, pids=0)
    reasons = dict.fromkeys(Reading._fields, "shared")
    measured = measure(taken(before=nothing, after=nothing, version=None, reasons=reasons))
    assert measured.figures["cpu"]["total_s"] == 3.0
    assert measured.figures["faults"] == {"minor": 450, "major": 2}
    assert measured.figures["memory"]["anon_peak_bytes"] == 700
    assert measured.figures["pids_peak"] == 6
    assert measured.figures["memory"]["peak_bytes"] is None
    assert measured.unavailable["memory.peak_bytes"] == "shared"
    assert measured.unavailable["cpu.throttled_s"] == "shared"
    assert "cpu.total_s" not in measured.unavailable


def test_every_missing_value_has_a_reason() -> None:
    measured = measure(taken(before=Reading(), after=Reading(), maxima=Maxima(), usage=Usage(), version=2))
    flat = {
        f"{part}.{key}": value
        for part, values in measured.figures.items()
        if isinstance(values, dict)
        for key, value in values.items()
    } | {"pids_peak": measured.figures["pids_peak"]}
    missing = {path for path, value in flat.items() if value is None}
    assert missing == set(measured.unavailable)
    assert "sample" in measured.unavailable["memory.anon_peak_bytes"]
    assert measured.unavailable["memory.max_rss_bytes"] == "no child was waited for"


def test_missing_counter_falls_back_to_wait4() -> None:
    measured = measure(taken(after=AFTER._replace(minor_faults=None, read_bytes=None)))
    assert measured.figures["faults"]["minor"] == 450
    assert measured.sources["faults.minor"] == "wait4"
    assert measured.figures["io"]["read_bytes"] == 2048


@pytest.mark.parametrize(("seen", "warned"), [(2.99, False), (2.0, True)])
def test_processes_that_nobody_waited_for_are_noticed(seen: float, warned: bool) -> None:
    measured = measure(taken(usage=USAGE._replace(user_s=seen, system_s=0.0)))
    assert ("processes_not_waited_for" in [w["code"] for w in measured.warnings]) is warned


def test_what_the_supervisor_is_part_of_says_so() -> None:
    paths = ("memory.peak_bytes", "memory.anon_peak_bytes", "pids_peak")
    inside, outside = measure(taken(inside=True)).sources, measure(taken(inside=False)).sources
    assert all(inside[path].endswith(", supervisor included") for path in paths)
    assert not any("supervisor" in outside[path] for path in paths)
    sampled = measure(taken(after=AFTER._replace(pids_peak=None)))
    assert sampled.sources["pids_peak"] == "cgroup v2, largest of the samples, supervisor included"
    account = measure(taken(version=None))
    assert "supervisor" not in account.sources["memory.anon_peak_bytes"]


def test_a_limit_from_above_says_so() -> None:
    measured = measure(taken(from_elsewhere={"memory_limit_bytes": "cgroup v2, a group above (/x/memory.max)"}))
    assert measured.sources["memory.limit_bytes"] == "cgroup v2, a group above (/x/memory.max)"
    assert measure(taken()).sources["memory.limit_bytes"] == "cgroup v2"
