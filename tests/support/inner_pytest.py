"""The pytest that a test starts: as a test's author does, but for hypothesis' plugin, which takes two thirds of its start."""

from __future__ import annotations

import sys

INNER_PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-q")
