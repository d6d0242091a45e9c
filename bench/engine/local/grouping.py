"""How a local run can be grouped on this host, and which limits then hold."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from bench.engine.local.cgroup import GroupError, make_group
from bench.engine.local.systemd_scope import scopes_work
from bench.errors import NotMeasured
from bench.record.schema import Limits


@dataclass(frozen=True, slots=True)
class Mode:
    """How a run is grouped: ``group``, ``scope`` or ``none``, and why not better."""

    name: str
    why: str | None = None


def find_mode() -> Mode:
    """The best way to group a run that this host offers this user."""
    probe = f"bench-probe-{uuid.uuid4().hex[:12]}"
    try:
        group = make_group(probe, Limits())
    except GroupError as error:
        why = str(error)
    else:
        notes = "; ".join(group.notes) or None
        group.remove()
        return Mode("group", notes)
    return Mode("scope", why) if scopes_work() else Mode("none", why)


def refuse_unheld(limits: Limits, held: frozenset[str], why: str) -> None:
    """Refuse if a limit that was asked for would not hold. The number of processes alone may go without.

    Args:
        limits: what was asked for.
        held: the names of the limits that hold.
        why: why others do not, as a clause.

    Raises:
        NotMeasured: says what to do.
    """
    wanted = {"--cpus": ("cpus", limits.cpus), "--memory": ("memory", limits.memory_bytes)}
    missing = [option for option, (name, value) in wanted.items() if value is not None and name not in held]
    if missing:
        raise NotMeasured(
            f"the local engine cannot apply {' and '.join(missing)}",
            why,
            "run as root, in a login session of systemd with delegated controllers, or with --engine docker",
        )
