"""Both sides as plans: what each has of its own, and its code in a folder of its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalog.load import builtin, find
from bench.catalog.project import of_node
from bench.errors import UsageError
from bench.run.ab.plans import Question, Sides
from bench.run.ab.sides import Side
from bench.run.plan import Options
from tests.support.history import git, make_history

GRAD = find(builtin(), "grad_cpu")
TEST = "tests/test_x.py"
COMMITS = [
    {"work.py": "N = 0\n"},
    {TEST: "def test_y(): ...\n", "work.py": "N = 1\n"},
    {"more.txt": "six\n", "results/h/grad_cpu/20260102T030405Z/record.json": "{}\n"},
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository whose second commit has the test, and whose third has requirements; the working tree has gone on."""
    root = tmp_path_factory.mktemp("plans") / "project"
    shas = make_history(root, COMMITS)
    (root / "work.py").write_text("N = 3\n")
    return root, shas


@pytest.fixture
def of_project(project, tmp_path):
    """The sides of a test of the project."""
    node = replace(of_node(f"{TEST}::test_y"), image="small", image_open=False)

    def made(results=None, **changes):
        return Sides(Question(builtin(), replace(node, **changes), Options(), project[0], results), tmp_path)

    return made


def shipped(tmp_path, diagnostic=GRAD, **options):
    return Sides(Question(builtin(), diagnostic, Options(**options)), tmp_path)


def test_a_side_lays_its_own_over_what_both_have(tmp_path):
    sides = shipped(tmp_path, threads=2, env={"A": "1", "B": "1"})
    base, head = sides.plan(Side()), sides.plan(Side(threads=1, env={"B": "2"}, variant="thp"))
    assert (base.task.limits.threads, base.task.env["A"], base.task.env["B"], base.variant) == (2, "1", "1", None)
    assert (head.task.limits.threads, head.task.env["A"], head.task.env["B"], head.variant.name) == (1, "1", "2", "thp")
    assert base.source == head.source
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("image", "kind"), [("small", "small"), ("torch", "cpu"), ("cpu", "cpu"), ("cuda", "cuda")])
def test_a_test_runs_in_an_image_of_ours(tmp_path, image, kind):
    assert shipped(tmp_path).plan(Side(image=image)).need.kind == kind


@pytest.mark.parametrize(
    ("side", "said"),
    [
        (Side(rev="v1"), "'v1' names a revision, and grad_cpu is a shipped diagnostic of no checkout"),
        (Side(image="python:3.13"), "image=python:3.13 is no image of ours"),
        (Side(variant="warp"), "warp"),
    ],
)
def test_what_a_shipped_test_cannot_have_is_refused(tmp_path, side, said):
    with pytest.raises(UsageError, match=said):
        shipped(tmp_path).plan(side)


def test_each_side_has_its_code_and_code_that_both_have_is_there_once(project, of_project):
    root, shas = project
    sides = of_project()
    before = {path: path.stat().st_mtime_ns for path in (root / ".git").rglob("*")}
    old, older, new, again = (sides.plan(Side(rev=rev, threads=1)) for rev in (shas[1], "main", None, shas[1]))
    assert [(plan.task.tree.source / "work.py").read_text() for plan in (old, older, new)] == ["N = 1\n"] * 2 + [
        "N = 3\n"
    ]
    assert len({plan.task.tree.source for plan in (old, older, new)}) == 3
    assert again.task.tree is old.task.tree
    assert (old.source.commit, old.source.dirty, new.source.dirty) == (shas[1], False, True)
    assert {path: path.stat().st_mtime_ns for path in (root / ".git").rglob("*")} == before


def test_an_edit_between_the_pairs_changes_neither_side(project, of_project):
    root = project[0]
    plan = of_project().plan(Side())
    was = (root / "work.py").read_text()
    try:
        (root / "work.py").write_text("N = 4\n")
        assert (plan.task.tree.source / "work.py").read_text() == was
    finally:
        (root / "work.py").write_text(was)


def test_a_revision_without_the_test_is_refused(project, of_project):
    with pytest.raises(UsageError, match=f"has no {TEST}; name a revision that has the test"):
        of_project().plan(Side(rev=project[1][0]))


def test_requirements_that_bench_toml_names_must_be_in_the_revision(project, of_project):
    old, new = project[1][1:]
    named = of_project(requirements="more.txt")
    with pytest.raises(UsageError, match=r"has no more\.txt, which bench\.toml of the project names"):
        named.plan(Side(rev=old))
    plan = named.plan(Side(rev=new))
    assert plan.need.requirements == plan.task.tree.root / "more.txt"


def test_requirements_of_a_side_are_looked_for_in_its_own_code(project, of_project, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    new = project[1][2]
    sides = of_project()
    of_side = sides.plan(Side(rev=new, requirements=Path("more.txt")))
    assert of_side.need.requirements.read_text() == "six\n"
    assert of_side.need.requirements.is_relative_to(of_side.task.tree.root)
    with pytest.raises(UsageError, match=r"--requirements none\.txt is not a file"):
        sides.plan(Side(rev=new, requirements=Path("none.txt")))


def test_results_that_a_revision_holds_are_no_code(project, of_project):
    root, shas = project
    assert git(root, "ls-files", "results")
    sides = of_project(results=root / "results")
    plan = sides.plan(Side(rev=shas[2]))
    assert [name for name in plan.task.tree.files if name.startswith("results/")] == []
    assert any("results that git tracks" in line for line in plan.task.tree.left_out)
