"""How a local run can be grouped on this host, and which limits then hold."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from bench.engine.local.cgroup import GroupError, make_group
from bench.engine.local.cgroup_mounts import Hierarchy
from bench.engine.local.systemd_scope import scopes_work
from bench.errors import NotMeasured
from bench.host.cgroup_tree import V2, paths_by_controller
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


def above(hierarchy: Hierarchy | None, mode: str) -> dict[str, str]:
    """Return the groups above a run's own, the lowest by controller: where the run's group is made, or is."""
    if hierarchy is None:
        return {}
    if hierarchy.version == 1 or mode == "group":
        return {name: str(folder) for name, folder in hierarchy.parents.items()}
    if mode == "scope":  # systemd makes it in the user's own part, beside this command's session
        user = os.getuid()
        return {V2: str(hierarchy.parents[V2] / f"user.slice/user-{user}.slice/user@{user}.service")}
    own = paths_by_controller(Path("/proc/self/cgroup").read_text(encoding="utf-8")).get(V2, "/")
    return {V2: str(hierarchy.parents[V2] / own.lstrip("/"))}


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
