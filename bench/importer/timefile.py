"""The output of ``time``: GNU's and BusyBox's ``-v`` line by line, shorter forms as a whole (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bench.importer.read.short_time import ENDED, short_time
from bench.record.storage.manifest import Problem
from bench.report.files.gnu_time import UNKNOWN

_ELAPSED = re.compile(
    r"(?:(?P<h>\d{1,9}):(?P<hm>\d{2}):(?P<hs>\d{2}(?:[.,]\d{1,9})?)|(?P<m>\d{1,9}):(?P<s>\d{2}(?:[.,]\d{1,9})?))",
    re.ASCII,
)
_BUSYBOX = re.compile(r"(?:(?P<h>\d{1,9})h )?(?P<m>\d{1,9})m (?P<s>\d{1,2}(?:[.,]\d{1,9})?)s", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(?:[.,]\d{1,9})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_PERCENT = re.compile(r"(\d{1,9})%", re.ASCII)
_LINE = re.compile(r"\s*(?P<name>[A-Z][^\"]*?(?:\([^)]*\))?): (?P<value>.*)")


@dataclass(frozen=True, slots=True)
class TimeFile:
    """The figures of ``time``; ``None`` if a line is missing. Seconds, bytes and counts.

    ``signal`` is what ended the command by the line before all others; GNU time prints "Exit status: 0" then.
    ``busybox`` is whether BusyBox wrote it.
    """

    command: str | None = None
    user_s: float | None = None
    system_s: float | None = None
    cpu_percent: int | None = None
    wall_s: float | None = None
    max_rss_bytes: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None
    voluntary: int | None = None
    involuntary: int | None = None
    read_blocks: int | None = None
    write_blocks: int | None = None
    exit_status: int | None = None
    signal: int | None = None
    busybox: bool = False


def _seconds(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _kilobytes(text: str) -> int | None:
    return int(text) * 1024 if _WHOLE.fullmatch(text) else None


def _percent(text: str) -> int | None:
    match = _PERCENT.fullmatch(text)
    return int(match[1]) if match else None


def _elapsed(text: str) -> float | None:
    text = text.replace(",", ".")
    if (busybox := _BUSYBOX.fullmatch(text)) is not None and float(busybox["s"]) < 60:
        return round(int(busybox["h"] or 0) * 3600 + int(busybox["m"]) * 60 + float(busybox["s"]), 6)
    match = _ELAPSED.fullmatch(text)
    if match is None or float(match["hs"] or match["s"]) >= 60 or int(match["hm"] or 0) >= 60:
        return None
    if match["h"] is not None:
        return int(match["h"]) * 3600 + int(match["hm"]) * 60 + float(match["hs"])
    # Whole hundredths first, so that 14:04.94 is 844.94 and not a neighbour of it.
    return round(int(match["m"]) * 60 + float(match["s"]), 6)


def _command(text: str) -> str | None:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else None


_LINES: dict[str, tuple[str, Callable[[str], object]]] = {
    "Command being timed": ("command", _command),
    "User time (seconds)": ("user_s", _seconds),
    "System time (seconds)": ("system_s", _seconds),
    "Percent of CPU this job got": ("cpu_percent", _percent),
    "Elapsed (wall clock) time (h:mm:ss or m:ss)": ("wall_s", _elapsed),
    "Maximum resident set size (kbytes)": ("max_rss_bytes", _kilobytes),
    "Major (requiring I/O) page faults": ("major_faults", _whole),
    "Minor (reclaiming a frame) page faults": ("minor_faults", _whole),
    "Voluntary context switches": ("voluntary", _whole),
    "Involuntary context switches": ("involuntary", _whole),
    "File system inputs": ("read_blocks", _whole),
    "File system outputs": ("write_blocks", _whole),
    "Exit status": ("exit_status", _whole),
}


def parse_time(text: str, file: str = "time.txt") -> tuple[TimeFile, list[Problem]]:
    """Read the output of ``time``.

    Of BusyBox the maximum resident set size is corrected: it takes the kernel's kilobytes for pages.

    Returns:
        The figures, and what is wrong: a line that cannot be read, one that is there twice with another value, one that
        is missing, and a CPU share that contradicts the times.
    """
    ended = ENDED.search(text)
    if not any(_split(line)[0] for line in text.splitlines()) and (short := short_time(text)) is not None:
        status = int(ended["status"]) if ended is not None and ended["status"] else None
        return TimeFile(**short, exit_status=status, signal=_signal(ended)), []  # type: ignore[arg-type]
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    busybox = False
    cut = None if text.endswith("\n") else len(text.splitlines())
    for number, line in enumerate(text.splitlines(), start=1):
        name, value = _split(line)
        if name not in _LINES:
            continue
        field, parse = _LINES[name]
        parsed = parse(value)
        busybox = busybox or (field == "wall_s" and _BUSYBOX.fullmatch(value.replace(",", ".")) is not None)
        if number == cut and name != "Exit status":
            # A number that was cut off is still a number, so it cannot be distinguished from a whole one.
            problems.append(Problem(file, f"cut off within '{name}'", number))
            values[field] = None
        elif parsed is None:
            if value in (UNKNOWN, f"{UNKNOWN}%"):
                values.setdefault(field, None)
            else:
                problems.append(Problem(file, f"'{name}' has no readable value: {value!r:.60}", number))
        elif field in values and values[field] != parsed:
            problems.append(Problem(file, f"'{name}' contradicts line {lines[field]}", number))
            values[field] = None
        elif field not in values:
            values[field], lines[field] = parsed, number
    missing = [
        name
        for name, (field, _) in _LINES.items()
        if field not in values and not any(name in p.reason for p in problems)
    ]
    if missing:
        problems.append(
            Problem(
                file,
                f"cut off or incomplete: {len(missing)} of {len(_LINES)} figures are missing, '{missing[0]}' first",
                len(text.splitlines()) or None,
            )
        )
    if (signal := _signal(ended)) is not None:
        values["exit_status"] = None  # the shell's word for it is 128 more than the signal; time's own "0" is none
    if busybox and isinstance(rss := values.get("max_rss_bytes"), int):
        values["max_rss_bytes"] = rss * 1024 // _page_bytes(text)
    found = TimeFile(**values, signal=signal, busybox=busybox)  # type: ignore[arg-type]  # each field's parser gives its type
    return found, [*problems, *_contradictions(found, lines, file)]


def _signal(ended: re.Match[str] | None) -> int | None:
    return int(ended["signal"]) if ended is not None and ended["signal"] else None


def _page_bytes(text: str) -> int:
    match = re.search(r"Page size \(bytes\): (\d{4,7})\b", text, re.ASCII)
    return int(match[1]) if match else 4096


def _split(line: str) -> tuple[str, str]:
    for name in _LINES:
        stripped = line.strip()
        if stripped.startswith(f"{name}:"):
            return name, stripped[len(name) + 1 :].strip()
    return "", ""


def _contradictions(found: TimeFile, lines: dict[str, int], file: str) -> list[Problem]:
    if found.cpu_percent is None or found.user_s is None or found.system_s is None or not found.wall_s:
        return []
    percent = (found.user_s + found.system_s) / found.wall_s * 100
    # The times are cut to hundredths, so a short command's share is known to no more than that.
    slack = 1 + 100 * 0.02 / found.wall_s + percent * 0.01 / found.wall_s
    if abs(percent - found.cpu_percent) <= slack:
        return []
    return [
        Problem(
            file,
            f"{found.cpu_percent} % of a CPU contradicts the times, which give {percent:.0f} %",
            lines["cpu_percent"],
        )
    ]
