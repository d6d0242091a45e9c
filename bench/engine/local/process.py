"""The supervisor as a process of this host: started, followed, signalled, and nothing of it left afterwards."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Self

import psutil

from bench.engine.protocol import EngineLost, State
from bench.engine.stream import TAIL_BYTES, EventReader, Piece
from bench.engine.task import MARK

_PIECE = 65536


class LocalProcess:
    """The supervisor. Entering starts it, in a session of its own that the terminal's Ctrl-C does not reach."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cpus: frozenset[int] | None = None) -> None:
        self._argv = list(argv)
        self._env = dict(env)
        self._cpus = cpus
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving
        self._started_at: str | None = None
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        try:
            with affinity(self._cpus):
                self._process = subprocess.Popen(
                    self._argv,
                    env=self._env,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    start_new_session=True,
                )
        except OSError:
            self._errors.close()
            raise
        self._started_at = datetime.now(UTC).isoformat()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    def events(self) -> EventReader:
        """A reader of its events."""
        return EventReader(self._pieces())

    def signal(self, name: str) -> None:
        """Send a signal to the supervisor; nothing happens if it has ended. One that was stopped goes on first.

        Raises:
            EngineLost: this user may not send it one.
        """
        try:
            self._process.send_signal(signal.Signals[name])
            self._process.send_signal(signal.SIGCONT)
        except OSError as error:
            raise EngineLost(error.strerror or str(error)) from error

    def state(self) -> State:
        """Whether it runs, and its exit code as a shell would say it. Nobody knows of an out-of-memory kill here."""
        code = self._process.poll()
        return State(
            running=code is None,
            exit_code=code if code is None or code >= 0 else 128 - code,
            oom_killed=None,
            started_at=self._started_at,
            ended_at=None,
        )

    def errors(self) -> str:
        """The end of what it said on standard error."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - TAIL_BYTES))
        return self._errors.read().decode("utf-8", "backslashreplace").strip()

    def _pieces(self) -> Iterator[Piece]:
        """Its output to the end of the process: a stray that holds the pipe open does not hold us."""
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - it was asked for
        while True:
            ended = self._process.poll() is not None
            while select.select([pipe], [], [], 0.0 if ended else 0.2)[0]:
                data = os.read(pipe.fileno(), _PIECE)
                if not data:
                    return
                yield data, None
            if ended:
                return


@contextlib.contextmanager
def affinity(cpus: frozenset[int] | None) -> Iterator[None]:
    """Start what is started inside on these CPUs alone: children inherit the affinity of the thread that forks."""
    if cpus is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def strays(run_id: str) -> list[psutil.Process]:
    """The processes of a run that still live, by their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == run_id:
                found.append(process)
    return found


def kill_strays(run_id: str, rounds: int = 50) -> bool:
    """KILL what is left of a run; whether nothing was left in the end."""
    for _ in range(rounds):
        left = strays(run_id)
        if not left:
            return True
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=0.2)
    return False
