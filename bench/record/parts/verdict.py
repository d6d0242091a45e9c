"""What the numbers say, what was compared with, and the experiment that a result is a side of."""

from __future__ import annotations

import msgspec

from bench.record.parts.words import Better, Side, Status, Word


class Compared(msgspec.Struct, frozen=True):
    """One figure of two results: the medians, the ratio of the second to the first with its 99 % interval, and a word.

    A ratio is ``None`` if a side has no such figure or a value is not above 0, its interval if there were too few runs.
    """

    name: str
    unit: str
    better: Better
    reference: float | None = None
    value: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    word: Word = "cannot_be_said"


class VerdictBaseline(msgspec.Struct, frozen=True):
    """The result that a verdict compared with, and what came out, as in ``bench compare --json``. Without a baseline it
    has no key. ``status`` is the comparison's alone; ``predicted_low_s`` to ``predicted_high_s`` is where the history
    expects one more run; ``figures`` are those beside the wall time, which decide nothing.
    """

    id: str | msgspec.UnsetType = msgspec.UNSET
    stamp: str | msgspec.UnsetType = msgspec.UNSET
    host: str | msgspec.UnsetType = msgspec.UNSET
    runs: int | msgspec.UnsetType = msgspec.UNSET
    median_s: float | msgspec.UnsetType | None = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET
    ratio: float | msgspec.UnsetType | None = msgspec.UNSET
    ratio_low: float | msgspec.UnsetType | None = msgspec.UNSET
    ratio_high: float | msgspec.UnsetType | None = msgspec.UNSET
    predicted_low_s: float | msgspec.UnsetType | None = msgspec.UNSET
    predicted_high_s: float | msgspec.UnsetType | None = msgspec.UNSET
    belongs: bool | msgspec.UnsetType | None = msgspec.UNSET
    smallest_detectable: float | msgspec.UnsetType | None = msgspec.UNSET
    runs_needed: int | msgspec.UnsetType | None = msgspec.UNSET
    figures: tuple[Compared, ...] | msgspec.UnsetType = msgspec.UNSET


class Verdict(msgspec.Struct, frozen=True):
    """What the numbers say. ``baseline`` is what was compared with, and what came out."""

    status: Status
    reasons: tuple[str, ...] = ()
    ceiling_margin_s: float | None = None
    baseline: VerdictBaseline = VerdictBaseline()


class Experiment(msgspec.Struct, frozen=True):
    """Which side of an experiment a result is: the other side's result has the same ``id``. ``side`` is ``base`` or
    ``head``. ``pair`` and ``order`` have, for each run, the number of its pair from 0 on and its place in it, 0 or 1;
    the order was drawn at random, by ``seed``. ``metric`` decides, and a change below ``effect`` (a ratio minus 1) is
    the same. ``words`` are what was asked of this side. If both sides of a pair ran at once, ``duet`` has the CPUs of
    the first and of the second. ``resumes`` names the results that were gone on with.
    """

    id: str
    side: Side
    pair: tuple[int, ...]
    order: tuple[int, ...]
    seed: int
    metric: str = "call"
    effect: float = 0.05
    words: str = ""
    duet: tuple[str, ...] = ()
    resumes: tuple[str, ...] = ()
