"""What tools made is told by what lies in it, or by a hidden name; all else of a folder is somebody's."""

import os
import subprocess

import pytest

from bench.record.storage.disk import remove_tree
from bench.run.source.read import read_project
from bench.run.source.walk import MAX_FOLDERS, Made, is_made, walk

NAMES = ("results", "venv", "node_modules", "build", "env", "dist", ".data")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name_without_git(tmp_path, name, copied):
    folder = tmp_path / "plain/tests" / name
    folder.mkdir(parents=True)
    (folder / "expected.json").write_text("1")
    _, _, copy = copied(tmp_path / "plain")
    assert (copy / "tests" / name / "expected.json").exists()


def test_what_tools_made_is_left_out_with_and_without_git(checkout, tmp_path):
    for root in (checkout.root, tmp_path / "plain"):
        (root / "tests").mkdir(parents=True, exist_ok=True)
        (root / "tests/test_a.py").write_text("def test_a(): assert True\n")
        (root / "package.json").write_text("{}")
        for name in (
            "env-of-mine/pyvenv.cfg",
            "env-of-mine/lib/x.py",
            "__pycache__/a.pyc",
            "tests/.pytest_cache/v",
            "node_modules/x.js",
            ".hg/store",
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("x")
        (root / "cache").mkdir()
        (root / "cache/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
        _, tree = read_project(root)
        assert tree.files == ("package.json", "tests/test_a.py")


@pytest.fixture
def write(tmp_path):
    def write(name, text="x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", [".git", ".hg", ".svn", ".jj", ".venv", ".tox", ".nox", ".pytest_cache", ".eggs"])
def test_a_tool_s_hidden_folder_is_told_by_its_name(tmp_path, name):
    assert is_made(tmp_path / name) is True
    assert is_made(tmp_path / name[1:]) is False


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history"])
def test_an_environment_is_told_by_what_lies_in_it(tmp_path, write, mark):
    assert is_made(tmp_path / "env") is False
    write(f"env/{mark}")
    assert is_made(tmp_path / "env") is True


def test_packages_of_node_lie_beside_what_asks_for_them(tmp_path, write):
    write("node_modules/x.js")
    assert is_made(tmp_path / "node_modules") is False
    write("package.json", "{}")
    assert is_made(tmp_path / "node_modules") is True
    assert is_made(tmp_path / "modules") is False


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Signature: 8a477f597d28d172789f06886806bc55", True),
        ("Signature: 8a477f597d28d172789f06886806bc55\n# made by a tool\n", True),
        ("Signature: 8a477f597d28d172789f06886806bc5", False),
        ("# Signature: 8a477f597d28d172789f06886806bc55", False),
        ("", False),
    ],
)
def test_a_cache_is_told_by_its_tag(tmp_path, write, text, made):
    write("cache/CACHEDIR.TAG", text)
    assert is_made(tmp_path / "cache") is made


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.py", False),
        ("a.pyc", True),
        ("deep/b.pyo", True),
        (".git", True),
        ("sub/.git", True),
        ("env/lib/deep/x.py", True),
        ("environment/x.py", False),
        (".gitignore", False),
    ],
)
def test_a_file_is_a_tool_s_with_any_folder_above_it(tmp_path, write, name, made):
    write("env/pyvenv.cfg")
    assert Made(tmp_path).holds(name) is made


def test_the_project_itself_is_never_a_tool_s(tmp_path, write):
    write("pyvenv.cfg")
    write("x.py")
    assert Made(tmp_path).holds("x.py") is False
    assert walk(tmp_path).names == ("pyvenv.cfg", "x.py")


def test_each_folder_is_looked_at_once(tmp_path, write):
    made = Made(tmp_path)
    assert made.holds("env/x.py") is False
    write("env/pyvenv.cfg")
    assert (made.holds("env/y.py"), Made(tmp_path).holds("env/y.py")) == (False, True)


def test_links_are_names_and_are_not_followed(tmp_path, write):
    write("real/x.py")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "file").symlink_to("real/x.py")
    (tmp_path / "dead").symlink_to("none")
    assert walk(tmp_path).names == ("dead", "file", "folder", "real/x.py")


def nest(folder, name, count):
    """Make folders in one another, and a file in the last."""
    folder.mkdir(parents=True, exist_ok=True)
    at = os.open(folder, os.O_RDONLY)
    for _ in range(count):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("last.py", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


@pytest.mark.parametrize("name", ["d", "d" * 20])
@pytest.mark.parametrize("git", [True, False])
def test_what_lies_a_thousand_folders_deep_is_left_out_and_told(checkout, tmp_path, git, name):
    root = checkout.root if git else tmp_path / "plain"
    nest(root / "deep", name, 1000)
    (root / "test_a.py").write_text("def test_a(): pass\n")
    _, tree = read_project(root)
    remove_tree(root / "deep")
    assert set(tree.files) <= {"test_a.py", "tests/test_a.py"}
    told = [line for line in tree.left_out if "deep" in line]
    assert len(told) == 1
    assert len(told[0]) < 200


def test_what_is_just_not_too_deep_is_copied(tmp_path, copied):
    nest(tmp_path / "plain", "d", MAX_FOLDERS)
    _, tree, copy = copied(tmp_path / "plain")
    assert tree.left_out == ()
    assert (copy / "/".join(["d"] * MAX_FOLDERS) / "last.py").exists()


@pytest.mark.parametrize("git", [True, False])
def test_a_folder_that_cannot_be_listed_is_told(checkout, tmp_path, git, monkeypatch):
    """Of git this is its own words, since nothing is unreadable for root."""
    root = checkout.root if git else tmp_path / "plain"
    (root / "locked").mkdir(parents=True)
    (root / "a.py").write_text("")
    if git:
        run = subprocess.run

        def warned(command, **options):
            done = run(command, **options)
            said = b"warning: could not open directory 'locked/': Permission denied\n" if "--others" in command else b""
            return with_warning(done, said) if said and "--ignored" not in command else done

        monkeypatch.setattr(subprocess, "run", warned)
    else:
        scan = os.scandir

        def refusing(path):
            if str(path).rstrip("/").endswith("locked"):
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refusing)
    _, tree = read_project(root)
    assert tree.left_out == ("folders that cannot be read or lie too deep: locked",)


def with_warning(done, said):
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, said)
