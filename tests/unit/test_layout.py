"""Who may import the tests: the tests. Nobody changes where Python looks for modules to do so. And where files lie."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHERS = sorted(path for folder in ("bench", "benchmarks", "ci") for path in (ROOT / folder).rglob("*.py"))
# The program beside the supervisor's fixtures is run by itself, on machines that have no checkout.
TESTS = sorted(set((ROOT / "tests").rglob("*.py")) - set((ROOT / "tests/unit/agent/fixtures").glob("*.py")))
SUPPORT = {path.stem for path in (ROOT / "tests/support").glob("*.py")} - {"__init__"}


def imported(text: str, names: set[str]) -> set[str]:
    """Those of some modules that a text imports by their whole names; only what may hold one is parsed."""
    found: set[str] = set()
    if not re.search(rf"^\s*(?:from|import)\b.*\b(?:{'|'.join(sorted(names))})\b", text, re.MULTILINE):
        return found
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name for name in found if name.partition(".")[0] in names}


def looks_elsewhere(text: str) -> bool:
    """Whether a text changes ``sys.path``; ruff writes it without blanks."""
    if "sys.path" not in text:
        return False
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "sys.path":
            return True  # sys.path.insert, append, extend
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(ast.unparse(each).startswith("sys.path") for each in targets if isinstance(each, ast.expr)):
            return True
    return False


def test_each_module_of_run_has_a_test_beside_it():
    run, beside = ROOT / "bench/run", ROOT / "tests/unit/run"
    modules = [path.relative_to(run) for path in run.rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) > 40
    assert [str(path) for path in modules if not (beside / path.with_name(f"test_{path.name}")).is_file()] == []


def test_no_folder_of_ours_is_a_flat_row():
    # What enters images as it is stays where it is.
    counted = Counter(path.parent.relative_to(ROOT) for path in OTHERS if path.name != "__init__.py")
    wide = {str(folder) for folder, count in counted.items() if count > 14}
    assert {one for one in wide if not one.startswith(("bench/agent", "bench/diagnostics"))} == set()


def test_nothing_but_tests_imports_the_tests():
    own = {"tests", "conftest", *SUPPORT}
    assert {str(path): names for path in OTHERS if (names := imported(path.read_text(), own))} == {}


def test_tests_look_for_modules_where_python_does():
    found = {path for path in TESTS if looks_elsewhere(path.read_text())}
    assert found == {ROOT / "tests/support/inner_pytest.py"}, "it alone: a child that looks where another Python would"
    alone = {str(path): found for path in TESTS if (found := imported(path.read_text(), SUPPORT))}
    assert alone == {}, "what tests share is imported as tests.support.…"


@pytest.mark.parametrize(
    "text",
    [
        "sys.path.insert(0, x)",
        "sys.path[:0] = [x]",
        "sys.path += [x]",
        "sys.path = [x]",
        "import sys\nsys.path.append(x)",
    ],
)
def test_a_change_of_the_path_is_seen(text):
    assert looks_elsewhere(text)
    assert not looks_elsewhere("before = list(sys.path)")
