"""What ``time`` prints without ``-v``: GNU's own form, POSIX' (``-p``), and those of the shells' builtins (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NUMBER = r"\d{1,15}(?:[.,]\d{1,9})?"
_GNU = re.compile(
    rf"(?P<user>{_NUMBER})user (?P<system>{_NUMBER})system (?P<elapsed>[\d:.,]{{1,30}})elapsed (?:\d+|\?)%CPU "
    r"\(\d+avgtext\+\d+avgdata (?P<rss>\d{1,15})maxresident\)k\s+"
    r"(?P<read>\d{1,15})inputs\+(?P<write>\d{1,15})outputs "
    r"\((?P<major>\d{1,15})major\+(?P<minor>\d{1,15})minor\)pagefaults \d+swaps",
    re.ASCII,
)
_LINE = rf"(?:(?P<h_{{0}}>\d+)h ?)?(?:(?P<m_{{0}}>\d+)m ?)?(?P<s_{{0}}>{_NUMBER})s?"
_SHELL = re.compile(
    "".join(rf"^{word}[ \t]+{_LINE.replace('{0}', word)}[ \t]*\r?$(?:\n|\Z)" for word in ("real", "user", "sys")),
    re.ASCII | re.MULTILINE,
)
_ZSH = re.compile(
    rf"(?P<user>{_NUMBER})s user (?P<system>{_NUMBER})s system \d+% cpu (?P<elapsed>[\d:.,]{{1,30}}) total", re.ASCII
)
ENDED = re.compile(
    r"Command (?:(?:terminated|stopped) by signal (?P<signal>\d{1,3})"
    r"|exited with non-zero status (?P<status>\d{1,3}))$",
    re.ASCII | re.MULTILINE,
)
_VERBOSE = re.compile(r"^\s*Command being timed: ", re.MULTILINE)


def short_time(text: str) -> Mapping[str, float | int] | None:
    """Return the figures of the last such block: seconds, bytes and counts; ``None`` if there is none."""
    if (gnu := _last(_GNU, text)) is not None:
        return {
            "user_s": _seconds(gnu["user"]),
            "system_s": _seconds(gnu["system"]),
            "wall_s": _clock(gnu["elapsed"]),
            "max_rss_bytes": int(gnu["rss"]) * 1024,
            "read_blocks": int(gnu["read"]),
            "write_blocks": int(gnu["write"]),
            "major_faults": int(gnu["major"]),
            "minor_faults": int(gnu["minor"]),
        }
    if (shell := _last(_SHELL, text)) is not None:
        names = (("wall_s", "real"), ("user_s", "user"), ("system_s", "sys"))
        return {
            name: round(
                int(shell[f"h_{word}"] or 0) * 3600 + int(shell[f"m_{word}"] or 0) * 60 + _seconds(shell[f"s_{word}"]),
                6,
            )
            for name, word in names
        }
    if (zsh := _last(_ZSH, text)) is not None:
        return {
            "user_s": _seconds(zsh["user"]),
            "system_s": _seconds(zsh["system"]),
            "wall_s": _clock(zsh["elapsed"]),
        }
    return None


def time_part(text: str) -> str | None:
    """Return the part of a text, a log for instance, that is the output of ``time``; ``None`` if there is none."""
    blocks = [match.start() for match in _VERBOSE.finditer(text)]
    if blocks:
        start = blocks[-1]
        lines = text[start:].split("\n")
        end = next((at for at, line in enumerate(lines) if "Exit status:" in line), len(lines) - 1)
        return _first_line(text, start) + "\n".join(lines[: end + 1]) + "\n"
    found = [match for form in (_GNU, _SHELL, _ZSH) if (match := _last(form, text)) is not None]
    if not found:
        return None
    part = max(found, key=lambda match: match.start())
    return _first_line(text, part.start()) + part[0].rstrip("\n") + "\n"


def _first_line(text: str, start: int) -> str:
    """The line before, if it is GNU time's on how the command ended; it may follow what the command printed last."""
    before = text[:start].rstrip("\n")
    line = before[before.rfind("\n") + 1 :]
    match = ENDED.search(line)
    return f"{match[0]}\n" if match is not None else ""


def _last(form: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in form.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    return found


def _seconds(text: str) -> float:
    return float(text.replace(",", "."))


def _clock(text: str) -> float:
    total = 0.0
    for part in text.replace(",", ".").split(":"):
        total = total * 60 + float(part or 0)
    return round(total, 6)
