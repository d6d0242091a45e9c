"""Which hosts a cluster has, the one worker that each is reached by, and which are still to come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from bench import __version__
from bench.engine.protocol import Notify
from bench.errors import ExitCode
from bench.fleet.cluster import Cluster
from bench.fleet.legs import LegEnd
from bench.fleet.work import Host, Work, why

OLD = "bench {} is there and {} here"


class Roster:
    """The hosts of a fleet.

    Args:
        cluster: where they are.
        work: what they do.
        notify: takes a line for the person who waits.
        left: is given a host that left with its worker.
        grace_s: how long a host may be without a worker.
    """

    def __init__(
        self, cluster: Cluster, work: Work, notify: Notify, left: Callable[[Host], None], grace_s: float
    ) -> None:
        self._cluster, self._work, self._notify, self._left, self._grace_s = cluster, work, notify, left, grace_s
        self.hosts: dict[str, Host] = {}
        self.ends: deque[LegEnd] = deque()
        """Legs that no host will run."""
        self._refused: set[str] = set()
        self._seen: dict[str, str] = {}

    def look(self) -> None:
        """See which workers have come and which are gone.

        Raises:
            OSError, RuntimeError, ValueError: the scheduler does not tell.
        """
        workers = self._cluster.client.scheduler_info(n_workers=-1)["workers"]
        for host in self.hosts.values():
            if host.address and host.address not in workers:
                self._left(host)
                host.address, host.worker, host.gone_at = "", None, time.monotonic()
        self._seen = {address: name for address, name in self._seen.items() if address in workers}
        new = [address for address in workers if address not in self._seen]
        if new:
            self._meet(new, workers)
        for host in self.hosts.values():
            if host.address:
                continue
            spare = next((address for address, name in self._seen.items() if name == host.name), None)
            if spare is not None:
                host.reached_by(spare, workers[spare]["name"])
            elif host.gone_at is not None and time.monotonic() - host.gone_at > self._grace_s:
                self.drop(
                    host, ExitCode.NOT_MEASURED, f"not begun: its host has had no worker for {self._grace_s:.0f} s"
                )

    def drop(self, host: Host, code: ExitCode, said: str) -> None:
        """End all that a host has not begun.

        Args:
            host: the host.
            code: what each of its legs ends with.
            said: why.
        """
        while host.left:
            cell, _ = host.left.popleft()
            self.ends.append(LegEnd(host.name, cell, int(code), None, said, host.address))

    def drop_all(self, code: ExitCode, said: str) -> None:
        """End all that no host has begun; what ``drop`` is for one."""
        for host in self.hosts.values():
            self.drop(host, code, said)

    def missing(self) -> list[str]:
        """Return the hosts that are still to come: those named, or so many more."""
        expected = self._cluster.expected
        if any(expected):
            return [name for name in expected if name not in self.hosts]
        here, wanted = len(self.hosts) + len(self._refused), max(len(expected), 1)
        return [f"node {at + 1} of {wanted}" for at in range(here, wanted)]

    def give_up(self, missing: Sequence[str], code: ExitCode, said: str) -> None:
        """End what hosts that did not come would have run.

        Args:
            missing: their names.
            code: what each of their legs ends with.
            said: why.
        """
        for name in missing:
            self.hosts[name] = Host(name, deque(self._work.cells))
            self.drop(self.hosts[name], code, said)

    def _meet(self, new: Sequence[str], workers: Any) -> None:
        found = self._cluster.client.run(self._work.introduce, workers=list(new), on_error="return")
        for address in sorted(new, key=lambda one: str(workers[one]["name"])):
            told, worker = found.get(address), workers[address]["name"]
            told = told if isinstance(told, dict) else {"why": f"no bench answers: {why(told)}"}
            name = told.get("host") or ""
            self._seen[address] = ""
            if not name or told["version"] != __version__:
                said = told.get("why") or OLD.format(told["version"], __version__)
                self._refuse(name or str(worker), address, said)
                continue
            self._seen[address] = name
            if name not in self.hosts:
                cells = deque(pair for pair in self._work.cells if not self._work.done(name, pair[0]))
                self.hosts[name] = Host(name, cells)
            if self.hosts[name].address:
                self._notify(f"{name}: {worker} is a further worker there, and is not used")
            else:
                self.hosts[name].reached_by(address, worker)

    def _refuse(self, name: str, address: str, said: str) -> None:
        if name in self.hosts or name in self._refused:
            return
        self._refused.add(name)
        for cell, _ in self._work.cells:
            self.ends.append(LegEnd(name, cell, int(ExitCode.NOT_MEASURED), None, said, address))
