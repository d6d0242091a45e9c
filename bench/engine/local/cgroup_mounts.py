"""Where a new control group could be made: the kernel's mounts and our own membership, parsed (pure) and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.agent.cgroup.parse import counts_in_version_1

V2 = ""
"""The name of the one hierarchy of version 2, among names of controllers."""

WANTED = ("cpu", "cpuacct", "cpuset", "memory", "pids", "blkio")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted hierarchy. ``root`` is the group that shows at ``point``."""

    point: str
    root: str
    controllers: frozenset[str]
    version: int


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The version in use, and by controller the folder under which a group of ours belongs."""

    version: int
    parents: Mapping[str, Path]


def parse_mounts(mountinfo: str) -> list[Mount]:
    """The control-group mounts in ``/proc/self/mountinfo`` (proc_pid_mountinfo(5))."""
    mounts = []
    for line in mountinfo.splitlines():
        left, separator, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if not separator or len(fields) < 5 or len(kind) < 3 or kind[0] not in {"cgroup", "cgroup2"}:
            continue
        point, root = (field.encode().decode("unicode_escape") for field in (fields[4], fields[3]))
        controllers = frozenset() if kind[0] == "cgroup2" else frozenset(kind[2].split(",")) & frozenset(WANTED)
        mounts.append(Mount(point, root, controllers, 2 if kind[0] == "cgroup2" else 1))
    return mounts


def parse_membership(text: str) -> dict[str, str]:
    """Controller to group, from ``/proc/self/cgroup``; version 2 under the empty name."""
    found = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, colon, path = rest.partition(":")
        if colon:
            found.update(dict.fromkeys(names.split(","), path))
    return found


def choose_hierarchy(mounts: list[Mount], membership: Mapping[str, str]) -> Hierarchy | None:
    """The hierarchy whose controllers count on a host, which may mount both versions (pure)."""
    v1 = {name: mount for mount in mounts if mount.version == 1 for name in mount.controllers}
    v2 = next((mount for mount in mounts if mount.version == 2), None)
    if counts_in_version_1(v1, unified=v2 is not None):
        return Hierarchy(1, {name: folder_of(mount, membership.get(name, "/")) for name, mount in v1.items()})
    return None if v2 is None else Hierarchy(2, {V2: Path(v2.point)})


def folder_of(mount: Mount, group: str) -> Path:
    """The folder of ``group`` in a mount; the mount's own where the group lies outside of what it shows."""
    path = PurePosixPath(group)
    below = path.relative_to(mount.root) if path.is_relative_to(mount.root) else PurePosixPath()
    return Path(mount.point, *(part for part in below.parts if part not in {"/", ".."}))


def read_hierarchy(proc: Path = Path("/proc/self")) -> Hierarchy | None:
    """The hierarchy of this host; ``None`` where there are no control groups."""
    try:
        mounts = parse_mounts((proc / "mountinfo").read_text(encoding="utf-8"))
        membership = parse_membership((proc / "cgroup").read_text(encoding="utf-8"))
    except OSError:
        return None
    return choose_hierarchy(mounts, membership)
