"""One command of ``bench`` in a process of its own: followed line by line, interrupted in order, never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.engine.assets import package_folder
from bench.engine.protocol import Notify
from bench.errors import ExitCode

LEASHED = (sys.executable, "-m", "bench.cli.start.leashed")
"""What runs a command that ends once its standard input does; it is given SIGINT held back and lets it come."""


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a command ended: its exit code, the bundle that it named, and the last line that it printed."""

    exit_code: int
    bundle: Path | None
    said: str


class Child:
    """A command that has been started; use as a context manager, at whose end it has ended.

    Args:
        argv: the command; :data:`LEASHED` and the words of ``bench``. It begins with SIGINT held back.
        out: the file that takes its standard output.
        notify: is given each line of its standard error.
    """

    def __init__(self, argv: Sequence[str], out: Path, notify: Notify) -> None:
        self._notify, self._said, self._out = notify, "", out
        with out.open("wb") as file, _held_back():
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,  # held open: its end is the command's
                stdout=file,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=_environment(),
            )
        self._follower = threading.Thread(target=self._follow, name="leg", daemon=True)
        self._follower.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None  # noqa: S101, a pipe was asked for
        self._process.stdin.close()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long for its end; return whether it has ended."""
        self._follower.join(timeout_s)  # not Popen.wait, which polls: this may be the machine that is measured
        return not self._follower.is_alive()

    def interrupt(self) -> None:
        """Pass Ctrl-C on, as often as this is called."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def end(self) -> ChildEnd:
        """Return how it ended."""
        self._process.wait()
        self._follower.join()
        code = self._process.returncode
        code = code if code >= 0 else int(ExitCode.NOT_MEASURED)  # a signal ended it: nothing was measured
        return ChildEnd(code, parse_bundle(self._out.read_bytes()), self._said)

    def _follow(self) -> None:
        assert self._process.stderr is not None  # noqa: S101, a pipe was asked for
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                self._said = line
                self._notify(line)
        self._process.stderr.close()


@contextmanager
def _held_back() -> Iterator[None]:
    """What is started meanwhile begins with SIGINT held back: no Ctrl-C finds a Python that is not ready for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environment() -> dict[str, str]:
    """This command's environment; the leg's Python finds this very bench, installed or not."""
    places = [str(package_folder().parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    path = os.pathsep.join(place for place in places if place)
    return {**os.environ, "PYTHONPATH": path}


def parse_bundle(output: bytes) -> Path | None:
    """Return the bundle that ``bench run --json`` names; ``None`` if it wrote none."""
    try:
        document = json.loads(output)
    except ValueError:
        return None
    path = document.get("path") if isinstance(document, dict) else None
    return Path(path) if isinstance(path, str) else None
