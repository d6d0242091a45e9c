"""An engine that cannot be used, with the reason: so that a result can say what it would have been measured in."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bench.engine.docker.address import DEFAULT_SOCKET, shown
from bench.engine.docker.machine import machine_of, may_be_remote
from bench.engine.docker.sdk import load_client
from bench.engine.protocol import Capacity, Ending, Engine, Need, Notify, OnEvent, Orphan, Place, Task
from bench.errors import NotMeasured
from bench.record.schema import Engine as EngineRecord
from bench.record.schema import Limits


@dataclass(frozen=True, slots=True)
class AbsentEngine:
    """Stands in for an engine: every attempt to measure raises ``why``, and nothing of the engine's is touched.

    Args:
        why: what kept it from being used; a KeyboardInterrupt if somebody did not wait for it.
        engine: the engine that answered and cannot be used; ``None`` if none answered.
        host: the address that was asked for.
    """

    why: NotMeasured | KeyboardInterrupt
    engine: Engine | None = None
    host: str | None = None

    @property
    def name(self) -> str:
        """The engine's; ``docker`` if none answered, since this host itself always does."""
        return self.engine.name if self.engine is not None else "docker"

    @property
    def address(self) -> str:
        """Its URL."""
        return self.engine.address if self.engine is not None else shown(self._url)

    @property
    def remote(self) -> bool:
        """Whether it may be on another machine."""
        if self.engine is not None:
            return self.engine.remote
        return may_be_remote(self._url)

    @property
    def machine(self) -> str:
        """Its host's, as far as it is known."""
        return self.engine.machine if self.engine is not None else machine_of(self._url, {})

    @property
    def _url(self) -> str:
        """The address that was asked for; without Docker's SDK nobody can read the current Docker context."""
        try:
            client = load_client()
        except NotMeasured:
            return self.host or os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET
        return str(client.find_endpoint(self.host, os.environ).url)

    def describe(self, limits: Limits, security: str = "default") -> EngineRecord:
        """What is known of it: its name and what was asked for, if none answered."""
        if self.engine is not None:
            return self.engine.describe(limits, security)
        return EngineRecord(self.name, None, None, limits=limits)

    def capacity(self) -> Capacity:
        """What its host offers, if it answered."""
        return self.engine.capacity() if self.engine is not None else Capacity(None, None)

    def neighbour(self) -> str | None:
        """Nobody that could be seen."""
        return None

    def prepare(self, need: Need, notify: Notify) -> Place:  # noqa: ARG002 - there is nothing to prepare in
        """Raises ``why``."""
        self._refuse()

    def execute(self, place: Place, task: Task, out: Path, on_event: OnEvent) -> Ending:  # noqa: ARG002 - as above
        """Raises ``why``."""
        self._refuse()

    def sweep(self, notify: Notify, keep: Collection[str] = ()) -> None:
        """Remove nothing."""

    def orphans(self) -> list[Orphan]:
        """None that could be seen."""
        return []

    def recover(self, orphan: Orphan, out: Path) -> Ending:  # noqa: ARG002 - as above
        """Raises ``why``."""
        self._refuse()

    def discard(self, orphan: Orphan) -> bool:  # noqa: ARG002 - as above
        """Remove nothing."""
        return False

    def _refuse(self) -> NoReturn:
        raise self.why
