"""A run in the form of GNU ``time -v``: what people's scripts already read (pure).

Form and roundings are those of GNU time 1.9: times are cut, not rounded, and the lines that Linux' getrusage(2) keeps
no count for are 0 there as here. What this run could not read is ``?``, as in GNU time's percentage of a run too short.
"""

from __future__ import annotations

import math

from bench.record.schema import Run

UNKNOWN = "?"
BLOCK_BYTES = 512
"""getrusage(2) counts file system input and output in blocks of this size."""


def time_txt(run: Run, command: str, page_bytes: int = 4096) -> str:
    """Return the 23 lines of GNU ``time -v`` for a run, each begun by a tab.

    Args:
        run: what was measured.
        command: the command's words, joined by spaces as GNU time joins them.
        page_bytes: size of a page of memory.
    """
    cpu, memory, io = run.cpu, run.memory, run.io
    status = run.exit_code if run.exit_code is not None else 128 + run.signal if run.signal is not None else None
    lines = (
        ("Command being timed", '"' + " ".join(command.split()) + '"'),
        ("User time (seconds)", _hundredths(cpu.user_s)),
        ("System time (seconds)", _hundredths(cpu.system_s)),
        ("Percent of CPU this job got", _percent(run)),
        ("Elapsed (wall clock) time (h:mm:ss or m:ss)", elapsed(run.wall_s)),
        ("Average shared text size (kbytes)", "0"),
        ("Average unshared data size (kbytes)", "0"),
        ("Average stack size (kbytes)", "0"),
        ("Average total size (kbytes)", "0"),
        ("Maximum resident set size (kbytes)", _whole(memory.max_rss_bytes, 1024)),
        ("Average resident set size (kbytes)", "0"),
        ("Major (requiring I/O) page faults", _whole(run.faults.major)),
        ("Minor (reclaiming a frame) page faults", _whole(run.faults.minor)),
        ("Voluntary context switches", _whole(run.context_switches.voluntary)),
        ("Involuntary context switches", _whole(run.context_switches.involuntary)),
        ("Swaps", "0"),
        ("File system inputs", _whole(io.read_bytes, BLOCK_BYTES)),
        ("File system outputs", _whole(io.write_bytes, BLOCK_BYTES)),
        ("Socket messages sent", "0"),
        ("Socket messages received", "0"),
        ("Signals delivered", "0"),
        ("Page size (bytes)", str(page_bytes)),
        ("Exit status", _whole(status)),
    )
    return "".join(f"\t{name}: {value}\n" for name, value in lines)


def elapsed(wall_s: float | None) -> str:
    """Return a wall time as GNU time writes it: ``14:04.94``, and from an hour on ``1:00:05`` without hundredths."""
    if wall_s is None:
        return UNKNOWN
    hours, rest = divmod(_cut(wall_s * 100), 360_000)
    minutes, hundredths = divmod(rest, 6000)
    if hours:
        return f"{hours}:{minutes:02}:{hundredths // 100:02}"
    return f"{minutes}:{hundredths // 100:02}.{hundredths % 100:02}"


def cpu_ratio(run: Run) -> float | None:
    """Return CPU seconds per wall second: 12.94 is the 1294 % of GNU time. ``None`` if a part is missing."""
    total = run.cpu.total_s
    if total is None and run.cpu.user_s is not None and run.cpu.system_s is not None:
        total = run.cpu.user_s + run.cpu.system_s
    return None if total is None or not run.wall_s else total / run.wall_s


def _percent(run: Run) -> str:
    ratio = cpu_ratio(run)
    return "?%" if ratio is None else f"{_cut(ratio * 100)}%"


def _hundredths(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    whole, hundredths = divmod(_cut(seconds * 100), 100)
    return f"{whole}.{hundredths:02}"


def _whole(value: int | None, unit: int = 1) -> str:
    return UNKNOWN if value is None else str(value // unit)


def _cut(value: float) -> int:
    """Towards zero, forgiving the last bit of a binary fraction: 844.94 * 100 is 84494."""
    return math.floor(value + 1e-6)
