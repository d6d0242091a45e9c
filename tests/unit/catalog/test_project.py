from dataclasses import replace

import pytest

from bench.catalog.load import builtin
from bench.catalog.project import of_node, read_catalog
from bench.engine.images.requirements import read_requirements
from bench.errors import UsageError
from bench.run.plan import SMALLER, need_of


def test_folders_that_are_no_projects_are_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        read_catalog(tmp_path / "none")


def test_a_bench_toml_or_requirements_without_end_are_refused(tmp_path):
    with (tmp_path / "bench.toml").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(UsageError, match="bytes"):
        read_catalog(tmp_path)
    with pytest.raises(UsageError, match="bytes"):
        read_requirements(tmp_path / "bench.toml")


def test_bench_toml_names_a_project_s_diagnostics(tmp_path):
    assert read_catalog(tmp_path).diagnostics == ()
    (tmp_path / "bench.toml").write_text('[diagnostic.slow]\nnode = "tests/test_a.py"\nrequirements = "r.txt"\n')
    (slow,) = read_catalog(tmp_path).diagnostics
    assert slow.name == "slow_cpu"
    with pytest.raises(UsageError, match="is not a file"):
        need_of(slow, tmp_path, None)
    (tmp_path / "r.txt").write_text("")
    assert need_of(slow, tmp_path, None).requirements == (tmp_path / "r.txt").resolve()


def test_a_shipped_name_cannot_be_taken(tmp_path):
    (tmp_path / "bench.toml").write_text('[diagnostic.grad]\nnode = "tests/test_a.py"\n')
    with pytest.raises(UsageError, match="grad_cpu"):
        read_catalog(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "bench.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read_catalog(tmp_path)


def test_a_node_becomes_a_diagnostic_with_a_safe_name():
    found = of_node("tests/test_x.py::TestA::test_y[1-é b]")
    assert found.name == "tests-test-x-testa-test-y-1-b_cpu"
    assert found.env == {"CUDA_VISIBLE_DEVICES": "-1"}
    assert of_node("a.py", "cuda").env == {}


@pytest.mark.parametrize("node", ["", "/etc/passwd", "../x.py::t", "-p evil", "::t"])
def test_nodes_outside_the_project_are_refused(node):
    with pytest.raises(UsageError, match="is not a node"):
        of_node(node)


def test_who_named_no_image_is_told_of_the_smaller_one_before_the_larger_is_made(tmp_path):
    open_ = of_node("tests/test_x.py::test_y", "cpu")
    assert need_of(open_, tmp_path, None).hint == SMALLER
    assert need_of(open_, tmp_path, None) == need_of(open_, None, None), "it is the same place"
    assert need_of(replace(open_, image_open=False), tmp_path, None).hint == ""
    assert need_of(builtin().diagnostics[0], None, None).hint == "", "a shipped one has an image of its own"
