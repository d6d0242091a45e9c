"""Chooses what to measure by: the group that the engine made, our own where nobody else lives in it, or none."""

from __future__ import annotations

import os

from .cgroup.find import Location, read_location, read_place, read_strangers, read_unseen
from .cgroup.reading import Group
from .cgroup.v1 import V1Group
from .cgroup.v2 import V2Group
from .process_tree import Account
from .reap import Reaper
from .spec import GroupSpec


def choose_group(asked: GroupSpec | None, reaper: Reaper) -> Group:
    """The group to read.

    A group that is shared (a login session, a build job with other steps) would charge the run with others' work, so
    such a group is not used: what then cannot be had is ``None`` with that as the reason.
    """
    location = read_location()
    place = read_place(location)
    if asked is not None:
        if asked.version == 2:
            return V2Group(asked.paths[""], inside=False, facts=place)
        return V1Group(asked.paths, inside=False, facts=place)
    # Process 1 of a container may be a small init above us; it does nothing and belongs to nobody else.
    ours = frozenset({os.getpid(), 1} if os.getppid() == 1 else {os.getpid()})
    strangers = {name: read_strangers(folder, ours) for name, folder in location.folders.items()}
    if location.version == 1:
        strangers |= read_unseen(location)
    own = {name: folder for name, folder in location.folders.items() if strangers[name] == 0}
    if not own:
        return Account(_why(location, strangers), reaper, place)
    if location.version == 2:
        return V2Group(own[""], inside=True, facts=place)
    return V1Group(own, inside=True, facts=place)


def _why(location: Location, strangers: dict[str, int]) -> str:
    if not location.folders:
        return "; ".join(location.hidden.values()) or "no control group was found"
    folder = location.folders.get("memory") or next(iter(location.folders.values()))
    count = max(strangers.values())
    return f"no control group of the run's own: {folder} is shared with other processes ({count} or more)"
