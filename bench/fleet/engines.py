"""Legs on Docker engines: hosts at the same time, the legs of a host one after the other, each ended in order.

Ctrl-C goes to each leg that runs, so that it keeps its evidence, and those that have not begun never do.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Notify
from bench.errors import ExitCode
from bench.fleet.child import LEASHED, Child
from bench.fleet.legs import UNBEGUN, Leg, LegEnd
from bench.record.storage.temporary import temporary_folder

POLL_S = 0.1


def run_on_engines(hosts: Sequence[Sequence[Leg]], notify: Notify, runner: Sequence[str] = LEASHED) -> Iterator[LegEnd]:
    """Yield each leg's end as it comes; lines of each are passed on behind its host's address.

    Args:
        hosts: for each host its legs.
        notify: takes each line for the person who waits.
        runner: what runs the words of ``bench``.
    """
    ends: queue.Queue[LegEnd] = queue.Queue()
    with temporary_folder("fleet") as folder, Interrupts() as interrupts:
        lanes = [
            _Lane(legs, folder / str(at), notify, lambda: interrupts.count, runner) for at, legs in enumerate(hosts)
        ]
        for lane in lanes:
            threading.Thread(target=lane, args=(ends,), daemon=True).start()
        for _ in range(sum(map(len, hosts))):
            yield ends.get()


class _Lane:
    """The legs of one host."""

    def __init__(
        self, legs: Sequence[Leg], out: Path, notify: Notify, interrupts: Callable[[], int], runner: Sequence[str]
    ) -> None:
        self._legs, self._out, self._notify, self._interrupts, self._runner = legs, out, notify, interrupts, runner

    def __call__(self, ends: queue.Queue[LegEnd]) -> None:
        """Run them one after the other."""
        for leg in self._legs:
            try:
                ends.put(self._run(leg))
            except OSError as error:  # no memory for a process, no descriptor
                why = f"it could not be started: {error.strerror or error}"
                ends.put(LegEnd(leg.host, leg.cell, int(ExitCode.NOT_MEASURED), None, why, leg.host))

    def _run(self, leg: Leg) -> LegEnd:
        if self._interrupts():
            return LegEnd(leg.host, leg.cell, int(ExitCode.INTERRUPTED), None, UNBEGUN, leg.host)
        with Child((*self._runner, *leg.words), self._out, lambda line: self._notify(f"{leg.host}: {line}")) as child:
            passed_on = 0
            while not child.wait(POLL_S):
                if self._interrupts() > passed_on:
                    passed_on += 1
                    child.interrupt()
            end = child.end()
        return LegEnd(leg.host, leg.cell, end.exit_code, end.bundle, end.said, leg.host)
