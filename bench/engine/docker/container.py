"""One container's life as a context manager: made with volumes, filled, started, copied from, and always removed."""

from __future__ import annotations

import contextlib
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from docker import APIClient
from docker.errors import APIError, NotFound

from bench.engine.docker.answers import hang_up, understood
from bench.engine.docker.client import CALL_ERRORS, reason
from bench.engine.docker.config import INPUT, INPUT_FILE, OUT, SRC, Names
from bench.engine.docker.info import DOCKER, PODMAN, USER_ID
from bench.engine.labels import ROLE
from bench.engine.protocol import EngineLost, State, Tree
from bench.engine.stream import EventReader, PieceReader
from bench.engine.transfer.bounds import FIRST, Bounds, Copied, GaveUp
from bench.engine.transfer.packing import packing, write_folder
from bench.engine.transfer.unpacking import at_most, unpack, unpack_one
from bench.errors import NotMeasured, UsageError

REMOVE_PATIENCE_S = 10.0
LITTLE_BYTES = 32 * 1024**2
LITTLE_FILES = 1000
LITTLE_S = 15.0
"""What is copied out of a run by one call, at most; a call takes some 50 ms, however small the file is."""
WITHIN = f"{OUT}/."
"""The folder's content. Of the folder itself Podman names the members ``''`` and ``/x``, as if they led out of it."""


class Container:
    """A container and its volumes. Entering makes them, leaving removes them whatever happened; ``gone`` is whether
    the engine let it.
    """

    def __init__(self, api: APIClient, config: Mapping[str, Any], names: Names, engine: str = DOCKER) -> None:
        self._api = api
        self._podman = engine == PODMAN
        self._config = dict(config)
        self._names = names
        self._readers: list[EventReader] = []
        self.id = ""
        self.gone = False

    def __enter__(self) -> Self:
        try:
            for name in self._names.volumes:
                self._api.create_volume(name, labels=self._config["Labels"])
            made = self._create(self._config, self._names.container)
            self.id = made
        except BaseException as error:
            self.remove()
            if isinstance(error, CALL_ERRORS):
                raise NotMeasured("the container could not be created", reason(error)) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._readers:
            reader.close()
        self.gone = self.remove()

    def fill(
        self, helper: Mapping[str, Any], tree: Tree | None, given: Path | None = None, *, owned: bool = False
    ) -> None:
        """Make the volumes the run's own, and copy a project's files and what a command reads into theirs.

        A new volume takes over what its image has there, folder and owner; it belongs to root if the image has no such
        folder. Then a second container that is never started makes it the run's: no archive can be put into a container
        with a read-only root but right into a volume. It serves for any image. Podman writes an archive for ``/`` under
        the volumes instead, and takes one for a volume's own folder with the owner that it names.

        Args:
            helper: the second container.
            tree: a project's files, or ``None``.
            given: the file that the command reads, or ``None``.
            owned: whether the image has the folders, as the run's own.

        Raises:
            NotMeasured: the engine refused.
            UsageError: a file of the tree, or the one given, cannot be read.
        """
        if self._podman:
            self._put_each(tree, given)
            return
        if owned and given is None and (tree is None or self._put_tree(tree)):
            return
        with tempfile.SpooledTemporaryFile(max_size=32 << 20) as spool:
            with packing(spool) as archive:
                write_folder(archive, OUT.strip("/"), USER_ID)
                if tree is not None:
                    _write_tree(archive, SRC.strip("/"), tree)
                if given is not None:
                    write_folder(archive, INPUT.strip("/"), USER_ID)
                    _add_input(archive, given)
            config = dict(helper) | {"Labels": {**helper["Labels"], ROLE: "helper"}}
            made = None
            try:
                made = self._create(config, f"{self._names.container}-fill")
                self._put(made, "/", spool)
            except CALL_ERRORS as error:
                raise NotMeasured("the run's folders could not be filled", reason(error)) from error
            finally:
                if made is not None:
                    with contextlib.suppress(*CALL_ERRORS):
                        self._api.remove_container(made, force=True)

    def _put_tree(self, tree: Tree) -> bool:
        """Copy a project's files right into their volume; whether the engine took them."""
        with tempfile.SpooledTemporaryFile(max_size=32 << 20) as spool:
            with packing(spool) as archive:
                _write_tree(archive, "", tree)
            try:
                self._put(self.id, SRC, spool)
            except CALL_ERRORS:
                return False
        return True

    def _put_each(self, tree: Tree | None, given: Path | None) -> None:
        """Make each volume the run's own, with what belongs into it."""
        content: dict[str, Callable[[tarfile.TarFile], None]] = {OUT: lambda _: None}
        if tree is not None:
            content[SRC] = partial(_write_tree, name="", tree=tree)
        if given is not None:
            content[INPUT] = partial(_add_input, given=given, folder="")
        for path, write in content.items():
            with tempfile.SpooledTemporaryFile(max_size=32 << 20) as spool:
                with packing(spool) as archive:
                    write_folder(archive, ".", USER_ID)
                    write(archive)
                try:
                    self._put(self.id, path, spool)
                except CALL_ERRORS as error:
                    raise NotMeasured("the run's folders could not be filled", reason(error)) from error

    def _put(self, handle: str, path: str, spool: Any) -> None:
        self._api.put_archive(handle, path, cast("bytes", spool))  # sent piece by piece, as requests does for files

    def _create(self, config: Mapping[str, Any], name: str) -> str:
        api: Any = self._api
        with understood():
            return str(api.create_container_from_config(config, name)["Id"])

    def events(self) -> EventReader:
        """Follow the supervisor's output from now on. Before :meth:`start`, so that no line is missed.

        Raises:
            EngineLost: the engine refused, or does not answer.
        """
        with _lost():  # the client's way to the socket ends in a ValueError if that is closed already
            pieces: Any = self._api.attach(self.id, stdout=True, stderr=True, stream=True, demux=True)
        reader = EventReader(pieces, partial(hang_up, pieces))
        self._readers.append(reader)
        return reader

    def start(self) -> None:
        """Start the supervisor.

        Raises:
            NotMeasured: the engine could not start it.
        """
        try:
            self._api.start(self.id)
        except CALL_ERRORS as error:
            text = reason(error)
            fix = "install the NVIDIA Container Toolkit and restart Docker" if "device driver" in text else ""
            raise NotMeasured("the container could not be started", text, fix) from error

    def signal(self, name: str) -> None:
        """Send a signal to the supervisor; nothing happens if it has ended.

        Raises:
            EngineLost: the engine does not answer.
        """
        with _lost(), contextlib.suppress(APIError):
            self._api.kill(self.id, name)

    def state(self) -> State | None:
        """What the engine says now; ``None`` if the container is gone.

        Raises:
            EngineLost: the engine does not answer.
        """
        with _lost():
            try:
                return parse_state(self._api.inspect_container(self.id), oom_told=not self._podman)
            except NotFound:
                return None

    def copy_out(self, target: Path, bounds: Bounds | None = None) -> Copied:
        """Copy the run's ``/out`` into ``target``; see :func:`copy_folder`."""
        return copy_folder(self._api, self.id, target, bounds)

    def remove(self) -> bool:
        """Remove container and volumes; ``False`` if the engine did not let us (the next sweep will)."""
        calls = [partial(self._api.remove_container, self._names.container, force=True)]
        calls += [partial(self._api.remove_volume, name, force=True) for name in self._names.volumes]
        until = time.monotonic() + REMOVE_PATIENCE_S
        gone = True
        for call in calls:  # all of them, also after one that fails; none more of an engine that does not answer
            if not gone and time.monotonic() > until:
                return False
            gone = _insist(call, until) and gone
        return gone


def copy_folder(api: APIClient, handle: str, target: Path, bounds: Bounds | None = None) -> Copied:
    """Copy a container's ``/out`` into ``target``, whether it runs or not.

    First the result; then, as a rule, the rest by one call. If the folder turns out to be large or slow to come, what a
    bundle is made of comes next, each file by a call of its own, and then, within the bounds, what is left. What is in
    ``target`` already is not copied again.

    Args:
        api: the engine's API.
        handle: the container's id.
        target: an existing folder on this side.
        bounds: of bytes, files and seconds; the usual ones if not given.

    Raises:
        DockerException, RequestException, OSError, tarfile.TarError: it broke; what came before stays.
    """
    bounds = bounds or Bounds()
    until = time.monotonic() + bounds.seconds
    notes: list[str] = []
    rest = Copied(0, 0)

    def copy_one(name: str) -> None:
        if not (target / name).exists():
            with contextlib.suppress(NotFound), _archive(api, handle, f"{OUT}/{name}", until, bounds) as pieces:
                notes.extend(filter(None, [unpack_one(pieces, name, target, bounds.most(name))]))

    try:
        copy_one(FIRST[0])
        little = _copy_little(api, handle, target, bounds)
        if little is None:
            for name in FIRST[1:]:
                copy_one(name)
            with _archive(api, handle, WITHIN, until, bounds) as pieces:
                little = unpack(pieces, "", target, bounds.max_bytes, bounds.max_files)
        rest = little
    except GaveUp as why:
        notes.append(str(why))
    first = [target / name for name in FIRST if (target / name).is_file()]
    size = sum(path.stat().st_size for path in first)
    return Copied(len(first) + rest.files, size + rest.size_bytes, (*notes, *rest.notes))


def _copy_little(api: APIClient, handle: str, target: Path, bounds: Bounds) -> Copied | None:
    """Copy the folder by one call, if it is small; ``None`` if it is not, or nobody knows.

    What a bundle is made of may lie behind a thousand files of the test's own: then it has to be asked for by name.
    """
    until = time.monotonic() + min(bounds.seconds, LITTLE_S)
    little = min(bounds.max_bytes, LITTLE_BYTES)
    with (
        contextlib.suppress(GaveUp, tarfile.TarError),
        _archive(api, handle, WITHIN, until, bounds) as pieces,
    ):
        copied = unpack(at_most(pieces, little), "", target, little, min(bounds.max_files, LITTLE_FILES))
        return copied if copied.whole else None
    return None


def _write_tree(archive: tarfile.TarFile, name: str, tree: Tree) -> None:
    try:
        write_folder(archive, name, USER_ID, tree.source, tree.entries, tree.links)
    except OSError as error:
        raise UsageError(f"the project {tree.root} cannot be copied", str(error)) from error


def _add_input(archive: tarfile.TarFile, given: Path, folder: str = f"{INPUT.strip('/')}/") -> None:
    """Add the file that a command reads, by its fixed name and readable to whoever runs it."""
    entry = tarfile.TarInfo(f"{folder}{INPUT_FILE}")
    try:
        with given.open("rb") as file:
            entry.size, entry.mode, entry.uid, entry.gid = os.fstat(file.fileno()).st_size, 0o444, USER_ID, USER_ID
            archive.addfile(entry, file)
    except OSError as error:
        raise UsageError(f"--input {given} cannot be copied", error.strerror or str(error)) from error


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    """Raise EngineLost for everything that a call to the engine can raise."""
    try:
        with understood():
            yield
    except CALL_ERRORS as error:
        raise EngineLost(reason(error)) from error


@contextlib.contextmanager
def _archive(api: APIClient, handle: str, path: str, until: float, bounds: Bounds) -> Iterator[Iterable[bytes]]:
    """A path of a container as the pieces of a tar. Read in a thread: an engine that stalls holds nobody up."""
    with understood():
        pieces, _ = api.get_archive(handle, path)
    reader = PieceReader(pieces, until, bounds.gave_up)
    try:
        yield reader
        reader.drain()  # the padding: only a response read to its end frees its socket at once
    finally:
        reader.close()


def _insist(call: Callable[[], object], until: float) -> bool:
    """Make a removal happen, trying again while the engine is busy with the same thing or restarts; whether it did."""
    while True:
        try:
            call()
        except NotFound:
            return True
        except CALL_ERRORS:
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        else:
            return True


def parse_state(inspected: Mapping[str, Any], *, oom_told: bool = True) -> State:
    """Return the state in the answer to ``GET /containers/ID/json``.

    Podman calls a container ``stopped`` between its end and the end of what follows it.

    Args:
        inspected: the answer.
        oom_told: whether "not killed for memory" can be believed; Podman may not have seen it.
    """
    state = inspected["State"]
    running = bool(state.get("Running"))
    ended = not running and state.get("Status") in {"exited", "dead", "stopped"}
    oom_killed = state.get("OOMKilled") if oom_told else state.get("OOMKilled") or None
    return State(
        running=running,
        exit_code=int(state["ExitCode"]) if ended else None,
        oom_killed=oom_killed if ended else None,
        started_at=state.get("StartedAt"),
        ended_at=state.get("FinishedAt") if ended else None,
    )
