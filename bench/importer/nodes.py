"""What log and JUnit report together show about the tests (pure)."""

from __future__ import annotations

from typing import TypeVar

from bench.importer.files import Evidence
from bench.record.schema import TestResult
from bench.record.storage.manifest import Problem

_Value = TypeVar("_Value", str, int, float)
_FOR_JUNIT = {"xfailed": "skipped", "xpassed": "passed"}
"""JUnit has fewer words than pytest."""


def agreed(
    first: _Value | None, second: _Value | None, reason: str, file: str, slack: float = 0.0
) -> tuple[_Value | None, list[Problem]]:
    """Return what two witnesses report: the first's value if they agree or one is silent, null if they do not.

    Args:
        first: the more precise witness.
        second: the other.
        reason: what to report of ``file`` if they differ.
        file: the second's file.
        slack: difference of numbers that is only rounding.
    """
    if first is None or second is None:
        return first if second is None else second, []
    near = (
        abs(first - second) <= slack if not isinstance(first, str) and not isinstance(second, str) else first == second
    )
    return (first, []) if near else (None, [Problem(file, f"{reason}: {second} against {first}", 1)])


def tests_of(evidence: Evidence) -> tuple[tuple[TestResult, ...], list[Problem]]:
    """Return the tests of the log, with what the JUnit report adds; of the report alone if there is no log."""
    cases = {(case.classname, case.name): case for case in evidence.junit.cases} if evidence.junit else {}
    problems: list[Problem] = []
    tests: list[TestResult] = []
    for node in evidence.log.nodes if evidence.log else ():
        case = cases.pop(_case_of(node.node), None)
        same = case is not None and _FOR_JUNIT.get(node.outcome or "", node.outcome) == case.outcome
        outcome, said = agreed(
            case.outcome if case and not same else None,
            node.outcome,
            f"{node.node}: the outcome contradicts the JUnit report's",
            evidence.files.get("logs/pytest.log", "pytest.log"),
        )
        problems += said
        tests.append(TestResult(node.node, outcome or "unknown", node.setup_s, node.call_s, node.teardown_s))
    wanted = evidence.commands.node if evidence.commands else None
    for (classname, name), case in cases.items():
        node_name = wanted if wanted is not None and _case_of(wanted) == (classname, name) else case.node
        tests.append(TestResult(node_name, case.outcome))
    return tuple(tests), problems


def _case_of(node: str) -> tuple[str, str]:
    """Class and name under which JUnit has a node: ``tests/test_x.py::TestA::test_b`` has ``tests.test_x.TestA``."""
    path, *names = node.partition("[")[0].split("::")
    brackets = node[node.index("[") :] if "[" in node else ""
    if not names:
        return path, brackets
    module = path.removesuffix(".py").replace("/", ".")
    return ".".join([module, *names[:-1]]), names[-1] + brackets
