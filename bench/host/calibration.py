"""How fast a machine is at five simple things, before and after a run: it classifies and explains, it never rescales.

The loads (:mod:`bench.host.loads`) run in a process of their own, by default under the Python that runs this; give the
Python of the place where the diagnostic runs, so that two hosts are compared under one interpreter. On another host's
engine run :data:`SCRIPT` there as a task and hand its output to :func:`parse_calibration`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.host import loads
from bench.record.schema import Warning_
from bench.units import percent, times

SCRIPT = Path(loads.__file__)
"""The loads as a file that needs nothing but a Python: ``python loads.py [--quick]``."""

METRICS = ("one_core_s", "all_cores_s", "memory_bandwidth_bytes_per_s", "page_fault_s", "process_start_s")
LONGEST_S = 120.0
"""A machine that needs longer (an emulated one) is given up on."""

DRIFT_RATIO = 0.10
"""What two calibrations of one idle machine, minutes apart, differ by at most."""

Figures = dict[str, float | None]


class _Output(msgspec.Struct):
    figures: dict[str, float | None]
    unavailable: dict[str, str] = {}


def calibrate(python: str = sys.executable, *, quick: bool = False) -> tuple[Figures, dict[str, str]]:
    """Run the loads now: 1 to 3 s, with ``quick`` under 1 s on an ordinary machine.

    Returns:
        Metric name, with its unit, to value; and for each metric without a value the reason. It does not raise: a
        machine that cannot be calibrated can still be measured.
    """
    command = [python, "-I", "-S", "-B", str(SCRIPT), *(["--quick"] if quick else [])]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return _nothing(f"the calibration took longer than {LONGEST_S:.0f} s")
    except OSError as error:
        return _nothing(f"the calibration could not be started: {error}")
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        return _nothing(f"the calibration ended with {answer.returncode}: {last}")
    return parse_calibration(answer.stdout)


def parse_calibration(text: str) -> tuple[Figures, dict[str, str]]:
    """What :data:`SCRIPT` printed. Text that it did not print gives no values, with the reason."""
    try:
        output = msgspec.json.decode(text, type=_Output)
    except msgspec.DecodeError as error:
        return _nothing(f"the calibration's output is not readable: {error}")
    figures = {name: output.figures.get(name) for name in METRICS}
    missing = {name: "the calibration did not give it" for name, value in figures.items() if value is None}
    return figures, missing | {name: why for name, why in output.unavailable.items() if name in missing}


def drift(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> tuple[Warning_, ...]:
    """What changed on the machine while it was measured: a warning ``calibration_drifted`` for each metric that did.

    The value is the relative change in speed, negative for slower, whether the metric counts seconds or bytes a second.
    """
    warnings = []
    for name in METRICS:
        first, last = before.get(name), after.get(name)
        if not first or not last:
            continue
        change = (last / first if name.endswith("_per_s") else first / last) - 1
        if abs(change) > DRIFT_RATIO:
            what = name.removesuffix("_bytes_per_s").removesuffix("_s").replace("_", " ")
            message = f"machine speed changed while measuring: {what} {_much(change)} at the end"
            warnings.append(Warning_("calibration_drifted", message, change, "ratio"))
    return tuple(warnings)


def _much(change: float) -> str:
    """A change of speed in words: ``20.0 % slower``, and from twice as fast or half as fast on a factor."""
    if change >= 0:
        return f"{times(1 + change)} faster" if change > 1 else f"{percent(change)} faster"
    return f"{times(1 / (1 + change))} slower" if change < -0.5 else f"{percent(-change)} slower"


def _nothing(reason: str) -> tuple[Figures, dict[str, str]]:
    return dict.fromkeys(METRICS), dict.fromkeys(METRICS, reason)
