"""What a requirements file names on this machine, and what becomes of its key where that changes."""

import os

import pytest

from bench.engine.images.named import parse_named, read_named
from bench.engine.protocol import Tree
from bench.errors import UsageError


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-r base.txt", ("file", "base.txt")),
        ("-rbase.txt", ("file", "base.txt")),
        ("--requirement=base.txt  # why", ("file", "base.txt")),
        ("-c c.txt", ("file", "c.txt")),
        ("--constraint c.txt", ("file", "c.txt")),
        ("-r file:///a%20b.txt", ("file", "/a b.txt")),
        ("-r \\\n base.txt", ("file", "base.txt")),
        (".", ("path", ".")),
        (".[test]", ("path", ".")),
        ("-e .", ("path", ".")),
        ("-e .[test,docs]", ("path", ".")),
        ("--editable ../lib", ("path", "../lib")),
        ("-e lib", ("path", "lib")),
        ("./x-1.0-py3-none-any.whl --hash=sha256:00", ("path", "./x-1.0-py3-none-any.whl")),
        ("x-1.0-py3-none-any.whl ; python_version > '3'", ("path", "x-1.0-py3-none-any.whl")),
        ("libs/x", ("path", "libs/x")),
        ("x @ file:///opt/x.tar.gz#egg=x", ("path", "/opt/x.tar.gz")),
        ("x[extra]@./x.zip", ("path", "./x.zip")),
        ("-f wheels", ("path", "wheels")),
        ("--find-links=/opt/wheels", ("path", "/opt/wheels")),
    ],
)
def test_what_lies_on_this_machine_is_recognised(line, named):
    assert list(parse_named(f"# a comment\nsix==1.17.0\n{line}\n")) == [named]


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy>=1.26,<3 ; python_version < '3.14'",
        "numpy==2.0 --hash=sha256:00",
        "-r https://example.org/r.txt",
        "-e git+https://example.org/x.git",
        "x @ git+ssh://me@example.org/x.git",
        "x @ https://example.org/x.whl",
        "https://example.org/x.whl",
        "--index-url https://example.org/simple",
        "-f https://example.org/wheels",
        "-i file.example",
        "# -r base.txt",
        "",
    ],
)
def test_what_does_not_lie_here_is_not(line):
    assert list(parse_named(line)) == []


def test_files_are_followed_and_each_has_its_part(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r/all.txt").write_text("-r base.txt\n-c ../c.txt\n./wheel.whl\n${TOOL}\n")
    (tmp_path / "r/base.txt").write_text("-r all.txt\nsix\n")
    (tmp_path / "c.txt").write_text("six==1.17.0\n")
    (tmp_path / "wheel.whl").write_text("1")

    def key(**environ):
        return read_named(tmp_path / "r/all.txt", tmp_path, environ).sha256()

    found = read_named(tmp_path / "r/all.txt", tmp_path, {})
    assert found.files == (tmp_path / "r/base.txt", tmp_path / "c.txt")
    assert found.paths == (tmp_path / "wheel.whl",)
    keys = {key(), key(TOOL="pytest"), key(TOOL="nose")}
    for changed in ("r/base.txt", "c.txt", "wheel.whl"):
        (tmp_path / changed).write_text((tmp_path / changed).read_text() + "\n")
        keys.add(key())
    assert len(keys) == 6
    assert key() == key()


def test_files_of_a_project_are_read_in_the_copy_that_a_command_works_from(tmp_path):
    root, kept = tmp_path / "project", tmp_path / "kept"
    for folder in (root, kept):
        folder.mkdir()
        (folder / "a.txt").write_text("-r b.txt\n-r own.txt\n")
        (folder / "b.txt").write_text("iniconfig\n")
    (root / "own.txt").write_text("which git ignores\n")
    tree = Tree(root, ("a.txt", "b.txt"), "0" * 64, kept=kept)
    before = read_named(root / "a.txt", root, tree=tree).sha256()
    (root / "a.txt").write_text("-r c.txt\n")
    (root / "b.txt").unlink()
    found = read_named(root / "a.txt", root, tree=tree)
    assert (found.files, found.sha256()) == ((root / "b.txt", root / "own.txt"), before)
    (root / "own.txt").write_text("edited\n")
    assert read_named(root / "a.txt", root, tree=tree).sha256() != before
    assert tree.at(tmp_path / "elsewhere") == tmp_path / "elsewhere"


def test_a_folder_has_its_content(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "r.txt").write_text("-e ./lib\n")
    before = read_named(tmp_path / "r.txt", tmp_path).sha256()
    (tmp_path / "lib/a.py").write_text("")
    assert read_named(tmp_path / "r.txt", tmp_path).sha256() != before
    assert read_named(tmp_path / "r.txt", tmp_path).sha256(apart=tmp_path) is None


@pytest.mark.parametrize("line", ["-r pipe", "-c pipe", "-r /dev/zero", "-r folder", "-r large"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, line):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "file").write_text(f"{line}\n")
    with pytest.raises(UsageError, match="cannot be read"):
        read_named(tmp_path / "file", tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "r.txt").write_text("-r gone.txt\n")
    with pytest.raises(UsageError, match=r"gone\.txt cannot be read"):
        read_named(tmp_path / "r.txt", tmp_path)


def test_files_without_end_are_refused(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(UsageError, match="more than 100 files"):
        read_named(tmp_path / "0.txt", tmp_path)
