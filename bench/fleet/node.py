"""What runs on a node of a Dask cluster: one command of ``bench`` against the node's own engine, its bundle sent back.

The bundle lies in the user's state on that node until the fleet has it: if the worker is killed the command interrupts
itself and keeps its evidence there, and the next leg on that node brings it along.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from bench import __version__
from bench.errors import BenchError, ExitCode
from bench.fleet.child import LEASHED, Child
from bench.fleet.legs import UNBEGUN
from bench.record.storage.archive import export
from bench.record.storage.find import scan
from bench.record.storage.temporary import temporary_folder
from bench.record.storage.verify import verify_bundle

POLL_S = 0.5
NODE = "BENCH_NODE"
"""The variable that names a worker's host."""
RESOURCE = {"host": 1.0}
"""What each host has once and each leg takes: one measurement at a time, whoever's it is."""
MAX_BYTES = 512 * 1024**2
"""Size of an archive that is sent; what is larger stays on the node."""


@dataclass(frozen=True, slots=True)
class Order:
    """One leg as a node gets it.

    ``fleet`` names the folder of its bundles there, ``key`` the task, ``topic`` where its lines go, and ``stop`` the
    events that pass Ctrl-C on, the first, the second ….
    """

    fleet: str
    key: str
    words: tuple[str, ...]
    topic: str
    stop: str


@dataclass(frozen=True, slots=True)
class NodeEnd:
    """How a leg ended: its exit code, its last line, and an archive of its bundle (``own``) and of any left before."""

    exit_code: int
    said: str
    own: str | None = None
    archive: bytes | None = None


async def introduce(dask_worker: Any) -> dict[str, str]:
    """Return what a fleet must know of a worker: its host and its version of bench; the host is there once."""
    if "host" not in dask_worker.state.total_resources:
        await dask_worker.set_resources(**RESOURCE)
    host = os.environ.get(NODE) or os.environ.get("SLURMD_NODENAME") or os.uname().nodename
    return {"host": host, "version": __version__}


def run_leg(order: Order) -> NodeEnd:
    """Run a leg to its end; called by Dask, in a thread of the worker."""
    from distributed import get_worker

    worker = get_worker()
    asked = _Asked(order, lambda: _is_cancelled(worker, order.key))
    if asked.more():
        return NodeEnd(int(ExitCode.INTERRUPTED), UNBEGUN)
    results = results_of(order.fleet)
    lines = _lines(worker, order)
    argv = (*LEASHED, *_with_results(order.words, results))
    with temporary_folder("fleet") as folder, Child(argv, folder / "out", lines) as child:
        while not child.wait(POLL_S):
            if asked.more():
                child.interrupt()
        end = child.end()
        try:
            own, archive = _packed(results, end.bundle, folder)
        except (BenchError, OSError) as error:
            return NodeEnd(end.exit_code or int(ExitCode.NOT_MEASURED), f"its bundle stays on the node: {error}")
        return NodeEnd(end.exit_code, end.said, own, archive)


def forget(fleet: str, places: Sequence[str]) -> None:
    """Remove bundles that the fleet has by now."""
    results = results_of(fleet)
    for place in places:
        folder = results / place
        if folder.resolve().is_relative_to(results.resolve()) and place.count("/") == 2:
            shutil.rmtree(folder, ignore_errors=True)
            for parent in (folder.parent, folder.parent.parent, results):
                with suppress(OSError):
                    parent.rmdir()


def forget_there(fleet: str, places: Mapping[str, Sequence[str]], dask_worker: Any = None) -> None:
    """Remove bundles that the fleet has by now; called by Dask, on several workers at once.

    Args:
        fleet: its name.
        places: of each worker, by its address.
        dask_worker: the one that runs this.
    """
    forget(fleet, places.get(dask_worker.address, ()))


def results_of(fleet: str) -> Path:
    """Return where a fleet's bundles lie on a node until they are fetched."""
    return platformdirs.user_state_path("bench") / "fleet" / fleet


class _Asked:
    """How often a leg has been asked to end, beyond what was passed on already."""

    def __init__(self, order: Order, cancelled: Callable[[], bool]) -> None:
        self._order, self._cancelled, self._passed_on = order, cancelled, 0

    def more(self) -> bool:
        """Return whether it is asked once more."""
        asked = (not self._passed_on and self._cancelled()) or self._is_set(self._passed_on + 1)
        self._passed_on += asked
        return asked

    def _is_set(self, number: int) -> bool:
        from distributed import Event

        try:
            return bool(Event(f"{self._order.stop}-{number}").is_set())
        except (OSError, RuntimeError, ValueError):  # no scheduler, so nobody who waits for this leg
            return not self._passed_on


def _is_cancelled(worker: Any, key: str) -> bool:
    """Whether the fleet's command is gone: its scheduler then takes the task back, which stops no thread."""
    task = worker.state.tasks.get(key)
    return task is None or task.state == "cancelled"


def _lines(worker: Any, order: Order) -> Callable[[str], None]:
    def pass_on(line: str) -> None:
        with suppress(OSError, RuntimeError):
            worker.log_event(order.topic, {"key": order.key, "line": line})

    return pass_on


def _with_results(words: Sequence[str], results: Path) -> tuple[str, ...]:
    at = words.index("--json")
    return (*words[:at], "--results", str(results), *words[at:])


def _packed(results: Path, own: Path | None, folder: Path) -> tuple[str | None, bytes | None]:
    """The place of a leg's own bundle, and an archive of all that lie there finished.

    Raises:
        BenchError: a bundle is damaged, or the disk is full.
        OSError: the disk refuses.
    """
    if not results.is_dir():
        return None, None
    found = [bundle.path for bundle in scan(results).bundles]
    bundles = [path for path in found if path == own or not verify_bundle(path)]
    if not bundles:
        return None, None
    archive = folder / "leg.tar.zst"
    export(bundles, archive)
    if archive.stat().st_size > MAX_BYTES:
        raise OSError(f"it packs to more than {MAX_BYTES >> 20} MiB, see {results}")
    place = own.resolve().relative_to(results.resolve()).as_posix() if own is not None else None
    return place, archive.read_bytes()
