"""What the pytest plugin says, taken in with care: the file lies where the tests can write to it."""

from .keeping import MAX_FACTS, MAX_FACTS_CHARACTERS
from .testlog import TestLog

__all__ = ["MAX_FACTS", "MAX_FACTS_CHARACTERS", "TestLog"]
