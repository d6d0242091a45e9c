"""Evidence of a killed command that cannot be finished: moved out of the way once, with all of it, and named.

It lies in the user's state, in a folder beside the stores: ``unfinished/<store or run>/``. What only the engine has of
a run is copied to ``engine-<run>/`` in there; if even that fails the engine keeps it, and nobody asks again.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Collection
from pathlib import Path

from bench.engine.protocol import Engine, Notify, Orphan
from bench.errors import BenchError, NotMeasured, UsageError
from bench.run.store.kept import Store, default_folder, settle

_RUN = "engine-"
_STAYS = "stays"
"""In a store that could not be moved: nobody tries again."""
_TRIED = "tried"
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def default_aside() -> Path:
    """Return the folder that unfinished evidence goes to: on the stores' disk, so that moving it takes no room."""
    return default_folder().parent / "unfinished"


def given_up(folder: Path | None = None) -> set[str]:
    """Return the runs whose evidence an engine may still hold, and nobody could fetch."""
    folders = [folder] if folder else [default_aside(), default_folder()]  # where it is, if it could not be moved
    found = [path for one in folders for path in one.glob(f"*/{_RUN}*")]
    return {path.name.removeprefix(_RUN) for path in found if path.is_dir()}  # beside each lies a file of its labels


def stays(store: Store) -> bool:
    """Return whether a store holds evidence that could be neither finished nor moved, as somebody was told once."""
    return (store.path / _STAYS).exists()


def let_go(engine: Engine, orphan: Orphan) -> None:
    """Remove a run from its engine, whose evidence is safe; one that does not go is not finished a second time.

    Args:
        engine: where the run was.
        orphan: the run.
    """
    gone = False
    with contextlib.suppress(BenchError):
        gone = engine.discard(orphan)
    if not gone:
        settle(orphan.run_id)


def try_later(folder: Path, error: Exception) -> bool:
    """Return whether another try is worth it: once, if the disk or the engine refused and may not the next time.

    Args:
        folder: what remembers that it was tried: the store, or :func:`folder_of` a run without one.
        error: why it could not be finished.
    """
    refused = isinstance(error, (NotMeasured, UsageError))
    passing = refused or (isinstance(error, OSError) and error.errno in _PASSING)
    tried = folder / _TRIED
    if not passing or tried.exists():
        return False
    with contextlib.suppress(OSError):  # if there is no room even for this it is tried once more
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tried.touch()
    return True


def folder_of(orphan: Orphan) -> Path:
    """Return the folder for the evidence of a run of which only the engine knows."""
    return default_aside() / orphan.run_id


def set_aside(engine: Engine, store: Store, orphans: Collection[Orphan], error: Exception, notify: Notify) -> set[str]:
    """Move a store out of the way, with what the engine has of its runs.

    Args:
        engine: where the runs were.
        store: what the command had kept.
        orphans: its runs that the engine still has.
        error: why it could not be finished.
        notify: takes the one line that names where it lies now.

    Returns:
        The runs of which the engine holds the only evidence.
    """
    left = {orphan.run_id for orphan in orphans if not _fetched(engine, orphan, store.path)}
    folder = default_aside() / store.id
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        store.path.rename(folder)
    except OSError:
        folder = store.path
        with contextlib.suppress(OSError):
            (folder / _STAYS).touch()
    notify(f"evidence of a killed command could not be finished and is kept in {folder}: {said(error)}")
    return left


def set_aside_alone(engine: Engine, orphan: Orphan, error: Exception, notify: Notify) -> bool:
    """Move the evidence of a run out of the way of which only the engine knows.

    Args:
        engine: where the run was.
        orphan: the run.
        error: why it could not be finished.
        notify: takes the one line that names where it lies now.

    Returns:
        Whether the evidence was fetched; ``False`` if the engine still holds the only copy.
    """
    folder = folder_of(orphan)
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fetched = _fetched(engine, orphan, folder)
    where = f"in {folder}" if fetched else "in the engine"
    notify(f"evidence of a killed run could not be finished and is kept {where} (run {orphan.run_id}): {said(error)}")
    return fetched


def said(error: Exception) -> str:
    """Return an error in one line, with its kind if it is none of ours."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, BenchError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _fetched(engine: Engine, orphan: Orphan, folder: Path) -> bool:
    if not orphan.evidence:
        return True
    out = folder / f"{_RUN}{orphan.run_id}"
    try:
        out.mkdir(exist_ok=True)
        engine.recover(orphan, out)
        (folder / f"{_RUN}{orphan.run_id}.json").write_text(json.dumps(orphan.labels), encoding="utf-8")
        let_go(engine, orphan)
    except Exception:  # whatever it is: a command that measures does not end by it
        return False
    return True
