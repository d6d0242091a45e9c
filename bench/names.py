"""What a bundle and its files may be called: stamps, folder names, file names (pure).

A name is ASCII without spaces, so that ``sha256sum -c``, a shell and every file system read it alike, and none can
climb out of its folder.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bench.errors import DamagedData

_STAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,126}", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
PARTIAL = ".partial"
"""Ends the name of a folder that is still being written."""
ANALYSIS = "_time.txt"
"""Ends the name of the file in ``analysis/`` that begins with the diagnostic's."""
NAMES = "ASCII letters, digits and ._+- are allowed, a letter or digit first, 118 in all"
"""What the name of a diagnostic is made of, for messages."""
MAX_DEPTH = 6
"""Folders a bundle's file may lie in, at most."""


def make_stamp(now: datetime) -> str:
    """Return the stamp of a moment: UTC, ``YYYYMMDDTHHMMSSZ``. A moment without a zone is taken as UTC."""
    moment = now if now.tzinfo is not None else now.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime(_STAMP_FORMAT)


def parse_stamp(stamp: str) -> datetime:
    """Return the moment of a stamp, in UTC.

    Raises:
        DamagedData: the text is not a stamp.
    """
    moment = stamp_time(stamp)
    if moment is not None:
        return moment
    raise DamagedData(f"{stamp!r:.60} is not a stamp", "a stamp is UTC in the form 20251015T173309Z")


def stamp_time(text: str) -> datetime | None:
    """Return the moment of a stamp, in UTC; ``None`` if the text is none."""
    try:
        return datetime.strptime(text, _STAMP_FORMAT).replace(tzinfo=UTC) if _STAMP.fullmatch(text) else None
    except ValueError:
        return None


def is_stamp(text: str) -> bool:
    """Return whether the text is a stamp of a moment that exists."""
    return stamp_time(text) is not None


def next_stamp(stamp: str) -> str:
    """Return the stamp one second later."""
    return make_stamp(parse_stamp(stamp) + timedelta(seconds=1))


def record_id(host_id: str, diagnostic: str, stamp: str) -> str:
    """Return the id of a record: its place under ``results/``.

    Args:
        host_id: the id of the host's class.
        diagnostic: the diagnostic's name.
        stamp: when the result was made (:func:`make_stamp`).
    """
    return f"{host_id}/{diagnostic}/{stamp}"


def check_part(name: str, what: str) -> str:
    """Return ``name``, if it can be one folder's name.

    Raises:
        DamagedData: it is empty, too long, or holds anything but ASCII letters, digits and ``._+-``.
    """
    if not is_part(name):
        raise DamagedData(
            f"{what} {name!r:.80} cannot name a folder", "only ASCII letters, digits and ._+- are allowed"
        )
    return name


def is_part(name: str) -> bool:
    """Return whether ``name`` can be one folder's name."""
    return _PART.fullmatch(name) is not None and not name.endswith(PARTIAL)


def is_diagnostic_name(name: str) -> bool:
    """Return whether ``name`` can name a diagnostic's results: a folder that is no stamp, and part of a file name."""
    return is_part(name) and not is_stamp(name) and is_file_name(f"analysis/{name}{ANALYSIS}")


def is_file_name(name: str) -> bool:
    """Return whether ``name`` (relative, ``/`` between its parts) may be a file of a bundle."""
    parts = name.split("/")
    return len(parts) <= MAX_DEPTH and all(_PART.fullmatch(part) for part in parts)


def safe_file_name(name: str) -> str:
    """Return the nearest name that :func:`is_file_name` accepts: each run of other characters becomes one ``_``."""
    parts = [_UNSAFE.sub("_", part).lstrip("._+-")[:120] or "file" for part in name.split("/") if part]
    return "/".join(parts[-MAX_DEPTH:]) or "file"


def numbered(name: str, index: int, total: int) -> str:
    """Return the name of a run's own file: ``logs/pytest.log``, or ``logs/pytest-003.log`` if there are several runs.

    Args:
        name: the name that the file of a single run has.
        index: the number of the run, from 0 on.
        total: how many runs the result has.
    """
    if total <= 1:
        return name
    folder, slash, base = name.rpartition("/")
    stem, dot, suffix = base.partition(".")
    return f"{folder}{slash}{stem}-{index:03}{dot}{suffix}"
