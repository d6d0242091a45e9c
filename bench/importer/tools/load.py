"""Files of other tools among those of a tree: found by content, read whole within bounds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.importer.read.clean import decode, is_text
from bench.importer.read.walk import File, read_head, read_whole
from bench.importer.tools.fields import Unreadable
from bench.importer.tools.known import is_companion, recognise
from bench.importer.tools.model import Content, ToolFile
from bench.importer.tools.signs import has_signs
from bench.record.storage.manifest import Problem

MAX_FILE_BYTES = 64 * 1024**2
"""So large may one file be, unpacked."""
MAX_BENCHMARKS = 10_000
"""So many results may come out of one file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file of a known tool and what it holds; without a tool it could not be read, and ``problems`` are why."""

    file: File
    found: ToolFile | None
    problems: tuple[Problem, ...] = ()


def load_tools(files: Sequence[File]) -> list[Loaded]:
    """Return those of the files that a known tool wrote, in their order."""
    return [loaded for file in files if (loaded := _load(file)) is not None]


def beside_tools(files: Sequence[File], loaded: Sequence[Loaded]) -> list[File]:
    """Return the files that are of a known tool or belong to one of its files."""
    names = {one.file.name for one in loaded}
    return [file for file in files if file.name in names or (names and is_companion(file.path))]


def _load(file: File) -> Loaded | None:
    head, _ = read_head(file)
    if not head or not is_text(head) or not _plausible(decode(head)[0]):
        return None
    data, problems = read_whole(file, MAX_FILE_BYTES)
    if data is None:
        # Of what is too large to be read whole only what shows itself as a tool's is named.
        return Loaded(file, None, tuple(problems)) if has_signs(decode(head)[0]) else None
    try:
        known = recognise(Content(file.name, decode(data)[0], beside=_neighbours(file.path)))
        if known is None:
            return None
        found = known.parse(known.content)
    except Unreadable as error:
        return Loaded(file, None, (error.problem(file.name),))
    if len(found.benchmarks) > MAX_BENCHMARKS:
        many = f"holds {len(found.benchmarks)} results, over {MAX_BENCHMARKS}"
        return Loaded(file, None, (Problem(file.name, many),))
    if not found.benchmarks and not found.skipped and not found.problems:
        return Loaded(file, None, (Problem(file.name, f"holds no benchmark of {found.tool}"),))
    return Loaded(file, found, found.problems)


def _plausible(head: str) -> bool:
    begins = head.lstrip("\ufeff \t\r\n")
    if begins[:1] in ("{", "[", "<") or begins.startswith("window."):
        return True
    return (
        "Benchmark" in begins
        or any(mark in begins for mark in ("task-clock", "duration_time", "# started on"))
        or (begins[:1].isdigit() or begins.startswith("<not "))
    )


def _neighbours(path: Path) -> Callable[[str], str | None]:
    """Read a neighbour of a file: a plain one of a size that such a file has."""

    def read(name: str) -> str | None:
        place = Path(os.path.normpath(path.parent.absolute() / name))
        try:
            about = place.lstat()
        except OSError:
            return None
        data, _ = read_whole(File(name, place, about.st_size, about.st_mtime), MAX_FILE_BYTES)
        return decode(data)[0] if data is not None else None

    return read
