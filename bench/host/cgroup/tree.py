"""Which group a process is in and at which folder that group shows, by controller: pure.

The kernel's lines are parsed by :mod:`bench.agent.cgroup.parse`, which must do without anything of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bench.agent.cgroup.parse import Mount, parse_memberships

V2 = ""
"""The name of the one hierarchy of version 2, among names of controllers."""


def paths_by_controller(text: str) -> dict[str, str]:
    """Return the path of a process's group by controller, from its /proc/PID/cgroup; version 2's under :data:`V2`."""
    return {name: line.path for line in parse_memberships(text) for name in line.controllers or (V2,)}


def folder_of(mount: Mount, group: str) -> str:
    """Return the folder of ``group`` in a mount; the mount's own if the group lies outside of what the mount shows."""
    path = PurePosixPath(group)
    below = path.relative_to(mount.root) if path.is_relative_to(mount.root) else PurePosixPath()
    return str(PurePosixPath(mount.point, *(part for part in below.parts if part not in {"/", ".."})))


def path_in(mounts: Iterable[Mount], membership: Mapping[str, str]) -> str:
    """Return the path of a process's own group of v2 below where it is mounted: a mount may show a part only."""
    mount = next(mount for mount in mounts if mount.kind == "cgroup2")
    below = PurePosixPath(folder_of(mount, membership.get(V2, "/"))).relative_to(mount.point)
    return str(PurePosixPath("/") / below)
