"""What may serve a result as reference: one rule, and what is like it (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, overload

import msgspec

from bench.compare.likeness.differences import differences
from bench.compare.sample import Sample, has_time, sample_of
from bench.errors import NotComparable
from bench.record.schema import HostClass, Record

Kind = tuple[str, str]
"""Profile and variant: results of one kind do the same work in the same way."""
UNVARIED = ""
"""The variant of a result of no variant."""
USUAL: Kind = ("full", UNVARIED)
Bar = Literal["other_diagnostic", "itself", "profiled", "side", "other_kind", "no_time"]
"""Why a result may not serve as reference, the first that applies."""


TOLERANT = "memory_bytes"
"""The one thing of a host that may differ a little."""
_FIELDS = tuple(name for name in HostClass.__struct_fields__ if name != TOLERANT)


def kind(record: Record) -> Kind:
    """Return a record's kind. Older evidence knows no profile; it is full."""
    return record.diagnostic.profile or USUAL[0], record.variant or USUAL[1]


def barred(record: Record, name: str, *, but: str | None = None, of_kind: Kind | None = None) -> Bar | None:
    """Return why a result may not serve as reference; ``None`` if it may. This is the one rule, whoever asks.

    Args:
        record: the candidate.
        name: the diagnostic whose result is compared with it.
        but: the id of that result: it is no reference of its own.
        of_kind: the profile and variant that the candidate must have, if that is asked.
    """
    if record.diagnostic.name != name:
        return "other_diagnostic"
    if record.id == but:
        return "itself"
    if record.profiler:
        return "profiled"
    if record.experiment is not msgspec.UNSET:  # other code or another setup, beside which a run is no regression
        return "side"
    if of_kind is not None and kind(record) != of_kind:
        return "other_kind"
    return None if has_time(record) else "no_time"


def require_comparable(a: Record, b: Record) -> None:
    """Refuse what no statistics can compare.

    Raises:
        NotComparable: two diagnostics, or a run under the profiler.
    """
    name = a.diagnostic.name
    if barred(b, name) == "other_diagnostic":
        raise NotComparable(
            f"'{name}' and '{b.diagnostic.name}' are different diagnostics",
            "their times have nothing in common",
            "compare results of one diagnostic",
        )
    for record in (a, b):
        if barred(record, name) == "profiled":
            raise NotComparable(
                f"{record.id} ran under the profiler",
                "which slows it by an unknown amount",
                "compare runs without --profiler",
            )


def candidates(record: Record, others: Sequence[Record]) -> list[Record]:
    """Return those of the others that may serve as its reference, with a time or without."""
    name = record.diagnostic.name
    return [other for other in others if barred(other, name, but=record.id) in (None, "no_time")]


class Pool(Sequence[Record]):
    """Results in the order in which they were given, each asked which of them could be like it without a look at all.

    Two hosts of which the same thing is known and is not the same are two machines, whatever else is equal
    (:mod:`bench.compare.likeness.differences`). So results are looked up by what is known of their host; of a fleet of
    a thousand hosts one or two remain, and these are compared in full.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = tuple(records)
        self._places: list[dict[str | int | None, list[int]]] = [defaultdict(list) for _ in _FIELDS]
        for place, record in enumerate(self._records):
            for name, places in zip(_FIELDS, self._places, strict=True):
                places[getattr(record.host.class_, name)].append(place)

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...

    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        return self._records[at]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def near(self, record: Record) -> list[Record]:
        """Return the results, in their order, among which are all that are like this one: its host may be theirs."""
        fewest: Sequence[int] = range(len(self._records))
        for name, places in zip(_FIELDS, self._places, strict=True):
            known = getattr(record.host.class_, name)
            if known is not None:
                same, unknown = places.get(known, []), places.get(None, [])
                if len(same) + len(unknown) < len(fewest):
                    fewest = sorted([*same, *unknown])
        return [self._records[place] for place in fewest]


def near(record: Record, others: Sequence[Record]) -> Sequence[Record]:
    """Return those of the others that could be like this result: of a :class:`Pool` few, else all."""
    return others.near(record) if isinstance(others, Pool) else others


def reference_sessions(a: Sample, b: Sample, history: Sequence[Record]) -> list[Record]:
    """Return what shows the A/A noise of the reference: its sessions, and those in the history that are like it.

    The result is none of them, wherever it lies: a regression that counts as noise acquits itself. Other sources are
    none either, even of a project, whose source forces no status: what its commits change is no noise.

    Args:
        a: the reference.
        b: the result.
        history: more results, any order.
    """
    excluded = {record.id for record in b.records}
    sessions = {record.id: record for record in (*near(a.newest, history), *a.records) if record.id not in excluded}
    return [record for record in sessions.values() if _same_code(record, a.newest)]


def _same_code(record: Record, reference: Record) -> bool:
    return (
        barred(record, reference.diagnostic.name) is None
        and _code(record) == _code(reference)
        and all(difference.forces is None for difference in differences(reference, record))
    )


def _code(record: Record) -> str | None:
    source = record.diagnostic.source
    return source.sha256 or source.commit


def like(record: Record, others: Sequence[Record], accept: Collection[str] = ()) -> tuple[Record, ...]:
    """Return those of the others that may stand beside this record, oldest first: same build, limits and host.

    Args:
        record: the result.
        others: candidates, any order, of any diagnostic.
        accept: differences that are the thing under test (:func:`bench.compare.likeness.differences.differences`).
    """
    fit = [
        other
        for other in (others if accept else near(record, others))
        if barred(other, record.diagnostic.name, but=record.id) is None
        and all(one.forces is None or one.accepted for one in differences(other, record, accept))
    ]
    return tuple(sorted(fit, key=lambda other: other.stamp))


def like_or_newest(record: Record, others: Sequence[Record]) -> tuple[Record, ...]:
    """Return the results that are like this one; if none is, the newest of its diagnostic with what is like that."""
    named = candidates(record, others)
    alike = like(record, named)
    if alike or not named:
        return alike
    timed = [other for other in named if has_time(other)] or named
    newest = max(timed, key=lambda other: other.stamp)
    return (*like(newest, timed), newest)


def no_reference(record: Record, others: Sequence[Record]) -> str | None:
    """Return why none of these results may serve one as reference, as a clause; ``None`` if one may."""
    if record.profiler:
        return "it ran under the profiler, which slows it by an unknown amount"
    return without(record.diagnostic.name, others)


def without(name: str, others: Sequence[Record]) -> str | None:
    """Return that the results that were given hold none of a diagnostic, as a clause; ``None`` if they do.

    Args:
        name: the diagnostic.
        others: what was given as baseline.
    """
    bars = {barred(other, name) for other in others}
    if bars & {None, "no_time"}:
        return None
    if "profiled" in bars:
        return f"the baseline's results of {name} ran under the profiler"
    if "side" in bars:
        return f"the baseline's results of {name} are sides of experiments ('bench ab')"
    held = sorted({other.diagnostic.name for other in others})
    named = f", only of {', '.join(held[:3])}{' and others' if len(held) > 3 else ''}" if held else ""
    return f"the baseline holds no result of {name}{named}"


def aa_noise(records: Sequence[Record]) -> float | None:
    """Return the A/A noise of results: one session each (:func:`bench.compare.stats.noise.session_noise`).

    Args:
        records: results of the same diagnostic, build, limits and host; those without a passed run are left out.

    Returns:
        A ratio minus 1; ``None`` for fewer than ``FEWEST_SESSIONS`` sessions.
    """
    from bench.compare.stats.noise import session_noise  # who asks what may serve needs no statistics

    return session_noise([sample_of(record).walls for record in records])
