"""Numbers and times to places, and the round values that an axis names (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NICE = (1.0, 2.0, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
    *(count * _DAY for count in (1, 2, 4, 7, 14)),
)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240)


FARTHEST = 1e300
"""What lies beyond is drawn at the edge: no difference of two such numbers is more than a number holds."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What lies between ``low`` and ``high``, the edges of a drawing."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at the low edge and 1 at the high one; what is beyond an edge lies on it."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def holds(self, value: float) -> bool:
        """Return whether a value lies within."""
        return self.low <= value <= self.high

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return at most ``most`` round values within, each with its text, with as many decimals as the step needs."""
        step = _step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
        return [(at * step, _number(at * step, decimals)) for at in range(first, last + 1)]


def _step(least: float) -> float:
    scale = 10.0 ** math.floor(math.log10(least))
    return next(scale * nice for nice in _NICE if scale * nice >= least * (1 - 1e-9))


def _number(value: float, decimals: int) -> str:
    if abs(value) >= 1e6 or decimals > 6:
        return f"{value:g}"
    return f"{value + 0.0:.{decimals}f}"


def span(values: Sequence[float], bounds: Sequence[float | None]) -> Scale:
    """Return a scale that shows all values, and each bound that is not so far off that the values would become a line.

    A bound farther away than one and a half times the values' reach stays outside. Values that are all the same
    and have no bound beside them begin at 0: a part of a percent around one run would look like a spread.
    """
    values = _near(values)
    low, high = (min(values), max(values)) if values and max(values) > 0 else (0.0, 1.0)
    reach = max(high - low, 0.12 * abs(high), 1e-9)
    alone = high - low <= 1e-3 * abs(high)
    for bound in bounds:
        if bound is not None and high < bound <= high + 1.5 * reach:
            high, low, alone = bound, low - reach if alone else low, False
    if alone:
        low = 0.0
    pad = 0.06 * max(high - low, reach)
    return Scale(max(low - pad, 0.0), high + pad)


def from_zero(values: Sequence[float], room: float = 1.06) -> Scale:
    """Return a scale that shows all values, negative ones too, and 0."""
    values = _near(values)
    low, high = min([0.0, *values]), max([0.0, *values])
    return Scale(low * room, high * room) if high > low else Scale(0.0, 1.0)


def _near(values: Sequence[float]) -> list[float]:
    return [min(max(value, -FARTHEST), FARTHEST) for value in values]


def moment(time: datetime) -> float:
    """Return a time as a number for a scale."""
    return time.timestamp()


def time_ticks(scale: Scale, most: int = 5) -> list[tuple[float, str]]:
    """Return round times of UTC within a scale of :func:`moment`: a clock's time, a day, a month or a year."""
    least = (scale.high - scale.low) / most
    step = next((step for step in _STEPS if step >= least), None)
    return list(_clock(scale, step)) if step is not None else list(_calendar(scale, least))


def _clock(scale: Scale, step: int) -> Iterator[tuple[float, str]]:
    at = math.ceil(scale.low / step) * step
    while at <= scale.high:
        time = datetime.fromtimestamp(at, UTC)
        whole = at % _DAY == 0
        yield float(at), f"{time.day} {time:%b}" if whole else f"{time:%H:%M}"
        at += step


def _calendar(scale: Scale, least: float) -> Iterator[tuple[float, str]]:
    step = next((months for months in _MONTHS if months * 30.5 * _DAY >= least), _MONTHS[-1])
    first = datetime.fromtimestamp(scale.low, UTC)
    month = -(-(first.year * 12 + first.month - 1) // step) * step
    while True:
        time = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        if moment(time) > scale.high:
            return
        if scale.holds(moment(time)):
            yield moment(time), f"{time:%Y}" if step % 12 == 0 else f"{time:%b %Y}"
        month += step


def over_time(times: Sequence[datetime], more: float = 0.06) -> Scale:
    """Return a scale of times with room for one more at its end and at least a minute around a single one."""
    first, last = min(times), max(times)
    reach = max(last - first, timedelta(minutes=1))
    return Scale(moment(first - 0.03 * reach), moment(last + (more + 0.03) * reach))
