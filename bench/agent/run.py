"""One run: start the child, follow it until it has ended, end what is left, measure.

One thread and one poll: no process or thread is made after the child's start, so a fork bomb that has used up every
process number cannot keep the result from being written.
"""

from __future__ import annotations

import fcntl
import os
import select
import time
from typing import Any

from .cgroup.reading import Group
from .child_env import child_environment
from .choose import choose_group
from .clocks import FROZEN_S, Clocks, Gaps, read_own, read_utc
from .compose import Ended, Warnings, compose, warning
from .ending import Ladder, Tree, end_leftovers
from .events import Events
from .facts import read_allocators, read_quick_facts
from .follow import TestLog
from .gpu import open_gpus
from .log import BoundedLog
from .out import OutFolder
from .own_limits import OwnLimits
from .reap import Reaper, grown
from .run_delay import RunDelay
from .sampler import Sampler
from .side import STOPPED, run_aside
from .signals import Signals
from .spawn import Command, SpawnError, set_subreaper, spawn
from .spec import Spec

PIPE_BYTES = 1024 * 1024
READ_BYTES = 128 * 1024
READS_A_TURN = 16
FOLLOW_EVERY_S = 1.0
REFUSED_S = 0.02
REFUSALS = 50
WRITTEN_LAST = ("facts.json", ".facts.tmp", "torch_env.txt")
"""What is written after the run, by names that the tests can know."""


class Run:
    """One run. :meth:`execute` returns the result as a JSON object."""

    def __init__(self, spec: Spec, events: Events, signals: Signals, out: OutFolder) -> None:
        self.spec = spec
        self.out = out
        self.events = events
        self.signals = signals
        self.started_at = read_utc()
        self.reaper = Reaper()
        self.group: Group = choose_group(spec.group, self.reaper)
        self.log = BoundedLog(out.file("pytest.log"), spec.log_limit_bytes)
        self.tests = TestLog(out.file("tests.jsonl"), events)
        self.sampler = Sampler(out.file("samples.csv"), self.group, events, spec.sample_hz)
        self.gpus, no_gpu = open_gpus(spec.env, out.file("gpu.csv"))
        self.gaps = Gaps()
        self.limits = OwnLimits()
        self.run_delay: RunDelay | None = None
        self.facts: dict[str, Any] = read_quick_facts()
        self.warnings: Warnings = [] if no_gpu is None else [warning("gpu_not_sampled", no_gpu)]
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
            message = "orphans cannot be waited for here: context switches and max_rss lack them"
            self.warnings.append(warning("no_subreaper", message))
        tree = Tree(self.group)
        self.signals.inside = tree.holds
        self.run_delay = RunDelay(tree.pids)
        self.reaper.before = self.run_delay.end
        output, child_end = _pipe()
        env, no_plugin = child_environment(self.spec)
        if no_plugin is not None:
            self.warnings.append(warning("plugin_not_loaded", no_plugin))
        joins = tuple(self.group.joins())
        command = Command(self.spec.argv, env, self.spec.cwd, child_end, joins, self.spec.stdin or os.devnull)
        self._prepare(command)
        self.group.reset_peak()
        self.started_at = read_utc()
        own_before = read_own()
        before = self.group.read()
        clocks = Clocks()
        self.sampler.begin(clocks.start, before)
        self.tests.begin(clocks.start)
        wall_s = self._start_and_follow(command, output, clocks.start, tree)
        self.limits.restore()
        left, remaining = end_leftovers(tree, self.reaper)
        self.limits.restore()  # what was left may have set them again
        own_after = read_own()
        after = self.group.read()
        while self._take_output(output):
            if not select.select([output], [], [], 0)[0]:
                break  # held open by a process that could not be killed
        os.close(output)
        self._put_back(self.out.restore())
        self.sampler.write(wall_s, after)
        cut = self.log.close()
        self.sampler.close()
        self.tests.close()
        self.gaps.close()
        ended = Ended(
            self.spec,
            self.group,
            self.reaper,
            self.log,
            self.tests,
            self.sampler,
            before,
            after,
            self.started_at,
            wall_s,
            grown(own_before, own_after),
            cut,
            self.stopped_for,
            self.cannot_start,
            left,
            remaining,
            clocks.findings(),
            {} if self.gpus is None else self.gpus.close(),
            self.gaps.frozen_s,
            self.signals.sent_inside,
            self.run_delay,
        )
        return compose(ended, self.warnings)

    def _put_back(self, found: str | None) -> None:
        """The tests are over: make way for what is written now, and tell what they did to the folder."""
        if found is not None:
            self.warnings.append(warning("evidence_changed", f"the folder of the results {found}"))
        if self.limits.changed:
            message = f"a process of the run set limits of the supervisor: {', '.join(self.limits.changed)}"
            self.warnings.append(warning("evidence_changed", message))
        for name in WRITTEN_LAST:
            self.out.make_way(name)

    def _prepare(self, command: Command) -> None:
        """Run what prepares the child: in its group and its place, before anything is read."""
        if not self.spec.prepare:
            return
        first = command._replace(argv=self.spec.prepare, stdin=os.devnull)
        problem = run_aside(first, self.out.file("prepare.log"), self.spec.timeout_s, self.signals)
        if problem is not None:
            self.stopped_for = "interrupt" if problem == STOPPED else None
            self.cannot_start = f"its preparation failed: {problem}"

    def _start_and_follow(self, command: Command, output: int, start: float, tree: Tree) -> float:
        if self.cannot_start is not None:
            os.close(command.output)
            return 0.0
        try:
            pid = spawn(command)
        except SpawnError as error:
            self.cannot_start = str(error)
            return 0.0
        finally:
            os.close(command.output)
        self.reaper.watch(pid)
        self.events.emit("started", at=self.started_at, deadline_s=self.spec.timeout_s, pid=pid)
        return self._follow(pid, output, start, tree)

    def _follow(self, main_pid: int, output: int, start: float, tree: Tree) -> float:
        """Until the main child has ended; returns its wall time in seconds."""
        ladder = Ladder(tree, main_pid, self.spec.grace_s, self.spec.plugin)
        expected = start
        for _ in range(REFUSALS):
            try:
                return self._turns(main_pid, ladder, output, start, expected)
            except MemoryError:  # a limit has less than we need: put back, the run goes on
                self.limits.restore()
                if not self.limits.changed:
                    raise
                time.sleep(REFUSED_S)
                expected = time.monotonic()
        return self._turns(main_pid, ladder, output, start, expected)

    def _turns(self, main_pid: int, ladder: Ladder, output: int, start: float, expected: float) -> float:
        """Until the main child has ended, from any moment on; the first turn was due at ``expected``."""
        poll = select.poll()
        for descriptor in self.signals.fds:
            poll.register(descriptor, select.POLLIN)
        poll.register(output, select.POLLIN)
        deadline = start + self.spec.timeout_s
        follow_at = expected + FOLLOW_EVERY_S
        open_ = True
        while True:
            self.reaper.collect()
            now = time.monotonic()
            if now - expected >= FROZEN_S:
                self.gaps.take(now - expected, self.sampler.latest, self.group.read())
            if self.reaper.status is not None:
                self.stopped_for = ladder.reason
                return now - start
            due = [at for at in (self.sampler.next_at(), ladder.next_at, follow_at) if at is not None]
            if ladder.reason is None:
                due.append(deadline)
            expected = max(now, min(due))
            ready = self._wait(poll, max(0.0, min(due) - now))
            now = time.monotonic()
            if open_ and (ready is None or output in ready) and not self._take_output(output):
                poll.unregister(output)
                open_ = False
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
                if self.run_delay is not None:
                    self.run_delay.sample()
                self.gaps.steady()
                if self.gpus is not None:
                    self.gpus.sample(now - start)
            if now >= follow_at:
                follow_at = now + FOLLOW_EVERY_S
                self.tests.poll()
                self.events.flush(0.0)

    def _wait(self, poll: select.poll, seconds: float) -> list[int] | None:
        """Wait for something to read; ``None`` if the kernel refuses: a limit has less than our descriptors."""
        try:
            return [fd for fd, _ in poll.poll(seconds * 1000 + 0.5)]
        except OSError:
            self.limits.restore()
            time.sleep(min(seconds, REFUSED_S))
            return None

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


def _pipe() -> tuple[int, int]:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    try:
        fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # the user's share of pipe memory is used up: the usual 64 KiB do
    return read_end, write_end
