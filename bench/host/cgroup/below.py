"""Where on cgroup v2 a group can be made that stays inside of what bounds this command.

A group that has processes cannot hand controllers down to groups below it (kernel: admin-guide/cgroup-v2, "No Internal
Process Constraint"), so that a group below our own needs its processes to step aside into one beside it. Whoever owns a
group by delegation may do that (systemd: docs/CGROUP_DELEGATION); elsewhere a group beside our own serves if ours has
no limits of its own that it would leave.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ASIDE = "bench-aside-"
"""How a group is called that a command's own processes stepped into."""
BOUNDS = ("cpu.max", "cpuset.cpus", "memory.max", "memory.high", "memory.swap.max")
"""The files of limits that a group beside its own would leave. pids.max is none: systemd gives every unit one."""
_DELEGATED = ("trusted.delegate", "user.delegate")


@dataclass(frozen=True, slots=True)
class OwnGroup:
    """A process's own group on v2.

    Args:
        folder: where it lies.
        top: whether it is the kernel's root group, which may have processes and groups.
        bounds: the files of limits of its own.
        delegated: whether systemd left it to whoever runs in it.
        writable: whether this user may make groups in it.
        beside: the folder above, if this user may make groups there and the kernel lets them have controllers.
    """

    folder: Path
    top: bool = False
    bounds: tuple[str, ...] = ()
    delegated: bool = False
    writable: bool = False
    beside: Path | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a new group belongs, and the group whose processes must step aside for it, if one must."""

    parent: Path
    how: str
    aside: Path | None = None


def place_group(own: OwnGroup) -> Placement | str:
    """Return where a group belongs that stays inside of what bounds ours; or why there is no such place (pure)."""
    if own.folder.name.startswith(ASIDE):  # an earlier command stepped aside, or this one did
        return Placement(own.folder.parent, "cgroup v2, a group below this command's own")
    if own.top and own.writable:
        return Placement(own.folder, "cgroup v2, a group below the root")
    if own.writable and own.delegated:
        return Placement(own.folder, "cgroup v2, a group below this command's own, which is delegated", own.folder)
    if own.beside is not None and not own.bounds:
        return Placement(own.beside, "cgroup v2, a group beside this command's own")
    if own.writable and own.bounds:
        said = ", ".join(own.bounds)
        return Placement(own.folder, f"cgroup v2, a group below this command's own, which has {said}", own.folder)
    return "cgroup v2 has no part delegated to this user"


def read_own(root: Path, own: str, uid: int | None = None) -> OwnGroup:
    """Return what there is to know of a process's own group.

    Args:
        root: where the hierarchy of v2 is mounted.
        own: the group's path in it.
        uid: who asks; this user if not given.
    """
    folder = root / own.lstrip("/")
    above = folder.parent if folder != root else None
    # Root may make groups anywhere; others in what is theirs, which systemd asks them to keep to by its scopes.
    may_beside = above is not None and (os.getuid() if uid is None else uid) == 0 and os.access(above, os.W_OK)
    return OwnGroup(
        folder,
        top=_is_top(folder, root),
        bounds=tuple(read_bounds(folder)),
        delegated=any(_attribute(folder, name) == b"1" for name in _DELEGATED),
        writable=os.access(folder, os.W_OK | os.X_OK),
        beside=above if above is not None and may_beside and _may_hand_down(above, root) else None,
    )


def read_bounds(folder: Path) -> Iterator[str]:
    """Yield the files of limits that a group has of its own, as far as they bound something."""
    for name in BOUNDS:
        text = _text(folder / name)
        if text and text.split()[0] != "max":
            yield name


def bounds_left(root: Path, own: str, other: str) -> list[str]:
    """Return the limits above or on a group that do not hold another one: files, relative to the root.

    Args:
        root: where the hierarchy of v2 is mounted.
        own: the group's path.
        other: the other one's.
    """
    shared = {PurePosixPath(other), *PurePosixPath(other).parents}
    path = PurePosixPath(own)
    left = [one for one in (path, *path.parents) if one not in shared]
    return [f"{str(one).lstrip('/')}/{name}" for one in left for name in read_bounds(root / str(one).lstrip("/"))]


def users_part(user: int | None = None) -> str:
    """Return where systemd makes a user's scopes: in the user's own part, beside the sessions."""
    user = os.getuid() if user is None else user
    return f"/user.slice/user-{user}.slice/user@{user}.service"


def _is_top(folder: Path, root: Path) -> bool:
    """Whether a group is the kernel's root: it alone has no type, also if a namespace shows another as the root."""
    return folder == root and not (folder / "cgroup.type").exists()


def _may_hand_down(folder: Path, root: Path) -> bool:
    return _is_top(folder, root) or not _text(folder / "cgroup.procs")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _attribute(folder: Path, name: str) -> bytes | None:
    with suppress(OSError):
        return os.getxattr(folder, name)
    return None
