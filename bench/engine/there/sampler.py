"""What a helper container says of its machine once a second, and how that is read; it holds no opinion of its own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from bench.engine.protocol import Event
from bench.host.monitor.monitor import Sample
from bench.host.monitor.readings import (
    CPUINFO,
    FREQUENCIES,
    PRESSURES,
    THROTTLE_FILES,
    fastest_hz,
    hottest_c,
    throttle_count,
    waited_s,
)
from bench.host.procfs import parse_cpu_times
from bench.host.sensors import cpu_sensor_paths

_STAT, _LOAD, _VMSTAT = "/proc/stat", "/proc/loadavg", "/proc/vmstat"
_PAGE_BYTES = 4096
SCRIPT = """
import glob, json, re, signal, sys, time
often, seldom, interval_s, most_cost, lasts_s = json.loads(sys.argv[1])
asked = {signal.SIGUSR1, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
def read(patterns):
    texts = {}
    for pattern, wanted in patterns:
        for path in sorted(glob.glob(pattern)):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read(1 << 20).strip()
            except OSError:
                continue
            texts[path] = "\\n".join(re.findall(wanted, text, re.MULTILINE)) if wanted else text
    return texts
def say(asked):
    texts = read(often + seldom if asked else often)
    now = {"at": time.time(), "t_s": time.monotonic(), "own_s": time.process_time()}
    print(json.dumps({**now, "asked": asked, "texts": texts}), flush=True)
began, taken = time.monotonic(), 1
cost_s = time.process_time()
say(True)
while time.monotonic() - began < lasts_s:
    spent_s = time.process_time() - cost_s
    got = signal.sigtimedwait(asked, max(interval_s, spent_s / taken / most_cost))
    if got is not None and got.si_signo == signal.SIGTERM:
        break
    say(got is not None)
    taken += 1
"""
"""Prints a moment a second, and one at once for each USR1; ends by itself, whatever becomes of who started it."""


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


def patterns(texts: Mapping[str, str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return which files to read every second and which but now and then, each with the lines wanted of it (pure).

    Args:
        texts: what the machine said of itself before; tells which sensors are the CPU's and who knows its frequency.
    """
    has_policies = any(path.endswith("scaling_cur_freq") for path in texts)
    often = [
        (_STAT, "^cpu .*$"),
        (_LOAD, ""),
        (PRESSURES, "^some .*$"),
        (_VMSTAT, r"^pswp(?:in|out) \d+$"),
        (FREQUENCIES, "") if has_policies else (CPUINFO, r"^cpu MHz\s*: .*$"),
        *((path, "") for path in cpu_sensor_paths(texts)),
    ]
    return often, [(path, "") for path in THROTTLE_FILES]


def argument(texts: Mapping[str, str], interval_s: float, most_cost: float, lasts_s: float) -> str:
    """Return the script's one argument, as JSON.

    Args:
        texts: what the machine said of itself before.
        interval_s: seconds between two moments, at least.
        most_cost: the share of one core that it may take.
        lasts_s: seconds after which it ends.
    """
    return json.dumps([*patterns(texts), interval_s, most_cost, lasts_s])


def parse_moment_there(event: Event, sensors: Sequence[str]) -> Moment | None:
    """Return a moment from what came of a helper; ``None`` if it is none (pure).

    Args:
        event: what came.
        sensors: the files that hold temperatures of the CPU.
    """
    try:
        said = msgspec.convert(dict(event), Said)
        times = parse_cpu_times(said.texts.get(_STAT, ""))
        if times is None or not all(map(math.isfinite, (said.at, said.t_s, said.own_s))):
            return None
        waited = waited_s(said.texts)
        load = said.texts.get(_LOAD, "").split(" ")[0]
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
    counts = re.findall(r"^pswp(?:in|out) (\d+)$", texts.get(_VMSTAT, ""), re.MULTILINE)
    return sum(map(int, counts)) * _PAGE_BYTES if len(counts) == len(("in", "out")) else None
