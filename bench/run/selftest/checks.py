"""What is checked: one load each, what of its reading must hold, and how near (pure data)."""

from __future__ import annotations

from dataclasses import dataclass

from bench.record.schema import Limits, Outcome

MIB = 1024**2
SUPERVISOR_BYTES = 15 * MIB
"""What the supervisor may add to a reading of memory if it lives in the measured group."""

BALLOON_BYTES = 128 * MIB
PERIOD_S = 0.1
"""The period of a CPU quota. A reading of throttled time may be off by one at each end of the load."""

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a reading, and what it must be.

    Args:
        path: where it stands in a run, as ``cpu.total_s``; ``warnings.CODE`` counts the warnings of that code.
        truth: a key of what the load reports, or the value itself.
        within: the largest error, as a share of the scale.
        scale: what the error is a share of: a key or a value; the truth if it is not given.
        slack: a key of what the load cannot report: the truth lies between ``truth`` and ``truth`` + ``slack``.
        at_least: whether a larger reading is right too.
        unsure: a key of how far the truth may lie off either way, on a machine where others want the CPU.
    """

    path: str
    truth: str | float
    within: float
    scale: str | float | None = None
    slack: str | None = None
    at_least: bool = False
    unsure: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One load in one fresh container. ``about`` names in a few words what is read."""

    name: str
    about: str
    load: tuple[str, ...]
    figures: tuple[Figure, ...]
    limits: Limits = NO_LIMITS
    outcome: Outcome = "passed"


CHECKS: tuple[Check, ...] = (
    Check(
        "one_thread",
        "2 s of CPU time on one thread",
        ("cpu", "seconds=2"),
        (Figure("cpu.total_s", "cpu_total_s", 0.01, slack="end_s"),),
    ),
    Check(
        "two_threads",
        "2 s of CPU time on two threads",
        ("threads", "seconds=2", "count=2"),
        (Figure("cpu.total_s", "cpu_total_s", 0.01, slack="end_s"),),
    ),
    Check(
        "user_system",
        "1 s in user mode and 1 s in the kernel",
        ("split", "user=1", "system=1"),
        (
            Figure("cpu.user_s", "cpu_user_s", 0.01, scale="cpu_total_s", slack="other_s", unsure="unsure_s"),
            Figure("cpu.system_s", "cpu_system_s", 0.01, scale="cpu_total_s", slack="other_s", unsure="unsure_s"),
            Figure("cpu.total_s", "cpu_total_s", 0.01, slack="end_s"),
        ),
    ),
    Check(
        "memory",
        "512 MiB touched once",
        ("memory", "mib=512"),
        (
            Figure("memory.anon_peak_bytes", "anon_bytes", 0.02),
            Figure("memory.max_rss_bytes", "anon_bytes", 0.02, at_least=True),
            Figure("memory.peak_bytes", "anon_bytes", 0.02, at_least=True),
        ),
    ),
    Check(
        "page_cache",
        "256 MiB of page cache, read and not kept",
        ("cache", "mib=256", "folder={out}"),
        (
            Figure("memory.anon_peak_bytes", "anon_bytes", 1.0, scale=SUPERVISOR_BYTES),
            Figure("memory.peak_bytes", "file_bytes", 0.02, at_least=True),
            Figure("io.read_bytes", "read_bytes", 0.02),
        ),
    ),
    Check(
        "page_faults",
        "100 000 page faults",
        ("faults", "count=100000"),
        (Figure("faults.minor", "minor_faults", 0.02),),
    ),
    Check(
        "context_switches",
        "1000 context switches",
        ("switches", "count=1000"),
        (Figure("context_switches.voluntary", "voluntary", 0.02),),
    ),
    Check(
        "write",
        "64 MiB written and synced",
        ("write", "mib=64", "folder={out}"),
        (Figure("io.write_bytes", "write_bytes", 0.02),),
    ),
    Check(
        "orphan",
        "a child of a child that outlives its parent and uses 2 s",
        ("orphan", "seconds=2"),
        (Figure("cpu.total_s", "cpu_total_s", 0.01, slack="end_s"),),
    ),
    Check(
        "left_behind",
        "a child that outlives the command",
        ("left",),
        (Figure("warnings.leftover_processes", "left", 0.0),),
    ),
    Check(
        "quota",
        "half a CPU for 2 s",
        ("quota", "seconds=2"),
        (Figure("cpu.throttled_s", "held_back_s", 2.0, scale=PERIOD_S, slack="unsure_s"),),
        limits=Limits(cpus=0.5),
    ),
    Check(
        "balloon",
        "a process that must be killed at the limit",
        ("balloon", "most_mib=512"),
        (
            Figure("memory.oom_kills", 1, 0.0),
            Figure("memory.limit_bytes", BALLOON_BYTES, 0.0),
            Figure("memory.peak_bytes", BALLOON_BYTES, 0.02),
        ),
        limits=Limits(memory_bytes=BALLOON_BYTES),
        outcome="oom_killed",
    ),
)
