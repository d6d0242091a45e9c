"""A control group of our own on this host, on cgroup v1 and v2: made, limited, emptied and removed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.engine.local.cgroup_mounts import Hierarchy, read_hierarchy
from bench.host.cgroup.below import ASIDE
from bench.host.cgroup.tree import V2
from bench.record.schema import Limits

PERIOD_US = 100_000
EMPTY_PATIENCE_S = 10.0
CONTROLLERS = ("cpu", "cpuset", "memory", "pids", "io")
_ROUNDS = 20


class GroupError(Exception):
    """Why this user cannot have a group, or a limit cannot be set: one clause."""


@dataclass(frozen=True, slots=True)
class StepAside:
    """The processes of a group, moved into one below it, so that it can hand controllers to groups beside that."""

    own: Path
    leaf: Path

    @classmethod
    def of(cls, own: Path) -> StepAside:
        """Move the processes of a group aside; those that are started meanwhile, too.

        Raises:
            OSError: the kernel refused.
            GroupError: there was no end of new ones.
        """
        aside = cls(own, own / f"{ASIDE}{os.getpid()}")
        aside.leaf.mkdir(exist_ok=True)
        for _ in range(_ROUNDS):
            if not _move_all(own, aside.leaf):
                return aside
        aside.back()
        raise GroupError(f"the processes of {own} do not step aside")

    def back(self) -> None:
        """Move them back, as far as the kernel lets us; another group in there keeps them where they are."""
        with contextlib.suppress(OSError):
            if any(path != self.leaf for path in self.own.iterdir() if path.is_dir()):
                return
            for controller in _words(self.own / "cgroup.subtree_control"):
                (self.own / "cgroup.subtree_control").write_text(f"-{controller}", encoding="ascii")
            for _ in range(_ROUNDS):
                if not _move_all(self.leaf, self.own):
                    break
            self.leaf.rmdir()


def _move_all(source: Path, target: Path) -> bool:
    """Move a group's processes; whether there were any."""
    found = _words(source / "cgroup.procs")
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            (target / "cgroup.procs").write_text(pid, encoding="ascii")
    return bool(found)


@dataclass(slots=True)
class Group:
    """A group's folders: by controller on v1, one on v2. ``held`` names the limits that were set."""

    version: int
    folders: dict[str, Path]
    held: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    aside: StepAside | None = None

    def spec(self) -> dict[str, object]:
        """The group as the supervisor's specification takes it."""
        if self.version == 2:
            return {"version": 2, "path": str(self.folders[V2])}
        return {"version": 1, "paths": {name: str(folder) for name, folder in self.folders.items()}}

    def processes(self) -> list[int]:
        """The processes that are in the group now."""
        found: set[int] = set()
        for folder in set(self.folders.values()):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in (folder / "cgroup.procs").read_text(encoding="ascii").split())
        return sorted(found)

    def kill(self) -> bool:
        """KILL everything in it until it is empty; whether that came to pass."""
        self._forbid_forks()
        until = time.monotonic() + EMPTY_PATIENCE_S
        while processes := self.processes():
            with contextlib.suppress(OSError):
                (self.folders.get(V2, Path("/nowhere")) / "cgroup.kill").write_text("1", encoding="ascii")
            for pid in processes:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def remove(self) -> bool:
        """Empty and remove it; whether it is gone."""
        self.kill()
        gone = all([_remove(folder) for folder in set(self.folders.values())])  # noqa: C419 - all of them
        if self.aside is not None:
            self.aside.back()
        return gone

    def _forbid_forks(self) -> None:
        folder = self.folders.get("pids") or self.folders.get(V2)
        if folder is not None:
            with contextlib.suppress(OSError):
                (folder / "pids.max").write_text("0", encoding="ascii")


def make_group(name: str, limits: Limits, hierarchy: Hierarchy | None = None) -> Group:
    """Return a new group with the limits that this host lets us set.

    On v1 it lies below our own group in each hierarchy, so that limits above us keep holding; on v2 it lies where it
    stays inside of them (:mod:`bench.host.cgroup.below`).

    Args:
        name: the group's name.
        limits: what it may use.
        hierarchy: where it belongs; this host's if not given.

    Raises:
        GroupError: this user may not make one, or the kernel refused a limit.
    """
    hierarchy = hierarchy or read_hierarchy()
    if hierarchy is None:
        raise GroupError("this system has no control groups")
    if hierarchy.why is not None:
        raise GroupError(hierarchy.why)
    group = Group(hierarchy.version, {})
    try:
        if hierarchy.aside is not None:
            group.aside = StepAside.of(hierarchy.aside)
        if hierarchy.version == 2:
            _hand_down(hierarchy, group)
        for controller, folder in planned_folders(hierarchy, name).items():
            folder.mkdir(exist_ok=True)  # co-mounted controllers share one
            group.folders[controller] = folder
        group.held = _set_limits(group, limits)
    except OSError as error:
        group.remove()
        raise GroupError(f"{error.filename or 'the kernel'}: {(error.strerror or str(error)).lower()}") from error
    except GroupError:
        group.remove()
        raise
    return group


def planned_folders(hierarchy: Hierarchy, name: str) -> dict[str, Path]:
    """Where the group of that name lies or will lie."""
    return {controller: parent / name for controller, parent in hierarchy.parents.items()}


def _hand_down(hierarchy: Hierarchy, group: Group) -> None:
    """Let groups in the place of ours use its controllers (v2), and those on the way to it, as far as they let us.

    What the last one does not let us is noted, not fatal.
    """
    parent = hierarchy.parents[V2]
    above = [one for one in reversed(parent.parents) if one.is_relative_to(hierarchy.mounted)]
    for folder in (*above, parent):
        offered, enabled = _words(folder / "cgroup.controllers"), _words(folder / "cgroup.subtree_control")
        for controller in CONTROLLERS:
            if controller in offered and controller not in enabled:
                try:
                    (folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
                except OSError as error:
                    if folder == parent:
                        why = (error.strerror or str(error)).lower()
                        group.notes.append(f"{controller} cannot be handed down: {why}")


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()


def settings(version: int, limits: Limits) -> dict[str, list[tuple[str, str, str]]]:
    """The files to write for each limit, in order, as (controller, file, text) (pure).

    v1: Documentation/admin-guide/cgroup-v1/{cpusets,memory,pids}.rst and scheduler/sched-bwc.rst of the kernel;
    v2: admin-guide/cgroup-v2.rst.
    """
    wanted: dict[str, list[tuple[str, str, str]]] = {}
    if limits.cpus is not None:
        quota = max(1000, round(limits.cpus * PERIOD_US))
        wanted["cpus"] = (
            [(V2, "cpu.max", f"{quota} {PERIOD_US}")]
            if version == 2
            else [("cpu", "cpu.cfs_period_us", str(PERIOD_US)), ("cpu", "cpu.cfs_quota_us", str(quota))]
        )
    if limits.cpuset is not None:
        wanted["cpuset"] = [(V2 if version == 2 else "cpuset", "cpuset.cpus", limits.cpuset)]
    if limits.memory_bytes is not None:
        bound = str(limits.memory_bytes)
        wanted["memory"] = (
            [(V2, "memory.max", bound), (V2, "memory.swap.max", "0")]
            if version == 2
            else [("memory", "memory.limit_in_bytes", bound), ("memory", "memory.memsw.limit_in_bytes", bound)]
        )
    if limits.pids is not None:
        wanted["pids"] = [(V2 if version == 2 else "pids", "pids.max", str(limits.pids))]
    return wanted


_SWAP_FILES = frozenset({"memory.swap.max", "memory.memsw.limit_in_bytes"})


def _set_limits(group: Group, limits: Limits) -> frozenset[str]:
    _inherit_cpuset(group.folders)
    held = set()
    for name, writes in settings(group.version, limits).items():
        for controller, file, text in writes:
            folder = group.folders.get(controller)
            path = folder / file if folder else None
            if path is None or not path.exists():
                if file in _SWAP_FILES:
                    group.notes.append("this kernel cannot limit swap: beyond the memory limit a run may swap")
                    continue
                break
            try:
                path.write_text(text, encoding="ascii")
            except OSError as error:
                raise GroupError(f"the kernel refused {file} = {text}: {(error.strerror or '').lower()}") from error
        else:
            held.add(name)
    return frozenset(held)


def _inherit_cpuset(folders: Mapping[str, Path]) -> None:
    """A new cpuset of v1 has no CPUs and no memory nodes, and takes no process before it has."""
    folder = folders.get("cpuset")
    if folder is None:
        return
    for file in ("cpuset.cpus", "cpuset.mems"):
        (folder / file).write_text((folder.parent / file).read_text(encoding="ascii").strip(), encoding="ascii")


def _groups_below(folder: Path) -> list[Path]:
    """The groups below one, each after the one that it is in; a run may have made a chain of any depth."""
    found: list[Path] = []
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            inner = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
            found += inner
            waiting += inner
    return found


def _remove(folder: Path) -> bool:
    """Remove a group's folder and those below it; the kernel needs a moment after the last process."""
    until = time.monotonic() + EMPTY_PATIENCE_S
    while folder.exists():
        for below in reversed(_groups_below(folder)):
            with contextlib.suppress(OSError):
                below.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
