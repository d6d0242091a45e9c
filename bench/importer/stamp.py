"""When an older run was: the stamp that its evidence gives (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.names import is_stamp, make_stamp
from bench.record.storage.manifest import Problem

_STAMP = re.compile(r"(?<![0-9A-Za-z])\d{8}T\d{6}Z(?![0-9A-Za-z])", re.ASCII)
_LAST = 253_402_300_799.0
"""The last second that a stamp can have."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp and where it is from; ``reason`` is why it is not the run's own, if it is not."""

    text: str
    source: str
    reason: str | None = None


def choose_stamp(
    folders: Sequence[str], texts: Mapping[str, str], started: datetime | None, modified: float
) -> tuple[Stamp, list[Problem]]:
    """Return the stamp of a run, from the best witness there is.

    Args:
        folders: names of the main file, of its folder and of those above it, the nearest first.
        texts: the evidence's texts by file name; a path within them may carry the stamp.
        started: when the tests began, by JUnit; only with a time zone is it a moment.
        modified: newest modification time of the files, in seconds since 1970: the last resort.
    """
    for name in folders:
        own = [found for found in _STAMP.findall(name) if is_stamp(found)]
        if len(own) == 1:
            return Stamp(own[0], f"the name {name}"), []
    problems: list[Problem] = []
    said = {
        found: file for file in sorted(texts, reverse=True) for found in _STAMP.findall(texts[file]) if is_stamp(found)
    }
    if len(said) == 1:
        ((text, file),) = said.items()
        return Stamp(text, f"a path in {file}"), problems
    if said:
        first, second = sorted(said)[:2]
        problems.append(Problem(said[second], f"names the stamp {second}, but {said[first]} names {first}"))
    if started is not None and started.tzinfo is not None:
        return Stamp(make_stamp(started), "the JUnit report's timestamp"), problems
    text = make_stamp(datetime.fromtimestamp(min(max(modified, 0.0), _LAST), UTC))
    reason = "no file says when it ran; the stamp is the newest file's modification time"
    return Stamp(text, "the newest file's modification time", reason), problems
