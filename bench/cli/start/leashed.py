"""``python -m bench.cli.start.leashed VERB …``: a command that a fleet started, and that does not outlive it.

Standard input is a pipe whose other end the fleet holds and never writes to. Once it is closed, because the fleet was
killed or its node's worker was, the command interrupts itself: the run is ended in order and its evidence kept. A
signal on a parent's death (prctl(2)) would not do: it is sent when the thread that started the child ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from bench.cli.start import startup

_TIMES, _AGAIN_S = 3, 20.0
"""The first asks for an end in order, the second for one at once, the third breaks off."""


def leash() -> None:
    """Watch standard input from now on, and give the command an empty one in its place."""
    # Whoever started the fleet may have it ignored, as a shell does for what runs in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    held = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    threading.Thread(target=_watch, args=(held,), name="leash", daemon=True).start()
    startup.starting()
    # The fleet started this process with the signal held back, else one that came until now would have been lost.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _watch(held: int) -> None:
    while os.read(held, 4096):
        pass
    for _ in range(_TIMES):  # one alone may be lost, as in an import that takes every exception for a missing module
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(_AGAIN_S)


if __name__ == "__main__":
    leash()
    from bench.cli import main

    sys.exit(main())
