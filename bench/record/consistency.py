"""Whether a record's values can be true together: what no type expresses (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from bench import units
from bench.catalog.model import SELFTEST
from bench.errors import DamagedData
from bench.names import check_part, is_stamp, record_id
from bench.record.host_id import is_id_of
from bench.record.schema import SIGNED, Experiment, Record
from bench.record.storage.bundle import RECORD, Bundle
from bench.record.storage.manifest import Problem

_MEASURES = ("_s", "_bytes", "_hz", "_ratio")
_FIGURES = ("metrics", "before", "after", "host_during")
"""Parts with names of their own that hold figures."""
_WALL = re.compile(r"runs\[\d+\]\.wall_s")


def contradictions(record: Record) -> list[str]:
    """Return what cannot be, each with its path: a wall time that is none, an outcome that the runs do not bear out."""
    found = [
        f"runs[{at}].wall_s: {run.wall_s:g} is no time that a run can take"
        for at, run in enumerate(record.runs)
        if run.wall_s is not None and not (math.isfinite(run.wall_s) and run.wall_s > 0)
    ]
    found += [
        f"runs[{at}].metrics.{name}.value: not between the least and the greatest of its {len(metric.values)} values"
        for at, run in enumerate(record.runs)
        for name, metric in run.metrics.items()
        if metric.values and metric.value is not None and not min(metric.values) <= metric.value <= max(metric.values)
    ]
    of_sides = record.experiment
    if isinstance(of_sides, Experiment) and not len(of_sides.pair) == len(of_sides.order) == len(record.runs):
        told = f"{len(of_sides.pair)} pairs and {len(of_sides.order)} places"
        found.append(f"experiment: {told} for {units.counted(len(record.runs), 'run')}")
    found += [f"{path}: {value:g} is less than 0" for path, value in _negative(record, "")]
    said = _outcome(record)
    return [*found, said] if said is not None else found


def _negative(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """The numbers that count or measure and are less than 0, wherever a record has them, but a run's wall time."""
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        parts: Iterable[tuple[str, Any]] = ((f".{shown}", getattr(value, name)) for name, shown in names)
    elif isinstance(value, dict):
        parts = ((f".{name}", inner) for name, inner in value.items())
    elif isinstance(value, tuple):
        parts = ((f"[{at}]", inner) for at, inner in enumerate(value))
    else:
        return
    for name, inner in parts:
        here = f"{path}{name}".removeprefix(".")
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            measures = isinstance(value, msgspec.Struct) or name.endswith(_MEASURES)
            if inner < 0 and measures and name[1:] not in SIGNED and not _WALL.fullmatch(here):
                yield here, inner
        elif isinstance(inner, msgspec.Struct | tuple) or (isinstance(inner, dict) and name[1:] in _FIGURES):
            yield from _negative(inner, here)


def _outcome(record: Record) -> str | None:
    """A self-test's outcome is that of its readings: a run of it may be killed as it should be."""
    if record.diagnostic.name == SELFTEST:
        return None
    ended = [run.outcome for run in record.measured_runs or record.runs]
    if record.outcome in ("failed", "timed_out", "oom_killed") and record.outcome not in ended:
        return f"outcome: {record.outcome}, and no run ended so"
    if record.outcome == "passed" and (not ended or set(ended) != {"passed"}):
        return "outcome: passed, and not every run did" if ended else "outcome: passed, and there is no run"
    if record.outcome == "not_measured" and set(ended) == {"passed"}:
        return "outcome: not_measured, and every run passed"
    return None


def identity_problems(bundle: Bundle, place: tuple[str, ...]) -> list[Problem]:
    """Return what a record holds of itself that does not fit together, or its place.

    By its id a result is known to a history, a comparison and a baseline: two records of one id would pass for one.
    That the id is right vouches for nothing else, and anybody can compute it.

    Args:
        bundle: the record, and the JSON that it was read from.
        place: the names of the folders that it lies in, the innermost last; only those that are known to be names of
            a tree of results. A stamp is held against the record's own, and with it the host and the diagnostic.
    """
    record = bundle.record
    problems = []
    if place and is_stamp(place[-1]):
        if record.stamp != place[-1]:
            problems.append(f"its stamp is {record.stamp}, its folder {place[-1]}")
        if len(place) >= 3 and bundle.key[:2] != place[-3:-1]:
            problems.append(f"it belongs in {'/'.join(bundle.key[:2])}, its folder lies in {'/'.join(place[-3:-1])}")
    try:
        for name, what in zip(bundle.key, ("host id", "diagnostic", "stamp"), strict=True):
            check_part(name, what)
    except DamagedData as error:
        problems.append(str(error))
    if record.id != record_id(*bundle.key):
        problems.append(f"its id is {record.id!r:.300}, its host, diagnostic and stamp are {record_id(*bundle.key)}")
    if not _is_named_by_its_class(bundle):
        problems.append(f"its host is called {record.host.id}, which is not the hash of the host's class")
    return [Problem(RECORD, problem) for problem in problems]


def _is_named_by_its_class(bundle: Bundle) -> bool:
    """The class counts as it was written: a later version may know more of it."""
    host = bundle.record.host
    if is_id_of(host.id, host.class_):
        return True
    written: Mapping[str, Any] = msgspec.json.decode(bundle.record_bytes)["host"]["class"]
    # What redaction took from a class after it was hashed is not there to be hashed again.
    return any("[redacted" in str(value) for value in written.values()) or is_id_of(host.id, written)
