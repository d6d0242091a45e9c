"""Two readings and the children's usage become the figures of a record's run (pure). Keys are those of the record."""

from __future__ import annotations

from typing import Any, NamedTuple

from .cgroup.reading import Reading
from .reap import Usage
from .run_delay import NO_FILE, RunDelay
from .sampler import Maxima

BLOCK_BYTES = 512
NO_SAMPLE = "no sample was taken: the run was too short, or sampling was off"
MISSED_RATIO, MISSED_S = 0.98, 0.05
"""wait4 has missed processes where it saw less than this share of the group's CPU time (and more than these seconds
less).
"""

PATHS = {
    "cpu_user_s": "cpu.user_s",
    "cpu_system_s": "cpu.system_s",
    "cpu_total_s": "cpu.total_s",
    "periods": "cpu.periods",
    "throttled_periods": "cpu.throttled_periods",
    "throttled_s": "cpu.throttled_s",
    "cpu_some_s": "cpu.pressure_some_s",
    "cpu_full_s": "cpu.pressure_full_s",
    "run_delay_s": "cpu.run_delay_s",
    "memory_peak_bytes": "memory.peak_bytes",
    "anon_bytes": "memory.anon_peak_bytes",
    "swap_peak_bytes": "memory.swap_peak_bytes",
    "memory_limit_bytes": "memory.limit_bytes",
    "oom_kills": "memory.oom_kills",
    "memory_some_s": "memory.pressure_some_s",
    "minor_faults": "faults.minor",
    "major_faults": "faults.major",
    "read_bytes": "io.read_bytes",
    "write_bytes": "io.write_bytes",
    "io_some_s": "io.pressure_some_s",
    "pids_peak": "pids_peak",
}
"""A reading's field to its place in the run."""
NOT_GROWN = frozenset(
    {"memory_peak_bytes", "anon_bytes", "swap_peak_bytes", "memory_limit_bytes", "pids_peak", "run_delay_s"}
)
"""Fields that are no growth of a counter of the group."""


OWN = {
    "cpu_user_s": ("user_s",),
    "cpu_system_s": ("system_s",),
    "cpu_total_s": ("user_s", "system_s"),
    "minor_faults": ("minor_faults",),
    "major_faults": ("major_faults",),
}
"""A reading's field to the parts of getrusage(2) that are our own share of it."""


class Measured(NamedTuple):
    """``figures`` hold the run's parts; ``unavailable`` and ``sources`` are by the path in the run."""

    figures: dict[str, Any]
    unavailable: dict[str, str]
    sources: dict[str, str]
    warnings: list[dict[str, Any]]


class Taken(NamedTuple):
    """What was read. ``own`` is what we used ourselves during the run where we live in the measured group, else 0;
    ``inside`` whether we do; ``from_elsewhere`` where a field comes from, if not from the group itself.
    """

    before: Reading
    after: Reading
    maxima: Maxima
    usage: Usage
    reasons: dict[str, str]
    version: int | None
    peak_is_fresh: bool
    own: Usage
    inside: bool = True
    from_elsewhere: dict[str, str] | None = None
    run_delay: RunDelay | None = None


def measure(taken: Taken) -> Measured:
    """Growth of counters, peaks, and what ``wait4`` says where no group counts for us."""
    run = _Figures(taken)
    for field in PATHS:
        if field not in NOT_GROWN:
            run.grow(field)
    limit_source = (taken.from_elsewhere or {}).get("memory_limit_bytes")
    run.put("memory_limit_bytes", taken.after.memory_limit_bytes, source=limit_source)
    run.put("swap_peak_bytes", taken.after.swap_peak_bytes)
    run.peak()
    run.anon()
    run.pids()
    run.delay()
    run.from_wait4()
    run.check_missed()
    return Measured(run.nested(), run.unavailable, run.sources, run.warnings)


class _Figures:
    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._group = f"cgroup v{taken.version}" if taken.version else "/proc"
        # Gauges and peaks hold us too: what we had at the moment of a peak nobody can tell afterwards.
        self._with_us = ", supervisor included" if taken.inside and taken.version else ""
        self.flat: dict[str, Any] = {}
        self.unavailable: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.warnings: list[dict[str, Any]] = []

    def put(self, field: str, value: float | None, why: str | None = None, source: str | None = None) -> None:
        path = PATHS[field]
        self.flat[path] = value
        if value is None:
            self.unavailable[path] = why or self._taken.reasons.get(field) or "not known"
        else:
            self.unavailable.pop(path, None)
            self.sources[path] = source or self._group

    def grow(self, field: str) -> None:
        """The growth of a counter, less our own share where the kernel tells it: it is no part of the run."""
        before, after = getattr(self._taken.before, field), getattr(self._taken.after, field)
        if before is None or after is None:
            self.put(field, None)
            return
        ours = sum(getattr(self._taken.own, name) for name in OWN.get(field, ()))
        source = f"{self._group}, less the supervisor's own {ours:.6g}" if ours else None
        self.put(field, max(after - before - ours, 0), source=source)

    def peak(self) -> None:
        before, after = self._taken.before.memory_peak_bytes, self._taken.after.memory_peak_bytes
        if after is not None and before is not None and not self._taken.peak_is_fresh and after <= before:
            why = (
                f"the group's peak of {before} bytes is from before the child started and could not be reset; "
                "the child stayed below it"
            )
            self.put("memory_peak_bytes", None, why)
            return
        life = "since the reset" if self._taken.peak_is_fresh else "over the group's life"
        self.put("memory_peak_bytes", after, source=f"{self._group}, {life}{self._with_us}")

    def anon(self) -> None:
        most = self._taken.maxima.anon_bytes
        why = None
        if most is None and "anon_bytes" not in self._taken.reasons:
            why = NO_SAMPLE
        samples = self._taken.maxima.samples
        self.put("anon_bytes", most, why, f"{self._group}, largest of {samples} samples{self._with_us}")

    def pids(self) -> None:
        if self._taken.after.pids_peak is not None:
            source = f"{self._group}, over the group's life{self._with_us}"
            self.put("pids_peak", self._taken.after.pids_peak, source=source)
        elif self._taken.maxima.pids is not None:
            source = f"{self._group}, largest of the samples{self._with_us}"
            self.put("pids_peak", self._taken.maxima.pids, source=source)
        else:
            self.put("pids_peak", None, self._taken.reasons.get("pids") or NO_SAMPLE)

    def delay(self) -> None:
        """The tasks' waiting, which is read of each of them and not of the group."""
        seen = self._taken.run_delay
        self.put("run_delay_s", None if seen is None else seen.seconds, NO_FILE, None if seen is None else seen.source)

    def from_wait4(self) -> None:
        """Fill in by the kernel's accounting of the children that were waited for.

        Version 1 does not charge the group for pages written back later, so its bytes are of no use (Linux:
        cgroup-v1/blkio-controller.rst, "Writeback"); the process accounting counts a page when it is dirtied.
        """
        usage, source = self._taken.usage, "wait4"
        fill: dict[str, float] = {
            "minor_faults": usage.minor_faults,
            "major_faults": usage.major_faults,
            "read_bytes": usage.in_blocks * BLOCK_BYTES,
            "write_bytes": usage.out_blocks * BLOCK_BYTES,
        }
        if self.flat["cpu.total_s"] is None or self._taken.version is None:
            fill |= {
                "cpu_user_s": usage.user_s,
                "cpu_system_s": usage.system_s,
                "cpu_total_s": usage.user_s + usage.system_s,
            }
        for field, value in fill.items():
            always = field in ("read_bytes", "write_bytes") and self._taken.version == 1
            if always or self._taken.version is None or self.flat[PATHS[field]] is None:
                self.put(field, value, source=source)
        self.flat["memory.max_rss_bytes"] = usage.max_rss_bytes or None
        self.flat["context_switches.voluntary"] = usage.voluntary if usage.processes else None
        self.flat["context_switches.involuntary"] = usage.involuntary if usage.processes else None
        for path in ("memory.max_rss_bytes", "context_switches.voluntary", "context_switches.involuntary"):
            if self.flat[path] is None:
                self.unavailable[path] = "no child was waited for"
            else:
                self.sources[path] = source

    def check_missed(self) -> None:
        """Say so where processes ended that nobody waited for (a parent that ignores SIGCHLD): wait4 cannot know of
        them.
        """
        total = self.flat["cpu.total_s"]
        if self._taken.version is None or total is None:
            return
        seen = self._taken.usage.user_s + self._taken.usage.system_s
        if seen < total * MISSED_RATIO - MISSED_S:
            message = (
                f"wait4 saw {seen:.2f} s of the {total:.2f} s of CPU time that the group counted: context switches, "
                "max_rss and figures whose source is wait4 lack the processes that nobody waited for"
            )
            self.warnings.append(
                {"code": "processes_not_waited_for", "message": message, "value": total - seen, "unit": "s"}
            )

    def nested(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"cpu": {}, "memory": {}, "faults": {}, "context_switches": {}, "io": {}}
        for path, value in self.flat.items():
            part, _, key = path.rpartition(".")
            (parts[part] if part else parts)[key] = value
        return parts
