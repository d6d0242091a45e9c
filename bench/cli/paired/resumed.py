"""The experiment that ``ab --resume`` goes on with: what a killed command left of it is finished first."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bench.cli.output import notify
from bench.cli.session import choose
from bench.engine.waiting.lock import measuring
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Experiment
from bench.record.storage.bundle import Bundle
from bench.run.ab.resume import find_sides
from bench.run.ab.words import Words, newest_words
from bench.run.recovery import recover_all
from bench.run.store.kept import left_behind


def sides_to_go_on_with(what: str | None, given: Words | None, results: Path, if_busy: str) -> list[Bundle]:
    """Return the bundles of the experiment to go on with, those of a killed command too, oldest first.

    Args:
        what: its id, one of its bundles, or the name of a diagnostic; ``None`` for the newest one.
        given: the words that were given again.
        results: the results folder.
        if_busy: ``wait`` for another measurement's end, or ``refuse``.

    Raises:
        UsageError: there is no such experiment, or nothing of it.
        HostBusy: another measurement is under way, and ``refuse`` was asked for.
    """
    begun = newest_words(what, results)
    words = given or (begun[1] if begun is not None else None)
    if left_behind():
        _finish(words, results, if_busy)
    try:
        found = find_sides(what, results)
    except UsageError:
        if begun is None:
            raise
        if left_behind():
            fault = f"what the killed command measured of {begun[0]} could not be read yet"
            raise UsageError(fault, fix="run 'bench doctor', and give this command again") from None
        fault = f"{begun[0]} began and has no run in {results}: its command ended before the first"
        raise UsageError(fault, fix="give that command again, which loses nothing") from None
    ids = {side.record.experiment.id for side in found if isinstance(side.record.experiment, Experiment)}
    if begun is not None and begun[0] not in ids and not _has_runs(begun[0], results):
        notify(f"going on with {', '.join(sorted(ids))}: {begun[0]} began and has no run")
    return found


def _has_runs(experiment: str, results: Path) -> bool:
    try:
        return bool(find_sides(experiment, results))
    except UsageError:
        return False


def _finish(words: Words | None, results: Path, if_busy: str) -> None:
    """Make bundles of what killed commands measured; an engine that is not there is told of by the experiment."""
    kind = None if words is None else "local" if words.python is not None else words.engine
    with contextlib.suppress(NotMeasured):
        engine = choose(kind, None if words is None else words.host, lambda _: None)
        with measuring(engine, if_busy, notify):
            recover_all(engine, results, notify)
