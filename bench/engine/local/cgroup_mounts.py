"""Where a new control group could be made: the hierarchy whose controllers count, and our own place in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.agent.cgroup.parse import Mount, counts_in_version_1, parse_mounts
from bench.host.cgroup.below import place_group, read_own
from bench.host.cgroup.tree import V2, folder_of, path_in, paths_by_controller

WANTED = frozenset({"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio"})


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The version in use, and by controller the folder under which a group of ours belongs.

    On v2: ``root`` is where it is mounted, if a group belongs elsewhere; ``aside`` the group whose processes must step
    aside for one of ours; ``why`` there is no place for one, and then there are no ``parents``.
    """

    version: int
    parents: Mapping[str, Path]
    root: Path | None = None
    aside: Path | None = None
    why: str | None = None

    @property
    def mounted(self) -> Path:
        """Where v2 is mounted."""
        return self.root or self.parents[V2]


def choose_hierarchy(mounts: list[Mount], membership: Mapping[str, str]) -> Hierarchy | None:
    """Return the hierarchy whose controllers count on a host, which may mount both versions; ``None`` without any."""
    v1 = {name: mount for mount in mounts if mount.kind == "cgroup" for name in WANTED & set(mount.super_options)}
    v2 = next((mount for mount in mounts if mount.kind == "cgroup2"), None)
    if counts_in_version_1(v1, unified=v2 is not None):
        folders = {name: Path(folder_of(mount, membership.get(name, "/"))) for name, mount in v1.items()}
        return Hierarchy(1, folders)
    return None if v2 is None else Hierarchy(2, {V2: Path(v2.point)})


def read_hierarchy(proc: Path = Path("/proc/self")) -> Hierarchy | None:
    """Return the hierarchy of this host; ``None`` if there are no control groups."""
    try:
        mounts = parse_mounts((proc / "mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
        membership = paths_by_controller((proc / "cgroup").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None
    found = choose_hierarchy(mounts, membership)
    if found is None or found.version == 1:
        return found
    root = found.parents[V2]
    place = place_group(read_own(root, path_in(mounts, membership)))
    if isinstance(place, str):
        return replace(found, parents={}, root=root, why=place)
    return replace(found, parents={V2: place.parent}, root=root if place.parent != root else None, aside=place.aside)
