"""On TERM and QUIT, which the supervisor sends, every thread's traceback lands in the log."""

from __future__ import annotations

import faulthandler
import os
import signal

# Before pytest captures the output: what is written here lands in the log even in the middle of a test.
LOG_FD = os.dup(2)


def die_with_traceback() -> None:
    """On TERM write every thread's traceback to the log, then let pytest end in order (reports are written).

    QUIT, which the supervisor sends last of all before KILL, writes them too, for a test that took TERM for itself.
    """
    pid = os.getpid()

    def stop(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt("ended by the supervisor (SIGTERM)")

    def restore() -> None:  # a worker that a test forks must die of TERM as ever
        if os.getpid() != pid and signal.getsignal(signal.SIGTERM) is stop:
            faulthandler.unregister(signal.SIGTERM)
            faulthandler.unregister(signal.SIGQUIT)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    try:
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return  # the project has its own way
        signal.signal(signal.SIGTERM, stop)
        faulthandler.register(signal.SIGTERM, file=LOG_FD, all_threads=True, chain=True)
        faulthandler.register(signal.SIGQUIT, file=LOG_FD, all_threads=True, chain=False)
        os.register_at_fork(after_in_child=restore)
    except (ValueError, RuntimeError, AttributeError):
        return  # not the main thread
