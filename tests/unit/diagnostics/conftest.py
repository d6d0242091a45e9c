"""Hypothesis measures no time here: on a shared machine a deadline of its own would fail tests at random."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("bench-diagnostics", deadline=None)
settings.load_profile("bench-diagnostics")
