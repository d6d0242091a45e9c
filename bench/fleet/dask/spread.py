"""The legs of a fleet over the workers of a Dask cluster: one a host at a time, pinned, and none waited for in vain.

Dask places each leg where it is told and brings back what it returns. Here it is decided which is next on which host,
and when a worker is gone: a task that is tied to the address of a lost worker would wait for ever.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Notify
from bench.errors import ExitCode
from bench.fleet.cluster import Cluster
from bench.fleet.dask.roster import Roster
from bench.fleet.dask.running import Running
from bench.fleet.legs import UNBEGUN, LegEnd
from bench.fleet.work import Host, Work, why

TICK_S = 1.0
"""Seconds between two looks at which workers there are."""
GRACE_S = 60.0
"""How long a host may be without a worker: whoever watches over it, as Dask's nanny, starts it again."""


class Spread:
    """Runs every cell on every host of a cluster.

    Args:
        cluster: where.
        work: what.
        notify: takes each line, behind its host's name.
        grace_s: how long a host may be without a worker.
    """

    def __init__(self, cluster: Cluster, work: Work, notify: Notify, grace_s: float = GRACE_S) -> None:
        self._cluster, self._client, self._notify = cluster, cluster.client, notify
        self._token = f"bench-{secrets.token_hex(6)}"
        self._roster = Roster(cluster, work, notify, self._worker_lost, grace_s)
        self._running = Running(cluster.client, work, notify, self._token)
        self._ends: deque[LegEnd] = self._roster.ends
        self._passed_on = 0
        self._until = time.monotonic() + cluster.patience_s

    def run(self) -> Iterator[LegEnd]:
        """Yield each leg's end as it comes."""
        with Interrupts() as interrupts, self._running:
            self._client.subscribe_topic(self._token, self._line)
            looked = -TICK_S
            while True:
                if interrupts.count > self._passed_on:
                    self._stop()
                if time.monotonic() - looked >= TICK_S:
                    self._look()
                    looked = time.monotonic()
                self._start()
                while self._ends:
                    yield self._ends.popleft()
                if self._is_over():
                    self._running.forget()
                    break
                for end in self._running.ended(TICK_S / 4):
                    self._start()  # a host that is free has its next leg before anything is taken in
                    yield end

    def _line(self, event: tuple[float, Any]) -> None:
        message = event[1]
        host = self._running.name_of(message["key"]) if isinstance(message, dict) else None
        if host is not None:
            self._notify(f"{host}: {message.get('line')}")

    def _start(self) -> None:
        """Give each host that is free its next leg."""
        for host in self._roster.hosts.values():
            if host.running is None and host.address and host.left:
                self._running.start(host)

    def _stop(self) -> None:
        """Pass Ctrl-C on to the legs that run; those that have not begun never do."""
        from distributed import Event

        self._passed_on += 1
        self._until = 0.0
        try:
            Event(f"{self._token}-{self._passed_on}", client=self._client).set()
        except (OSError, RuntimeError) as error:
            self._notify(f"the scheduler cannot be reached to end the legs: {error}")
        self._roster.drop_all(ExitCode.INTERRUPTED, UNBEGUN)

    def _look(self) -> None:
        try:
            self._roster.look()
        except (OSError, RuntimeError, ValueError) as error:
            self._scheduler_lost(error)
            return
        self._running.forget()
        if self._passed_on:  # also what only came meanwhile
            self._roster.drop_all(ExitCode.INTERRUPTED, UNBEGUN)

    def _worker_lost(self, host: Host) -> None:
        self._ends.extend(self._running.lose(host))

    def _scheduler_lost(self, error: BaseException) -> None:
        said = f"the Dask scheduler was lost: {why(error)}"
        self._until = 0.0
        for host in self._roster.hosts.values():
            self._ends.extend(self._running.lose(host, said))
        self._roster.drop_all(ExitCode.NOT_MEASURED, said)

    def _is_over(self) -> bool:
        if self._running or any(host.left for host in self._roster.hosts.values()):
            return False
        missing = self._roster.missing()
        if missing and time.monotonic() < self._until:
            return False
        if self._passed_on:
            self._roster.give_up(missing, ExitCode.INTERRUPTED, UNBEGUN)
        else:
            said = f"no worker came within {self._cluster.patience_s:.0f} s"
            self._roster.give_up(missing, ExitCode.NOT_MEASURED, said)
        return not self._ends
