"""The supervisor as a program: reads the specification, runs it, writes the result and then the facts of the place."""

from __future__ import annotations

import json
import sys
from typing import Any

from .calls import hide
from .events import Events
from .facts import write_facts
from .out import OutFolder
from .result import ResultFile
from .run import Run
from .signals import Signals
from .spawn import set_subreaper
from .spec import Spec, SpecError, read_spec

OWN_ERROR = 70
TOLD = (
    "outcome",
    "wall_s",
    "exit_code",
    "signal",
    "effective_timeout_s",
    "cgroup_version",
    "cpu",
    "memory",
    "faults",
    "context_switches",
    "io",
    "pids_peak",
)
"""What the last event holds of the result, beside its signature."""
SIGNATURE_BYTES = 1800


def main(arguments: list[str]) -> int:
    """Run one specification; returns 0 where the result was written, whatever became of the child, else 70."""
    if len(arguments) != 1:
        _complain("usage: PYTHON -I -S -B AGENTDIR SPEC  (a JSON text, or @FILE)")
        return OWN_ERROR
    try:
        spec = read_spec(arguments[0])
        return run(spec)
    except (SpecError, OSError) as error:
        _complain(f"bench agent: {error}")
        return OWN_ERROR


def _complain(text: str) -> None:
    """Tell it, if there is somebody to tell: the stream may be closed, or never have been there."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
    except (OSError, ValueError):
        pass


def run(spec: Spec, events_fd: int = 1) -> int:
    """Run it, with the events on a file descriptor. Raises OSError where not even the out folder can be written to."""
    events = Events(events_fd)
    out = OutFolder(spec.out)
    result = ResultFile(out.way)
    signals = Signals()
    hide(True)
    try:
        run_ = Run(spec, events, signals, out)
        result.write(run_.begun())
        ended = run_.execute()
        events.emit("ended", **_core(ended))  # before the writing: it may be all that comes through
        whole = result.write_last(ended)
    except Exception as error:
        out.restore()
        result.write_last({"state": "error", "signature": f"the supervisor failed: {type(error).__name__}: {error}"})
        raise
    else:
        skip = "not asked: the run was interrupted" if ended["outcome"] == "interrupted" else None
        if spec.ask is not None and skip is None:
            events.emit("describing")
        write_facts(spec, run_.facts, skip, signals)
        result.secure()
        return 0 if whole else OWN_ERROR
    finally:
        result.release()
        set_subreaper(False)
        signals.close()
        out.close()
        events.close()
        hide(False)


def _core(ended: dict[str, Any]) -> dict[str, Any]:
    """Outcome and counters, which are all that there is where ``result.json`` does not come back.

    A line of events is bounded, and every letter of the signature may take twelve bytes of it.
    """
    signature = ended["signature"]
    if signature is not None and len(json.dumps(signature)) > SIGNATURE_BYTES:
        signature = signature[: SIGNATURE_BYTES // 12]
    return {**{name: ended[name] for name in TOLD}, "signature": signature}
