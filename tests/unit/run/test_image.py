"""Which image a project's test runs in if nobody named one."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.catalog.load import builtin, find, parse
from bench.catalog.project import of_node
from bench.engine.protocol import Tree
from bench.record.schema import Source
from bench.run.image import image_text, with_image, with_image_of
from bench.run.plan import Options, make_plan, need_of

NODE = of_node("tests/test_a.py::test_a")


def tree(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Tree(root, tuple(sorted(files)), "0" * 64)


@pytest.mark.parametrize(
    ("name", "text", "image"),
    [
        ("a.py", "import math\n", "small"),
        ("a.py", "import torch\n", "cpu"),
        ("deep/a.py", "def f():\n    return __import__('TORCH'.lower())\n", "cpu"),
        ("pyproject.toml", "dependencies = ['pytorch-lightning']\n", "cpu"),
        ("requirements/test.txt", "torchvision==1\n", "cpu"),
        ("README.md", "not for torch\n", "small"),
        ("data.txt", "torch\n", "small"),
    ],
)
def test_a_project_that_names_torch_nowhere_gets_the_small_image(tmp_path, name, text, image):
    found = with_image(NODE, [tree(tmp_path, {"tests/test_a.py": "", name: text})])
    assert found.image == image
    assert (name in found.image_because) == (image == "cpu")
    said = image_text(found)
    assert f"--image {'torch' if image == 'small' else 'small'}" in said


def test_both_sides_of_an_experiment_and_the_requirements_given_count(tmp_path):
    without = tree(tmp_path / "one", {"a.py": ""})
    named = tree(tmp_path / "two", {"a.py": "import torch"})
    assert [with_image(NODE, sides).image for sides in ([without, named], [without, without])] == ["cpu", "small"]
    (tmp_path / "packages").write_text("torch==2.7.1\n")
    assert with_image(NODE, [without], [tmp_path / "packages"]).image == "cpu"
    listed = replace(NODE, requirements="needs.list")
    assert with_image(listed, [tree(tmp_path / "three", {"needs.list": "torch"})]).image == "cpu"


def test_a_file_too_large_to_look_through_or_not_to_be_read_counts_as_naming_torch(tmp_path):
    large = tree(tmp_path, {"a.py": "#" * (4 * 1024**2 + 1)})
    assert with_image(NODE, [large]).image == "cpu"
    assert with_image(NODE, [Tree(tmp_path, ("gone.py",), "0")]).image == "cpu"


def test_an_image_that_somebody_named_stays(tmp_path):
    code = tree(tmp_path, {"a.py": ""})
    named = 'node = "a.py"\nimage = "torch"\ndevices = ["cpu", "cuda"]\n'
    catalog = parse(f'[diagnostic.a]\n{named}[diagnostic.b]\nnode = "a.py"\n', "bench.toml")
    assert [with_image(one, [code]).image for one in catalog.diagnostics] == ["cpu", "cuda", "small"]
    assert image_text(catalog.diagnostics[0]) is None
    assert with_image(of_node("a.py", "cuda"), [code]).image == "cuda"
    assert with_image(find(builtin(), "grad_cpu"), [code]) == find(builtin(), "grad_cpu")


def test_the_record_has_the_image_and_the_reason(tmp_path):
    code = tree(tmp_path, {"a.py": ""})
    chosen = with_image(NODE, [code])
    plan = make_plan(chosen, Options(), Source(kind="project"), tree=code, need=need_of(chosen, tmp_path, None, code))
    assert plan.params == {"image": "small", "image_because": "no file of the project has the word torch"}
    assert (plan.need.kind, plan.task.torch) == ("small", False)
    assert make_plan(NODE, Options(), Source(kind="project"), tree=code).params == {}


@pytest.mark.parametrize(("torch", "image"), [(None, "small"), ("2.7.1", "cpu")])
def test_a_result_is_reproduced_in_the_image_it_had(torch, image):
    record = SimpleNamespace(image=SimpleNamespace(torch=torch), environment=None)
    assert with_image_of(NODE, record).image == image
    assert with_image_of(replace(NODE, image="small", image_open=False), record).image == "small"
