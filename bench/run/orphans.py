"""What a killed command left behind, finished: its evidence becomes a bundle, and only then is it removed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Engine, Notify, Orphan
from bench.errors import BenchError
from bench.record.bundle import remove_partials, write_bundle
from bench.record.codec import decode, encode
from bench.record.schema import Record
from bench.run.evidence import collect
from bench.run.judging import judged
from bench.run.observe import unseen
from bench.run.reading import Reading, overall, read_left
from bench.run.session import OneRun

LABEL = "bench.record"
"""The label of a task that holds its record as far as it is known before the run, as JSON."""

KILLED = "the command that measured was killed"


def label_of(record: Record) -> dict[str, str]:
    """The label that lets a later command finish this record."""
    return {LABEL: encode(record).decode()}


def recover_all(engine: Engine, results: Path, notify: Notify) -> None:
    """Finish the evidence of every orphan that can still be read, then let the engine remove the rest.

    Never touches what belongs to a command that lives. A failure to finish one stops nothing, and leaves that one where
    it is: the next command tries again.
    """
    for partial in remove_partials(results):
        notify(f"removed a bundle that a killed command had begun to write: {partial}")
    kept = {orphan.run_id for orphan in engine.orphans() if not _finish(engine, orphan, results, notify)}
    engine.sweep(notify, kept)


def _finish(engine: Engine, orphan: Orphan, results: Path, notify: Notify) -> bool:
    """Finish one orphan; ``False`` where its evidence is nowhere but in the engine."""
    if not orphan.evidence or LABEL not in orphan.labels:
        return True
    try:
        with tempfile.TemporaryDirectory(prefix="bench-orphan-") as folder:
            path = _recover(engine, orphan, Path(folder), results)
    except (BenchError, OSError) as error:
        notify(f"evidence of a killed run could not be finished and is kept (run {orphan.run_id}): {error}")
        return False
    notify(f"finished the evidence of a run whose command was killed: {path}")
    return True


def _recover(engine: Engine, orphan: Orphan, out: Path, results: Path) -> Path:
    ending = engine.recover(orphan, out)
    begun = decode(orphan.labels[LABEL], f"the label of run {orphan.run_id}")
    run = OneRun(read_left(out, 0, ending), out, ending)
    record = judged(finished(begun, run.reading), 1)
    with Interrupts() as interrupts:  # else the next command would write it once more
        path = write_bundle(results, record, collect(record, [run], unseen(KILLED), None))
        engine.discard(orphan)
    if interrupts.count:
        raise KeyboardInterrupt
    return path


def finished(begun: Record, reading: Reading) -> Record:
    """A record that was begun, with the run that was found (pure)."""
    missing = {f"runs[0].{path}": why for path, why in reading.unavailable.items()}
    return msgspec.structs.replace(
        begun,
        runs=(reading.run,),
        outcome=overall((reading.run,)),
        unavailable={**begun.unavailable, "host.after": KILLED, "calibration.after": KILLED, **missing},
    )
