"""Whose code runs in an environment that has the project installed: that of the run's copy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalog.model import Command
from bench.engine.present.own import NAMES, ROOTS, homes_of, named_by, with_own_modules
from bench.engine.protocol import Place, Task, Tree
from bench.record.schema import Limits

PLACE = Place("/env/bin/python", "/agent", "/diagnostics", "/env", has_own=True, own=("pkg", "other"))


def task(root: Path, *files: str, **env: str) -> Task:
    return Task(
        argv=("{python}", "-m", "pytest"),
        env=env,
        cwd="{src}",
        timeout_s=1.0,
        limits=Limits(),
        torch=False,
        tree=Tree(root, files, "0" * 64),
    )


@pytest.mark.parametrize(
    ("files", "homes"),
    [
        (("lib/pkg/__init__.py", "tests/test_a.py"), {"pkg": "lib"}),
        (("pkg/__init__.py",), {"pkg": ""}),
        (("pkg.py", "deep/er/pkg.py"), {"pkg": ""}),
        (("b/pkg/__init__.py", "a/pkg/__init__.py"), {"pkg": "a"}),
        (("python/pkg/__init__.py", "packages/other/src/other/__init__.py"), {"other": "packages/other/src", "pkg": "python"}),
        (("build/lib/pkg/__init__.py", ".tox/x/pkg/__init__.py"), {}),
        (("pkg/data.txt", "lib/pkg/part.py", "pkg/__init__.pyi"), {}),
    ],
)  # fmt: skip
def test_a_project_has_a_module_where_the_fewest_folders_are_above_it(files, homes):
    assert homes_of({"pkg", "other"}, files) == homes


def test_the_copy_comes_before_what_is_installed(tmp_path):
    made = with_own_modules(PLACE, task(tmp_path, "lib/pkg/__init__.py", PYTHONPATH="{src}/src"))
    assert made.env["PYTHONPATH"] == "{src}/src:{src}/lib"
    assert (made.env[NAMES], made.env[ROOTS]) == ("pkg", f"{{src}}:{tmp_path}")
    flat = with_own_modules(PLACE, task(tmp_path, "pkg/__init__.py"))
    assert "PYTHONPATH" not in flat.env, "pytest is started there"
    assert flat.env[NAMES] == "pkg"


def test_a_release_of_the_project_is_its_own_too(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "My-pkg.x"\n')
    made = with_own_modules(replace(PLACE, own=()), task(tmp_path, "python/My_pkg_x/__init__.py"))
    assert made.env["PYTHONPATH"] == "{src}/python"


@pytest.mark.parametrize("text", ["", "[project]\nname = 3\n", "[project\n", "project = 1\n", '[tool.x]\nname = "a"\n'])
def test_a_project_without_a_name_has_none(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert named_by(tmp_path) == ()


def test_what_is_no_project_s_or_no_test_stays_as_it_is(tmp_path):
    asked = task(tmp_path, "lib/pkg/__init__.py")
    for place, one in (
        (replace(PLACE, has_own=False), asked),
        (PLACE, replace(asked, tree=None)),
        (PLACE, replace(asked, tree=Tree(tmp_path, ("tests/test_a.py",), "0" * 64))),
        (PLACE, replace(asked, command=Command(("true",)))),
    ):
        assert with_own_modules(place, one) is one
