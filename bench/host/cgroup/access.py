"""Whether this user can make a control group here, for measuring without a container engine.

cgroup v1: a group a controller, writable by root or by whom root gave it to (kernel: admin-guide/cgroup-v1). cgroup v2:
one tree; a user needs a delegated part of it, which systemd gives (kernel: admin-guide/cgroup-v2, "Delegation").
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.agent.cgroup.parse import counts_in_version_1, parse_mounts
from bench.host.cgroup.below import Placement, bounds_left, place_group, read_own, users_part
from bench.host.cgroup.tree import V2, folder_of, path_in, paths_by_controller
from bench.host.kernel_files import read_texts

NEEDED_V1 = ("cpu", "cpuacct", "memory", "pids")
NEEDED_V2 = ("cpu", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Groups:
    """This process's own control groups.

    Args:
        version: 1, 2, or ``None`` if nothing is mounted. Hybrid machines, whose controllers are v1's, are 1.
        folders: controller to the folder of this process's group; on v2 all name the same folder.
    """

    version: int | None
    folders: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LocalGroup:
    """Whether a group can be made: ``how`` says in which way, or what stands in the way."""

    version: int | None
    possible: bool
    how: str
    missing: tuple[str, ...] = ()


def parse_groups(own: str, mounts: str, controllers: str = "") -> Groups:
    """Return where this process's groups lie.

    Args:
        own: /proc/self/cgroup.
        mounts: /proc/self/mountinfo.
        controllers: ``cgroup.controllers`` of the v2 group, for which v1's mounts do not matter.
    """
    paths = paths_by_controller(own)
    seen = parse_mounts(mounts)
    v1 = {
        name: folder_of(mount, paths[name])
        for mount in seen
        if mount.kind == "cgroup"
        for name in mount.super_options
        if name in paths
    }
    v2 = next((folder_of(mount, paths.get(V2, "/")) for mount in seen if mount.kind == "cgroup2"), None)
    if counts_in_version_1(v1, unified=v2 is not None):
        return Groups(1, v1)
    if v2 is not None:
        return Groups(2, dict.fromkeys(controllers.split(), v2) | {V2: v2})
    return Groups(None, {})


def group_access(
    groups: Groups, writable: frozenset[str], systemd_run: bool, place: Placement | str = "", left: Sequence[str] = ()
) -> LocalGroup:
    """Return whether a measuring group can be made (pure).

    Args:
        groups: where this process's groups lie.
        writable: which of their folders this user may write to.
        systemd_run: whether this user's systemd can be asked for a delegated group.
        place: on v2 where a group belongs, or why there is no place.
        left: on v2 the limits of this command that a group of systemd's would leave.
    """
    if groups.version is None:
        return LocalGroup(None, False, "no control groups are mounted")
    needed = NEEDED_V1 if groups.version == 1 else NEEDED_V2
    missing = tuple(name for name in needed if name not in groups.folders)
    if groups.version == 1:
        closed = sorted(name for name in needed if name in groups.folders and groups.folders[name] not in writable)
        if closed:
            return LocalGroup(1, False, f"cgroup v1 lets this user make no group for {', '.join(closed)}", missing)
        return LocalGroup(1, True, "cgroup v1, groups beside this process's own", missing)
    if isinstance(place, Placement):
        return LocalGroup(2, True, place.how, missing)
    if left:
        return LocalGroup(2, False, f"{place}, and one of systemd's would leave {', '.join(left)}", missing)
    if systemd_run:
        return LocalGroup(2, True, "cgroup v2, by delegation: systemd-run --user --scope", missing)
    return LocalGroup(2, False, place, missing)


def read_groups(root: str = "/") -> Groups:
    """This process's own groups; of v2 with the controllers that it may use."""
    texts = read_texts(("/proc/self/cgroup", "/proc/self/mountinfo"), root)
    own, mounts = texts.get("/proc/self/cgroup", ""), texts.get("/proc/self/mountinfo", "")
    groups = parse_groups(own, mounts)
    if groups.version == 2:
        file = f"{groups.folders[V2]}/cgroup.controllers"
        groups = parse_groups(own, mounts, read_texts((file,), root).get(file, ""))
    return groups


def read_local_group(root: str = "/") -> LocalGroup:
    """Whether this user can make a measuring group on this machine; makes none."""
    groups = read_groups(root)
    base = root.rstrip("/")
    writable = frozenset(folder for folder in groups.folders.values() if os.access(base + folder, os.W_OK | os.X_OK))
    # A user's manager is there if systemd-run is and the session has its runtime folder.
    by_user = shutil.which("systemd-run") is not None and "XDG_RUNTIME_DIR" in os.environ
    if groups.version != 2:
        return group_access(groups, writable, by_user)
    texts = read_texts(("/proc/self/cgroup", "/proc/self/mountinfo"), root)
    mounts = parse_mounts(texts["/proc/self/mountinfo"])
    point = next(Path(base + mount.point) for mount in mounts if mount.kind == "cgroup2")
    own = path_in(mounts, paths_by_controller(texts["/proc/self/cgroup"]))
    left = bounds_left(point, own, users_part())
    return group_access(groups, writable, by_user, place_group(read_own(point, own)), left)
