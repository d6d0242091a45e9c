"""What a record holds: the one machine-readable truth of a bundle.

SI base units with the unit in the name (``_s``, ``_bytes``, ``_hz``, ``_c``), unrounded. A value that could not be
had is ``None`` and :attr:`Record.unavailable` says why by path (``runs[0].memory.swap_peak_bytes``); never 0.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bench.record.work import Work

SCHEMA = "bench.record/1"

Outcome = Literal["passed", "failed", "timed_out", "oom_killed", "interrupted", "not_measured"]
Status = Literal[
    "ok",
    "over_ceiling",
    "code_regressed",
    "code_improved",
    "same",
    "host_differs",
    "host_noisy",
    "limit_bound",
    "build_differs",
    "setup_differs",
    "tests_differ",
    "insufficient_runs",
    "not_measured",
]
SINCE_1_1 = frozenset({"setup_differs", "tests_differ"})
"""Words of ``Status`` that minor version 1 of the schema added."""
Better = Literal["lower", "higher", "none"]
Word = Literal["better", "worse", "more", "less", "same", "cannot_be_said"]
"""What became of a figure; ``more`` and ``less`` if nobody told which is better."""
Side = Literal["base", "head"]
"""The sides of an experiment (``bench ab``): what is compared with, and what is judged."""
SIGNED = frozenset({"temperature_c", "ceiling_margin_s", "value", "reference", "exit_code", "nice"})
"""Numbers that may be less than 0: an exit status is one of Windows', too."""


class Source(msgspec.Struct, frozen=True):
    """Where the test's code came from. ``kind`` is ``catalog``, ``project``, ``command`` or ``imported``."""

    kind: str
    commit: str | None = None
    dirty: bool | None = None
    sha256: str | None = None


class Diagnostic(msgspec.Struct, frozen=True):
    """The test that ran. ``name`` is NAME of the command line, as in ``grad_cpu``. If a command ran instead,
    ``command`` holds its words and ``node`` is ``None``; a test has no such key.
    """

    name: str
    node: str | None
    device: str | None
    profile: str | None
    ceiling_s: float | None
    timeout_s: float | None
    source: Source
    params: dict[str, Any] = {}
    command: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class Image(msgspec.Struct, frozen=True):
    """The container image. ``fingerprint`` is equal on two machines that built the same thing. ``packages`` are those
    of its Python, by name; an image whose lock does not tell them has no such key.
    """

    name: str
    digest: str | None
    base: str | None
    lock_sha256: str | None
    fingerprint: str | None
    python: str | None
    torch: str | None
    packages: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Environment(msgspec.Struct, frozen=True):
    """What stands in for the image if the local engine ran: an environment cached on the host."""

    python: str | None
    torch: str | None
    lock_sha256: str | None
    fingerprint: str | None
    packages: dict[str, str] = {}
    note: str | None = None


class Limits(msgspec.Struct, frozen=True):
    """The limits that the engine was asked for; ``None`` is no limit. ``cpus`` is quota over period."""

    cpus: float | None = None
    cpuset: str | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    threads: int | None = None


class Outer(msgspec.Struct, frozen=True):
    """What bounded the run from outside: groups above its own, and what the command was started with.

    ``cpus`` is the least quota over period, ``cpuset`` the CPUs that could be used if not all, ``memory_bytes`` and
    ``pids`` the least limits, ``nice`` the niceness. A limit that is not below what the host has is none.
    """

    cpus: float | None = None
    cpuset: str | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    nice: int | None = None


class Engine(msgspec.Struct, frozen=True):
    """Where it ran. ``name`` is ``docker``, ``podman``, ``local``, ``native`` in imported evidence, or ``pytest`` if
    the test ran in pytest's own process.

    ``outer`` is ``None`` if it could not be seen: an engine's daemon starts its containers elsewhere.
    """

    name: str
    version: str | None
    cgroup_version: int | None
    security: dict[str, Any] = {}
    limits: Limits = Limits()
    outer: Outer | None = None
    facts: dict[str, Any] = {}


class HostClass(msgspec.Struct, frozen=True):
    """What makes two hosts the same kind of machine. ``host.id`` is a hash of this alone."""

    cpu_model: str | None = None
    cpu_stepping: int | None = None
    microcode: str | None = None
    cores: int | None = None
    threads: int | None = None
    numa_nodes: int | None = None
    memory_bytes: int | None = None
    kernel: str | None = None
    virtualization: str | None = None
    gpu: str | None = None
    driver: str | None = None


class HostState(msgspec.Struct, frozen=True):
    """What changes by the minute: recorded before and after, never hashed. ``load`` is the 1-minute load average."""

    load: float | None = None
    governor: str | None = None
    boost: bool | None = None
    frequency_hz: float | None = None
    temperature_c: float | None = None
    thp: str | None = None
    swap_used_bytes: int | None = None
    steal_ratio: float | None = None
    memory_available_bytes: int | None = None
    pressure_cpu_some_avg10: float | None = None
    pressure_memory_some_avg10: float | None = None
    pressure_io_some_avg10: float | None = None


class Host(msgspec.Struct, frozen=True, rename={"class_": "class"}):
    """The machine: its class, and its state before and after."""

    id: str
    class_: HostClass
    before: HostState = HostState()
    after: HostState = HostState()


class Calibration(msgspec.Struct, frozen=True):
    """A few seconds of known work before and after: metric name, with its unit, to value (``one_core_s``)."""

    before: dict[str, float | None] = {}
    after: dict[str, float | None] = {}


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
    is the last one's.
    """

    node: str
    outcome: str
    setup_s: float | None = None
    call_s: float | None = None
    teardown_s: float | None = None
    marker_timeout_s: float | None = None
    started_s: float | None = None
    attempts: int | None = None


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


class Compared(msgspec.Struct, frozen=True):
    """One figure of two results: the medians, the ratio of the second to the first with its 99 % interval, and a word.

    A ratio is ``None`` if a side has no such figure or a value is not above 0, its interval if there were too few runs.
    """

    name: str
    unit: str
    better: Better
    reference: float | None = None
    value: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    word: Word = "cannot_be_said"


class VerdictBaseline(msgspec.Struct, frozen=True):
    """The result that a verdict compared with, and what came out, as in ``bench compare --json``. Without a baseline it
    has no key. ``status`` is the comparison's alone; ``predicted_low_s`` to ``predicted_high_s`` is where the history
    expects one more run; ``figures`` are those beside the wall time, which decide nothing.
    """

    id: str | msgspec.UnsetType = msgspec.UNSET
    stamp: str | msgspec.UnsetType = msgspec.UNSET
    host: str | msgspec.UnsetType = msgspec.UNSET
    runs: int | msgspec.UnsetType = msgspec.UNSET
    median_s: float | msgspec.UnsetType | None = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET
    ratio: float | msgspec.UnsetType | None = msgspec.UNSET
    ratio_low: float | msgspec.UnsetType | None = msgspec.UNSET
    ratio_high: float | msgspec.UnsetType | None = msgspec.UNSET
    predicted_low_s: float | msgspec.UnsetType | None = msgspec.UNSET
    predicted_high_s: float | msgspec.UnsetType | None = msgspec.UNSET
    belongs: bool | msgspec.UnsetType | None = msgspec.UNSET
    smallest_detectable: float | msgspec.UnsetType | None = msgspec.UNSET
    runs_needed: int | msgspec.UnsetType | None = msgspec.UNSET
    figures: tuple[Compared, ...] | msgspec.UnsetType = msgspec.UNSET


class Verdict(msgspec.Struct, frozen=True):
    """What the numbers say. ``baseline`` is what was compared with, and what came out."""

    status: Status
    reasons: tuple[str, ...] = ()
    ceiling_margin_s: float | None = None
    baseline: VerdictBaseline = VerdictBaseline()


class Experiment(msgspec.Struct, frozen=True):
    """Which side of an experiment a result is: the other side's result has the same ``id``. ``side`` is ``base`` or
    ``head``. ``pair`` and ``order`` have, for each run, the number of its pair from 0 on and its place in it, 0 or 1;
    the order was drawn at random, by ``seed``. ``metric`` decides, and a change below ``effect`` (a ratio minus 1) is
    the same. ``words`` are what was asked of this side. If both sides of a pair ran at once, ``duet`` has the CPUs of
    the first and of the second. ``resumes`` names the results that were gone on with.
    """

    id: str
    side: Side
    pair: tuple[int, ...]
    order: tuple[int, ...]
    seed: int
    metric: str = "call"
    effect: float = 0.05
    words: str = ""
    duet: tuple[str, ...] = ()
    resumes: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One result: a diagnostic, run once or more on one host.

    ``runs_asked`` is how many runs were asked for, if the record says it; the files of a run have its number if
    that is more than one. A result that is no side of an experiment has no key ``experiment``.
    """

    schema: str = SCHEMA
    id: str
    stamp: str
    outcome: Outcome
    unavailable: dict[str, str] = {}
    diagnostic: Diagnostic
    image: Image | None = None
    environment: Environment | None = None
    engine: Engine
    host: Host
    calibration: Calibration = Calibration()
    runs: tuple[Run, ...] = ()
    runs_asked: int | None = None
    verdict: Verdict
    variant: str | None = None
    profiler: bool = False
    reproduces: str | None = None
    tool: dict[str, str] = {}
    environ: dict[str, str] = {}
    experiment: Experiment | msgspec.UnsetType = msgspec.UNSET

    @property
    def judged(self) -> tuple[Run, ...]:
        """The runs that count: all but those that only warmed up."""
        return tuple(run for run in self.runs if run.warmup is not True)
