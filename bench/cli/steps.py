"""Progress of work on many things: a bar on a terminal, a plain line now and then on a pipe, nothing with --quiet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from rich.progress import track

from bench.cli.console import Console, notify
from bench.cli.progress import PLAIN_EVERY_S

T = TypeVar("T")


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
    """A sign of life on a terminal while one thing is made whose length nobody knows."""
    console = Console.err()
    return console.status(what) if console.is_terminal and not Console.quiet else nullcontext()
