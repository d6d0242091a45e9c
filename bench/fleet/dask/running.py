"""The legs that run on a cluster: handed to Dask, and what each sends back, fetched while others go on.

A host has its next leg as soon as one has ended, before its result is here: a fetch is a round trip or two, and waiting
for each in turn would be most of what a leg costs.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from bench.engine.protocol import Notify
from bench.errors import BenchError, DamagedData, ExitCode
from bench.fleet.cells import Cell
from bench.fleet.legs import LegEnd
from bench.fleet.node import RESOURCE, NodeEnd, Order, forget_there
from bench.fleet.taking import take
from bench.fleet.work import Host, Work, why

FETCHES = 4
"""At the same time."""
FETCH_S = 120.0
"""How long a result may take that is as large as one may be."""


@dataclass(frozen=True, slots=True)
class _Out:
    """A leg that is on its way: it runs, or its result is fetched. ``address`` is the worker that has it."""

    host: Host
    cell: Cell
    future: Any
    address: str
    lost: str

    def end(self, code: int, said: str) -> LegEnd:
        return LegEnd(self.host.name, self.cell, code, None, said, self.address)


class Running:
    """The legs of a fleet that are on their way; use as a context manager.

    Args:
        client: a client of the cluster.
        work: what the fleet does.
        notify: takes a line for the person who waits.
        token: what this fleet's tasks are named after.
    """

    def __init__(self, client: Any, work: Work, notify: Notify, token: str) -> None:
        self._client, self._work, self._notify, self._token = client, work, notify, token
        self._out: dict[str, _Out] = {}
        self._came: queue.Queue[tuple[str, NodeEnd | BaseException | None]] = queue.Queue()
        self._home: dict[str, list[str]] = {}
        self._made = 0
        self._fetches = ThreadPoolExecutor(FETCHES, "bench-fetch")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._fetches.shutdown(wait=False, cancel_futures=True)

    def __bool__(self) -> bool:
        """Whether any is on its way."""
        return bool(self._out)

    def start(self, host: Host) -> None:
        """Give a host its next leg."""
        cell, words = host.left.popleft()
        self._made += 1
        key = f"{self._token}-{self._made}"
        order = Order(self._work.fleet, key, words, self._token, self._token)
        pinned = {"workers": [host.worker], "allow_other_workers": False, "resources": RESOURCE}
        future = self._client.submit(self._work.leg, order, key=key, pure=False, retries=0, **pinned)
        lost = f"its worker {host.worker} at {host.address} was lost; what it had measured is kept on that node"
        host.running = key
        self._out[key] = _Out(host, cell, future, host.address, lost)
        future.add_done_callback(lambda done: self._came.put((done.key, None)))

    def ended(self, timeout_s: float) -> Iterator[LegEnd]:
        """Yield the legs that have ended, after waiting so long for something to come.

        Args:
            timeout_s: how long.
        """
        with suppress(queue.Empty):
            came = deque([self._came.get(timeout=timeout_s)])
            while not self._came.empty():
                came.append(self._came.get())
            for key, fetched in came:
                out = self._out.get(key)
                if out is None:
                    continue  # it was given up before
                if fetched is None and out.future.status == "finished":
                    out.host.running = None
                    self._fetches.submit(self._fetch, key, out.future)
                    continue
                yield self._end(out, fetched)

    def name_of(self, key: str) -> str | None:
        """Return the host of a leg that is on its way."""
        out = self._out.get(key)
        return out.host.name if out is not None else None

    def lose(self, host: Host, said: str = "") -> list[LegEnd]:
        """End the legs that a host has not delivered as not measured.

        Args:
            host: the host.
            said: why; that its worker was lost, if nothing else.
        """
        gone = [out for out in self._out.values() if out.host is host]
        for out in gone:
            del self._out[out.future.key]
            with suppress(OSError, RuntimeError):  # there may be nobody who could cancel it
                out.future.cancel(reason="its worker is gone")
        host.running = None
        return [out.end(int(ExitCode.NOT_MEASURED), said or out.lost) for out in gone]

    def forget(self) -> None:
        """Have nodes remove what is here by now: now and then and all at once, since it asks for an answer."""
        home, self._home = self._home, {}
        if home:
            with suppress(OSError, RuntimeError):  # that worker is gone, and what is here stays there too
                self._client.run(forget_there, self._work.fleet, home, workers=[*home], on_error="ignore")

    def _fetch(self, key: str, future: Any) -> None:
        try:
            self._came.put((key, future.result(timeout=FETCH_S)))
        except BaseException as error:  # told of where the leg is ended
            self._came.put((key, error))

    def _end(self, out: _Out, fetched: NodeEnd | BaseException | None) -> LegEnd:
        del self._out[out.future.key]
        if out.host.running == out.future.key:
            out.host.running = None
        error = out.future.exception() if out.future.status == "error" else None
        out.future.release()
        if isinstance(fetched, NodeEnd):
            return self._taken(out, fetched)
        said = f"it failed on the node: {why(error)}"
        if error is None or type(error).__name__ == "KilledWorker":
            said = out.lost if fetched is None else f"its result did not come: {why(fetched)}"
        return out.end(int(ExitCode.NOT_MEASURED), said)

    def _taken(self, out: _Out, end: NodeEnd) -> LegEnd:
        """Import what a leg brought, as a bundle from a stranger."""
        if end.archive is None:
            return out.end(end.exit_code, end.said)
        try:
            taken = take(end.archive, end.own, self._work.results)
            if taken.own is not None and out.cell.named not in (None, taken.name):
                raise DamagedData(f"a result of {taken.name} came instead, {taken.own}")
        except BenchError as error:
            return out.end(int(error.exit_code), f"what the node sent was not taken: {error}")
        for path in taken.others:
            self._notify(f"{out.host.name}: brought along from an earlier leg: {path}")
        self._home.setdefault(out.address, []).extend(taken.places)
        return LegEnd(out.host.name, out.cell, end.exit_code, taken.own, end.said, out.address)
