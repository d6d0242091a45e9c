"""What a docstring must have, and how many parameters a function may take: read off the code by its syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
WITH_ARGS = (
    "api",
    "compare",
    "engine",
    "host",
    "report",
    "pytest_plugin",
    "run",
    "fleet",
    "cli",
    "catalog",
    "importer",
    "record",
    "names.py",
    "units.py",
    "cpuset.py",
    "times.py",
)
"""Where every public function of three parameters or more describes each of them."""
OF_A_PROTOCOL = ("execute",)
"""Methods that each engine has; the protocol describes their parameters for all."""
FROZEN = ("engine/images/inside",)
"""What enters images as it is."""


@cache
def functions(code: str) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Return the functions of a module and the methods of its classes, by their dotted names."""

    def below(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{child.name}", child
            elif isinstance(child, ast.ClassDef):
                yield from below(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.If | ast.Try | ast.With):
                yield from below(child, prefix)

    return list(below(ast.parse(code), ""))


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    named = function.args
    every = [*named.posonlyargs, *named.args, *named.kwonlyargs, *filter(None, (named.vararg, named.kwarg))]
    return [one.arg for one in every if one.arg not in ("self", "cls")]


def is_verb(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether typer registers it: its options describe its parameters."""
    return any(re.fullmatch(r"app\.(command|callback)\(.*\)", ast.unparse(one)) for one in function.decorator_list)


def undescribed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the parameters that the docstring's ``Args`` does not describe."""
    _, _, after = (ast.get_docstring(function) or "").partition("Args:\n")
    section = re.split(r"\n(?=\S)", after)[0]
    return [name for name in parameters(function) if re.search(rf"^ {{4}}{name}: \S", section, re.MULTILINE) is None]


def without_args(code: str) -> list[str]:
    """Return the public functions of three parameters or more of which a parameter is not described, with those."""
    return [
        f"{name}: {', '.join(missing)}"
        for name, function in functions(code)
        if not any(part.startswith("_") for part in name.split(".")) and not is_verb(function)
        if name.rpartition(".")[2] not in OF_A_PROTOCOL or name.startswith("Engine.")
        if len(parameters(function)) >= 3 and (missing := undescribed(function))
    ]


def too_many(code: str) -> list[str]:
    """Return the functions that take more than six parameters."""
    return [name for name, one in functions(code) if len(parameters(one)) > 6 and not is_verb(one)]


def files(*roots: str) -> list[Path]:
    """Return the modules in folders of ``bench``."""
    found = [
        path for root in roots for path in ([BENCH / root] if root.endswith(".py") else (BENCH / root).rglob("*.py"))
    ]
    return sorted(path for path in found if not any(path.is_relative_to(BENCH / one) for one in FROZEN))


@pytest.mark.parametrize("root", WITH_ARGS)
def test_every_parameter_of_a_public_function_with_three_or_more_is_described(root: str) -> None:
    modules = files(root)
    assert modules
    found = [f"{path.relative_to(BENCH)}: {one}" for path in modules for one in without_args(path.read_text())]
    assert found == []


def test_no_function_takes_more_than_six_parameters() -> None:
    modules = [path for path in sorted(BENCH.rglob("*.py")) if path.parent.name != "diagnostics"]
    found = {f"{path.relative_to(BENCH)}:{name}" for path in modules for name in too_many(path.read_text())}
    assert found == set()


def test_the_checks_find_what_they_are_for() -> None:
    described = '"""Do.\n\n    Args:\n        a: one.\n        b: two.\n            And more.\n{}\n    Raises:\n        c: d.\n    """\n'
    head = "class A:\n  def f(self, a, b, *, c):\n    "
    assert without_args(head + described.format("")) == ["A.f: c"]
    assert without_args(head + described.format("        c: three.\n")) == []
    assert without_args("def f(a, b, c): ...") == ["f: a, b, c"]
    assert without_args("def f(a, b): ...\ndef _g(a, b, c): ...\n@app.command()\ndef h(a, b, c): ...") == []
    assert too_many("def f(a, b, c, d, e, /, f, *, g): ...\ndef k(self, a, b, c, d, e, f): ...") == ["f"]
