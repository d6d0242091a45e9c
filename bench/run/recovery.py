"""What a killed command left behind, finished: its evidence becomes a bundle, and only then is it removed."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.catalog.model import SELFTEST
from bench.engine.interrupt import Interrupts
from bench.engine.protocol import KILLED as RUN_KILLED
from bench.engine.protocol import Ending, Engine, Notify, Orphan
from bench.errors import BenchError, DamagedData, NotMeasured, UsageError
from bench.record.codec import decode
from bench.record.schema import Record, Verdict
from bench.record.storage.bundle import write_bundle
from bench.record.storage.partial import remove_partials
from bench.record.storage.temporary import remove_left, temporary_folder
from bench.run.host_snapshot import unseen
from bench.run.measure import refuge
from bench.run.measurement import of_runs
from bench.run.result.description import complete, default_folder, read_description
from bench.run.result.files import collect
from bench.run.result.reading import OneRun, overall, read_run
from bench.run.result.record_of import WARMUP, marked, with_verdict
from bench.run.store.aside import folder_of, given_up, let_go, said, set_aside, set_aside_alone, stays, try_later
from bench.run.store.kept import (
    ASKED,
    EVIDENCE,
    INDEX,
    LABEL,
    RESULTS,
    USER,
    Begun,
    Kept,
    Owned,
    Store,
    claimed,
    current_user,
    engine_key,
    forget_settled,
    left_behind,
    settled,
)

KILLED = "the command that measured was killed"
ALONE = f"{KILLED}, and its other runs are not to be found"
NOT_HELD = f"its readings were not held against its loads: {KILLED}"


def recover_all(engine: Engine, results: Path, notify: Notify) -> None:
    """Finish the evidence of every killed command that can still be read, then let the engine remove the rest.

    Never touches what belongs to a command that lives, or to another user. Each result goes to the folder that its own
    command named. A failure to finish one stops nothing: if a disk or the engine refused the next command tries once
    more, and what cannot be finished is moved aside (``bench.run.store.aside``).

    Args:
        engine: the engine that may still hold runs.
        results: the folder for the results whose command named none.
        notify: takes a line for each that was finished or moved aside.
    """
    remove_left()
    for partial in remove_partials(results):
        notify(f"removed a bundle that a killed command had begun to write: {partial}")
    found = engine.orphans()
    read = _ids(found) & settled()
    passed_over = given_up() | read
    orphans = [
        orphan
        for orphan in found
        if orphan.labels.get(USER, current_user()) == current_user() and orphan.run_id not in passed_over
    ]
    kept = _ids([orphan for orphan in found if orphan not in orphans]) - read
    for store, owned in left_behind():
        if stays(store):
            continue
        ours = [orphan for orphan in orphans if orphan.labels.get(EVIDENCE, "").partition("/")[0] == store.id]
        with claimed(store) as free:
            kept |= _recover_store(engine, store, owned, ours, results, notify) if free else _ids(ours)
        orphans = [orphan for orphan in orphans if orphan not in ours]
    kept |= {orphan.run_id for orphan in orphans if not _recover_alone(engine, orphan, results, notify)}
    engine.sweep(notify, kept)
    for run_id in read - _ids(engine.orphans() if read else ()):
        forget_settled(run_id)


def _ids(orphans: Collection[Orphan]) -> set[str]:
    return {orphan.run_id for orphan in orphans}


def _recover_store(
    engine: Engine, store: Store, owned: Owned, orphans: Sequence[Orphan], results: Path, notify: Notify
) -> set[str]:
    """Finish all results of a command; returns the runs of which there is evidence only in the engine."""
    try:
        begun, runs = store.begun(), store.runs()
        under_way = any(run.reading is None and run.of in begun for run in runs.values())
        if under_way and not orphans and owned.engine != engine_key(engine):
            return set()  # its last run is in another engine, and waits for a command that uses that one
        found = {orphan.labels[EVIDENCE].partition("/")[2]: orphan for orphan in orphans if orphan.evidence}
        left = _Left(store, runs, found)
        for name, result in begun.items():
            with tempfile.TemporaryDirectory(prefix="orphan-", dir=store.path) as folder:
                path = _recover_result(engine, left, name, result, Path(folder), results)
            if path is not None:
                notify(f"finished the evidence of a run whose command was killed: {path}")
        store.remove()
    except Exception as error:  # whatever a test wrote into its evidence: no later command ends by it
        if not try_later(store.path, error):
            return set_aside(engine, store, orphans, error, notify)
        notify(f"evidence of a killed command could not be finished yet and is kept in {store.path}: {said(error)}")
        return _ids(orphans)
    return set()


@dataclass(frozen=True, slots=True)
class _Left:
    """What a killed command left: its store, the runs in there, and those that the engine still has, by their names."""

    store: Store
    runs: Mapping[str, Kept]
    orphans: Mapping[str, Orphan]


def _recover_result(engine: Engine, left: _Left, name: str, result: Begun, folder: Path, results: Path) -> Path | None:
    """Write the bundle of one result; ``None`` if no run of it left anything."""
    runs: list[OneRun] = []
    orphans, kept = left.orphans, {run: one for run, one in left.runs.items() if one.of == name}
    for run, one in kept.items():
        out = left.store.path / run
        if one.reading is not None and one.ending is not None:
            runs.append(OneRun(one.reading, out, one.ending))
        elif run in orphans:
            (folder / run).mkdir()
            ending = engine.recover(orphans[run], folder / run)
            runs.append(_read_again(folder / run, one, ending))
        elif (out / "result.json").is_file():  # copied out, and its container gone, but not yet read
            ending = Ending(None, error=RUN_KILLED, killed=True)
            runs.append(_read_again(out, one, ending))
    record = recovered(result.record, runs, result.asked, KILLED)
    with Interrupts() as interrupts:  # else the next command would write it once more
        path = _write(Path(result.results or results), record, runs) if runs else None
        left.store.written(name)
        for run in kept:
            if run in orphans:
                let_go(engine, orphans[run])
    if interrupts.count:
        raise KeyboardInterrupt
    return path


def _read_again(out: Path, kept: Kept, ending: Ending) -> OneRun:
    """Read a run that its own command did not come to read, and complete its evidence."""
    known = read_description(default_folder() / f"{kept.described}.json") if kept.described else None
    if known is not None:
        complete(out, known)
    return OneRun(read_run(out, kept.index, ending), out, ending)


def _recover_alone(engine: Engine, orphan: Orphan, results: Path, notify: Notify) -> bool:
    """Finish a run of which only the engine knows; ``False`` if its evidence is nowhere else yet."""
    if not orphan.evidence or LABEL not in orphan.labels:
        return True
    try:
        with temporary_folder("orphan") as out:
            ending = engine.recover(orphan, out)
            begun = decode(orphan.labels[LABEL], f"the label of run {orphan.run_id}")
            run = OneRun(read_run(out, _number(orphan, INDEX, 0), ending), out, ending)
            record = recovered(begun, [run], _number(orphan, ASKED, 1), ALONE)
            with Interrupts() as interrupts:
                path = _write(Path(orphan.labels.get(RESULTS) or results), record, [run])
                let_go(engine, orphan)
    except Exception as error:
        if not try_later(folder_of(orphan), error):
            return set_aside_alone(engine, orphan, error, notify)
        notify(f"evidence of a killed run could not be finished yet and is kept (run {orphan.run_id}): {said(error)}")
        return False
    notify(f"finished the evidence of a run whose command was killed: {path}")
    if interrupts.count:
        raise KeyboardInterrupt
    return True


def _write(results: Path, record: Record, runs: Sequence[OneRun]) -> Path:
    files = collect(record, runs, unseen(KILLED), None)
    try:
        return write_bundle(results, record, files)
    except (NotMeasured, UsageError) as error:
        try:
            return write_bundle(refuge(), record, files)
        except BenchError:
            raise error from None


def _number(orphan: Orphan, label: str, otherwise: int) -> int:
    text = orphan.labels.get(label, "")
    if text and not text.isdecimal():
        raise DamagedData(f"the label {label} of run {orphan.run_id} is no number")
    return int(text or otherwise)


def recovered(begun: Record, runs: Sequence[OneRun], asked: int, cut: str) -> Record:
    """Return a record that was begun with the runs that were found, and with its verdict (pure).

    Args:
        begun: the record as it was before its first run.
        runs: the runs that were found, in their order.
        asked: how many runs the killed command was to make.
        cut: why there are fewer.
    """
    readings = [run.reading for run in runs]
    missing = {
        f"runs[{position}].{path}": why
        for position, reading in enumerate(readings)
        for path, why in reading.unavailable.items()
    }
    warmup = begun.diagnostic.params.get(WARMUP)
    found = marked(tuple(reading.run for reading in readings), warmup if isinstance(warmup, int) else 0)
    record = msgspec.structs.replace(
        begun,
        runs=found,
        experiment=of_runs(begun.experiment, (run.index for run in found)),
        outcome=overall(found),
        unavailable={**begun.unavailable, "host.after": KILLED, "calibration.after": KILLED, **missing},
    )
    record = with_verdict(record, asked, cut=cut, interrupted=True)
    if begun.diagnostic.name != SELFTEST:
        return record
    verdict = Verdict("not_measured", (NOT_HELD, *record.verdict.reasons))
    return msgspec.structs.replace(record, outcome="interrupted", verdict=verdict)
