"""What all runs of a result share is written once, as ``every_run``, and is each run's own again in memory (pure).

Where a figure comes from and what kind of control group it was hardly ever change between two runs, or in one number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bench.record.schema import Run, Session

PARTS = ("sources", "cgroup", "supervisor", "host_during", "session")
"""Parts of a run that may be written once: none of the keys that a reader of the JSON may count on in each run."""
EVERY_RUN = "every_run"
"""The key of a record, as it is written, that holds them."""
SHARED = (
    "what all runs of the result share, by part of a run: each run has it as if it stood there, and only what differs "
    "stands in its own part, which is left out if nothing does; in the paths of its `cgroup` `{group}` is the name of "
    "its own group, and `{}` in a text of its `sources` what its own part has by that name"
)
_GROUP = "{group}"
_OWN = "{}"
_WORDS = re.compile(r"([ ,()]+)")
"""What is between words: a number is never cut in two."""


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
        alike = _alike(parts) if part == "sources" else {}
        if shared or alike:
            every[part] = {**shared, **{key: before + _OWN + after for key, (before, after) in alike.items()}}
            for run in runs:
                own = {
                    key: value[len(alike[key][0]) : len(value) - len(alike[key][1])] if key in alike else value
                    for key, value in run[part].items()
                    if key not in shared
                }
                if own:
                    run[part] = own
                else:
                    del run[part]
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
            changed[part] = msgspec.convert({**shared, **own}, Session)
        elif part == "sources":
            changed[part] = {**shared, **{key: _whole(shared.get(key), value) for key, value in own.items()}}
        else:
            changed[part] = {**shared, **own}
    changed["cgroup"] = _with_group(changed["cgroup"])
    return msgspec.structs.replace(run, **changed) if every or changed["cgroup"] is not run.cgroup else run


def forget(document: dict[str, Any]) -> None:
    """Take out of a record, as it was written, what says again what its runs have in memory."""
    document.pop(EVERY_RUN, None)
    for run in document.get("runs", ()):
        if isinstance(run.get("cgroup"), dict):
            run["cgroup"].pop("group", None)


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


def _shared(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that are the same in all parts, to the letter: 1, 1.0 and True are three."""
    first, *others = parts
    return {
        key: value for key, value in first.items() if all(key in other and _same(value, other[key]) for other in others)
    }


def _same(one: Any, two: Any) -> bool:
    return type(one) is type(two) and (one == two if isinstance(one, str) else _json(one) == _json(two))


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _alike(parts: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """What the texts of a name begin and end with in all parts, if they differ in one word."""
    found = {}
    for key in parts[0]:
        texts = [text for part in parts if isinstance(text := part.get(key), str) and _OWN not in text]
        if len(texts) < len(parts):
            continue
        words = [_WORDS.split(text) for text in texts]
        if len({len(one) for one in words}) > 1:
            continue
        places = [at for at, same in enumerate(zip(*words, strict=True)) if len(set(same)) > 1]
        if len(places) == 1 and len(words[0]) > 1:
            found[key] = "".join(words[0][: places[0]]), "".join(words[0][places[0] + 1 :])
    return found


def _whole(shared: Any, own: str) -> str:
    """A run's own text, with what all runs share around it."""
    return shared.replace(_OWN, own) if isinstance(shared, str) and shared.count(_OWN) == 1 else own
