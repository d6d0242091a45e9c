"""The legs of a fleet over the workers of a Dask cluster: one a host at a time, pinned, and none waited for in vain.

Dask places each leg where it is told and brings back what it returns. Here it is decided which is next on which host,
and when a worker is gone: a task that is tied to the address of a lost worker would wait for ever.
"""

from __future__ import annotations

import queue
import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from bench import __version__
from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Notify
from bench.errors import BenchError, DamagedData, ExitCode
from bench.fleet.cells import Cell
from bench.fleet.cluster import Cluster
from bench.fleet.legs import UNBEGUN, LegEnd
from bench.fleet.node import RESOURCE, NodeEnd, Order, forget
from bench.fleet.taking import take
from bench.fleet.work import Host, Work

TICK_S = 1.0
"""Seconds between two looks at which workers there are."""
GRACE_S = 60.0
"""How long a host may be without a worker: whoever watches over it, as Dask's nanny, starts it again."""
OLD = "bench {} is there and {} here"


class Spread:
    """Runs every cell on every host of a cluster.

    Args:
        cluster: where.
        work: what.
        notify: takes each line, behind its host's name.
        grace_s: how long a host may be without a worker.
    """

    def __init__(self, cluster: Cluster, work: Work, notify: Notify, grace_s: float = GRACE_S) -> None:
        self._cluster, self._client, self._work, self._notify = cluster, cluster.client, work, notify
        self._grace_s = grace_s
        self._token = secrets.token_hex(6)
        self._hosts: dict[str, Host] = {}
        self._refused: set[str] = set()
        self._home: dict[str, list[str]] = {}
        self._seen: dict[str, str] = {}
        self._keys: dict[str, Host] = {}
        self._done: queue.Queue[str] = queue.Queue()
        self._ends: deque[LegEnd] = deque()
        self._passed_on = self._made = 0
        self._until = time.monotonic() + cluster.patience_s

    def run(self) -> Iterator[LegEnd]:
        """Yield each leg's end as it comes."""
        topic = f"bench-{self._token}"
        with Interrupts() as interrupts:
            self._client.subscribe_topic(topic, self._line)
            looked = -TICK_S
            while True:
                if interrupts.count > self._passed_on:
                    self._stop()
                if time.monotonic() - looked >= TICK_S:
                    self._look()
                    looked = time.monotonic()
                self._start(topic)
                while self._ends:
                    yield self._ends.popleft()
                if self._is_over():
                    self._forget()
                    break
                try:
                    self._ended(self._done.get(timeout=TICK_S / 4))
                except queue.Empty:
                    continue

    def _line(self, event: tuple[float, Any]) -> None:
        message = event[1]
        host = self._keys.get(message["key"]) if isinstance(message, dict) else None
        if host is not None:
            self._notify(f"{host.name}: {message.get('line')}")

    def _stop(self) -> None:
        """Pass Ctrl-C on to the legs that run; those that have not begun never do."""
        from distributed import Event

        self._passed_on += 1
        self._event(Event)
        self._until = 0.0
        for host in self._hosts.values():
            self._drop(host, ExitCode.INTERRUPTED, UNBEGUN)

    def _event(self, kind: Any) -> None:
        try:
            kind(f"bench-{self._token}-{self._passed_on}", client=self._client).set()
        except (OSError, RuntimeError) as error:
            self._notify(f"the scheduler cannot be reached to end the legs: {error}")

    def _look(self) -> None:
        """See which workers have come and which are gone."""
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, RuntimeError, ValueError) as error:
            self._scheduler_lost(error)
            return
        self._forget()
        for host in self._hosts.values():
            if host.address and host.address not in workers:
                self._worker_lost(host)
        self._seen = {address: name for address, name in self._seen.items() if address in workers}
        new = [address for address in workers if address not in self._seen]
        if new:
            self._meet(new, workers)
        for host in self._hosts.values():
            if not host.address:
                spare = next((address for address, name in self._seen.items() if name == host.name), None)
                if spare is not None:
                    host.address, host.worker, host.gone_at = spare, workers[spare]["name"], None
                elif host.gone_at is not None and time.monotonic() - host.gone_at > self._grace_s:
                    self._drop(
                        host, ExitCode.NOT_MEASURED, f"not begun: its host has had no worker for {self._grace_s:.0f} s"
                    )

    def _meet(self, new: Sequence[str], workers: Any) -> None:
        found = self._client.run(self._work.introduce, workers=list(new), on_error="return")
        for address in sorted(new, key=lambda one: str(workers[one]["name"])):
            told = found.get(address)
            name = told.get("host") if isinstance(told, dict) else None
            self._seen[address] = name or ""
            if name and isinstance(told, dict) and told["version"] == __version__:
                if name not in self._hosts:
                    self._add(name)
                host = self._hosts[name]
                if host.address:
                    self._notify(f"{name}: {workers[address]['name']} is a further worker there, and is not used")
                else:
                    host.address, host.worker, host.gone_at = address, workers[address]["name"], None
                continue
            self._seen[address] = ""
            why = (
                OLD.format(told["version"], __version__)
                if isinstance(told, dict)
                else f"no bench answers: {_why(told)}"
            )
            shown = name or str(workers[address]["name"])
            if shown not in self._hosts and shown not in self._refused:
                self._refused.add(shown)
                for cell, _ in self._work.cells:
                    self._ends.append(LegEnd(shown, cell, int(ExitCode.NOT_MEASURED), None, why, address))

    def _add(self, name: str) -> None:
        left = deque(pair for pair in self._work.cells if not self._work.done(name, pair[0]))
        self._hosts[name] = Host(name, left)
        if self._passed_on:
            self._drop(self._hosts[name], ExitCode.INTERRUPTED, UNBEGUN)

    def _start(self, topic: str) -> None:
        """Give each host that is free its next leg."""
        for host in self._hosts.values():
            if host.running is not None or not host.address or not host.left:
                continue
            cell, words = host.left.popleft()
            self._made += 1
            key = f"bench-{self._token}-{self._made}"
            self._keys[key] = host
            order = Order(self._work.fleet, key, words, topic, f"bench-{self._token}")
            pinned = {"workers": [host.worker], "allow_other_workers": False, "resources": RESOURCE}
            future = self._client.submit(self._work.leg, order, key=key, pure=False, retries=0, **pinned)
            host.running = cell, future
            future.add_done_callback(lambda done: self._done.put(done.key))

    def _ended(self, key: str) -> None:
        host = self._keys.pop(key, None)
        if host is None or host.running is None or host.running[1].key != key:
            return  # it was given up before
        cell, future = host.running
        host.running = None
        if future.status == "finished":
            self._ends.append(self._taken(host, cell, future.result()))
        else:
            error = future.exception() if future.status == "error" else None
            lost = type(error).__name__ == "KilledWorker" or error is None
            why = self._lost(host) if lost else f"it failed on the node: {_why(error)}"
            self._ends.append(LegEnd(host.name, cell, int(ExitCode.NOT_MEASURED), None, why, host.address))
        future.release()

    def _taken(self, host: Host, cell: Cell, end: NodeEnd) -> LegEnd:
        """Import what a leg brought, as a bundle from a stranger."""
        if end.archive is None:
            return LegEnd(host.name, cell, end.exit_code, None, end.said, host.address)
        try:
            taken = take(end.archive, end.own, self._work.results)
            if taken.own is not None and cell.named not in (None, taken.name):
                raise DamagedData(f"a result of {taken.name} came instead, {taken.own}")
        except BenchError as error:
            why = f"what the node sent was not taken: {error}"
            return LegEnd(host.name, cell, int(error.exit_code), None, why, host.address)
        for path in taken.others:
            self._notify(f"{host.name}: brought along from an earlier leg: {path}")
        self._home.setdefault(host.address, []).extend(taken.places)
        return LegEnd(host.name, cell, end.exit_code, taken.own, end.said, host.address)

    def _forget(self) -> None:
        """Have nodes remove what is here by now: now and then, since each asks for an answer."""
        home, self._home = self._home, {}
        for address, places in home.items():
            with suppress(OSError, RuntimeError):  # that worker is gone, and what is here stays there too
                self._client.run(forget, self._work.fleet, places, workers=[address], on_error="ignore")

    def _worker_lost(self, host: Host) -> None:
        future = self._lose(host, self._lost(host))
        if future is not None:
            future.cancel(reason="its worker is gone")
        host.address, host.worker, host.gone_at = "", None, time.monotonic()

    def _lose(self, host: Host, why: str) -> Any:
        """End the leg that runs on a host as not measured; return its future, ``None`` if none runs."""
        if host.running is None:
            return None
        (cell, future), host.running = host.running, None
        self._keys.pop(future.key, None)
        self._ends.append(LegEnd(host.name, cell, int(ExitCode.NOT_MEASURED), None, why, host.address))
        return future

    def _lost(self, host: Host) -> str:
        return f"its worker {host.worker} at {host.address} was lost; what it had measured is kept on that node"

    def _scheduler_lost(self, error: BaseException) -> None:
        why = f"the Dask scheduler was lost: {_why(error)}"
        self._until = 0.0
        for host in self._hosts.values():
            self._lose(host, why)
            self._drop(host, ExitCode.NOT_MEASURED, why)

    def _drop(self, host: Host, code: ExitCode, why: str) -> None:
        while host.left:
            cell, _ = host.left.popleft()
            self._ends.append(LegEnd(host.name, cell, int(code), None, why, host.address))

    def _is_over(self) -> bool:
        if any(host.running is not None or host.left for host in self._hosts.values()):
            return False
        missing = self._missing()
        if missing and time.monotonic() < self._until:
            return False
        why = f"no worker came within {self._cluster.patience_s:.0f} s"
        code = ExitCode.NOT_MEASURED
        if self._passed_on:
            why, code = UNBEGUN, ExitCode.INTERRUPTED
        for name in missing:
            for cell, _ in self._work.cells:
                self._ends.append(LegEnd(name, cell, int(code), None, why))
        self._hosts |= {name: Host(name, deque()) for name in missing}
        return not self._ends

    def _missing(self) -> list[str]:
        """Hosts that are still to come: those named, or so many more."""
        expected = self._cluster.expected
        if any(expected):
            return [name for name in expected if name not in self._hosts]
        here, wanted = len(self._hosts) + len(self._refused), max(len(expected), 1)
        return [f"node {at + 1} of {wanted}" for at in range(here, wanted)]


def _why(error: object) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
