"""One host's part of a fleet, and how it ended (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.engine.docker.address import checked, shown
from bench.errors import ExitCode, UsageError
from bench.fleet.cells import Cell


@dataclass(frozen=True, slots=True)
class Leg:
    """One cell on one host: the host's name for people, and the words of ``bench`` that measure there."""

    host: str
    cell: Cell
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LegEnd:
    """How a leg ended: its exit code, its bundle if it left one, and the last line that it printed.

    ``host`` is the engine's address or the node's name, ``address`` what it was reached at.
    """

    host: str
    cell: Cell
    exit_code: int
    bundle: Path | None
    said: str
    address: str = ""

    @property
    def measured(self) -> bool:
        """Whether it came to an end that a repetition would not change: a failed test is one, no engine is none."""
        return self.bundle is not None and self.exit_code not in _UNMEASURED


UNBEGUN = "interrupted before it began"
_UNMEASURED = {ExitCode.NOT_MEASURED, ExitCode.INTERRUPTED, ExitCode.USAGE}


def hosts_of(urls: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of Docker engines (``ssh://…``, ``tcp://…``, ``unix://…``) that a fleet runs on.

    Raises:
        UsageError: none, one that is no address, or one named twice.
    """
    if not urls:
        raise UsageError(
            "no host was named", fix="give --host URL once for each machine, or --on dask://HOST:PORT, slurm or local"
        )
    hosts = [checked(url) for url in urls]
    twice = sorted({shown(host) for host in hosts if hosts.count(host) > 1})
    if twice:
        raise UsageError(f"{twice[0]} is named twice", fix="name each host once")
    return tuple(hosts)


def plan_legs(
    cells: Sequence[Cell], hosts: Sequence[str], options: Sequence[str], results: Path
) -> tuple[tuple[Leg, ...], ...]:
    """Return for each host its legs, in the order in which they run.

    Args:
        cells: what each host measures.
        hosts: addresses of Docker engines, each checked.
        options: further options of ``bench run``, the same for all.
        results: where all bundles go.
    """
    common = ("--engine", "docker", "--results", str(results), *options, "--host")
    return tuple(tuple(Leg(shown(host), cell, cell.words((*common, host))) for cell in cells) for host in hosts)
