"""The supervisor's JSON lines, from pieces of a byte stream to events; read in a thread: a dead peer blocks nobody."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from bench.engine.transfer.bounds import INTERRUPTED, TOO_LONG, GaveUp

MAX_LINE_BYTES = 1 << 20
TAIL_BYTES = 4096

Piece = tuple[bytes | None, bytes | None]
"""A piece of standard output, of standard error, or of both."""


class Lines:
    """Cuts pieces of bytes into lines; a line beyond the bound is dropped, so that no output can fill the memory."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._rest = b""
        self._dropping = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that ``piece`` completes."""
        *whole, rest = (self._rest + piece).split(b"\n")
        if self._dropping and whole:
            whole.pop(0)
            self._dropping = False
        if len(rest) > self._limit or self._dropping:
            rest, self._dropping = b"", True
        self._rest = rest
        return [line for line in whole if line.strip() and len(line) <= self._limit]


def parse_event(line: bytes) -> dict[str, Any] | None:
    """The event of one line, or ``None`` if it is none (a library that prints, a torn line). Its text is valid."""
    try:
        event = json.loads(line)
        if b"\\ud" in line.lower():  # half of a pair of surrogates, maybe: no file and no terminal takes it
            event = json.loads(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


class End:
    """The stream's end; ``error`` is why, if it was not the peer's end of file."""

    __slots__ = ("error",)

    def __init__(self, error: str | None = None) -> None:
        self.error = error


SILENCE: Final = None


class EventReader:
    """Reads a stream of pieces in a daemon thread. What is not an event is kept as a short tail, for error messages."""

    def __init__(self, pieces: Iterable[Piece], close: Callable[[], object] = lambda: None) -> None:
        self._pieces = pieces
        self._close = close
        self._queue: queue.Queue[dict[str, Any] | End] = queue.Queue()
        self._tail = b""
        self._thread = threading.Thread(target=self._read, name="bench-events", daemon=True)
        self._thread.start()

    @property
    def tail(self) -> str:
        """The last bytes that were not events (the supervisor's standard error), as text."""
        return self._tail.decode("utf-8", "backslashreplace").strip()

    def next(self, timeout_s: float) -> dict[str, Any] | End | None:
        """The next event or the end, or ``SILENCE`` (``None``) when nothing came in ``timeout_s``."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return SILENCE

    def close(self) -> None:
        """Stop reading: closing wakes the thread from its wait."""
        with contextlib.suppress(Exception):
            self._close()
        self._thread.join(timeout=2.0)

    def _read(self) -> None:
        lines = Lines()
        error = None
        try:
            for out, err in self._pieces:
                if err:
                    self._keep(err)
                for line in lines.feed(out or b""):
                    event = parse_event(line)
                    if event is None:
                        self._keep(line + b"\n")
                    else:
                        self._queue.put(event)
        except Exception as problem:  # whatever broke it, the follower now asks the engine
            error = f"{type(problem).__name__}: {problem}"
        self._queue.put(End(error))

    def _keep(self, text: bytes) -> None:
        self._tail = (self._tail + text)[-TAIL_BYTES:]


class PieceReader:
    """Reads pieces in a daemon thread, and hands them on for as long as somebody waits for them.

    Args:
        pieces: the engine's answer; let go of, and with it the connection, as soon as nobody wants more.
        until: when too long has been waited, of the monotonic clock.
        gave_up: whether nobody waits any more.
    """

    def __init__(self, pieces: Iterator[bytes], until: float, gave_up: Callable[[], bool]) -> None:
        self._until = until
        self._gave_up = gave_up
        self._queue: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=4)
        self._closed = threading.Event()
        threading.Thread(target=self._read, args=(pieces,), name="bench-pieces", daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        """The pieces to their end.

        Raises:
            GaveUp: it takes too long, or nobody waits any more.
            Exception: what broke the stream.
        """
        while not self._closed.is_set():
            if self._gave_up():
                raise GaveUp(INTERRUPTED)
            if time.monotonic() > self._until:
                raise GaveUp(TOO_LONG)
            try:
                piece = self._queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if piece is None or isinstance(piece, Exception):
                self._closed.set()
            if isinstance(piece, Exception):
                raise piece
            if piece is not None:
                yield piece

    def drain(self, most: int = 1 << 16) -> None:
        """Take what may still come, if it is little."""
        for piece in self:
            most -= len(piece)
            if most < 0:
                return

    def close(self) -> None:
        """Want no more."""
        self._closed.set()

    def _read(self, pieces: Iterator[bytes]) -> None:
        end: Exception | None = None
        try:
            for piece in pieces:
                if not self._put(piece):
                    break
        except Exception as problem:  # the reader's to deal with
            end = problem
        self._put(end)
        getattr(pieces, "close", int)()

    def _put(self, item: bytes | Exception | None) -> bool:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=0.1)
                return True
        return False
