"""What describes an environment (interpreter, packages, torch's own account): asked once, and kept for later runs.

Importing torch for its account takes seconds and half a gigabyte. So the first run in an environment asks, after its
test has ended; its answers lie in the user's cache, beside the environments, and complete the evidence of every further
run. A file there is whole or absent (written beside and renamed), is safe to delete, and one that cannot be read is
made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from bench.engine.assets import agent_folder
from bench.engine.protocol import Place, Task
from bench.engine.task import deciding
from bench.files import read_plain
from bench.record.schema import HostClass

FACTS = "facts.json"
TORCH = "torch_env.txt"
MAX_BYTES = 16 * 1024**2

_Facts = dict[str, Any]


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers of a place about itself, and why one of them is missing, by its name in ``facts.json``.

    Args:
        python: what the interpreter reports of itself and of its packages.
        torch: the text of torch's own account; ``None`` if it was not asked.
        unavailable: the reasons for what could not be had.
    """

    python: _Facts | None = None
    torch: str | None = None
    unavailable: dict[str, str] = {}

    def answers(self, task: Task) -> bool:
        """Return whether it holds all that a task's place is asked, so that it need not be asked again."""
        return self.python is not None and not self.unavailable and (self.torch is not None or not task.torch)


def default_folder() -> Path:
    """Return where descriptions lie: this user's cache, beside the environments."""
    return platformdirs.user_cache_path("bench") / "descriptions"


@dataclass(slots=True)
class Descriptions:
    """The descriptions that one command has met, and those that lie in the user's cache.

    Args:
        folder: where they are kept; the user's cache if not given.
    """

    folder: Path = field(default_factory=default_folder)
    _met: dict[str, Description] = field(default_factory=dict)

    def get(self, key: str, task: Task) -> Description | None:
        """Return what is known of a place, ``None`` if it is still to be asked.

        What this command could not have is not asked for again: each try may take a minute.
        """
        if key not in self._met:
            kept = read_description(self.folder / f"{key}.json")
            if kept is None or not kept.answers(task):
                return None
            self._met[key] = kept
        return self._met[key]

    def learn(self, key: str, task: Task, out: Path) -> None:
        """Take in what a run that was asked to describe its place has left, if it came so far.

        Args:
            key: the place's, see :func:`key_of`.
            task: what was run.
            out: the run's evidence.
        """
        found = left_by(out)
        if found is None:
            return
        self._met[key] = found
        if found.answers(task):
            self._keep(key, found)

    def _keep(self, key: str, found: Description) -> None:
        """Keep it for later commands; a disk that refuses costs those the asking."""
        fresh = self.folder / f".{key}.{uuid.uuid4().hex[:8]}"
        with contextlib.suppress(OSError, ValueError, OverflowError, RecursionError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                fresh.write_bytes(msgspec.json.encode(found))
                fresh.replace(self.folder / f"{key}.json")
            finally:
                fresh.unlink(missing_ok=True)


def key_of(engine: str, host: HostClass, place: Place, task: Task) -> str:
    """Return what tells one description from another: the environment, the machine under it, and what was asked.

    Args:
        engine: the engine's own key.
        host: the machine's class, of which torch's account tells the CPU, the GPU and the driver.
        place: the environment: another image, other packages or another interpreter are another one.
        task: what is run there.
    """
    deciders = {
        "engine": engine,
        "host": host,
        "place": [place.python, place.handle, place.environment],
        "gpu": task.gpu,
        "torch": task.torch,
        "variables": deciding(task),
        "questions": hashlib.sha256((agent_folder() / "facts.py").read_bytes()).hexdigest(),
    }
    return hashlib.sha256(msgspec.json.encode(deciders, order="sorted")).hexdigest()[:32]


def read_description(path: Path) -> Description | None:
    """Return a description that was kept, ``None`` if there is none or it is damaged."""
    try:
        return msgspec.json.decode(read_plain(path, MAX_BYTES), type=Description)
    except (OSError, ValueError, RecursionError):
        return None


def left_by(out: Path) -> Description | None:
    """Return the description that a run left in its ``out`` folder, ``None`` if it did not come so far."""
    facts = _read_facts(out)
    if facts is None or not isinstance(facts.get("unavailable"), dict):
        return None
    python, text = facts.get("python"), None
    with contextlib.suppress(OSError):
        text = read_plain(out / TORCH, MAX_BYTES).decode("utf-8", "replace")
    reasons = {str(name): str(why) for name, why in facts["unavailable"].items()}
    return Description(python if isinstance(python, dict) else None, text, reasons)


def complete(out: Path, known: Description) -> None:
    """Put what is known of the place into a run's evidence, as if the run had asked. A full disk costs that alone.

    Args:
        out: the run's evidence; a run that left no ``facts.json`` gets none.
        known: the answers, of an earlier run.
    """
    facts = _read_facts(out)
    with contextlib.suppress(OSError, RecursionError):  # of what is nested very deeply more can be read than written
        if facts is not None:
            facts |= {"python": known.python, "unavailable": known.unavailable}
            _write(out / FACTS, json.dumps(facts, indent=1) + "\n")
        if known.torch is not None and not os.path.lexists(out / TORCH):
            _write(out / TORCH, known.torch)


def _read_facts(out: Path) -> _Facts | None:
    try:
        if (out / FACTS).is_symlink():
            return None
        facts = json.loads(read_plain(out / FACTS, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8", errors="replace")
    fresh.replace(path)
