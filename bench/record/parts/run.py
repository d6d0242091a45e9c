"""What one run did and used."""

from __future__ import annotations

from typing import Any

import msgspec

from bench.record.parts.words import Better, Outcome
from bench.record.work import Work


class Cpu(msgspec.Struct, frozen=True):
    """CPU time of the run's control group, in seconds; pressure is the growth of the group's PSI totals.
    ``run_delay_s`` is how long its tasks were ready and waited for a CPU, added up over the tasks that were seen.
    """

    user_s: float | None = None
    system_s: float | None = None
    total_s: float | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_s: float | None = None
    pressure_some_s: float | None = None
    pressure_full_s: float | None = None
    run_delay_s: float | None = None


class Memory(msgspec.Struct, frozen=True):
    """Memory of the run's control group. ``peak_bytes`` counts page cache; ``anon_peak_bytes`` is a sampled maximum."""

    peak_bytes: int | None = None
    anon_peak_bytes: int | None = None
    max_rss_bytes: int | None = None
    swap_peak_bytes: int | None = None
    limit_bytes: int | None = None
    oom_kills: int | None = None
    pressure_some_s: float | None = None


class Faults(msgspec.Struct, frozen=True):
    """Page faults."""

    minor: int | None = None
    major: int | None = None


class ContextSwitches(msgspec.Struct, frozen=True):
    """Context switches."""

    voluntary: int | None = None
    involuntary: int | None = None


class Io(msgspec.Struct, frozen=True):
    """Bytes to and from block devices, and the growth of the group's I/O pressure total."""

    read_bytes: int | None = None
    write_bytes: int | None = None
    pressure_some_s: float | None = None


class TestResult(msgspec.Struct, frozen=True):
    """One pytest node. ``marker_timeout_s`` is what a ``timeout`` marker of the test asked for; ours won. ``started_s``
    is when it began, in seconds since the run's start on a monotonic clock, as in ``samples.csv``: its setup begins
    then, and the call and the teardown follow. An ``unfinished`` test was at work when the run ended. ``attempts`` is
    how often it was tried (reruns of a plugin's, the same id given twice); the times hold all attempts, and the outcome
    is the last one's. ``subtests`` is how many parts of it (pytest's ``subtests``, unittest's ``subTest``) ended how;
    the key is absent if it has none.
    """

    node: str
    outcome: str
    setup_s: float | None = None
    call_s: float | None = None
    teardown_s: float | None = None
    marker_timeout_s: float | None = None
    started_s: float | None = None
    attempts: int | None = None
    subtests: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class Session(msgspec.Struct, frozen=True):
    """What pytest's session was to run, and how far it came. ``collected`` tests were left after ``deselected`` ones
    had been taken out; ``not_run`` of them never began. The lists name the first thousand. ``reason`` is why the
    session ended early, in pytest's words.
    """

    collected: int | None = None
    deselected: int | None = None
    deselected_nodes: tuple[str, ...] = ()
    not_run: int | None = None
    not_run_nodes: tuple[str, ...] = ()
    ended_early: bool | None = None
    reason: str | None = None


class ThreadsUsed(msgspec.Struct, frozen=True):
    """How many threads the libraries that the tests had loaded used, asked at the end of pytest's session. Of several
    processes it is the most of one.
    """

    torch: int | None = None
    openmp: int | None = None


class Metric(msgspec.Struct, frozen=True):
    """A test's own number, from ``record_property``. ``better`` is the direction of improvement.

    ``values`` are the samples of one process that another tool took, in the order of its file; ``value`` is their
    median. Where there is one figure alone the key is absent.
    """

    value: float | None
    unit: str
    better: Better = "none"
    values: tuple[float, ...] | msgspec.UnsetType = msgspec.UNSET


class Warning_(msgspec.Struct, frozen=True):  # noqa: N801, the builtin has the plain name
    """What disturbed or qualifies a run, as data: a code (``cpu_steal``, ``host_loaded``, …) and its figure."""

    code: str
    message: str
    value: float | None = None
    unit: str | None = None


class Run(msgspec.Struct, frozen=True):
    """One fresh container (or one local process tree).

    ``facts`` are what the tests said of themselves beside numbers, and ``engine_overhead_s``: seconds that the engine
    took around the run (making, starting, copying out and removing the container). ``sources`` say where figures come
    from, by their path in the run. ``cgroup`` is the place that was recognised from inside (version, paths, namespace,
    driver, nesting, user namespace), ``supervisor`` what the supervisor itself used and whether the figures' group held
    it. ``host_during`` is what the host did meanwhile, as far as it was watched: what others used, load, stolen time,
    pressure, frequency, temperature. ``work`` was counted in a run of its own, which has no time, and is kept with the
    first run that passed; the others have no such key. A run that
    only warmed up has ``warmup``, which is true, and is not judged.
    """

    index: int
    outcome: Outcome
    exit_code: int | None = None
    signal: int | None = None
    started_at: str | None = None
    wall_s: float | None = None
    effective_timeout_s: float | None = None
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    faults: Faults = Faults()
    context_switches: ContextSwitches = ContextSwitches()
    io: Io = Io()
    pids_peak: int | None = None
    tests: tuple[TestResult, ...] = ()
    metrics: dict[str, Metric] = {}
    facts: dict[str, Any] = {}
    gpu: dict[str, Any] = {}
    warnings: tuple[Warning_, ...] = ()
    pytest_s: float | None = None
    session: Session | None = None
    threads_used: ThreadsUsed = ThreadsUsed()
    signature: str | None = None
    sources: dict[str, str] = {}
    cgroup: dict[str, Any] = {}
    supervisor: dict[str, Any] = {}
    host_during: dict[str, float | None] = {}
    work: Work | msgspec.UnsetType | None = msgspec.UNSET
    warmup: bool | msgspec.UnsetType = msgspec.UNSET
