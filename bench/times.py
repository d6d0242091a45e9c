"""Times as text and back: ISO 8601 in UTC (pure). For the stamp that names a bundle see :mod:`bench.names`."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_text(unix_s: float) -> str:
    """Return a moment, in seconds since 1970, as ``2025-10-15T13:44:34Z``.

    Raises:
        ValueError: no calendar has that moment.
    """
    try:
        return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError) as error:
        raise ValueError(f"{unix_s} s is no moment") from error


def parse_moment(text: str | None) -> datetime | None:
    """Return the moment of an ISO 8601 text, one without a zone taken as UTC; ``None`` if it is none."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
