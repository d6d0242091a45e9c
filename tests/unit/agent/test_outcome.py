"""How it ended and why, from exit status and counters."""

from __future__ import annotations

import pytest

from bench.agent.outcome import SIGNATURE_CHARACTERS, End, decide, one_line

PYTEST = End(
    exit_code=0, signal=None, timeout_s=5.0, plugin_wanted=True, plugin_loaded=True, session_finished=True,
    oom_kills=0, test_outcomes=("passed",),
)  # fmt: skip
PLAIN = End(exit_code=0, signal=None, timeout_s=5.0, oom_kills=0)


@pytest.mark.parametrize(
    ("end", "outcome", "words"),
    [
        (PLAIN, "passed", None),
        (PLAIN._replace(exit_code=3, expect_exit=3), "passed", None),
        (PLAIN._replace(expect_exit=3, last_line="done"), "failed", "exit code 0 and not 3: done"),
        (PLAIN._replace(cannot_start="x", exit_code=None), "not_measured", "cannot start the command: x"),
        (PLAIN._replace(cannot_start="x", stopped_for="interrupt", exit_code=None), "interrupted", "interrupted"),
        (PYTEST, "passed", None),
        (PYTEST._replace(test_outcomes=("passed", "skipped", "xfailed")), "passed", None),
        (PYTEST._replace(test_outcomes=("skipped", "skipped")), "not_measured", "skipped"),
        (PYTEST._replace(test_outcomes=()), "not_measured", "no test"),
        (PYTEST._replace(session_finished=False, running="t::a"), "failed", "in t::a"),
        (PYTEST._replace(session_finished=False, mute="no room"), "not_measured", "cannot be told: no room"),
        (PYTEST._replace(mute="no room"), "passed", None),
        (PYTEST._replace(session_finished=False, mute="no room", exit_code=1), "failed", "exit code 1"),
        (PYTEST._replace(test_outcomes=("passed", "failed")), "failed", "although"),
        (PYTEST._replace(failure=("t::a", "boom"), failures=1), "failed", "although"),
        (PYTEST._replace(plugin_loaded=False, test_outcomes=()), "passed", None),
        (
            PYTEST._replace(early="pytest.exit: no GPU", not_run=1, collected=3, running="t::b"),
            "failed",
            "in t::b: pytest.exit",
        ),
        (PYTEST._replace(early="nothing said why", not_run=1, collected=3), "failed", "1 of 3 tests never began"),
        (PYTEST._replace(early="pytest.exit: x", session_finished=False, mute="no room"), "failed", "pytest.exit: x"),
        (PYTEST._replace(early="x", test_outcomes=()), "failed", "session ended early"),
        (
            PYTEST._replace(only="--collect-only", early="--collect-only", test_outcomes=()),
            "not_measured",
            "--collect-only",
        ),
        (PYTEST._replace(exit_code=2, early="KeyboardInterrupt"), "failed", "exit code 2: the session ended early"),
        (PYTEST._replace(exit_code=2, early="x", stopped_for="timeout"), "timed_out", "after 5 s"),
        (PLAIN._replace(exit_code=3, last_line="no such thing"), "failed", "exit code 3: no such thing"),
        (PYTEST._replace(exit_code=1, failure=("t::a", "E boom"), failures=3), "failed", "t::a: E boom (and 2 more)"),
        (PYTEST._replace(exit_code=1, failure=("t::a", "E boom"), failures=1), "failed", "t::a: E boom"),
        (PYTEST._replace(exit_code=4, last_line="ERROR: not found: x"), "not_measured", "ERROR: not found"),
        (
            PYTEST._replace(
                exit_code=4,
                failure=("tests/test_a.py", "ModuleNotFoundError: No module named 'more_itertools'"),
                last_line="ERROR: found no collectors for tests/test_a.py::test_x",
            ),
            "not_measured",
            "the test imports 'more_itertools', which is not installed",
        ),
        (
            PYTEST._replace(exit_code=4, failure=("t.py", "SyntaxError: invalid syntax"), last_line="found no"),
            "not_measured",
            "pytest could not import t.py: SyntaxError",
        ),
        (
            PYTEST._replace(exit_code=2, failure=("t.py", "No module named 'a'"), test_outcomes=(), early="1 error"),
            "failed",
            "the test imports 'a'",
        ),
        (
            PYTEST._replace(exit_code=2, failure=("t.py", "No module named 'a'"), failures=1),
            "failed",
            "t.py: No module",
        ),
        (PYTEST._replace(exit_code=5, test_outcomes=()), "not_measured", "no test"),
        (
            PYTEST._replace(exit_code=1, plugin_loaded=False, last_line="No module named pytest"),
            "not_measured",
            "No module named pytest",
        ),
        (PLAIN._replace(exit_code=None, signal=11), "failed", "SIGSEGV"),
        (PLAIN._replace(exit_code=None, signal=64), "failed", "SIGRTMAX"),
        (PLAIN._replace(exit_code=None, signal=60), "failed", "signal 60"),
        (PLAIN._replace(exit_code=None, signal=9), "failed", "not for memory"),
        (PLAIN._replace(exit_code=None, signal=9, oom_kills=None, no_oom_counter="no group"), "failed", "no group"),
        (PLAIN._replace(exit_code=None, signal=9, oom_kills=1), "oom_killed", "out of memory: killed for memory"),
        (PLAIN._replace(exit_code=137, oom_kills=0), "failed", "exit code 137"),
        (
            PLAIN._replace(exit_code=137, oom_kills=2, memory_limit_bytes=4096),
            "oom_killed",
            "out of memory at the limit of 0.003906 MiB",
        ),
        (PYTEST._replace(exit_code=1, oom_kills=1, failure=("t", "worker died")), "oom_killed", "kill"),
        (PLAIN._replace(exit_code=0, oom_kills=1), "passed", None),
        (PLAIN._replace(exit_code=None, signal=9, stopped_for="timeout"), "timed_out", "after 5 s"),
        (PYTEST._replace(exit_code=0, stopped_for="timeout", running="t::a"), "timed_out", "in t::a"),
        (PLAIN._replace(exit_code=None, signal=9, stopped_for="timeout", oom_kills=1), "timed_out", "for memory"),
        (PLAIN._replace(exit_code=2, stopped_for="interrupt"), "interrupted", "interrupted"),
        (PLAIN._replace(exit_code=None, cannot_start="execute x: No such file"), "not_measured", "No such file"),
    ],
)
def test_outcome(end: End, outcome: str, words: str | None) -> None:
    decided = decide(end)
    assert decided.outcome == outcome
    if words is None:
        assert decided.signature is None
    else:
        assert decided.signature is not None
        assert words in decided.signature


def test_a_signature_is_valid_text() -> None:
    assert one_line("a\ud800b") == "a\\ud800b"


def test_signature_is_one_plain_bounded_line() -> None:
    assert one_line("a\x1b[31m\r\n b\u2028c\x00\t d") == "a [31m b c d"
    long = one_line("x" * 1000)
    assert len(long) == SIGNATURE_CHARACTERS
    assert long.endswith("…")
