"""The list of a bundle's files with their SHA-256, in the form that ``sha256sum -c`` reads."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.names import is_file_name

MANIFEST = "MANIFEST.sha256"
MAX_BYTES = 4 * 1024**2
"""Of a manifest: one of a bundle is a few kilobytes, and it is read whole."""
MAX_PROBLEMS = 1000
"""Lines that cannot be read, before nobody reads on."""
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one file. ``line`` counts from 1; ``None`` is the file as a whole.

    ``newer`` is what to do if the file is as it should be, and only this version cannot read it.
    """

    file: str
    reason: str
    line: int | None = None
    newer: str | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}" if self.line is None else f"{self.file}, line {self.line}: {self.reason}"


def render_manifest(digests: Mapping[str, str]) -> str:
    """Return the manifest's text from file name to SHA-256, sorted by name."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def parse_manifest(text: str) -> tuple[dict[str, str], list[Problem]]:
    """Return file name to SHA-256, and the lines that could not be read."""
    digests: dict[str, str] = {}
    problems: list[Problem] = []
    # Lines end at a line feed alone, as for sha256sum: str.splitlines knows eleven further ends.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append(Problem(MANIFEST, "not a hash and a file name", number))
        elif not is_file_name(match["name"]):
            problems.append(Problem(MANIFEST, "names a path that no bundle can hold", number))
        elif match["name"] in digests:
            problems.append(Problem(MANIFEST, f"names {match['name']} twice", number))
        else:
            digests[match["name"]] = match["digest"]
        if len(problems) > MAX_PROBLEMS:
            return digests, [*problems, Problem(MANIFEST, "so wrong that the rest was not read")]
    return digests, problems


def hash_file(path: Path) -> str:
    """Return SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(folder: Path) -> tuple[list[str], list[Problem]]:
    """Return plain files below ``folder`` by relative name, sorted; links and devices are problems, never followed."""
    names: list[str] = []
    problems: list[Problem] = []
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(folder).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    names.append(name)
                else:
                    problems.append(Problem(name, "not a plain file"))
    return sorted(names), sorted(problems, key=lambda problem: problem.file)


def check_manifest(folder: Path) -> list[Problem]:
    """Return a problem for each file that differs from the manifest, is missing or not in it, and each empty folder."""
    names, problems = list_files(folder)
    try:
        with (folder / MANIFEST).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return [*problems, Problem(MANIFEST, f"cannot be read: {error.strerror}")]
    if len(data) > MAX_BYTES:
        return [*problems, Problem(MANIFEST, f"larger than a manifest can be: over {MAX_BYTES} bytes")]
    text = data.decode("ascii", "backslashreplace")
    digests, bad_lines = parse_manifest(text)
    problems += bad_lines
    if not bad_lines and text != render_manifest(digests):
        problems.append(Problem(MANIFEST, "not as it was written: other line ends, or another order"))
    present = set(names) - {MANIFEST}
    for name in sorted(present | set(digests)):
        if name not in present:
            problems.append(Problem(name, "missing"))
        elif name not in digests:
            problems.append(Problem(name, "not in the manifest"))
        elif hash_file(folder / name) != digests[name]:
            problems.append(Problem(name, "differs from the manifest"))
    return problems + [Problem(name, "a folder that the manifest has no file in") for name in _added(folder, digests)]


def _added(folder: Path, digests: Mapping[str, str]) -> list[str]:
    """Folders that hold nothing, and of which the manifest names no file that could be missing there."""
    known = {parent.as_posix() for name in digests for parent in PurePosixPath(name).parents}
    empty = (Path(path).relative_to(folder).as_posix() for path, below, files in os.walk(folder) if not below + files)
    return sorted(name for name in empty if name not in known)
