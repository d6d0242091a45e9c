"""Whose code runs: an environment that exists may have the project installed, and then its tests would import that.

The folders in which the run's copy has those modules are put on its path, before the environment's own. What all the
same comes from elsewhere (a loader that an editable install puts first) is told by the plugin, by the same names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bench.engine.protocol import Place, Task
from bench.files import read_plain

NAMES, ROOTS = "BENCH_OWN_MODULES", "BENCH_OWN_ROOTS"
"""What the plugin looks for, and where it may lie, as lists with colons."""
_MAX_BYTES = 4 * 1024**2
_NO_CODE = frozenset({"build", "dist", "node_modules"})


def with_own_modules(place: Place, task: Task) -> Task:
    """Return the task that imports a project's modules from the project's copy, if the place has them installed too.

    Args:
        place: an environment that exists; any other has none.
        task: what runs there.
    """
    tree = task.tree
    if tree is None or not place.has_own or task.command is not None:
        return task
    homes = homes_of({*place.own, *named_by(tree.source)}, tree.files)
    if not homes:
        return task
    folders = [str(PurePosixPath("{src}", home)) for home in homes.values() if home]
    given = task.env.get("PYTHONPATH", "")
    path = ":".join(dict.fromkeys([*filter(None, given.split(":")), *folders]))
    env = {**task.env, NAMES: ":".join(homes), ROOTS: f"{{src}}:{tree.root}"}
    return replace(task, env={**env, "PYTHONPATH": path} if path else env)


def homes_of(names: Collection[str], files: Sequence[str]) -> Mapping[str, str]:
    """Return the folder in which a project has each module, the one with the fewest above it; empty for its root.

    Args:
        names: top-level modules and packages.
        files: the project's, relative to its root.
    """
    homes: dict[str, str] = {}
    for file in files:
        path = PurePosixPath(file)
        package = path.parent if path.name == "__init__.py" else path.with_suffix("") if path.suffix == ".py" else None
        if package is None or package.name not in names:
            continue
        home = package.parent
        if any(part.startswith(".") or part in _NO_CODE for part in home.parts):
            continue
        known = homes.get(package.name)
        if known is None or (len(home.parts), str(home)) < (len(PurePosixPath(known).parts), known):
            homes[package.name] = "" if home == PurePosixPath() else str(home)
    return dict(sorted(homes.items()))


def named_by(root: Path) -> tuple[str, ...]:
    """Return the module that a project's ``pyproject.toml`` names it after; nothing if it has none, or no name."""
    try:
        name = tomllib.loads(read_plain(root / "pyproject.toml", _MAX_BYTES).decode("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    return (re.sub(r"[-.]+", "_", name),) if isinstance(name, str) and name else ()
