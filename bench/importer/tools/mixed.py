"""What other tools wrote into a text of Go's, which may hold any lines besides its results (pure)."""

from __future__ import annotations

from bench.importer.tools.formats.action_benchmark import is_data_js
from bench.importer.tools.formats.benchexec import is_benchexec
from bench.importer.tools.formats.perf_stat import is_count
from bench.importer.tools.signs import has_signs
from bench.record.storage.manifest import Problem

_HEAD = 65536
_MOST_ASKED = 200
"""Lines that may begin a document, of which each is looked at with what follows: a log has as many as it likes."""
_EVENT = '"Action":'
"""Stands in each line of ``go test -json``."""


def problems_of_others(text: str, file: str) -> list[Problem]:
    """Return a problem for what another tool wrote, with its first line: it is not read, and that is said.

    Args:
        text: the whole file.
        file: what problems call it.
    """
    counts: list[int] = []
    start = asked = 0
    found: list[Problem] = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if is_count(line.strip()):
            counts.append(number)
        elif line[:1] in ("{", "[", "<", "w") and _EVENT not in line and asked < _MOST_ASKED:
            asked += 1
            if _begins(text[start : start + _HEAD]):
                found.append(Problem(file, _said("a document of another tool"), number))
                break
        start += len(line)
    if counts:
        said = "a line" if len(counts) == 1 else f"the first of {len(counts)} lines"
        found.insert(0, Problem(file, _said(f"{said} of perf stat"), counts[0]))
    return found


def _begins(text: str) -> bool:
    return has_signs(text) or is_benchexec(text) or is_data_js(text)


def _said(what: str) -> str:
    return f"{what} among Go's, which is not read; give each tool's output a file of its own"
