"""How a local run can be grouped on this host, and which limits then hold."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from bench.engine.local.cgroup import GroupError, make_group
from bench.engine.local.cgroup_mounts import Hierarchy, read_hierarchy
from bench.engine.local.systemd_scope import scopes_work
from bench.errors import NotMeasured
from bench.host.cgroup.below import bounds_left, users_part
from bench.host.cgroup.tree import V2, paths_by_controller
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
    left = left_by_scope(read_hierarchy())
    if left:
        return Mode("none", f"{why}; a scope of systemd's would leave what bounds this command: {', '.join(left)}")
    return Mode("scope", why) if scopes_work() else Mode("none", why)


def left_by_scope(hierarchy: Hierarchy | None) -> list[str]:
    """Return the limits that hold this command and would not hold a run in a scope of the user's systemd."""
    if hierarchy is None or hierarchy.version == 1:
        return []
    return bounds_left(hierarchy.mounted, own_path(), users_part())


def above(hierarchy: Hierarchy | None, mode: str) -> dict[str, str]:
    """Return the groups above a run's own, the lowest by controller: where the run's group is made, or is."""
    if hierarchy is None:
        return {}
    if hierarchy.version == 1 or mode == "group":
        return {name: str(folder) for name, folder in hierarchy.parents.items()}
    path = users_part() if mode == "scope" else own_path()
    return {V2: str(hierarchy.mounted / path.lstrip("/"))}


def own_path() -> str:
    """Return the path of this command's own group of v2."""
    return paths_by_controller(Path("/proc/self/cgroup").read_text(encoding="utf-8")).get(V2, "/")


def refuse_unheld(limits: Limits, held: frozenset[str], why: str) -> None:
    """Refuse if a limit that was asked for would not hold. The number of processes alone may go without.

    Args:
        limits: what was asked for.
        held: the names of the limits that hold.
        why: why others do not, as a clause.

    Raises:
        NotMeasured: says what to do.
    """
    wanted = {
        "--cpus": ("cpus", limits.cpus),
        "--cpuset": ("cpuset", limits.cpuset),
        "--memory": ("memory", limits.memory_bytes),
    }
    missing = [option for option, (name, value) in wanted.items() if value is not None and name not in held]
    if missing:
        raise NotMeasured(
            f"the local engine cannot apply {' and '.join(missing)}",
            why,
            "run as root, in a login session of systemd with delegated controllers, or with --engine docker",
        )
