"""The warnings of a result's runs, each said once: what differs in its figures alone becomes a range (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench import units
from bench.record.schema import Run

_NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?![\w.]*\w)")


def merged(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Return each warning as its code and one sentence, with the runs that have it if there are several runs.

    ``others used 1.7 of 2 CPUs`` of one run and ``others used 1.8 of 2 CPUs`` of another become ``others used 1.7 to
    1.8 of 2 CPUs in both runs``. What several warnings say of one thing, after a colon, becomes one list.
    """
    alike: dict[tuple[str, str], list[tuple[int, list[str]]]] = {}
    for run in runs:
        for warning in run.warnings:
            shape = warning.code, _NUMBER.sub("\0", warning.message)
            alike.setdefault(shape, []).append((run.index, _NUMBER.findall(warning.message)))
    said: dict[tuple[str, str, str], list[str]] = {}
    for (code, sentence), found in alike.items():
        about, colon, what = _filled(sentence, [numbers for _, numbers in found]).partition(": ")
        where = _where([at for at, _ in found], len(runs))
        said.setdefault((code, about + colon, where), []).append(what)
    return [(code, about + _listed(parts) + where) for (code, about, where), parts in said.items()]


def _listed(parts: Sequence[str]) -> str:
    """What several warnings say of one thing, one after the other, with the words that all end in once."""
    words = [part.split(" ") for part in parts]
    last, ends = words[0][::-1], 0
    while len(parts) > 1 and all(len(one) > ends + 1 and one[-ends - 1] == last[ends] for one in words):
        if not last[ends].isalpha():  # a unit stays with its number
            break
        ends += 1
    if not ends:
        return ", ".join(parts)
    return ", ".join(" ".join(one[:-ends]) for one in words) + " " + " ".join(words[0][-ends:])


def _filled(shape: str, numbers: Sequence[Sequence[str]]) -> str:
    """The sentence with its numbers, each a range if the runs differ in it."""
    parts = shape.split("\0")
    ranges = (sorted(set(column), key=float) for column in zip(*numbers, strict=True))
    words = (column[0] if len(column) == 1 else f"{column[0]} to {column[-1]}" for column in ranges)
    return parts[0] + "".join(word + part for word, part in zip(words, parts[1:], strict=True))


def _where(indices: Sequence[int], total: int) -> str:
    which = sorted(set(indices))
    if total < 2:
        return ""
    if len(which) == total:
        return " in both runs" if total == 2 else f" in all {total} runs"
    if len(which) > 5:
        return f" in {len(which)} of {units.counted(total, 'run')}"
    return f" ({'run' if len(which) == 1 else 'runs'} {', '.join(map(str, which))})"
