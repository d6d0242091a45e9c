"""What a killed command left of a local run: its supervisor ended, its evidence kept, its group and folders removed."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Collection
from pathlib import Path

import psutil

from bench.engine.labels import is_alive
from bench.engine.local.ledger import Entry, Ledger
from bench.engine.local.process import kill_strays
from bench.engine.protocol import KILLED, Ending, Notify, Orphan
from bench.engine.transfer.plain import copy_plain
from bench.errors import NotMeasured
from bench.record.storage.disk import discard_tree

STOP_S = 30.0
_RUN = re.compile(r"run-\d{4,}", re.ASCII)
"""A run's evidence in the store of its command."""
WORK = "bench-work-"
"""How the name of a run's working folder begins."""


def find(ledger: Ledger) -> list[Orphan]:
    """The local runs whose command is gone."""
    return [
        Orphan(
            run_id=entry.run_id,
            labels=entry.labels,
            running=_runs(entry),
            evidence=(Path(entry.out) / "result.json").exists(),
        )
        for entry in ledger.left_behind()
    ]


def recover(ledger: Ledger, orphan: Orphan, out: Path) -> Ending:
    """Stop an orphan in order and copy its evidence into ``out`` (see ``bench.engine.protocol.Engine``).

    Args:
        ledger: what the local engine has under way.
        orphan: what was left.
        out: an existing folder.
    """
    entry = _entry(ledger, orphan)
    if entry is None:
        return Ending(None, error=f"{KILLED}, and nothing of it is left", killed=True)
    if orphan.running:
        stop(entry)
    try:
        notes = copy_plain(Path(entry.out), out)
    except OSError as problem:
        raise NotMeasured(f"the evidence of run {orphan.run_id} could not be copied", str(problem)) from problem
    return Ending(None, interrupted=orphan.running, error=KILLED, notes=notes, killed=True)


def discard(ledger: Ledger, orphan: Orphan) -> bool:
    """Remove an orphan whose evidence is safe; whether all of it is gone."""
    entry = _entry(ledger, orphan)
    return entry is None or remove(ledger, entry)


def _entry(ledger: Ledger, orphan: Orphan) -> Entry | None:
    return next((entry for entry in ledger.left_behind() if entry.run_id == orphan.run_id), None)


def stop(entry: Entry) -> None:
    """TERM to the supervisor, and KILL if it does not end; what outlives even that is waited for no longer."""
    if entry.pid is None:
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(entry.pid)
        if _runs(entry):
            process.terminate()
            try:
                process.wait(STOP_S)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)


def remove(ledger: Ledger, entry: Entry) -> bool:
    """Remove processes, group and folders of a run; whether all are gone."""
    if entry.pid is not None and _runs(entry):
        with contextlib.suppress(psutil.Error):
            psutil.Process(entry.pid).kill()
    done = kill_strays(entry.run_id)
    group = entry.group
    # What an entry names is removed if it bears a name as a run gives it: a test may have written the entry.
    if group is not None and all(folder.name == f"bench-{entry.run_id}" for folder in group.folders.values()):
        done = group.remove() and done
    of_the_run = re.fullmatch(re.escape(f"{WORK}{entry.run_id}") + "[0-9a-f]{8}", Path(entry.work).name)
    if of_the_run is not None and Path(entry.work).is_absolute():
        discard_tree(Path(entry.work))
    parent = Path(entry.out).parent
    of_a_store = parent.name.startswith("bench-") and _RUN.fullmatch(Path(entry.out).name) is not None
    if of_a_store and parent.parent == Path(tempfile.gettempdir()):  # the killed command's own
        discard_tree(Path(entry.out))
        with contextlib.suppress(OSError):
            parent.rmdir()  # unless something else is left in it
    if done:
        ledger.forget(entry.run_id)
    return done


def sweep(ledger: Ledger, notify: Notify, keep: Collection[str] = ()) -> None:
    """Remove every orphan but those in ``keep``, with its evidence (recover it first if that is wanted).

    Args:
        ledger: what the local engine has under way.
        notify: takes each line for the person who waits.
        keep: the ids of runs that stay.
    """
    for entry in ledger.left_behind():
        if entry.run_id in keep:
            continue
        if remove(ledger, entry):
            notify(f"removed what a killed command had left on this host (run {entry.run_id})")
        else:
            notify(f"what a killed command left on this host could not be removed (run {entry.run_id})")


def _runs(entry: Entry) -> bool:
    return entry.pid is not None and is_alive(entry.pid, entry.start or "")
