"""Which files of a folder belong to one run: its log, JUnit report and ``time``, and what goes with them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bench.importer.files import Piece
from bench.importer.junit import Junit, parse_junit
from bench.importer.pytestlog import PytestLog, parse_pytest_log
from bench.importer.read.kinds import Kind
from bench.importer.read.sessions import sessions
from bench.importer.read.short_time import time_part
from bench.importer.timefile import TimeFile, parse_time
from bench.record.storage.manifest import Problem

ROOMS = ("env", "logs", "log", "artifacts", "analysis")
"""Folders that hold a part of one run's evidence."""
SHARED: tuple[Kind, ...] = ("torch_env", "system", "disk", "env")
_GENERIC = re.compile(
    "pytest|logs?|time|and|txt|xml|junit|exit|code|rc|status|runs?|ran|tests?|results?|outputs?|std(?:out|err)|err"
    "|console|report|tim(?:ing|ed)|gnu|usr|bin|sh|cmd|commands?|raw|final"
)
"""Words of a file's name that distinguish no run from another."""


@dataclass(slots=True)
class Group:
    """The pieces of one run by what they are; ``label`` distinguishes it from others of its folder."""

    label: str
    pieces: dict[Kind, Piece] = field(default_factory=dict)
    log: PytestLog | None = None
    junit: Junit | None = None
    time: TimeFile | None = None


def home_of(name: str) -> str:
    """Return the folder whose run a file belongs to: that of ``logs/pytest.log`` is the one above."""
    parts = name.split("/")[:-1]
    return "/".join(parts[:-1] if parts and parts[-1].lower() in ROOMS else parts)


def groups_of(found: Mapping[str, tuple[frozenset[Kind], str]]) -> tuple[list[Group], list[Problem]]:
    """Return the runs that a folder's files are evidence of.

    Args:
        found: by name, what each file is and its cleaned text.

    Returns:
        The runs, none if no file shows that something ran, and the files that belong to none of them for certain.
    """
    problems: list[Problem] = []
    groups = _logs(found, problems)
    alone = [name for name, (kinds, _) in found.items() if "log" not in kinds]
    belonging: tuple[Kind, ...] = ("junit", "time", "exit_code", "commands")
    for kind in belonging:
        mine = _ordered(name for name in alone if kind in found[name][0])
        _attach(kind, [Piece(name, found[name][1]) for name in mine], groups, problems)
    for kind in SHARED:
        mine = _ordered(name for name in alone if kind in found[name][0])
        for group in groups:
            if mine:
                group.pieces[kind] = Piece(mine[0], found[mine[0]][1])
        problems += [_twice(name, mine[0]) for name in mine[1:] if found[name][1] != found[mine[0]][1]]
    return groups, problems


def _logs(found: Mapping[str, tuple[frozenset[Kind], str]], problems: list[Problem]) -> list[Group]:
    groups: list[Group] = []
    for name in _ordered(name for name, (kinds, _) in found.items() if "log" in kinds):
        parts = sessions(found[name][1])
        for at, text in enumerate(parts):
            log, _ = parse_pytest_log(text, name)
            twin = next((group for group in groups if _same(group, text)), None)
            if twin is not None:
                if text != twin.pieces["log"].text:
                    problems.append(
                        Problem(name, f"not read: {twin.pieces['log'].name} is the log of the same session")
                    )
                continue
            group = Group(name if len(parts) == 1 else f"{name}, session {at + 1}", {"log": Piece(name, text)}, log)
            if "time" in found[name][0] and (part := time_part(text)) is not None:
                group.pieces["time"] = Piece(name, part)
                group.time, _ = parse_time(part, name)
            groups.append(group)
    return groups


def _same(group: Group, text: str) -> bool:
    """Whether two logs are of one session: the one is a part of the other, its end for instance."""
    one, other = sorted((text.strip(), group.pieces["log"].text.strip()), key=len)
    return one in other


def _attach(kind: Kind, pieces: Sequence[Piece], groups: list[Group], problems: list[Problem]) -> None:
    """Give each piece to the run that it belongs to; one that shows a run of its own makes one."""
    alone = len(groups) == 1
    totals = {piece.name: _total(kind, piece) for piece in pieces}
    scores = [[_score(kind, piece, totals[piece.name], group) for group in groups] for piece in pieces]
    ranked = sorted(
        ((scores[at][to], -at, -to) for at in range(len(pieces)) for to in range(len(groups))), reverse=True
    )
    given: set[str] = set()
    for score, at_, to_ in ranked:
        piece, group = pieces[-at_], groups[-to_]
        rivals = [
            scores[-at_][other] for other in range(len(groups)) if other != -to_ and kind not in groups[other].pieces
        ]
        certain = alone or (score > 0 and all(rival < score for rival in rivals))
        if piece.name in given or kind in group.pieces or not certain:
            continue
        if alone and score < 0 and any(row[0] >= 0 for row in scores):
            continue
        group.pieces[kind] = piece
        _note(kind, piece, group)
        given.add(piece.name)
    for at, piece in enumerate(pieces):
        if piece.name not in given:
            _left_over(kind, piece, groups, problems, own=all(score < 0 for score in scores[at]))


def _left_over(kind: Kind, piece: Piece, groups: list[Group], problems: list[Problem], *, own: bool) -> None:
    """A piece of none of the runs: one by itself if it shows that something ran, else not read."""
    holders = [group.pieces[kind] for group in groups if kind in group.pieces]
    if (len(groups) == 1 or kind in ("junit", "time")) and any(holder.text == piece.text for holder in holders):
        return
    made = Group(piece.name, {kind: piece})
    _note(kind, piece, made)
    cases = made.junit is not None and bool(made.junit.cases)
    if kind in ("junit", "time") and (
        not groups or (own and (cases or (made.time is not None and made.time.wall_s is not None)))
    ):
        groups.append(made)
    elif len(groups) == 1:
        problems.append(_twice(piece.name, holders[0].name if holders else groups[0].label))
    elif groups:
        problems.append(Problem(piece.name, f"not read: to which of {len(groups)} runs it belongs is not certain"))


def _total(kind: Kind, piece: Piece) -> float | None:
    """The seconds that a report or ``time`` gives."""
    if kind == "junit":
        return parse_junit(piece.text, piece.name)[0].total_s
    return parse_time(piece.text, piece.name)[0].wall_s if kind == "time" else None


def _note(kind: Kind, piece: Piece, group: Group) -> None:
    if kind == "junit":
        group.junit, _ = parse_junit(piece.text, piece.name)
    elif kind == "time":
        group.time, _ = parse_time(piece.text, piece.name)


def _score(kind: Kind, piece: Piece, said: float | None, group: Group) -> int:
    """How much speaks for a piece being of that run: its content above all, then its name and folder."""
    anchor = group.pieces.get("log") or group.pieces.get("junit") or group.pieces.get("time")
    if anchor is None:
        return 0
    score = 0
    mine, theirs = _tokens(piece.name), _tokens(anchor.name)
    if mine and theirs:
        score += 5 if mine == theirs else 3 if mine & theirs else -2
    if PurePosixPath(piece.name).parent == PurePosixPath(anchor.name).parent:
        score += 1
    total = group.log.total_s if group.log is not None else group.junit.total_s if group.junit is not None else None
    if kind == "junit" and total is not None and said is not None:
        score += 20 if abs(said - total) <= 0.1 else -20
    if kind == "time" and total is not None and said is not None:
        over = said - total
        score += 20 - min(9, int(over)) if -0.1 <= over <= 5 + 0.05 * total else -20
    if kind == "commands" and group.log is not None:
        score += 10 if any(node.node in piece.text for node in group.log.nodes[:100]) else 0
    return score


def _tokens(name: str) -> frozenset[str]:
    words = re.split(r"[^a-z0-9]+", PurePosixPath(name).name.lower())
    return frozenset(word for word in words if word and not _GENERIC.fullmatch(word))


def _ordered(names: Iterable[str]) -> list[str]:
    """Those in a folder for such files first, then by name."""
    return sorted(names, key=lambda name: (PurePosixPath(name).parent.name.lower() not in ROOMS, name))


def _twice(name: str, other: str) -> Problem:
    return Problem(name, f"not read: {other} is there too and differs")
