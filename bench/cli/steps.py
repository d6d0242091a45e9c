"""Progress of work on many things: a bar on a terminal, a plain line now and then on a pipe, nothing with --quiet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from rich.progress import track

from bench.cli.console import Console, notify
from bench.cli.progress import PLAIN_EVERY_S

T = TypeVar("T")
LEAST_S = 0.05
"""The least time between two lines about one thing."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Follows whoever goes through a list: ``Steps("checking")(folders)`` yields the folders."""

    what: str

    def __call__(self, things: Sequence[T]) -> Iterator[T]:
        """The things one after the other; what is said goes to standard error."""
        console = Console.err()
        if console.is_terminal:
            silent = Console.quiet or len(things) < 2
            yield from track(things, self.what, console=console, transient=True, disable=silent)
            return
        said = time.monotonic()
        for done, thing in enumerate(things):
            if time.monotonic() - said >= PLAIN_EVERY_S:
                said = time.monotonic()
                notify(f"{self.what}: {done} of {len(things)}")
            yield thing


def busy(what: str) -> AbstractContextManager[object]:
    """A sign of life while one thing is made whose length nobody knows: on a pipe a line now and then."""
    console = Console.err()
    if Console.quiet:
        return nullcontext()
    return console.status(what) if console.is_terminal else _lines(what)


@contextmanager
def _lines(what: str) -> Iterator[None]:
    over, began = threading.Event(), time.monotonic()

    def say() -> None:
        while not over.wait(max(PLAIN_EVERY_S, LEAST_S)):
            notify(f"{what}: {time.monotonic() - began:.0f} s so far")

    speaker = threading.Thread(target=say, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        over.set()
        speaker.join()
