"""What a person who waits sees, of a run or of many things: live on a terminal, a line now and then on a pipe."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from bench.cli.output import Console, clear_passing, notify, print_line
from bench.report.text import plain
from bench.run.observer import CALIBRATING, Observer
from bench.units import clock, percent, seconds, size

if TYPE_CHECKING:  # whoever only reads results, or writes to a pipe, needs none of it
    from rich.live import Live
    from rich.text import Text

    from bench.engine.protocol import Event
    from bench.run.plan import Plan
    from bench.run.result.reading import Reading

_PHASES = {"ended": "copying out", "describing": "describing the environment"}
"""What is done once the last test has ended, by the event that begins it."""
PLAIN_EVERY_S = 30.0
"""Seconds between plain lines on a pipe."""


@dataclass(slots=True)
class Now:
    """Where a run stands."""

    title: str = ""
    node: str = ""
    index: int = 0
    of: int = 0
    began: float = field(default_factory=time.monotonic)
    cpu_ratio: float | None = None
    memory_bytes: int | None = None
    phase: str = ""

    def line(self, now: float) -> str:
        """Return which test of how many, elapsed, CPU and memory, estimate: what a narrow terminal cuts comes last."""
        elapsed = now - self.began
        parts = [self.title] if self.title else []
        if self.phase:
            return " · ".join([*parts, self.phase, clock(elapsed)])
        if self.of:
            parts.append(f"test {min(self.index + 1, self.of)} of {self.of}")
        parts.append(clock(elapsed))
        if self.cpu_ratio is not None:
            parts.append(f"CPU {percent(self.cpu_ratio, 0)}")
        if self.memory_bytes is not None:
            parts.append(size(self.memory_bytes))
        if 0 < self.index < self.of:
            parts.append(f"about {clock(elapsed / self.index * (self.of - self.index))} to go")
        return " · ".join(parts)


def run_title(plan: Plan, index: int) -> str:
    """Return what a run is called."""
    count = _count(plan, index)
    variant = f" [{plan.variant.name}]" if plan.variant else ""
    return f"{plan.diagnostic.name}{variant}{count}"


class Progress(Observer):
    """Follows runs. Use as a context manager; ``begins`` is called when the first thing is about to be shown.

    ``title_of`` names a run; ``terse``: a run that passes has no lines of its own, since something else reports on it.
    """

    def __init__(self, begins: Callable[[], None] = lambda: None) -> None:
        self.title_of: Callable[[Plan, int], str] = run_title
        self.terse = False
        self._begins = begins
        self._console = Console.err()
        self._live: Live | None = None
        self._now = Now()
        self._said = time.monotonic()
        self._hidden: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        if self._console.is_terminal and not Console.quiet:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._text,
                console=self._console,
                refresh_per_second=4,
                transient=True,
                redirect_stdout=False,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def run_begins(self, plan: Plan, index: int) -> None:
        """A run is about to start."""
        from bench.record.redact import secret_values

        self._begins()
        self._now = Now(title=self.title_of(plan, index))
        self._said = time.monotonic()
        self._hidden = secret_values(os.environ) | secret_values(plan.task.env)
        if self._live is not None:
            clear_passing()
            self._live.start()
        elif not self.terse:
            self._say(f"{self._now.title}: started")

    def event(self, event: Event) -> None:
        """The supervisor reported something."""
        now = self._now
        kind = event.get("event")
        if kind == "collected":
            now.of = int(event.get("tests") or 0)
        elif kind == "test":
            now.index += 1
        elif kind == "sample":
            now.cpu_ratio, now.memory_bytes = event.get("cpu_ratio"), event.get("memory_bytes")
        elif kind in _PHASES:
            now.phase = _PHASES[kind]
            self._refresh()
        moment = time.monotonic()
        if self._live is None and moment - self._said >= PLAIN_EVERY_S:
            self._said = moment
            self._say(now.line(moment))

    def run_ended(self, reading: Reading) -> None:
        """A run has been read."""
        from bench.record.redact import redact_text

        self._stop()
        run = reading.run
        if self.terse and run.outcome == "passed":
            return
        # A CI job's log is as public as a bundle.
        why = f": {redact_text(run.signature, self._hidden)}" if run.signature else ""
        self._say(f"{self._now.title}: {run.outcome.replace('_', ' ')} after {seconds(run.wall_s)}{why}")

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show what is done beside the runs: live, or on a pipe as a line if it takes its time."""
        before, self._now = self._now, Now(title=self._now.title, phase=what)
        self._begins()
        if self._live is not None:
            clear_passing()
            self._live.start()
            self._refresh()
        elif what == CALIBRATING:
            self._say(f"{self._now.title}: {what}" if self._now.title else what)
        try:
            yield
        finally:
            self._stop()
            self._now = before

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def _text(self) -> Text:
        from rich.text import Text

        return Text(plain(self._now.line(time.monotonic())), overflow="ellipsis", no_wrap=True)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _say(self, line: str) -> None:
        if not Console.quiet:
            print_line(self._console, plain(line))


T = TypeVar("T")
LEAST_S = 0.05
"""The least time between two lines about one thing."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Follows whoever goes through a list: ``Steps("checking")(folders)`` yields the folders."""

    what: str

    def __call__(self, things: Sequence[T]) -> Iterator[T]:
        """The things one after the other; what is reported goes to standard error."""
        if sys.stderr.isatty():
            from rich.progress import track

            console = Console.err()
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
    """Return a sign of life while one thing is made whose length nobody knows: on a pipe a line now and then."""
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


def _count(plan: Plan, index: int) -> str:
    """Which run of how many it is; those that only warm up are counted apart."""
    if index < plan.warmup:
        return f" warm-up {index + 1} of {plan.warmup}"
    return f" run {index - plan.warmup + 1} of {plan.repeat}" if plan.repeat > 1 else ""
