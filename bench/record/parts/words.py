"""The words that a record is written in."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["passed", "failed", "timed_out", "oom_killed", "interrupted", "not_measured"]
Status = Literal[
    "ok",
    "over_ceiling",
    "code_regressed",
    "code_improved",
    "same",
    "host_differs",
    "host_noisy",
    "limit_bound",
    "build_differs",
    "setup_differs",
    "tests_differ",
    "insufficient_runs",
    "not_measured",
]
SINCE_1_1 = frozenset({"setup_differs", "tests_differ"})
"""Words of ``Status`` that minor version 1 of the schema added."""
Better = Literal["lower", "higher", "none"]
Word = Literal["better", "worse", "more", "less", "same", "cannot_be_said"]
"""What became of a figure; ``more`` and ``less`` if nobody told which is better."""
Side = Literal["base", "head"]
"""The sides of an experiment (``bench ab``): what is compared with, and what is judged."""
