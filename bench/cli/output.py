"""Where text leaves the program: standard output for results, standard error for progress and complaints."""

from __future__ import annotations

import errno
import os
import re
import select
import shutil
import sys
import time
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from bench.lines import Passing
from bench.report.text import json_pieces, plain, without_passwords

if TYPE_CHECKING:
    import rich.console  # a command that fails or prints a document draws nothing: read once something is drawn

_GONE = frozenset({errno.EPIPE, errno.EIO})
"""How a stream fails whose reader is no more: the other end of a pipe is closed, or the terminal is."""


class Patient:
    """A stream that falls silent once nobody can read it.

    Args:
        stream: what is written to; its other attributes are this one's.
        forgiving: whether any failure silences it, as for progress; else one that is no reader's (a full disk) raises.
    """

    def __init__(self, stream: TextIO, *, forgiving: bool) -> None:
        self._stream = stream
        self._forgiving = forgiving

    def write(self, text: str) -> int:
        """Write text, or nothing if nobody can read it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        try:
            self._stream.flush()
        except OSError as error:
            self._failed(error)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _failed(self, error: OSError) -> None:
        if not self._forgiving and error.errno not in _GONE:
            raise error
        silence(self._stream)


class Trimmed(Patient):
    """A stream that is no terminal: rich ends the lines of a table with blanks, of which a pipe has no use."""

    def write(self, text: str) -> int:
        """Write text without the blanks that end its lines."""
        super().write(_BLANKS.sub("", text))
        return len(text)


_BLANKS = re.compile(r" +$", re.MULTILINE)


def out() -> Patient:
    """Return standard output as it is now."""
    return Patient(sys.stdout, forgiving=False)


def err() -> Patient:
    """Return standard error as it is now."""
    return Patient(sys.stderr, forgiving=True)


def silence(stream: TextIO) -> None:
    """Let what a stream still holds, and all that follows, go nowhere: else Python's own last flush fails."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, stream.fileno())
    finally:
        os.close(null)


def has_reader(stream: TextIO) -> bool:
    """Return whether a pipe's other end is still there; ``True`` of what is no pipe."""
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
    except OSError:  # it has no descriptor
        return True
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def replace_missing() -> None:
    """Give a command that was started with a stream closed one that goes nowhere, on the very descriptor."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - lives as long as we do


_ACTS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON lets through and a terminal acts on: DEL, the C1 control codes, marks that turn the text's direction."""


class Console:
    """Two consoles, made anew for each use so that a redirected stream is honoured."""

    quiet = False
    """Whether progress is silenced (``--quiet``)."""
    answered = False
    """Whether standard output has its JSON document."""

    @staticmethod
    def out() -> rich.console.Console:
        """Return standard output. No terminal: no control codes, and lines as wide as they are."""
        return _console(stderr=False)

    @staticmethod
    def err() -> rich.console.Console:
        """Return standard error."""
        return _console(stderr=True)


def _console(*, stderr: bool) -> rich.console.Console:
    import rich.console

    clear_passing()
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    file = cast("IO[str]", (Patient if terminal else Trimmed)(stream, forgiving=stderr))
    width = None if terminal or os.environ.get("COLUMNS", "").isdigit() else 100
    # Set here, since rich takes a pipe for a terminal if FORCE_COLOR or TTY_COMPATIBLE is set.
    return rich.console.Console(
        file=file,
        stderr=stderr,
        width=width,
        highlight=False,
        emoji=False,  # what a record says is shown as it is
        soft_wrap=False,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
    )


def notify(line: str) -> None:
    """One plain line for the person who waits."""
    if Console.quiet:
        return
    if isinstance(line, Passing):
        _passing.show(line)
        return
    announce(line)


def announce(line: str) -> None:
    """One plain line that ``--quiet`` does not silence: what is about to be done by somebody else's word."""
    print_line(Console.err(), _shown(line))


class _Passing:
    """The line of progress that is written anew: on a terminal at once, on a pipe a line now and then."""

    def __init__(self) -> None:
        self._shown = False
        self._said: float | None = None

    def show(self, line: str) -> None:
        """Show a line in the place of the one before."""
        stream, now = err(), time.monotonic()
        if sys.stderr.isatty():
            wide = max(shutil.get_terminal_size().columns - 1, 1)
            stream.write(f"\r{_shown(line)[:wide]}\x1b[K")
            stream.flush()
            self._shown = True
        elif self._said is None or now - self._said >= PASSING_EVERY_S:
            self._said = now
            print_line(Console.err(), _shown(line))

    def clear(self) -> None:
        """Take the line away: another is about to be printed."""
        if self._shown:
            self._shown = False
            err().write("\r\x1b[K")


PASSING_EVERY_S = 15.0
"""Seconds between two lines of a build on a pipe."""
_passing = _Passing()


def clear_passing() -> None:
    """Take away the line that passes: something else is about to be drawn."""
    _passing.clear()


def print_line(console: rich.console.Console, line: str) -> None:
    """Print text that holds no markup, as wide as it is."""
    from rich.text import Text

    console.print(Text(line), soft_wrap=True)


def _shown(line: str) -> str:
    """The line without control codes and passwords; what it is indented by stays."""
    return line[: len(line) - len(line.lstrip(" "))] + without_passwords(plain(line))


class Held:
    """Lines that are printed only once something else is: a command that ends with a complaint prints that alone."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def hold(self, line: str) -> None:
        """Keep a line back."""
        self._lines.append(line)

    def notify(self, line: str) -> None:
        """Print what was kept back, then the line."""
        self.release()
        notify(line)

    def release(self) -> None:
        """Print what was kept back."""
        while self._lines:
            notify(self._lines.pop(0))


def complain(line: str) -> None:
    """One line that names what is wrong and what to do."""
    print_line(Console.err(), f"bench: {without_passwords(' '.join(plain(line).split()))}")


def complain_of(problems: Iterable[str | None]) -> None:
    """One line for each problem that there is: how a command ends whose result was shown all the same."""
    for problem in problems:
        if problem is not None:
            complain(problem)


def print_json(document: Any) -> None:
    """One JSON document on standard output, and nothing else."""
    import msgspec

    print_json_parts(json_pieces(msgspec.json.encode(document)))


def print_json_parts(parts: Iterable[str]) -> None:
    """One JSON document on standard output, whose text comes in parts."""
    stream = out()
    for part in parts:
        Console.answered = True
        stream.write(_ACTS.sub(lambda found: f"\\u{ord(found[0]):04x}", part))
    stream.write("\n")


def print_text(text: str) -> None:
    """Text on standard output as it is."""
    out().write(text if text.endswith("\n") else text + "\n")
