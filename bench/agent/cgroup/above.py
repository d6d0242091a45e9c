"""The groups above a run's own, as far as they are mounted here: their limits hold the run too, and throttle it."""

from __future__ import annotations

import os
from typing import NamedTuple

from .files import Files
from .parse import parse_keyed
from .reading import Reading


class Throttled(NamedTuple):
    """What quotas above have done so far: periods and throttled ones of all groups together, and their time."""

    periods: int
    throttled_periods: int
    time: int
    by: tuple[str, ...]


class Above:
    """Files of the groups above one.

    Args:
        folder: the run's own group; ``None`` if it has none here.
        time: what ``cpu.stat`` calls the throttled time: ``throttled_usec``, or ``throttled_time`` on version 1.
        names: which files besides ``cpu.stat`` are kept open.
    """

    def __init__(self, folder: str | None, time: str, names: tuple[str, ...] = ()) -> None:
        folders = groups_above(folder) if folder is not None else []
        self._time = time
        paths = [os.path.join(above, name) for above in folders for name in ("cpu.stat", *names)]
        self._files = Files({path: path for path in paths})

    def read(self, name: str) -> dict[str, str]:
        """The text of a file in each group above that has it, by its path."""
        paths = [path for path in self._files.names() if path.endswith(f"/{name}")]
        return {path: self._files.read(path) or "" for path in paths}

    def throttled(self) -> Throttled | None:
        """What the groups above that have a quota have been throttled; ``None`` if none has ever had one.

        Times of several groups can overlap, and a group's other processes are throttled with the run: a bound.
        """
        found = {path: parse_keyed(text) for path, text in self.read("cpu.stat").items()}
        bound = {path: one for path, one in found.items() if one.get("nr_periods")}
        if not bound:
            return None
        periods, throttled, time = (
            sum(one.get(key, 0) for one in bound.values()) for key in ("nr_periods", "nr_throttled", self._time)
        )
        return Throttled(periods, throttled, time, tuple(sorted(bound)))

    def close(self) -> None:
        """Close the open files."""
        self._files.close()


def groups_above(folder: str) -> list[str]:
    """The groups above a group, as far as they are mounted here; the root of a machine's tree has no limit."""
    found = []
    above = os.path.dirname(os.path.abspath(folder))
    while os.path.exists(os.path.join(above, "cgroup.procs")):
        found.append(above)
        above = os.path.dirname(above)
    return found


def with_above(reading: Reading, above: Throttled | None, unit: float) -> tuple[Reading, str | None]:
    """Add what the groups above were throttled to a reading; returns also where that comes from.

    Args:
        reading: of the run's own group.
        above: what they were throttled.
        unit: of their time, in seconds.
    """
    if above is None:
        return reading, None
    more = reading._replace(
        periods=(reading.periods or 0) + above.periods,
        throttled_periods=(reading.throttled_periods or 0) + above.throttled_periods,
        throttled_s=(reading.throttled_s or 0.0) + above.time * unit,
    )
    return more, f"the group itself and those above that have a quota ({', '.join(above.by)})"
