"""What all runs of a result share is written once, as ``every_run``, and is each run's own again in memory (pure).

Where a figure comes from and what kind of control group it was hardly ever change between two runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bench.record.schema import Run, Session

PARTS = ("sources", "cgroup", "supervisor", "host_during", "session")
"""Parts of a run that may be written once: none of the keys that every record of major version 1 has."""
EVERY_RUN = "every_run"
"""The key of a record, as it is written, that holds them."""
SHARED = (
    "what all runs of the result share, by part of a run: each run has it as if it stood there, and only what differs "
    "stands in its own part; in the paths of its `cgroup` `{group}` is the name of its own group"
)
_GROUP = "{group}"


def taken_out(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Take from runs, as builtins, what all of them share, and return it; nothing from fewer than two."""
    if len(runs) < 2:
        return {}
    _name_groups(runs)
    every: dict[str, dict[str, Any]] = {}
    for part in PARTS:
        parts = [run[part] for run in runs]
        if not all(isinstance(one, dict) for one in parts):
            continue
        shared = _shared(parts)
        if shared:
            every[part] = shared
            for run in runs:
                run[part] = _without(run[part], shared)
    return every


def put_back(run: Run, every: Mapping[str, Mapping[str, Any]]) -> Run:
    """Return a run with what all of them share.

    Raises:
        msgspec.ValidationError: it does not fit a run.
    """
    changed: dict[str, Any] = {"cgroup": run.cgroup}
    for part in PARTS:
        shared = every.get(part)
        if shared is None:
            continue
        own = getattr(run, part)
        if part == "session":
            own = msgspec.to_builtins(own) if own is not None else {}
            own = {name: value for name, value in own.items() if value not in (None, ())}
            changed[part] = msgspec.convert(_merged(shared, own), Session)
        else:
            changed[part] = _merged(shared, own)
    changed["cgroup"] = _with_group(changed["cgroup"])
    return msgspec.structs.replace(run, **changed) if every or changed["cgroup"] is not run.cgroup else run


def _with_group(cgroup: dict[str, Any]) -> dict[str, Any]:
    """The control group with its name in each of its paths."""
    name, paths = cgroup.get("group"), cgroup.get("paths")
    if not isinstance(name, str) or not isinstance(paths, dict):
        return cgroup
    full = {
        key: path.replace(_GROUP, name) if isinstance(path, str) and path.count(_GROUP) == 1 else path
        for key, path in paths.items()
    }
    return {key: full if key == "paths" else value for key, value in cgroup.items() if key != "group"}


def _name_groups(runs: list[dict[str, Any]]) -> None:
    """Write the name of a run's own group once, where its paths all end in it."""
    named = []
    for run in runs:
        paths = run["cgroup"].get("paths") if isinstance(run["cgroup"], dict) else None
        if not isinstance(paths, dict) or not paths or "group" in run["cgroup"]:
            return
        if not all(isinstance(path, str) and _GROUP not in path for path in paths.values()):
            return
        names = {path.rpartition("/")[2] for path in paths.values()}
        name = names.pop()
        if names or not name:
            return
        named.append((run, {key: path[: -len(name)] + _GROUP for key, path in paths.items()}, name))
    for run, paths, name in named:
        run["cgroup"] = {**run["cgroup"], "paths": paths, "group": name}


def _shared(parts: list[dict[str, Any]]) -> dict[str, Any]:
    first, *others = parts
    found: dict[str, Any] = {}
    for key, value in first.items():
        values = [other.get(key, _shared) for other in others]
        if all(one == value and type(one) is type(value) for one in values):
            found[key] = value
    return found


def _without(own: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in own.items() if key not in shared}


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {**shared, **own}
