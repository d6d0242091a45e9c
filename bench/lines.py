"""A line of progress that the next one replaces: a step of a build, of which there are many."""

from __future__ import annotations


class Passing(str):
    """Text for the person who waits, of which only the newest is of interest.

    A terminal shows it in one line that is written anew; elsewhere one now and then is shown.
    """

    __slots__ = ()
