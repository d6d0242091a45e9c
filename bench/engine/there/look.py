"""What the kernel of an engine's machine says of it, read by a helper container of the run's own image.

Most files of ``/proc`` and ``/sys`` that describe a machine are the same in a container. What comes back is data from
elsewhere: its size and its form are bounded before anybody reads it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.engine.labels import read_boot
from bench.engine.protocol import Engine, Event, Place, Task, Tree
from bench.errors import NotMeasured
from bench.host.calibration import LONGEST_S, SCRIPT, Figures, parse_calibration
from bench.host.kernel_files import CLASS_FILES, STATE_FILES, without_identifiers
from bench.host.state import WINDOW_S
from bench.record.schema import Limits

MAX_BYTES = 8 * 1024**2
_TIMEOUT_S = 60.0
_PIDS = 64
_ANSWER = "host.json"
_BOOT = "/proc/sys/kernel/random/boot_id"
_SCRIPT = """
import glob, json, sys, time
def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).replace("\\0", " ").strip()
    except OSError:
        return ""
patterns, wait_s, target = json.loads(sys.argv[1])
earlier = read("/proc/stat")
time.sleep(wait_s)
texts = {path: text for one in patterns for path in sorted(glob.glob(one)) if (text := read(path))}
with open(target, "w", encoding="utf-8") as file:
    json.dump({"texts": texts, "earlier_stat": earlier}, file)
"""


class Seen(msgspec.Struct, frozen=True):
    """A machine's files by path, what they said of CPU time a moment before, and its kernel's id since it booted."""

    texts: dict[str, str]
    earlier_stat: str = ""
    boot: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is the very machine that this command runs on: a container has its host's kernel."""
        return bool(self.boot) and self.boot == read_boot()


def look(engine: Engine, place: Place) -> Seen:
    """Return what the engine's machine says of itself now.

    Args:
        engine: the engine that is on it.
        place: an image that the engine has.

    Raises:
        NotMeasured: it cannot be looked at, or its answer is none.
    """
    patterns = [*dict.fromkeys((*CLASS_FILES, *STATE_FILES)), _BOOT]
    question = json.dumps([patterns, WINDOW_S, f"/out/{_ANSWER}"])
    task = Task(
        argv=("{python}", "-I", "-S", "-B", "-c", _SCRIPT, question),
        env={},
        cwd="{out}",
        timeout_s=_TIMEOUT_S,
        limits=Limits(pids=_PIDS),
        sample_hz=0.0,
        torch=False,
    )
    with tempfile.TemporaryDirectory(prefix="bench-look-") as folder:
        ending = engine.execute(place, task, Path(folder), _unheard)
        answer = Path(folder, _ANSWER)
        if not answer.is_file():
            raise NotMeasured("the engine's machine cannot be looked at", ending.error or "its helper said nothing")
        if answer.stat().st_size > MAX_BYTES:
            raise NotMeasured("the engine's machine cannot be looked at", "its helper said too much")
        return parse_answer(answer.read_bytes())


def calibrate_there(engine: Engine, place: Place) -> tuple[Figures, dict[str, str]]:
    """Return how fast the engine's machine is at five simple things, and why figures of it are missing.

    Args:
        engine: the engine that is on it.
        place: an image that the engine has.
    """
    task = Task(
        argv=("{python}", "-I", "-S", "-B", f"{{src}}/{SCRIPT.name}"),
        env={},
        cwd="{out}",
        timeout_s=LONGEST_S,
        limits=Limits(),
        sample_hz=0.0,
        tree=Tree(SCRIPT.parent, (SCRIPT.name,), ""),
        torch=False,
    )
    with tempfile.TemporaryDirectory(prefix="bench-look-") as folder:
        try:
            engine.execute(place, task, Path(folder), _unheard)
            with Path(folder, "pytest.log").open("rb") as said:  # what a task prints
                text = said.read(MAX_BYTES).decode("utf-8", "replace")
        except (NotMeasured, OSError) as error:
            text = f"# {error}"
    return parse_calibration(text)


def parse_answer(answer: bytes) -> Seen:
    """Return a helper's answer, without what could name one single machine (pure).

    Raises:
        NotMeasured: it is none.
    """
    try:
        said = msgspec.json.decode(answer, type=Seen)
    except msgspec.DecodeError as error:
        raise NotMeasured("the engine's machine cannot be looked at", f"its answer is none: {error}") from None
    boot = said.texts.get(_BOOT, "").strip()
    texts = {path: without_identifiers(path, text) for path, text in said.texts.items() if path != _BOOT}
    return Seen(texts, "\n".join(said.earlier_stat.splitlines()[:1]), boot)


def place_of(places: Sequence[Place]) -> Place | None:
    """Return an image that can be asked with: one that has been prepared."""
    return next((place for place in places if place.handle and place.python), None)


def _unheard(_: Event) -> None:
    """Nobody follows it."""
