"""What the programs of this folder share: a run with counters or without, in an engine, quiet or beside a neighbour."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough

from bench.engine.choose import choose
from bench.errors import NotMeasured
from bench.record.schema import Run
from bench.record.work import Work
from bench.run.plan import Plan
from bench.run.result.reading import read_run
from bench.run.session import Session
from bench.run.work.counting import counting_plan
from bench.run.work.reading import read_work

ENGINES = ("docker", "local")
DIAGNOSTICS = ("grad_cpu", "bandwidth_cpu", "dtype_cpu")


def open_session(engine: str, results: Path) -> Session:
    """A session in an engine, without calibration; ends the program where there is no such engine."""
    try:
        found = choose(engine, None, lambda _line: None)
    except NotMeasured as error:
        raise SystemExit(f"{engine}: {error}") from None
    return Session(found, lambda _line: None, results, calibration=False)


@contextmanager
def neighbour(busy: bool = True) -> Iterator[None]:
    """Somebody who uses one CPU, or nobody."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def plain(session: Session, plan: Plan, name: str) -> Run:
    """A run without counters. Ends the program if it does not pass."""
    return _once(session, plan, name)[0]


def counted(session: Session, plan: Plan, name: str) -> tuple[Run, Work]:
    """A run with counters, and what they counted. Ends the program if it does not pass."""
    run, out = _once(session, counting_plan(plan), name, keep=True)
    work = read_work(out)[0]
    shutil.rmtree(out)
    return run, work


def _once(session: Session, plan: Plan, name: str, *, keep: bool = False) -> tuple[Run, Path]:
    out, ending = session.run_aside(plan, name)
    run = read_run(out, 0, ending).run
    if run.outcome != "passed" or run.wall_s is None:
        raise SystemExit(f"{plan.diagnostic.name}: {run.outcome} {run.signature}")
    if not keep:
        shutil.rmtree(out)
    return run, out


def facts(work: Work) -> Mapping[str, object]:
    """What is counted of torch's operators and of Python's calls, by name; nothing of what was not counted."""
    torch, python = work.torch, work.python
    found: dict[str, object] = {}
    if torch is not None:
        found |= {"calls": torch.calls, "elements": torch.elements, "bytes": torch.bytes}
        found |= {"FLOPs": torch.flops, "digest": torch.digest}
    if python is not None:
        found |= {"Python calls": python.calls}
    return found | {"processes": work.kernel.get("processes")}


def apart(one: Work, other: Work) -> list[str]:
    """Names of what is not equal in two counts; what only one of them has is left out."""
    a, b = facts(one), facts(other)
    return [name for name in a if name in b and a[name] != b[name]]
