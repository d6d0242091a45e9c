"""Where our own control group is: /proc/self/cgroup says its path, /proc/self/mountinfo where that path can be seen.

The two are put together as cgroup_namespaces(7) describes. Four places look different: a private group namespace (path
``/``, mount root ``/``), the host's namespace with the whole tree mounted (v2 ``--cgroupns=host``), the host's
namespace with only the own group bind-mounted (Docker on v1), and a nested container, which is any of these one level
down.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from .files import read_members
from .limits import read_ulimits
from .parse import Membership, Mount, counts_in_version_1, parse_memberships, parse_mounts
from .v1 import SOURCES as V1_SOURCES

INITIAL_NAMESPACE = "cgroup:[4026531835]"
"""The number that the kernel gives to the first cgroup namespace (PROC_CGROUP_INIT_INO)."""

WHOLE_ID_MAP = "0 0 4294967295"
HIDDEN_TRIES = 3
"""A task that has just ended is counted for a moment longer than it is listed."""
V1_CONTROLLERS = tuple(dict.fromkeys(controller for controller, _ in V1_SOURCES.values()))


class Location(NamedTuple):
    """Folders by controller (v2: under the empty name), as far as visible; ``hidden`` says what is not and why.

    ``roots`` are the controllers whose group is the root of its hierarchy, as far as this process can see.
    """

    version: int | None
    folders: dict[str, str]
    hidden: dict[str, str]
    roots: frozenset[str] = frozenset()


def parse_location(memberships: list[Membership], mounts: list[Mount]) -> Location:
    """Folders of the groups that these lines speak of (pure: nothing is looked at).

    Which version a machine with both (hybrid) is, :func:`counts_in_version_1` says.
    """
    folders: dict[str, str] = {}
    hidden: dict[str, str] = {}
    unified: Membership | None = None
    for membership in memberships:
        if membership.hierarchy == 0 and not membership.controllers:
            unified = membership
            continue
        for controller in membership.controllers:
            if controller not in V1_CONTROLLERS:
                continue
            candidates = [m for m in mounts if m.kind == "cgroup" and controller in m.super_options]
            _place(controller, membership.path, candidates, folders, hidden)
    if counts_in_version_1({*folders, *hidden}, unified is not None):
        roots = {name for one in memberships if one.path == "/" for name in one.controllers if name in folders}
        return Location(1, folders, hidden, frozenset(roots))
    if unified is not None:
        folders, hidden = {}, {}
        _place("", unified.path, [m for m in mounts if m.kind == "cgroup2"], folders, hidden)
        return Location(2, folders, hidden)
    return Location(None, {}, {"": "this process is in no control group: none are mounted, or /proc hides them"})


def read_location() -> Location:
    """The groups of this very process."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            memberships = parse_memberships(file.read())
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            mounts = parse_mounts(file.read())
    except OSError as error:
        return Location(None, {}, {"": f"the control group cannot be looked up: {error}"})
    return parse_location(memberships, mounts)


def read_strangers(folder: str, ours: frozenset[int]) -> int:
    """How many processes other than ours live in the group and below; an absent group counts as full of them."""
    try:
        with open(os.path.join(folder, "cgroup.procs"), "rb") as file:
            here = [int(word) for word in file.read().split()]
    except OSError:
        return 1
    strangers = sum(pid not in ours for pid in here)
    if strangers or not any(pid in ours for pid in here):
        return max(strangers, 1)  # not walked further: the root of a machine has thousands of groups below
    return sum(pid not in ours for pid in read_members(folder))


def read_unseen(location: Location) -> dict[str, int]:
    """How many others live in groups of version 1, by controller, where our process namespace hides them.

    There ``cgroup.procs`` leaves out processes of namespaces above. So an engine that makes no groups (rootless on
    version 1, or told so) looks like one whose group is the run's own, and counts the whole machine. Two things tell: a
    group that is the machine's root, and tasks that the pids controller counts and does not list; then the other groups
    are not the run's own either.
    """
    pids = location.folders.get("pids")
    if pids is not None:
        hidden = min(read_hidden_tasks(pids) for _ in range(HIDDEN_TRIES))
        if hidden > 0:
            return dict.fromkeys(location.folders, hidden)
    return dict.fromkeys(location.roots, 1) if read_namespace() == "host" else {}


def read_hidden_tasks(folder: str) -> int:
    """How many tasks the pids controller counts in a group of version 1 and below that are not listed there.

    The machine's root group alone has no count; it holds everybody.
    """
    try:
        with open(os.path.join(folder, "pids.current"), "rb") as file:
            counted = int(file.read())
    except FileNotFoundError:
        return int(os.path.isdir(folder))
    except (OSError, ValueError):
        return 0
    return max(0, counted - len(read_members(folder, "tasks")))


def read_namespace() -> str | None:
    """``host`` in the machine's first group namespace, else ``private``; ``None`` on a kernel without them."""
    try:
        namespace = os.readlink("/proc/self/ns/cgroup")
    except OSError:
        return None
    return "host" if namespace == INITIAL_NAMESPACE else "private"


def read_place(location: Location) -> dict[str, object]:
    """The kind of place: group namespace, cgroup driver, nesting, user namespace, rootless.

    ``None``: not to be told from inside.
    """
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as file:
            path = max(
                (line.partition(":")[2].partition(":")[2] for line in file.read().splitlines()), key=len, default=""
            )
    except OSError:
        path = ""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            id_map = file.read()
    except OSError:
        id_map = WHOLE_ID_MAP
    kind = read_namespace()
    return {
        "namespace": kind,
        "driver": parse_driver(path),
        "nested": parse_nested(path) if kind == "host" else None,
        "user_namespace": id_map.split() != WHOLE_ID_MAP.split(),
        "rootless": parse_rootless(id_map),
        "ulimits": read_ulimits(),
        "hidden": dict(location.hidden),
    }


def parse_driver(path: str) -> str | None:
    """``systemd`` or ``cgroupfs`` by the form of a group's path; ``None`` where the path is hidden or is nobody's."""
    if re.search(r"\.(slice|scope|service)(/|$)", path):
        return "systemd"
    if re.search(r"/(docker|kubepods|libpod\S*|containerd|garden)/|/[0-9a-f]{64}(/|$)", path):
        return "cgroupfs"
    return None


def parse_nested(path: str) -> bool:
    """Whether a group's path goes through more than one container."""
    return len(re.findall(r"[0-9a-f]{64}", path)) > 1


def parse_rootless(id_map: str) -> bool | None:
    """Whether whoever runs the engine is not root, from a user namespace's /proc/PID/uid_map (user_namespaces(7)).

    A user's own engine maps that one user by itself, and the rest to the subordinate range. One that root runs with
    remapped users (``userns-remap``) maps a range alone, as a user's engine may where it gives each container its own.
    """
    rows = [line.split() for line in id_map.splitlines()]
    if [word for row in rows for word in row] == WHOLE_ID_MAP.split():
        return False
    return True if any(row[1:] and row[1] != "0" and row[2:] == ["1"] for row in rows) else None


def _place(controller: str, path: str, mounts: list[Mount], folders: dict[str, str], hidden: dict[str, str]) -> None:
    name = controller or "cgroup2"
    if not mounts:
        hidden[controller] = f"{name}: its hierarchy is not mounted here"
        return
    for mount in mounts:
        if mount.root == "/":
            below = path
        elif path == mount.root or path.startswith(mount.root + "/"):
            below = path[len(mount.root) :]
        else:
            continue
        if below.startswith("/.."):  # a process that was moved out of its own namespace's tree
            continue
        folders[controller] = os.path.normpath(mount.point + below)
        return
    hidden[controller] = (
        f"{name}: the group {path} is not below what is mounted ({mounts[0].root} at {mounts[0].point})"
    )
