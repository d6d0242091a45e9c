"""Why a record's values are null: a reason for each, by its path (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from bench.record.schema import Record

_NO_LOSS = {
    r"image": "it ran in no image",
    r"environment": "it ran in an image",
    r"(image|environment)\.torch": "it holds no torch",
    r"environment\.note": "there is nothing to note",
    r"diagnostic\.ceiling_s": "no ceiling is set",
    r"diagnostic\.node": "it is no test of pytest's",
    r"engine\.limits\.\w+": "no limit was set",
    r"engine\.outer\.\w+": "nothing bounds it from outside",
    r"runs\[\d+\]\.signature": "nothing is said to have failed",
    r"runs\[\d+\]\.session\.reason": "the session is not known to have ended early",
    r"runs\[\d+\]\.tests\[\d+\]\.marker_timeout_s": "the test asks for no timeout of its own",
    r"runs\[\d+\]\.warnings\[\d+\]\.(value|unit)": "the warning has no such figure",
    r"runs\[\d+\]\.work": "it was not asked for",
    r"runs\[\d+\]\.work\.cuda": "the run is not one for a CUDA device",
    r"variant": "no variant was chosen",
    r"reproduces": "it reproduces no other result",
}
"""Nulls that are no losses: there is nothing to count."""
_LOSSES = {
    r"runs\[\d+\]\.tests\[\d+\]\.(setup|call|teardown)_s": "the test did not reach, or did not end, this phase",
    r"runs\[\d+\]\.tests\[\d+\]\.started_s": "it was not recorded when the test began",
    r"runs\[\d+\]\.tests\[\d+\]\.attempts": "it was not recorded how often the test was tried",
    r"runs\[\d+\]\.session(\..+)?": "pytest told nothing of its session",
    r"runs\[\d+\]\.cpu\.run_delay_s": "nobody asked how long its tasks waited for a CPU",
    r"runs\[\d+\]\.threads_used\..+": "nobody asked for the threads that were used",
    r"runs\[\d+\]\.pytest_s": "pytest told no time",
    r"verdict\.baseline\..+": "the comparison gives no such figure",
    r"verdict\.ceiling_margin_s": "no run has a time to hold against it",
    r"engine\.outer": "what bounds the engine from outside is not to be seen from here",
    r"engine\..+": "the engine did not say",
    r"(image|environment)\..+": "it is not known of what the test ran in",
}
_OTHERWISE = "nothing said it"
_NO_SIGNAL = "the run was not ended by a signal"
_BY_SIGNAL = "the run was ended by a signal"
_NOT_SEEN = "nobody saw how the run ended"
NO_LOSS = frozenset({*_NO_LOSS.values(), _NO_SIGNAL, _BY_SIGNAL})
"""Reasons that people need not read."""


def with_reasons(record: Record) -> Record:
    """Return the record whose ``unavailable`` has a reason for each null; those it has stay.

    A reason that was given for a whole part becomes one for each null in it; an empty part keeps it as it is.
    """
    document = msgspec.to_builtins(record)
    given: Mapping[str, str] = document.pop("unavailable")
    nulls = list(_nulls(document, ""))
    reasons = {path: _given(path, given) or _reason(path, record) for path in nulls}
    parts = {part for path in nulls for part in _parts(path)}
    return msgspec.structs.replace(
        record, unavailable={path: why for path, why in given.items() if path not in parts} | reasons
    )


def _given(path: str, reasons: Mapping[str, str]) -> str | None:
    """The reason of the path itself or of the smallest part that holds it."""
    while path:
        if path in reasons:
            return reasons[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return None


def _parts(path: str) -> Iterator[str]:
    """The parts of a record that hold a path, the largest first."""
    return (path[: mark.start()] for mark in re.finditer(r"[.[]", path))


def _reason(path: str, record: Record) -> str:
    if (found := re.fullmatch(r"runs\[(\d+)\]\.(exit_code|signal)", path)) is not None:
        run = record.runs[int(found[1])]
        if run.exit_code is None and run.signal is None:
            return _NOT_SEEN
        return _NO_SIGNAL if found[2] == "signal" else _BY_SIGNAL
    if path == "verdict.ceiling_margin_s" and record.diagnostic.ceiling_s is None:
        return _NO_LOSS[r"diagnostic\.ceiling_s"]
    return _known_reason(path)


@lru_cache(maxsize=4096)
def _known_reason(path: str) -> str:
    known = {**_NO_LOSS, **_LOSSES}
    return next((why for pattern, why in known.items() if re.fullmatch(pattern, path)), _OTHERWISE)


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _nulls(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value):
            yield from _nulls(inner, f"{path}[{at}]")
