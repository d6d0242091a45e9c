"""The life of one run: prepare, start, follow until the child has ended, end what is left, measure, write.

One thread and one poll: no process or thread is made after the child's start, so a fork bomb that has used up every
process number cannot keep the result from being written.
"""

from __future__ import annotations

import fcntl
import os
import resource
import select
import sys
import time
from typing import Any

from .cgroup.reading import Group, Reading
from .choose import choose_group
from .ending import Ladder, Tree, end_leftovers
from .events import Events
from .facts import read_allocators, read_quick_facts, write_facts
from .follow import TestLog
from .log import BoundedLog
from .measure import Taken, measure
from .outcome import End, decide
from .process_tree import Process
from .reap import Reaper
from .result import ResultFile
from .sampler import Sampler
from .signals import Signals
from .spawn import Command, SpawnError, set_subreaper, spawn
from .spec import Spec, SpecError, read_spec

OWN_ERROR = 70
PIPE_BYTES = 1024 * 1024
READ_BYTES = 128 * 1024
READS_A_TURN = 16
FOLLOW_EVERY_S = 1.0


def main(arguments: list[str]) -> int:
    """Run one specification; returns 0 where the result was written, whatever became of the child, else 70."""
    if len(arguments) != 1:
        sys.stderr.write("usage: PYTHON -I -S -B AGENTDIR SPEC  (a JSON text, or @FILE)\n")
        return OWN_ERROR
    try:
        spec = read_spec(arguments[0])
        return run(spec)
    except (SpecError, OSError) as error:
        sys.stderr.write(f"bench agent: {error}\n")
        return OWN_ERROR


def run(spec: Spec, events_fd: int = 1) -> int:
    """Run it, with the events on a file descriptor. Raises OSError where not even the out folder can be written to."""
    events = Events(events_fd)
    result = ResultFile(spec.out)
    signals = Signals()
    try:
        run_ = Run(spec, events, signals)
        result.write(run_.begun())
        ended = run_.execute()
        whole = result.write_last(ended)
        events.emit("ended", outcome=ended["outcome"], wall_s=ended["wall_s"], signature=ended["signature"])
        skip = "not asked: the run was interrupted" if ended["outcome"] == "interrupted" else None
        write_facts(spec, run_.facts, skip, signals)
    except Exception as error:
        result.write_last({"state": "error", "signature": f"the supervisor failed: {type(error).__name__}: {error}"})
        raise
    finally:
        result.release()
        set_subreaper(False)
        signals.close()
        events.close()
    return 0 if whole else OWN_ERROR


class Run:
    """One run. :meth:`execute` returns the result as a JSON object."""

    def __init__(self, spec: Spec, events: Events, signals: Signals) -> None:
        self.spec = spec
        self.events = events
        self.signals = signals
        self.started_at = _utc_now()
        self.reaper = Reaper()
        self.group: Group = choose_group(spec.group, self.reaper)
        self.log = BoundedLog(os.path.join(spec.out, "pytest.log"), spec.log_limit_bytes)
        self.tests = TestLog(os.path.join(spec.out, "tests.jsonl"), events)
        self.sampler = Sampler(os.path.join(spec.out, "samples.csv"), self.group, events, spec.sample_hz)
        self.facts: dict[str, Any] = read_quick_facts()
        self.warnings: list[dict[str, Any]] = []
        self.cannot_start: str | None = None
        self.stopped_for: str | None = None

    def begun(self) -> dict[str, Any]:
        """The first version of the result: what is known if nobody lives to write the last."""
        return {
            "state": "running",
            "started_at": self.started_at,
            "effective_timeout_s": self.spec.timeout_s,
            "cgroup_version": self.group.version,
            "cgroup": self.group.describe(),
            "memory": {"limit_bytes": self.group.read().memory_limit_bytes},
        }

    def execute(self) -> dict[str, Any]:
        """From the first reading to the result."""
        if not set_subreaper(True):
            self._warn("no_subreaper", "orphans cannot be waited for here: context switches and max_rss lack them")
        tree = Tree(self.group)
        output, child_end = _pipe()
        env = child_environment(self.spec, self.warnings)
        command = Command(self.spec.argv, env, self.spec.cwd, child_end, tuple(self.group.joins()))
        self.group.reset_peak()
        self.started_at = _utc_now()
        own_before = _own_cpu_s()
        before = self.group.read()
        clocks = _Clocks()
        self.sampler.begin(clocks.start, before)
        try:
            main_pid = spawn(command)
        except SpawnError as error:
            self.cannot_start = str(error)
            main_pid = 0
        finally:
            os.close(child_end)
        wall_s = 0.0
        if main_pid:
            self.reaper.watch(main_pid)
            self.events.emit("started", at=self.started_at, deadline_s=self.spec.timeout_s, pid=main_pid)
            wall_s = self._follow(main_pid, output, clocks.start, tree)
        left, remaining = end_leftovers(tree, self.reaper)
        after = self.group.read()
        own_s = _own_cpu_s() - own_before
        self._drain(output)
        os.close(output)
        self.sampler.write(wall_s, after)
        cut = self.log.close()
        self.sampler.close()
        self.tests.close()
        self._warn_of(left, remaining, cut, clocks, before, after)
        return self._result(before, after, wall_s, own_s, cut)

    def _follow(self, main_pid: int, output: int, start: float, tree: Tree) -> float:
        """Until the main child has ended; returns its wall time in seconds."""
        ladder = Ladder(tree, main_pid, self.spec.grace_s, self.spec.plugin)
        poll = select.poll()
        poll.register(self.signals.fd, select.POLLIN)
        poll.register(output, select.POLLIN)
        deadline = start + self.spec.timeout_s
        follow_at = start + FOLLOW_EVERY_S
        while True:
            self.reaper.collect()
            now = time.monotonic()
            if self.reaper.status is not None:
                self.stopped_for = ladder.reason
                return now - start
            due = [at for at in (self.sampler.next_at(), ladder.next_at, follow_at) if at is not None]
            if ladder.reason is None:
                due.append(deadline)
            ready = poll.poll(max(0.0, (min(due) - now) * 1000 + 0.5))
            now = time.monotonic()
            for fd, _ in ready:
                if fd == output and not self._take_output(output):
                    poll.unregister(output)
            asked = self.signals.take()
            if asked and ladder.reason is None:
                self._stop(ladder, "interrupt", now)
                asked -= 1
            if asked:
                ladder.hurry(now)
            if ladder.reason is None and now >= deadline:
                self._stop(ladder, "timeout", now)
            ladder.step(now)
            sample_at = self.sampler.next_at()
            if sample_at is not None and now >= sample_at:
                if "allocators" not in self.facts:
                    self.facts["allocators"] = read_allocators(main_pid)
                self.sampler.sample(now)
            if now >= follow_at:
                follow_at = now + FOLLOW_EVERY_S
                self.tests.poll()
                self.events.flush(0.0)

    def _stop(self, ladder: Ladder, reason: str, now: float) -> None:
        self.events.emit("stopping", reason=reason)
        ladder.begin(reason, now)

    def _take_output(self, output: int) -> bool:
        """Take some output; false at its end. Bounded, so that a flood cannot hold up the deadline."""
        for _ in range(READS_A_TURN):
            try:
                data = os.read(output, READ_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.log.write(data)
        return True

    def _drain(self, output: int) -> None:
        while True:
            try:
                data = os.read(output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            self.log.write(data)

    def _warn(self, code: str, message: str, value: float | None = None, unit: str | None = None) -> None:
        self.warnings.append({"code": code, "message": message, "value": value, "unit": unit})

    def _warn_of(
        self,
        left: list[Process],
        remaining: list[Process],
        cut: int,
        clocks: _Clocks,
        before: Reading,
        after: Reading,
    ) -> None:
        if left:
            names = ", ".join(sorted({process.name for process in left})[:5])
            self._warn(
                "leftover_processes",
                f"{len(left)} process(es) outlived the command and were killed: {names}",
                len(left),
            )
        if remaining:
            self._warn("unkillable_processes", f"{len(remaining)} process(es) could not be killed", len(remaining))
        if cut:
            self._warn("log_cut", f"{cut} bytes of output were cut from the middle of the log", cut, "bytes")
        if self.log.error:
            self._warn("log_not_written", f"the log lacks output: {self.log.error}")
        if self.sampler.error:
            self._warn("samples_not_written", f"samples.csv lacks lines: {self.sampler.error}")
        hits = _growth(before.pids_limit_hits, after.pids_limit_hits)
        if hits:
            self._warn("pids_limit", f"{hits} new process(es) or thread(s) were refused: the limit was reached", hits)
        for code, message, value in clocks.findings():
            self._warn(code, message, value, "s")
        if self.spec.plugin and self.cannot_start is None and not self.tests.loaded:
            self._warn(
                "plugin_silent", "the pytest plugin reported nothing: tests, metrics and pytest's own time are missing"
            )
        self.warnings.extend(self.tests.warnings)

    def _result(self, before: Reading, after: Reading, wall_s: float, own_s: float, cut: int) -> dict[str, Any]:
        inside = self.group.version is not None and not self.group.joins()
        measured = measure(
            Taken(
                before,
                after,
                self.sampler.maxima,
                self.reaper.total,
                self.group.reasons,
                self.group.version,
                self.group.peak_is_fresh,
                own_s if inside else 0.0,
            )
        )
        code = None if self.reaper.status is None else os.waitstatus_to_exitcode(self.reaper.status)
        kills = measured.figures["memory"]["oom_kills"]
        end = End(
            exit_code=code if code is not None and code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            timeout_s=self.spec.timeout_s,
            stopped_for=self.stopped_for,
            cannot_start=self.cannot_start,
            oom_kills=kills,
            no_oom_counter=measured.unavailable.get("memory.oom_kills", ""),
            memory_limit_bytes=measured.figures["memory"]["limit_bytes"],
            plugin_wanted=self.spec.plugin,
            plugin_loaded=self.tests.loaded,
            session_finished=self.tests.pytest_s is not None,
            running=self.tests.running,
            failure=self.tests.first_failure,
            failures=self.tests.failures,
            test_outcomes=tuple(test["outcome"] for test in self.tests.tests),
            last_line=self.log.last_line(),
        )
        outcome, signature = decide(end)
        if kills and outcome != "oom_killed":
            self._warn("oom_kill", f"{kills} process(es) of the group were killed for memory", kills)
        unavailable = dict(measured.unavailable)
        if self.tests.pytest_s is None:
            unavailable["pytest_s"] = "pytest did not finish a session that the plugin saw"
        return {
            "state": "ended",
            "outcome": outcome,
            "exit_code": end.exit_code,
            "signal": end.signal,
            "started_at": self.started_at,
            "wall_s": wall_s if self.cannot_start is None else None,
            "effective_timeout_s": self.spec.timeout_s,
            "cgroup_version": self.group.version,
            "cgroup": self.group.describe(),
            **measured.figures,
            "tests": self.tests.tests,
            "metrics": self.tests.metrics,
            "pytest_s": self.tests.pytest_s,
            "signature": signature,
            "warnings": self.warnings + measured.warnings,
            "unavailable": unavailable,
            "sources": measured.sources,
            "rusage": self.reaper.total._asdict(),
            "supervisor": {"cpu_s": own_s, "max_rss_bytes": _own_peak_bytes(), "inside_group": inside},
            "samples": self.sampler.maxima._asdict(),
            "log_bytes": self.log.total_bytes,
            "log_cut_bytes": cut,
            "gpu": {},
        }


class _Clocks:
    """Durations are of the monotonic clock; the others tell what else happened to time."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self._wall = time.time()
        self._boot = time.clock_gettime(time.CLOCK_BOOTTIME)

    def findings(self) -> list[tuple[str, str, float]]:
        """Whether the machine slept, or somebody set the clock, by more than a second."""
        elapsed = time.monotonic() - self.start
        slept = time.clock_gettime(time.CLOCK_BOOTTIME) - self._boot - elapsed
        stepped = time.time() - self._wall - elapsed - slept
        found = []
        if slept > 1.0:
            found.append(("suspended", f"the machine was suspended for {slept:.1f} s during the run", slept))
        if abs(stepped) > 1.0:
            found.append(
                ("clock_stepped", f"the wall clock was stepped by {stepped:.1f} s; durations do not use it", stepped)
            )
        return found


def child_environment(spec: Spec, warnings: list[dict[str, Any]]) -> dict[str, str]:
    """The child's environment: as asked for, and with the pytest plugin where it is wanted."""
    env = dict(spec.env)
    if not spec.plugin:
        return env
    for word in spec.argv[1:]:
        if not word.startswith("-") or word in ("-m", "-c"):
            break
        if not word.startswith("--") and set(word[1:]) & {"I", "E"}:
            message = f"the pytest plugin is not used: the interpreter's option {word} keeps PYTHONPATH out"
            warnings.append({"code": "plugin_not_loaded", "message": message, "value": None, "unit": None})
            return env
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plugin")
    env["PYTHONPATH"] = os.pathsep.join(part for part in (env.get("PYTHONPATH"), folder) if part)
    env["PYTEST_PLUGINS"] = ",".join(part for part in (env.get("PYTEST_PLUGINS"), "bench_pytest_plugin") if part)
    env["BENCH_EVENTS"] = os.path.join(spec.out, "tests.jsonl")
    return env


def _pipe() -> tuple[int, int]:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    try:
        fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # the user's share of pipe memory is used up: the usual 64 KiB do
    return read_end, write_end


def _utc_now() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}+00:00"


def _own_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _own_peak_bytes() -> int | None:
    """Peak resident memory of this program. ``ru_maxrss`` would also count what ran here before exec."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def _growth(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before
