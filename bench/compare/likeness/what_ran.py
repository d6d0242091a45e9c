"""What ran is a part of what is compared: the tests of two results, and how each ended (pure).

A test that is skipped, deselected, added, renamed, repeated or left half done makes another measurement, whatever the
times say. Only what is on record counts: a result that names no test, and counts none, differs in none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from bench import units
from bench.compare.sample import stood_still
from bench.record.schema import Record, Run, TestResult

NAMED = 5
"""Tests that are named; how many more there are is counted."""
GROUP = "tests"
"""What these differences are called, or begin with before a full stop."""
MEANING = "what ran is not the same"
_ENDS = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "unfinished")
_LOST = frozenset({"events_lost", "events_unreadable", "events_cut", "tests_left_out"})
"""Warnings that a run's list of tests may lack some."""
_FOR_JUNIT = {"xfailed": "skipped", "xpassed": "passed"}
"""Imported evidence may be a JUnit report, which has fewer words than pytest."""

_FEW = 4


@dataclass(frozen=True, slots=True)
class _Ran:
    """What is known of one run.

    Attributes:
        ends: how each test ended, and at which attempt if that is known.
        parts: of tests that ended alike, what further distinguishes what they did.
        whole: whether every test that ran is in ``ends``.
        counts: how many tests ended how; ``None`` if not all are known.
        repeated: whether a test was tried more than once, if that is known.
        deselected: tests that were taken out before the run, as far as they are named.
    """

    ends: dict[str, tuple[str, int | None]]
    parts: dict[str, str]
    whole: bool
    counts: tuple[tuple[str, int], ...] | None
    repeated: bool | None
    deselected: frozenset[str]

    def end(self, node: str, *, attempts: bool) -> str | None:
        """Return how a test ended, in words; ``None`` if that is not known."""
        if node not in self.ends:
            gone = "deselected" if node in self.deselected else "did not run"
            return gone if self.whole else None
        outcome, tried = self.ends[node]
        if outcome not in _ENDS:
            return None
        return f"{outcome} at attempt {tried}" if attempts and tried is not None and tried > 1 else outcome

    def part(self, node: str) -> str | None:
        """Return how a test ended and what it did until then, in words; ``None`` if that is not known."""
        if node not in self.ends or self.ends[node][0] not in _ENDS:
            return None
        return f"{self.ends[node][0]}{self.parts.get(node, '')}"


_LATEST: dict[int, tuple[Record, bool, tuple[_Ran, ...]]] = {}
"""What was asked last, by the record: a series holds each result against the one before and the one after."""


def unlike_tests(a: Record, b: Record) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, both sides' words and the meaning of each test that did not end alike in all passed runs of both.

    At most ``NAMED`` are. If a side names no test, or not all, the counts of both are held against one another.

    Args:
        a: the reference.
        b: the result.
    """
    plain = "imported" in (a.diagnostic.source.kind, b.diagnostic.source.kind)
    one, two = _ran(a, plain), _ran(b, plain)
    if not one or not two or all(ran == one[0] for ran in (*one, *two)):
        return
    found = list(_named_apart(one, two))
    if found:
        more = len(found) - NAMED
        rest = f"{MEANING}, nor is that of {units.counted(more, 'more test')}" if more > 0 else MEANING
        for at, named in enumerate(found[:NAMED], 1):
            yield *named, rest if at == NAMED else MEANING
    elif not all(ran.whole for ran in (*one, *two)) and (counts := _counts_apart(one, two)) is not None:
        yield GROUP, *counts, MEANING
    elif len({ran.repeated for ran in (*one, *two)} - {None}) > 1 and _known(one) and _known(two):
        yield f"{GROUP}.repeated", _repeated(one), _repeated(two), MEANING


def tells(record: Record) -> bool:
    """Return whether the record names or counts the tests of a run."""
    return any(run.tests or isinstance(run.facts.get("tests_counted"), dict) for run in record.measured_runs)


def _ran(record: Record, plain: bool) -> tuple[_Ran, ...]:
    known = _LATEST.get(id(record))
    if known is not None and known[0] is record and known[1] == plain:
        return known[2]
    found = _worked_out(record, plain)
    while len(_LATEST) >= _FEW:
        _LATEST.pop(next(iter(_LATEST)), None)
    _LATEST[id(record)] = record, plain, found
    return found


def _worked_out(record: Record, plain: bool) -> tuple[_Ran, ...]:
    runs = [run for run in record.measured_runs if run.outcome == "passed" and not stood_still(run)]
    return tuple(_ran_of(run, plain) for run in runs)


def _ran_of(run: Run, plain: bool) -> _Ran:
    ends = {test.node: (_word(test.outcome, plain), test.attempts) for test in run.tests}
    told = run.facts.get("tests_counted")
    counted = _counted(told, plain) if isinstance(told, dict) else None
    lost = any(warning.code in _LOST for warning in run.warnings)
    missing = run.session is not None and len(ends) < (run.session.collected or 0) - (run.session.not_run or 0)
    short = counted is not None and sum(counted.values()) != len(ends)
    whole = bool(ends) and not (lost or missing or short)
    repeated = _is_repeated(run, told)
    if counted is None and whole and not repeated:
        counted = Counter(outcome for outcome, _ in ends.values())
    deselected = frozenset(run.session.deselected_nodes) if run.session is not None else frozenset[str]()
    counts = tuple((word, counted[word]) for word in _ENDS if counted[word]) if counted is not None else None
    parts = {} if plain else {test.node: did for test in run.tests if (did := _did(test))}
    return _Ran(ends, parts, whole, counts, repeated, deselected)


def _did(test: TestResult) -> str:
    """What of two tests that ended alike can differ: whether the body began, and how many parts of it ended how."""
    began = test.outcome in ("skipped", "xfailed") and test.setup_s is not None
    body = "" if not began else " before its body" if test.call_s is None else " in its body"
    if test.subtests is msgspec.UNSET or not test.subtests:
        return body
    return f"{body} with subtests: " + ", ".join(f"{count} {word}" for word, count in sorted(test.subtests.items()))


def _is_repeated(run: Run, told: object) -> bool | None:
    if any(warning.code == "tests_repeated" for warning in run.warnings):
        return True
    if run.tests and all(test.attempts is not None for test in run.tests):
        return any(_attempts(test) > 1 for test in run.tests)
    return bool(told.get("rerun")) if isinstance(told, dict) else None


def _attempts(test: TestResult) -> int:
    return test.attempts if test.attempts is not None else 1


def _counted(told: dict[object, object], plain: bool) -> Counter[str]:
    found = Counter[str]()
    for word, count in told.items():
        if word in _ENDS and isinstance(count, int):
            found[_word(str(word), plain)] += count
    return found


def _word(outcome: str, plain: bool) -> str:
    return _FOR_JUNIT.get(outcome, outcome) if plain else outcome


def _named_apart(one: Sequence[_Ran], two: Sequence[_Ran]) -> Iterator[tuple[str, str, str]]:
    for node in dict.fromkeys(node for ran in (*one, *two) for node in ran.ends):
        tried = all(ran.ends[node][1] is not None for ran in (*one, *two) if node in ran.ends)
        first, second = (_words([ran.end(node, attempts=tried) for ran in side]) for side in (one, two))
        if first and second and len({*first, *second}) == 1:
            first, second = (_words([ran.part(node) for ran in side]) for side in (one, two))
        if first and second and len({*first, *second}) > 1:
            yield f"{GROUP}.{node}", " or ".join(first), " or ".join(second)


def _words(ends: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(end for end in ends if end is not None))


def _counts_apart(one: Sequence[_Ran], two: Sequence[_Ran]) -> tuple[str, str] | None:
    first, second = (_words([_said(ran.counts) for ran in side]) for side in (one, two))
    alike = not first or not second or len({*first, *second}) == 1
    return None if alike else (" or ".join(first), " or ".join(second))


def _said(counts: tuple[tuple[str, int], ...] | None) -> str | None:
    return None if counts is None else ", ".join(f"{count} {word}" for word, count in counts) or "none ended"


def _known(side: Sequence[_Ran]) -> bool:
    return any(ran.repeated is not None for ran in side)


def _repeated(side: Sequence[_Ran]) -> str:
    count = sum(bool(ran.repeated) for ran in side)
    return f"tried again in {count} of {units.counted(len(side), 'run')}"


def code_from_elsewhere(record: Record) -> str | None:
    """Return what tells that a run took the project's modules from elsewhere than its copy; ``None`` if none did."""
    warnings = (warning for run in record.runs for warning in run.warnings)
    return next((warning.message for warning in warnings if warning.code == "code_elsewhere"), None)
