"""What a command has measured so far, on disk under its owner's name: so that a later one can finish a killed one's.

One folder a command, in the user's state::

    owner.json          the process that measures, and its engine
    begun-00.json       a result's record as far as it is known before its first run, and how many runs it asks for
    run-0000.json       a run: of which result, its number, and how it ended once that has been read
    run-0000/           its evidence
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from bench.engine.labels import Owner, current_owner, is_gone, owner_labels, parse_owner
from bench.engine.protocol import Ending, Engine
from bench.errors import DamagedData, NotMeasured
from bench.files import read_plain
from bench.record.codec import encode
from bench.record.schema import Record
from bench.record.storage.disk import claimed as claimed_folder
from bench.record.storage.disk import discard_tree
from bench.run.result.reading import Reading

LABEL = "bench.record"
"""The label of a task that holds its record as far as it is known before the run, as JSON."""
EVIDENCE = "bench.evidence"
"""The label that names the run in its command's store: the store's id and the run's name."""
INDEX = "bench.index"
ASKED = "bench.asked"
RESULTS = "bench.results"
"""The label of the results folder that the command named, absolute."""
USER = "bench.user"
"""The label of the user whose command it was, by number; empty if the system has none."""

MAX_BYTES = 256 * 1024**2
"""What one file of a store can hold, at most."""

_T = TypeVar("_T")


class Owned(msgspec.Struct, frozen=True):
    """Whose a store is, and where its runs are."""

    labels: dict[str, str]
    engine: str


class Begun(msgspec.Struct, frozen=True):
    """A result under way; ``results`` is the folder that it goes to."""

    record: Record
    asked: int
    results: str | None = None


class Kept(msgspec.Struct, frozen=True):
    """One run; ``reading`` and ``ending`` once it has ended; ``described`` is the key of its place's description."""

    of: str
    index: int
    reading: Reading | None = None
    ending: Ending | None = None
    described: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A result that a store keeps: its name there, and the labels by which its runs can be finished without it."""

    name: str
    labels: dict[str, str]


class Store:
    """One command's store; see :func:`make_store` and :func:`left_behind`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._runs = 0
        self._results = 0

    @property
    def id(self) -> str:
        """What it is called."""
        return self.path.name

    @property
    def owned(self) -> bool:
        """Whether another command can find it."""
        return (self.path / "owner.json").is_file()

    def begin(self, record: Record, asked: int, results: Path) -> Result:
        """Keep what is known of a result before its first run; return its name here and the labels of its runs.

        Args:
            record: the record as far as it is known.
            asked: how many runs it is to have.
            results: the results folder that it goes to.
        """
        name = f"begun-{self._results:02}"
        self._results += 1
        folder = str(results.absolute())
        self._write(name, Begun(record, asked, folder))
        labels = {LABEL: encode(record).decode(), ASKED: str(asked), RESULTS: folder, USER: current_user()}
        return Result(name, labels)

    def start(self, result: Result, index: int, described: str = "") -> tuple[Path, dict[str, str]]:
        """Make an empty folder for a run's evidence; return it, and the labels of the run's task.

        Args:
            result: the result that the run is of.
            index: its number in it.
            described: the key of its place's description.

        Raises:
            NotMeasured: the disk refuses.
        """
        out = self.path / f"run-{self._runs:04}"
        self._runs += 1
        try:
            out.mkdir()
        except OSError as error:
            raise NotMeasured(f"{out} cannot be made", error.strerror or str(error), "make room there") from error
        self._write(out.name, Kept(result.name, index, described=described))
        return out, {**result.labels, INDEX: str(index), EVIDENCE: f"{self.id}/{out.name}"}

    def keep(self, out: Path, result: Result, reading: Reading, ending: Ending) -> None:
        """Keep how a run ended.

        Args:
            out: the folder of its evidence, from :meth:`start`.
            result: the result that it belongs to.
            reading: the run as it was read.
            ending: how the engine saw it end.
        """
        self._write(out.name, Kept(result.name, reading.run.index, reading, ending))

    def written(self, name: str) -> None:
        """A result has its bundle: nothing of it is left to finish."""
        with contextlib.suppress(OSError):
            (self.path / f"{name}.json").unlink()

    def begun(self) -> dict[str, Begun]:
        """Return the results that have no bundle, by name.

        Raises:
            DamagedData: one of them cannot be read.
        """
        return {path.stem: _read(path, Begun) for path in sorted(self.path.glob("begun-*.json"))}

    def runs(self) -> dict[str, Kept]:
        """Return all runs by name, in order.

        Raises:
            DamagedData: one of them cannot be read.
        """
        return {path.stem: _read(path, Kept) for path in sorted(self.path.glob("run-*.json"))}

    def unfinished(self) -> bool:
        """Return whether it holds a run that has ended and is in no bundle, or nobody knows."""
        try:
            begun = self.begun()
            return any(run.of in begun and run.reading is not None for run in self.runs().values())
        except DamagedData:
            return True

    def remove(self) -> None:
        """Remove it with all that it holds; what shows whose it is goes last."""
        for path in self.path.glob("*"):
            if path.is_dir() and not path.is_symlink():
                discard_tree(path)
            elif path.name != "owner.json":
                with contextlib.suppress(OSError):
                    path.unlink()
        discard_tree(self.path)

    def _write(self, name: str, content: msgspec.Struct) -> None:
        """Write a file whole or not at all.

        A disk that refuses, or what no JSON can hold, costs a killed command's successor, not this one.
        """
        fresh = self.path / f"{name}.new"
        with contextlib.suppress(OSError, ValueError, TypeError, OverflowError, RecursionError):
            fresh.write_bytes(msgspec.json.encode(content))
            fresh.replace(self.path / f"{name}.json")


def current_user() -> str:
    """Return this user's number, as text; empty if the system has none."""
    return str(os.getuid()) if hasattr(os, "getuid") else ""


def default_folder() -> Path:
    """Return the folder of the stores: this user's, on this host's own disk."""
    return platformdirs.user_state_path("bench") / "sessions"


def settle(run_id: str) -> None:
    """Remember a run that has been read, and of which its engine keeps something: it is not to be finished again."""
    with contextlib.suppress(OSError):
        _settled().mkdir(parents=True, exist_ok=True)
        (_settled() / run_id).touch()


def settled() -> set[str]:
    """Return the runs that have been read already, whatever an engine still has of them."""
    return {path.name for path in _settled().glob("*")}


def forget_settled(run_id: str) -> None:
    """Forget one of which nothing is left."""
    with contextlib.suppress(OSError):
        (_settled() / run_id).unlink()


def _settled() -> Path:
    return default_folder().parent / "settled"


def engine_key(engine: Engine) -> str:
    """Return what distinguishes one engine from another."""
    return f"{engine.name} {engine.address}".strip()


def make_store(engine: Engine, folder: Path | None = None) -> Store:
    """Return a store of this process; if the user's state cannot be written, one that only this command can finish."""
    name = uuid.uuid4().hex[:12]
    owned = Owned(owner_labels(current_owner(), name), engine_key(engine))
    folder = folder or default_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{name}"
        fresh.mkdir(mode=0o700)
        (fresh / "owner.json").write_bytes(msgspec.json.encode(owned))
        return Store(fresh.replace(folder / name))
    except OSError:
        return Store(Path(tempfile.mkdtemp(prefix="bench-")))


def left_behind(folder: Path | None = None, here: Owner | None = None) -> list[tuple[Store, Owned]]:
    """Return the stores whose command is gone, with whose they were."""
    found = []
    here = here or current_owner()
    for path in sorted((folder or default_folder()).glob("*/owner.json")):
        if path.parent.is_symlink():
            continue
        with contextlib.suppress(DamagedData, ValueError, OverflowError):  # one that names nobody is nobody's to finish
            owned = _read(path, Owned)
            owner = parse_owner(owned.labels)
            if owner is not None and is_gone(owner, here, running=False):
                found.append((Store(path.parent), owned))
    return found


@contextlib.contextmanager
def claimed(store: Store) -> Iterator[bool]:
    """Yield whether a store is there and ours to finish; of two commands that want the same one, one learns it."""
    with claimed_folder(store.path) as ours:
        yield ours and store.path.is_dir()


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        if path.is_symlink():
            raise DamagedData(f"{path} cannot be read", "it is a link")
        return msgspec.json.decode(read_plain(path, MAX_BYTES), type=kind)
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedData(f"{path} cannot be read", str(error)) from None
