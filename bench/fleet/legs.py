"""Which commands a fleet runs: one for each host, its own words and its own lock (pure)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.engine.docker.address import checked, shown
from bench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Leg:
    """One host's part: its engine's address without a password, and the command that measures there."""

    host: str
    argv: tuple[str, ...]


def plan_legs(
    name: str | Sequence[str], hosts: Sequence[str], options: Sequence[str], results: Path
) -> tuple[Leg, ...]:
    """Return the command of each host.

    Args:
        name: the diagnostic, or the words of a command.
        hosts: addresses of Docker engines (``ssh://…``, ``tcp://…``, ``unix://…``), each named once.
        options: further options of ``bench run``, the same for all.
        results: where all bundles go.

    Raises:
        UsageError: no host, one that is none, one named twice, or an option that a fleet sets itself.
    """
    if not hosts:
        raise UsageError("no host was named", fix="give --host URL once for each machine")
    hosts = [checked(host) for host in hosts]
    twice = sorted({shown(host) for host in hosts if list(hosts).count(host) > 1})
    if twice:
        raise UsageError(f"{twice[0]} is named twice", fix="name each host once")
    taken = [word for word in options if word.split("=")[0] in {"--host", "--engine", "--results", "--json"}]
    if taken:
        raise UsageError(f"{taken[0]} is set by the fleet itself", fix="leave it away after --")
    named = (name,) if isinstance(name, str) else ()
    command = () if isinstance(name, str) else ("--", *name)
    words = ("run", *named, "--engine", "docker", "--json", "--results", str(results), *options)
    argv = (sys.executable, "-m", "bench", *words, "--host")
    return tuple(Leg(shown(host), (*argv, host, *command)) for host in hosts)
