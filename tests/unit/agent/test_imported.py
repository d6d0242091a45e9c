"""Modules of a project that its tests take from elsewhere than the run's copy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.inner_pytest import FRESH_PYTEST

TEST = "import sys\nsys.path.insert(0, {folder!r})\nimport pkg\ndef test_a(): pass\n"


@pytest.fixture
def told(supervise, tmp_path: Path):
    def go(roots: str, *options: str) -> list[tuple[str, float]]:
        (installed := tmp_path / "installed").mkdir()
        (copy := tmp_path / "copy").mkdir()
        (installed / "pkg.py").touch()
        (copy / "test_it.py").write_text(TEST.format(folder=str(installed)))
        env = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "BENCH_OWN_MODULES": "json:pkg:unused"}
        roots = ":".join([str(tmp_path / roots), str(Path(json.__file__).parent)])
        command = (*FRESH_PYTEST, "test_it.py", *options)
        result = supervise(*command, plugin=True, cwd=str(copy), env={**env, "BENCH_OWN_ROOTS": roots}).result
        assert result["outcome"] == "passed"
        return [(one["message"], one["value"]) for one in result["warnings"] if one["code"] == "code_elsewhere"]

    return go


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["here", "in a worker"])
def test_what_is_imported_from_the_environment_is_told(told, options: tuple[str, ...]) -> None:
    ((message, count),) = told("copy", *options)
    assert message.startswith("the tests imported pkg from the environment")
    assert count == 1


def test_what_lies_in_a_folder_that_is_measured_is_not(told) -> None:
    assert told("installed") == []
