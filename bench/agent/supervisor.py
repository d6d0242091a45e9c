"""The supervisor as a program: reads the specification, runs it, writes the result and then the facts of the place."""

from __future__ import annotations

import sys

from .events import Events
from .facts import write_facts
from .result import ResultFile
from .run import Run
from .signals import Signals
from .spawn import set_subreaper
from .spec import Spec, SpecError, read_spec

OWN_ERROR = 70


def main(arguments: list[str]) -> int:
    """Run one specification; returns 0 where the result was written, whatever became of the child, else 70."""
    if len(arguments) != 1:
        sys.stderr.write("usage: PYTHON -I -S -B AGENTDIR SPEC  (a JSON text, or @FILE)\n")
        return OWN_ERROR
    try:
        spec = read_spec(arguments[0])
        return run(spec)
    except (SpecError, OSError) as error:
        sys.stderr.write(f"bench agent: {error}\n")
        return OWN_ERROR


def run(spec: Spec, events_fd: int = 1) -> int:
    """Run it, with the events on a file descriptor. Raises OSError where not even the out folder can be written to."""
    events = Events(events_fd)
    result = ResultFile(spec.out)
    signals = Signals()
    try:
        run_ = Run(spec, events, signals)
        result.write(run_.begun())
        ended = run_.execute()
        whole = result.write_last(ended)
    except Exception as error:
        result.write_last({"state": "error", "signature": f"the supervisor failed: {type(error).__name__}: {error}"})
        raise
    else:
        events.emit("ended", outcome=ended["outcome"], wall_s=ended["wall_s"], signature=ended["signature"])
        skip = "not asked: the run was interrupted" if ended["outcome"] == "interrupted" else None
        write_facts(spec, run_.facts, skip, signals)
        return 0 if whole else OWN_ERROR
    finally:
        result.release()
        set_subreaper(False)
        signals.close()
        events.close()
