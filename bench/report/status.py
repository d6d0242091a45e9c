"""What each status and outcome is called, how bad it is and what it means (pure): the words of every report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench.record.schema import Outcome, Record, Status

Level = Literal["bad", "caution", "good", "none"]
GLYPHS: dict[str, str] = {"bad": "✕", "caution": "!", "good": "✓", "none": "–"}
"""A sign beside each colour, for those who do not see the colour."""


@dataclass(frozen=True, slots=True)
class State:
    """One word of a verdict. ``rank`` orders them, the worst first."""

    code: str
    label: str
    level: Level
    meaning: str
    rank: int

    @property
    def glyph(self) -> str:
        """The sign that stands beside the word."""
        return GLYPHS[self.level]


_WORDS: tuple[tuple[str, str, Level, str], ...] = (
    ("code_regressed", "code regressed", "bad", "Same machine, same build, same limits: the code got slower."),
    ("over_ceiling", "over ceiling", "bad", "It took longer than the approved ceiling."),
    ("failed", "test failed", "bad", "The diagnostic's own test failed; its time says nothing."),
    ("timed_out", "timed out", "bad", "It was stopped at the timeout."),
    ("oom_killed", "out of memory", "bad", "The kernel killed it for memory."),
    ("interrupted", "interrupted", "caution", "Somebody stopped it."),
    ("limit_bound", "limit bound", "caution", "A limit of the container, not the code, decided the time."),
    (
        "build_differs",
        "build differs",
        "caution",
        "The two results come from different builds, so they are not compared.",
    ),
    (
        "setup_differs",
        "setup differs",
        "caution",
        "Another engine, sandbox or variant, or other variables: the times are not compared.",
    ),
    (
        "tests_differ",
        "tests differ",
        "caution",
        "Not the same tests ran to the same end, so the times are not compared.",
    ),
    (
        "host_differs",
        "host differs",
        "caution",
        "The two results come from different machines, so they are not compared.",
    ),
    ("host_noisy", "host noisy", "caution", "The machine varied too much for a verdict on the code."),
    (
        "insufficient_runs",
        "too few runs",
        "caution",
        "Too few runs, or pairs of an experiment, to tell a change from noise.",
    ),
    (
        "not_measured",
        "not measured",
        "none",
        "Nothing measured, or nothing to compare with: neither passed nor regressed.",
    ),
    ("code_improved", "code improved", "good", "Same machine, same build, same limits: the code got faster."),
    ("same", "same", "good", "No change; one of 5 % would have been seen."),
    ("ok", "ok", "good", "Passed, under its ceiling."),
)
STATES: dict[str, State] = {word[0]: State(*word, rank=rank) for rank, word in enumerate(_WORDS)}
FAILED = ("failed", "timed_out", "oom_killed", "interrupted")
"""Outcomes that are a result's first word, whatever its verdict."""


PASSED = State("passed", "passed", "good", "The diagnostic's own test passed.", len(_WORDS))


def state_of_run(outcome: Outcome) -> State:
    """Return how one run ended; a run has no verdict of its own."""
    return PASSED if outcome == "passed" else STATES[outcome]


def state_of(record: Record, compared: Status | None = None) -> State:
    """Return a result's first word: how it ended if it did not pass, else its verdict.

    Args:
        record: the result.
        compared: the status of its comparison with a baseline, if there is one: the graver of the two stands. A
            baseline that measured nothing has no bearing on this result.
    """
    if record.outcome in FAILED:
        return STATES[record.outcome]
    own = STATES[record.verdict.status]
    if compared is None or compared == "not_measured":
        return own
    return min(own, STATES[compared], key=lambda state: state.rank)


def state_of_trial(status: Status, compared: int) -> State:
    """Return the word of an experiment: however many pairs there are, one without a decision is undecided.

    Args:
        status: of the comparison of both sides.
        compared: pairs that were judged; without any nothing was measured.
    """
    if status != "insufficient_runs":
        return STATES[status]
    return replace(STATES[status], label="undecided") if compared else STATES["not_measured"]


_SPECIAL = {
    "cpu_wait": "waiting for a CPU",
    "memory_pressure": "memory pressure",
    "io_pressure": "I/O pressure",
    "rest": "unexplained",
    "user": "on CPU, user",
    "system": "on CPU, system",
}


def spoken(name: str) -> str:
    """Return a term of the wall time in words; any other name with spaces for underscores."""
    return _SPECIAL.get(name, name.replace("_", " "))
