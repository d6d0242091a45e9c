"""What a verb says of itself, without importing it: at a TAB that costs a hundredth of what its libraries do."""

from __future__ import annotations

import ast
from functools import cache
from importlib.resources import files


def purpose(verb: str, module: str) -> str | None:
    """The docstring of the function that ``module`` of this package registers as ``verb``; None where there is none."""
    for node in _parsed(module).body:
        if isinstance(node, ast.FunctionDef) and verb in {node.name, *_registered_as(node)}:
            return ast.get_docstring(node)
    return None


def _registered_as(function: ast.FunctionDef) -> list[object]:
    """The plain words given to a function's decorators, as ``list`` in ``@app.command("list")``."""
    given = [word for one in function.decorator_list if isinstance(one, ast.Call) for word in one.args]
    return [word.value for word in given if isinstance(word, ast.Constant)]


@cache
def _parsed(module: str) -> ast.Module:
    return ast.parse(files("bench.cli").joinpath(f"{module}.py").read_text(encoding="utf-8"))
