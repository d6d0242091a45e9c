"""The log of a run as its bundle keeps it: where the supervisor was killed, its output lies in two files."""

from __future__ import annotations

from pathlib import Path

LOG = "pytest.log"
MARK = (
    b"\n[\xe2\x80\xa6 the supervisor did not put the log together: the newest output follows, "
    b"and where it was more than fits, its end may stand before its beginning \xe2\x80\xa6]\n"
)


def read_log(out: Path) -> Path | bytes | None:
    """The log in a run's ``out`` folder, with the tail that a killed supervisor left beside it behind a mark.

    ``None`` where there is none. The tail is a ring (``bench.agent.log``); room that it never used is left out.
    """
    log, tail = out / LOG, out / f"{LOG}.tail"
    if tail.is_symlink() or not tail.is_file():
        return log if log.is_file() else None
    head = log.read_bytes() if log.is_file() else b""
    return head + MARK + tail.read_bytes().rstrip(b"\0")
