"""What a killed command left behind, finished: its evidence becomes a bundle, its container and volumes go."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from bench.compare.judge import judge
from bench.engine.protocol import Engine, Notify, Orphan
from bench.errors import BenchError
from bench.record.bundle import remove_partials, write_bundle
from bench.record.codec import decode, encode
from bench.record.schema import Record
from bench.run.evidence import collect
from bench.run.observe import unseen
from bench.run.reading import Reading, overall, read_run
from bench.run.session import OneRun

LABEL = "bench.record"
"""The label of a task that holds its record as far as it is known before the run, as JSON."""

KILLED = "the command that measured was killed"


def label_of(record: Record) -> dict[str, str]:
    """The label that lets a later command finish this record."""
    return {LABEL: encode(record).decode()}


def recover_all(engine: Engine, results: Path, notify: Notify) -> None:
    """Finish the evidence of every orphan that can still be read, then let the engine remove the rest.

    Never touches what belongs to a command that lives. A failure to finish one stops nothing.
    """
    for partial in remove_partials(results):
        notify(f"removed a bundle that a killed command had begun to write: {partial}")
    for orphan in engine.orphans():
        try:
            path = _recover(engine, orphan, results) if orphan.evidence and LABEL in orphan.labels else None
        except BenchError as error:
            notify(f"evidence of a killed run could not be finished: {error}")
            continue
        if path is not None:
            notify(f"finished the evidence of a run whose command was killed: {path}")
    engine.sweep(notify)


def _recover(engine: Engine, orphan: Orphan, results: Path) -> Path:
    begun = decode(orphan.labels[LABEL], f"the label of run {orphan.run_id}")
    with tempfile.TemporaryDirectory(prefix="bench-orphan-") as folder:
        out = Path(folder)
        ending = engine.recover(orphan, out)
        run = OneRun(read_run(out, 0, ending), out, ending)
        record = finished(begun, run.reading)
        record = msgspec.structs.replace(record, verdict=judge(record))
        return write_bundle(results, record, collect(record, [run], unseen(KILLED), None))


def finished(begun: Record, reading: Reading) -> Record:
    """A record that was begun, with the run that was found (pure)."""
    missing = {f"runs[0].{path}": why for path, why in reading.unavailable.items()}
    return msgspec.structs.replace(
        begun,
        runs=(reading.run,),
        outcome=overall((reading.run,)),
        unavailable={**begun.unavailable, "host.after": KILLED, "calibration.after": KILLED, **missing},
    )
