"""The time before a command is there: what is imported is slow, and Ctrl-C then ends it without a traceback."""

from __future__ import annotations

import os
import signal
import sys

COMPLETING = "_BENCH_COMPLETE"
"""The variable by which a shell asks what could stand where TAB was pressed."""
HELP = ("-h", "--help")
"""The options that show a help, for every verb."""


def starting() -> None:
    """From now on Ctrl-C ends this process at once with 130 and a line: nothing has begun that would need an end."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else somebody ignores it, as under nohup
        signal.signal(signal.SIGINT, _end)


def ready() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, as ever."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    # Not by an exception: what an import raises is caught by those who import "if it is there".
    os.write(2, b"bench: interrupted\n")
    if "--json" in sys.argv[1:]:
        os.write(1, b'{"error": {"what": "interrupted", "cause": null, "fix": null}, "exit_code": 130}\n')
    os._exit(130)
