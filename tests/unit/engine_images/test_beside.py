"""What a requirements file names travels into the container that installs it."""

from pathlib import Path

import pytest

from bench.engine.images.beside import read_installable
from bench.engine.protocol import Tree
from bench.errors import UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "project"
    for name in ("requirements/dev.txt", "requirements/base.txt", "pyproject.toml", "libs/x/pyproject.toml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    (root / "dist").mkdir()
    (root / "dist/y-1.0-py3-none-any.whl").write_bytes(b"wheel")  # git ignores it: it is no file of the tree
    files = ("requirements/dev.txt", "requirements/base.txt", "pyproject.toml", "libs/x/pyproject.toml")
    return Tree(root, files, "5ha")


def read(tree: Tree, text: str, **environ: str):
    path = tree.root / "requirements/dev.txt"
    path.write_text(text)
    return read_installable(path, tree, "/mnt", environ)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("six==1.17.0", "six==1.17.0"),
        ("-r base.txt", "-r /mnt/requirements/0.txt"),
        ("--requirement=base.txt", "--requirement=/mnt/requirements/0.txt"),
        ("-c base.txt  # why", "-c /mnt/requirements/0.txt"),
        ("-e .", "-e /src/."),
        ("-e .[test]", "-e /src/.[test]"),
        (".[test] ; python_version > '3'", "/src/.[test] ; python_version > '3'"),
        ("--editable libs/x", "--editable /src/libs/x"),
        ("./dist/y-1.0-py3-none-any.whl", "/mnt/beside/0/y-1.0-py3-none-any.whl"),
        ("y @ ./dist/y-1.0-py3-none-any.whl", "y @ /mnt/beside/0/y-1.0-py3-none-any.whl"),
        ("-f dist", "-f /mnt/beside/0/dist"),
        ("y ${WHERE}", "y -x"),
        ("-e git+https://example.org/x.git", "-e git+https://example.org/x.git"),
    ],
)
def test_what_is_named_is_named_as_it_lies_there(tree, line, there):
    found = read(tree, f"{line}\n", WHERE="-x")
    expected = {there, there.replace("/src/.", "/src")}
    assert found.content.decode().strip() in expected
    assert (found.project is tree) == ("/src" in there)


def test_files_and_packages_beside_the_project_travel_too(tree):
    lib = tree.root.parent / "lib"
    (lib / ".git").mkdir(parents=True)
    (lib / ".git/config").write_text("")
    (lib / "pyproject.toml").write_text("[project]")
    (tree.root / "requirements/base.txt").write_text("attrs\n-r dev.txt\n")
    found = read(tree, f"-r base.txt\n-e ../lib\nz @ file://{lib}/pyproject.toml\n")
    assert found.content == (
        b"-r /mnt/requirements/0.txt\n/mnt/beside/0/lib\nz @ file:///mnt/beside/1/pyproject.toml\n"
    )
    assert found.files["requirements/0.txt"] == b"attrs\n-r /mnt/requirements.txt\n"
    assert found.files["beside/0/lib/pyproject.toml"] == lib / "pyproject.toml"
    assert not any(".git" in name for name in found.files)
    assert found.project is None


def test_what_is_named_decides_what_is_installed(tree):
    before = read(tree, "-r base.txt\n-e .\n").parts
    (tree.root / "requirements/base.txt").write_text("six\n")
    after = read(tree, "-r base.txt\n-e .\n").parts
    assert before != after
    assert "5ha" in after
    assert read(tree, "six\n").parts == ()


def test_what_is_not_there_is_named(tree):
    with pytest.raises(UsageError, match=r"gone\.whl: it is not there"):
        read(tree, "./gone.whl\n")
