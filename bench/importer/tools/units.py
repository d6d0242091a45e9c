"""Units of other tools, in SI base units (pure)."""

from __future__ import annotations

import re

from bench.record.schema import Better

_SECONDS = {
    **dict.fromkeys(("ps",), 1e-12),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
}
_BYTES = {
    **dict.fromkeys(("B", "byte", "bytes"), 1.0),
    **{f"{prefix}B": 1000.0**power for power, prefix in enumerate(("k", "M", "G", "T"), 1)},
    "KB": 1000.0,
    **{f"{prefix}iB": 1024.0**power for power, prefix in enumerate(("K", "M", "G", "T"), 1)},
}
_PER = re.compile(r"(?P<unit>[^/]+)/(?:op|ops|iter|iteration)")
_RATE = re.compile(r"(?:op|ops|iter|iters|iterations|items)/(?P<per>\w+)")
_BYTE_RATE = re.compile(r"(?P<bytes>\w+)/s(?:ec)?")


def to_si(value: float, unit: str) -> tuple[float, str]:
    """Return a value in SI base units, and that unit: ``s``, ``bytes``, ``1/s``, ``bytes/s``, or the unit as it was."""
    per = _PER.fullmatch(unit)
    of_one = per["unit"] if per else unit
    if of_one in _SECONDS:
        return value * _SECONDS[of_one], "s"
    if of_one in _BYTES:
        return value * _BYTES[of_one], "bytes"
    rate = _RATE.fullmatch(unit)
    if rate is not None and rate["per"] in _SECONDS:
        return value / _SECONDS[rate["per"]], "1/s"
    rate = _BYTE_RATE.fullmatch(unit)
    if rate is not None and rate["bytes"] in _BYTES:
        return value * _BYTES[rate["bytes"]], "bytes/s"
    return value, unit


def better_of(unit: str) -> Better:
    """Return which way a quantity of a unit improves; ``none`` if the unit does not tell."""
    if unit in ("s", "bytes"):
        return "lower"
    return "higher" if unit in ("1/s", "bytes/s") else "none"
