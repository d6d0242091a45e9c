"""What ``--nodes``, ``--sbatch`` and ``--start-timeout`` ask of Slurm (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import UsageError

_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_NODES = 1000


@dataclass(frozen=True, slots=True)
class Nodes:
    """What is asked of Slurm: so many nodes or those of these names, options of ``sbatch``, and how long to wait."""

    count: int = 1
    names: tuple[str, ...] = ()
    sbatch: tuple[str, ...] = ()
    patience_s: float = 600.0


def nodes_of(on: str | None, asked: str | None, sbatch: Sequence[str], patience_s: float | None) -> Nodes:
    """Return what is asked of Slurm.

    Args:
        on: ``--on``.
        asked: ``--nodes``: a number, or names with commas.
        sbatch: options of sbatch.
        patience_s: how long Slurm may take.

    Raises:
        UsageError: nodes or options are asked for where there is no Slurm, or nodes that there cannot be.
    """
    if on != "slurm":
        if asked is not None or sbatch:
            raise UsageError(f"{'--sbatch' if asked is None else '--nodes'} goes with --on slurm")
        return Nodes()
    patience_s = Nodes().patience_s if patience_s is None else patience_s
    if not 0 < patience_s < float("inf"):
        raise UsageError(f"--start-timeout {patience_s:g} is no time to wait", fix="give seconds above 0")
    bad = next((word for word in sbatch if not word.startswith("-") or not word.isprintable()), None)
    if bad is not None:
        raise UsageError(f"--sbatch {bad!r:.80} is no option of sbatch", fix="write it as in --sbatch=--partition=cpu")
    if asked is None or asked.isdecimal():
        if asked is not None and not 1 <= int(asked) <= MAX_NODES:
            raise UsageError(f"--nodes {asked} is no number of nodes", fix=f"give 1 to {MAX_NODES}")
        return Nodes(int(asked or 1), (), tuple(sbatch), patience_s)
    names = tuple(asked.split(","))
    if len(set(names)) < len(names) or not all(_NODE.fullmatch(name) for name in names):
        raise UsageError(f"--nodes {asked!r:.80} names no nodes", fix="give a number, or names as in node1,node2")
    return Nodes(len(names), names, tuple(sbatch), patience_s)
