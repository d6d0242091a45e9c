"""What a test lacks, in the words of Python and pytest."""

from __future__ import annotations

import pytest

from bench.agent.lacking import lacking


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("E   ModuleNotFoundError: No module named 'a.b'", "the test imports 'a.b', which is not installed"),
        ("No module named more_itertools", "the test imports 'more_itertools', which is not installed"),
        ("ERROR: Error importing plugin \"foo\": No module named 'foo'", "the project loads 'foo', which"),
        ("Error importing plugin \"foo.bar\": No module named 'foo'", "'foo' (for pytest's plugin 'foo.bar'), which"),
        (
            "ERROR: Missing required plugins: pytest-foo, pytest-b",
            "requires pytest's plugin pytest-foo, pytest-b, which",
        ),
        ("python -m pytest: error: unrecognized arguments: --cov", "pytest does not know --cov: its plugin is not"),
    ],
)
def test_what_is_missing_is_named(said, words):
    assert words in (lacking(said) or "")


@pytest.mark.parametrize("said", ["", "ERROR: not found: t.py::test_x", "ImportError: cannot import name 'a' from 'b'"])
def test_what_is_no_lack_is_none(said):
    assert lacking(said) is None
