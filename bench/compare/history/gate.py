"""What ``bench history --gate`` asks: is the newest level of a series worse than the one before (pure)?"""

from __future__ import annotations

from collections.abc import Sequence

from bench.compare.history.changes import Change, Series
from bench.errors import ExitCode


def worsened(series: Sequence[Series]) -> tuple[Change, ...]:
    """Return the newest change of each current series, if it is one for the worse."""
    newest = [one.changes[-1] for one in series if one.current and one.changes]
    return tuple(change for change in newest if change.worse)


def too_short(series: Sequence[Series]) -> tuple[Series, ...]:
    """Return the current series with too few results to see any change."""
    return tuple(one for one in series if one.current and not one.enough)


def gate(series: Sequence[Series]) -> ExitCode:
    """Return 1 if the newest level of a current series is worse than the one before; else 6 or 0.

    It is 6 if the series of the newest result of all is too short to show a change, or if there is none: what was
    just measured is what is asked about, and other hosts' short histories do not stand in its way.
    """
    if worsened(series):
        return ExitCode.REGRESSED
    newest = max(series, key=lambda one: one.newest.stamp, default=None)
    return ExitCode.OK if newest is not None and newest.enough else ExitCode.NOT_MEASURED
