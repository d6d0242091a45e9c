"""Legs started together and followed to their ends; Ctrl-C goes to each once, so that each keeps its evidence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.engine.assets import package_folder
from bench.engine.protocol import Notify
from bench.errors import ExitCode
from bench.fleet.legs import Leg
from bench.record.storage.temporary import temporary_folder


@dataclass(frozen=True, slots=True)
class LegEnd:
    """How a leg ended: its exit code, its bundle if it left one, and the last line that it printed."""

    host: str
    exit_code: int
    bundle: Path | None
    said: str


def run_legs(legs: Sequence[Leg], notify: Notify) -> tuple[LegEnd, ...]:
    """Run all legs at the same time; lines of each are passed on behind its host's address."""
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("fleet"))
        running = [_Running(leg, folder / str(number), notify) for number, leg in enumerate(legs)]
        for one in running:
            stack.callback(one.kill)
        while any(one.process.poll() is None for one in running):
            try:
                for one in running:
                    one.process.wait()
            except KeyboardInterrupt:
                for one in running:
                    one.interrupt()
        return tuple(one.end() for one in running)


class _Running:
    """A leg that has been started, with a folder for what it prints."""

    def __init__(self, leg: Leg, folder: Path, notify: Notify) -> None:
        self._leg, self._notify, self._said = leg, notify, ""
        folder.mkdir()
        self._out = (folder / "out.json").open("w+b")
        self.process = subprocess.Popen(
            leg.argv,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=_environment(),
        )
        self._follower = threading.Thread(target=self._follow, name=f"leg-{leg.host}", daemon=True)
        self._follower.start()

    def interrupt(self) -> None:
        """Pass Ctrl-C on."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End what has not ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()

    def end(self) -> LegEnd:
        """Return how it ended."""
        self._follower.join()
        self._out.seek(0)
        code = self.process.returncode
        code = code if code >= 0 else int(ExitCode.NOT_MEASURED)  # a signal ended it: nothing was measured
        return LegEnd(self._leg.host, code, parse_bundle(self._out.read()), self._said)

    def _follow(self) -> None:
        assert self.process.stderr is not None  # noqa: S101, a pipe was asked for
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                self._said = line
                self._notify(f"{self._leg.host}: {line}")
        self.process.stderr.close()


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
