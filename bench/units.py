"""Seconds and bytes to text and back: the only formatting of quantities in the project."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bench.errors import UsageError

NOT_KNOWN = "–"
"""Stands in a table if a value could not be had."""

WIDE = 10.0
"""An interval whose ends are farther apart than this factor has no ends worth showing."""
_MOST_TIMES = 1000
_NEARLY_ALL = 0.99
"""A decrease beyond that share is a factor."""

_BYTES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<prefix>[kmgt]?)(?P<binary>i?)b?", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>ms|s|min|m|h)?", re.IGNORECASE | re.ASCII)
_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


def parse_size(text: str) -> int:
    """Return the bytes of ``512``, ``64KiB``, ``1.5GB`` or, as in Docker, ``2g`` (a bare letter is a power of 1024).

    Raises:
        UsageError: the text is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a size", fix="write bytes with an optional unit, as in 512MiB, 2GB or 4g")
    prefix = match["prefix"].lower()
    bare_letter = prefix and not text.strip().lower().endswith("b")
    scale = _BINARY[prefix] if prefix and (match["binary"] or bare_letter) else _BYTES[prefix]
    return round(float(match["number"]) * scale)


def parse_duration(text: str) -> float:
    """Return seconds of ``90``, ``1.5s``, ``10min`` or ``2h``.

    Raises:
        UsageError: the text is not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a duration", fix="write seconds or a unit, as in 90, 1.5s, 10min or 2h")
    return float(match["number"]) * _SECONDS[(match["unit"] or "s").lower()]


def seconds(value: float | None) -> str:
    """Return a duration with about three significant digits: ``845 s`` stays seconds, so that tables line up."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    size = abs(value)
    if size == 0:
        return "0 s"
    if size < 0.9995e-3:  # what would be rounded to 1e+03 is one of the next unit
        return f"{value * 1e6:.3g} µs"
    if size < 0.9995:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.2f} s"


def clock(value: float | None) -> str:
    """Return a duration for a progress line: ``14:04`` or ``1:02:03``."""
    if value is None or not math.isfinite(value):
        return "--:--"
    minutes, rest = divmod(round(max(value, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(value: float | None) -> str:
    """Return bytes with a binary unit: ``8.44 GiB``."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.2f} {unit}"
        value /= 1024
    return f"{value:.2f} TiB"


def hertz(value: float | None) -> str:
    """Return a CPU's frequency: ``3.40 GHz``."""
    return NOT_KNOWN if value is None or not math.isfinite(value) else f"{value / 1e9:.2f} GHz"


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a ratio as percent: 0.5 is ``50.0 %``."""
    return NOT_KNOWN if ratio is None or not math.isfinite(ratio) else f"{ratio * 100:.{digits}f} %"


def signed_percent(ratio: float | None, digits: int = 1) -> str:
    """Return a relative change as percent with its sign: 0.05 is ``+5.0 %``."""
    return NOT_KNOWN if ratio is None or not math.isfinite(ratio) else f"{ratio * 100:+.{digits}f} %"


def change(ratio: float | None, digits: int = 1) -> str:
    """Return a relative change with its sign, or beyond 100 % how many times as much it is: 12.3 is ``13.3x``.

    Args:
        ratio: the change, a ratio minus 1: 0.05 is ``+5.0 %``.
        digits: decimals of the percentage.
    """
    if ratio is None or not math.isfinite(ratio):
        return NOT_KNOWN
    return signed_percent(ratio, digits) if -_NEARLY_ALL < ratio <= 1 else times(1 + ratio)


def changes(*ratios: float) -> tuple[str, ...]:
    """Return relative changes that stand beside one another in one form: percent, or factors if one is beyond that.

    Args:
        ratios: as for :func:`change`.
    """
    shown = [one for one in ratios if math.isfinite(one)]
    if all(-_NEARLY_ALL < one <= 1 for one in shown):
        return tuple(map(change, ratios))
    return tuple(times(1 + one) if math.isfinite(one) else NOT_KNOWN for one in ratios)


def interval(low: float | None, high: float | None, form: str = "{} to {}") -> str:
    """Return between what a relative change lies: ``-1.2 % to +3.9 %``, or ``at least +1.2 %`` with one end alone.

    Args:
        low: its lower end, a ratio minus 1; ``None`` if nothing bounds it.
        high: its upper end, likewise.
        form: how two ends are joined.

    Returns:
        Nothing if it has no end.
    """
    return _joined(changes(*(end for end in (low, high) if end is not None)), form, open_below=low is None)


def with_interval(middle: float, low: float | None, high: float | None, form: str = "{} to {}", none: str = "") -> str:
    """Return a relative change and between what it lies, all in one form: ``+9.8 % (+5.1 % to +14.2 %)``.

    Args:
        middle: the change, a ratio minus 1.
        low: as in :func:`interval`.
        high: likewise.
        form: likewise.
        none: what is said of an interval without an end; if that is nothing there are no brackets.
    """
    said, *ends = changes(middle, *(end for end in (low, high) if end is not None))
    within = _joined(ends, form, open_below=low is None) or none
    return f"{said} ({within})" if within else said


def _joined(ends: Sequence[str], form: str, *, open_below: bool) -> str:
    if len(ends) == 2:
        return form.format(*ends)
    return f"at {'most' if open_below else 'least'} {ends[0]}" if ends else ""


def times(factor: float) -> str:
    """Return a factor with three significant digits: ``2.65x``; beyond a thousand it is only that much."""
    if factor > _MOST_TIMES or factor < 1 / _MOST_TIMES:
        return f"over {_MOST_TIMES}x" if factor > 1 else f"under {1 / _MOST_TIMES:g}x"
    return f"{factor:.3g}x"


def too_wide(low: float, high: float) -> bool:
    """Return whether an interval of durations is too wide for its ends to tell a reader anything."""
    return high > WIDE * low


def between(low: float, high: float, joint: str = "to") -> str:
    """Return an interval of durations, or that it is too wide to tell: ``1.20 s to 1.40 s``.

    Args:
        low: its lower end in seconds.
        high: its upper end in seconds.
        joint: the word between the two.
    """
    return "too wide to tell" if too_wide(low, high) else f"{seconds(low)} {joint} {seconds(high)}"


def figure(value: float | None, unit: str) -> str:
    """Return any figure with its unit: ``1.20 s``, ``8.44 GiB``, ``1 065 734``, ``97.5 GB/s``.

    Args:
        value: the figure.
        unit: ``s``, ``B``, ``B/s``, empty or ``1`` for a count or a ratio, or what a test calls it.
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if unit == "s":
        return seconds(value)
    if unit in ("B", "bytes"):
        return size(value)
    if unit in ("B/s", "bytes/s"):
        return f"{size(value)}/s"
    bare = unit in ("", "1")  # SI's name for what has no unit
    if bare and value == round(value):
        return count(value)
    return f"{value:.4g}" if bare else f"{value:.4g} {unit}"


def count(value: float | None) -> str:
    """Return a whole number with thin groups of three: ``1 065 734 110``."""
    return NOT_KNOWN if value is None else f"{round(value):,}".replace(",", " ")


def counted(number: float, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1: ``1 run``, ``2 runs``, ``0.5 CPUs``."""
    said = str(number) if isinstance(number, int) else f"{number:g}"
    return f"{said} {noun}{'' if number == 1 else 's'}"
