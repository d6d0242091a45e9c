"""What the kernel of an engine's machine reports of it, and how fast that machine is, by the helper container there.

Most files of ``/proc`` and ``/sys`` that describe a machine are the same in a container. What comes back is data from
elsewhere: its size and its form are bounded before anybody reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bench.engine.labels import read_boot
from bench.engine.protocol import Place
from bench.engine.there.helper import HelperThere
from bench.engine.there.script import BOOT, CALIBRATE, CALIBRATED, LOOK, LOOKED
from bench.errors import NotMeasured
from bench.host.calibration import LONGEST_S, Figures, parse_calibration
from bench.host.kernel_files import without_identifiers

MAX_BYTES = 8 * 1024**2
TIMEOUT_S = 60.0
CANNOT_BE = "the engine's machine cannot be looked at"


class Seen(msgspec.Struct, frozen=True):
    """A machine's files by path, what they said of CPU time a moment before, and its kernel's id since it booted."""

    texts: dict[str, str]
    earlier_stat: str = ""
    boot: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is the very machine that this command runs on: a container has its host's kernel."""
        return bool(self.boot) and self.boot == read_boot()


def look(helper: HelperThere, place: Place) -> Seen:
    """Return what the engine's machine reports of itself now.

    Args:
        helper: the command's helper there.
        place: an image that the engine has.

    Raises:
        NotMeasured: it cannot be looked at, or its answer is none.
    """
    if not helper.hold(place) or not helper.ask(LOOK):
        raise NotMeasured(CANNOT_BE, helper.problem)
    texts: dict[str, str] = {}
    size = 0
    for event in helper.said(TIMEOUT_S):
        if LOOKED in event:
            return seen_of(texts, event[LOOKED])
        path, text = event.get("path"), event.get("text")
        if isinstance(path, str) and isinstance(text, str):
            size += len(path) + len(text)
            if size > MAX_BYTES:
                raise NotMeasured(CANNOT_BE, "its helper said too much")
            texts[path] = texts.get(path, "") + text
    raise NotMeasured(CANNOT_BE, helper.problem or "its helper said nothing")


def calibrate_there(helper: HelperThere, place: Place) -> tuple[Figures, dict[str, str]]:
    """Return how fast the engine's machine is at five simple things, and why figures of it are missing.

    Args:
        helper: the command's helper there.
        place: an image that the engine has.
    """
    if helper.hold(place, LONGEST_S) and helper.ask(CALIBRATE):
        for event in helper.said(LONGEST_S):
            if CALIBRATED in event:
                return parse_calibration(str(event[CALIBRATED]))
    return parse_calibration(f"# {helper.problem or 'the helper on the engine machine did not answer'}")


def seen_of(texts: dict[str, str], earlier_stat: object) -> Seen:
    """Return a helper's answer, without what could name one single machine (pure).

    Raises:
        NotMeasured: it is none.
    """
    if not texts or not isinstance(earlier_stat, str):
        raise NotMeasured(CANNOT_BE, "its helper's answer is none")
    boot = texts.get(BOOT, "").strip()
    kept = {path: without_identifiers(path, text) for path, text in texts.items() if path != BOOT}
    return Seen(kept, "\n".join(earlier_stat.splitlines()[:1]), boot)


def place_of(places: Sequence[Place]) -> Place | None:
    """Return an image that can be asked with: one that has been prepared."""
    return next((place for place in places if place.handle and place.python), None)
