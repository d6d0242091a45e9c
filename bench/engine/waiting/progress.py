"""A sign of life while a tool of somebody else works without a word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.engine.protocol import Notify

EVERY_S = 15.0


@contextmanager
def still_at_it(what: str, notify: Notify, every_s: float = EVERY_S) -> Iterator[None]:
    """Report now and then for how long something has gone on; nothing if it ends before.

    Args:
        what: what is done, as in "installing".
        notify: takes each line for the person who waits.
        every_s: seconds from one line to the next.
    """
    over = threading.Event()

    def report() -> None:
        lines = 1
        while not over.wait(every_s):
            notify(f"{what}: {lines * every_s:.0f} s so far")
            lines += 1

    teller = threading.Thread(target=report, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
