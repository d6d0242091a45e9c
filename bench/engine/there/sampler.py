"""What a helper container reports of its machine once a second, and how that is read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from bench.engine.protocol import Event
from bench.engine.there.script import LOAD, STAT, VMSTAT
from bench.host.monitor.monitor import Sample
from bench.host.monitor.readings import fastest_hz, hottest_c, throttle_count, waited_s
from bench.host.procfs import parse_cpu_times

_PAGE_BYTES = 4096


class Said(msgspec.Struct, frozen=True):
    """One moment as the helper tells it: the time of its two clocks, its own CPU time, and texts by path.

    ``asked``: it was asked for, and everything was read.
    """

    at: float
    t_s: float
    own_s: float
    asked: bool
    texts: dict[str, str]


class Moment(msgspec.Struct, frozen=True):
    """One moment, read. ``t_s`` of the sample is the machine's own monotonic clock."""

    at: float
    sample: Sample
    throttles: int | None
    asked: bool


def parse_moment_there(event: Event, sensors: Sequence[str]) -> Moment | None:
    """Return a moment from what came of a helper; ``None`` if it is none (pure).

    Args:
        event: what came.
        sensors: the files that hold temperatures of the CPU.
    """
    try:
        said = msgspec.convert(dict(event), Said)
        times = parse_cpu_times(said.texts.get(STAT, ""))
        if times is None or not all(map(math.isfinite, (said.at, said.t_s, said.own_s))):
            return None
        waited = waited_s(said.texts)
        load = said.texts.get(LOAD, "").split(" ")[0]
        sample = Sample(
            t_s=said.t_s,
            busy_s=times.busy_s,
            steal_s=times.steal_s,
            idle_s=times.idle_s,
            own_s=said.own_s,
            load=float(load) if load else None,
            swapped_bytes=_swapped_bytes(said.texts),
            frequency_hz=fastest_hz(said.texts),
            temperature_c=hottest_c({path: said.texts[path] for path in sensors if path in said.texts}),
            pressure_cpu_s=waited["cpu"],
            pressure_memory_s=waited["memory"],
            pressure_io_s=waited["io"],
        )
        return Moment(said.at, sample, throttle_count(said.texts), said.asked)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None


def _swapped_bytes(texts: Mapping[str, str]) -> int | None:
    counts = re.findall(r"^pswp(?:in|out) (\d+)$", texts.get(VMSTAT, ""), re.MULTILINE)
    return sum(map(int, counts)) * _PAGE_BYTES if len(counts) == len(("in", "out")) else None
