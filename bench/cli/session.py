"""The session that a verb measures in: its engine, the host's one place, and what earlier commands left there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.cli.output import Held
from bench.cli.progress import Progress
from bench.cli.start.handed import machine_in_use
from bench.engine.absent import AbsentEngine
from bench.engine.choose import prepare_or_stand_in
from bench.engine.protocol import Engine, Notify, Place
from bench.engine.waiting.lock import check_if_busy, measuring
from bench.errors import HostBusy, NotMeasured
from bench.record.schema import Limits
from bench.run.observer import Observer
from bench.run.plan import Plan, check_capacity
from bench.run.recovery import recover_all
from bench.run.session import Session

NO_LIMITS = Limits()


def choose(name: str | None, host: str | None, notify: Notify) -> Engine:
    """Return the engine that is asked for, of the machine in use (:func:`bench.engine.choose.choose`).

    Args:
        name: its kind; ``None`` for whichever can serve.
        host: its address, if it is on another machine.
        notify: takes the line that names it.

    Raises:
        UsageError: no such kind.
        NotMeasured: it cannot be used.
    """
    return machine_in_use().choose(name, host, notify)


@contextmanager
def open_session(
    find: Callable[[Notify], Engine],
    host: str | None,
    results: Path,
    if_busy: str,
    *,
    plan: Plan | None = None,
    calibration: bool = True,
) -> Iterator[Session]:
    """Yield a session, once nobody else measures on the engine's host.

    If the engine cannot be used, or somebody ended the waiting, it is one in an absent engine: every attempt to measure
    there reports why, and leaves its bundle all the same.

    Args:
        find: finds the engine; it is given what takes the line that names which it is.
        host: the engine's address that was asked for.
        results: the folder whose disk is described.
        if_busy: ``wait`` for another measurement's end, or ``refuse``.
        plan: what is run first: its limits must be ones that the host can give, seen before anybody waits; and if the
            engine was nobody's choice and has no image for it, this host itself stands in.
        calibration: whether the host is calibrated before and after.

    Raises:
        UsageError: no such engine, a limit that its host cannot give, or no word for ``if_busy``.
        HostBusy: another measurement is under way, and ``refuse`` was asked for: nothing was tried, so nothing is kept.
    """
    check_if_busy(if_busy)
    held = Held()
    with ExitStack() as stack:
        engine: Engine | None = None
        observer = Observer()
        prepared: Place | None = None
        try:
            engine = find(held.hold)
            check_capacity(plan.task.limits if plan is not None else NO_LIMITS, engine.capacity())
            stack.enter_context(measuring(engine, if_busy, held.notify))
            if plan is not None:
                engine, prepared = prepare_or_stand_in(engine, plan.need, held.notify)
            observer = stack.enter_context(Progress(held.release))
            recover_all(engine, results, held.notify)
        except HostBusy:
            raise
        except (NotMeasured, KeyboardInterrupt) as error:
            engine = AbsentEngine(error, engine, host)
        probes = machine_in_use().probes
        session = Session(engine, held.notify, results, observer, calibration=calibration, probes=probes)
        if plan is not None and prepared is not None:
            session.adopt(plan.need, prepared)
        yield stack.enter_context(session)


@contextmanager
def open_beside(usual: Session, find: Callable[[Notify], Engine], host: str | None) -> Iterator[Session]:
    """Yield a session in another engine of the machine that ``usual`` measures on and holds; see :func:`open_session`.

    On another machine nothing is measured: whoever compared the two would compare machines.

    Args:
        usual: the session that holds the machine.
        find: finds the engine; it is given what takes the line that names which it is.
        host: the engine's address that was asked for.

    Raises:
        UsageError: no such engine.
    """
    engine: Engine | None = None
    try:
        engine = find(usual.notify)
        if engine.machine != usual.engine.machine:
            what = f"the {engine.name} engine is on another machine than the {usual.engine.name} engine"
            raise NotMeasured(what, "their difference would be the machines'", "compare variants of one machine")
        recover_all(engine, usual.results, usual.notify)
    except (NotMeasured, KeyboardInterrupt) as error:
        engine = AbsentEngine(error, engine, host)
    with usual.beside(engine) as session:
        yield session
