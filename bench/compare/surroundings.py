"""Which variables of two results differ (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.record.schema import Record

# A record's variables are those of its plan, or what older evidence says of its shell. Any of them can be read by a
# test, so all count but these: who was logged in, on what terminal, in which language, in which folder.
_IDLE = re.compile(
    r"LANG|LANGUAGE|LC_\w+|TERM|COLORTERM|COLUMNS|LINES|NO_COLOR|TZ|HOME|USER|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|HOSTNAME"
    r"|PATH|TMPDIR|VIRTUAL_ENV|CONDA_DEFAULT_ENV|DISPLAY|XDG_\w+|SSH_\w+"
)
THREADS = ("BENCH_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables by which a run's number of threads reaches its libraries."""


def variables_apart(a: Record, b: Record) -> Iterator[tuple[str, str | None, str | None]]:
    """Name and both values of each variable that differs and is no other field of the records said again.

    ``None`` is a variable that is not set. With neither side's variables known there is none.
    """
    for name in sorted(a.environ.keys() | b.environ.keys()):
        pair = a.environ.get(name), b.environ.get(name)
        said_elsewhere = pair == (_repeated(a, name), _repeated(b, name))
        if pair[0] != pair[1] and not said_elsewhere and not _IDLE.fullmatch(name):
            yield name, *pair


def _repeated(record: Record, name: str) -> str | None:
    """The value that a variable has where it only passes on what another field of the record says."""
    if name == "BENCH_PROFILE":
        return record.diagnostic.profile
    if name == "BENCH_DEVICE":
        return record.diagnostic.device
    threads = record.engine.limits.threads
    return str(threads) if name in THREADS and threads is not None else None
