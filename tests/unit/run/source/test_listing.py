"""What a checkout has, its copy has; what it has not is named."""

import socket

import pytest

from bench.engine.transfer import copy_tree
from bench.errors import UsageError
from bench.run.source.read import read_project


def copied(root, tmp_path):
    source, tree = read_project(root)
    target = tmp_path / "copy"
    target.mkdir()
    copy_tree(tree, target)
    return source, tree, target


@pytest.fixture
def library(make_checkout):
    made = make_checkout("library")
    made.write("kernels.py", "X = 1\n")
    made.commit()
    return made


def test_a_submodule_and_what_lies_in_it_are_copied(checkout, library, make_checkout, tmp_path):
    deep = make_checkout("deep")
    deep.write("deep.py")
    deep.commit()
    library.git("submodule", "add", "-q", str(deep.root), "inner")
    library.commit()
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.git("submodule", "update", "-q", "--init", "--recursive")
    checkout.commit()
    source, _, copy = copied(checkout.root, tmp_path)
    assert source.dirty is False
    assert (copy / "vendor/kernels.py").read_text() == "X = 1\n"
    assert (copy / "vendor/inner/deep.py").exists()
    assert not list(copy.rglob(".git"))
    (checkout.root / "vendor/inner/deep.py").write_text("changed\n")
    changed, _ = read_project(checkout.root)
    assert changed.dirty is True
    assert changed.sha256 != source.sha256


def test_a_submodule_that_is_not_checked_out_is_named(checkout, library):
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.commit()
    checkout.git("submodule", "deinit", "-q", "-f", "vendor")
    _, tree = read_project(checkout.root)
    assert tree.left_out == ("'vendor': a submodule that is not checked out",)


@pytest.mark.parametrize("committed", [False, True])
def test_a_clone_inside_a_checkout_is_copied(checkout, library, tmp_path, committed):
    checkout.git("clone", "-q", str(library.root), str(checkout.root / "dep"))
    (checkout.root / "dep/mine.py").write_text("")
    if committed:
        checkout.commit()  # git keeps it as a link to a commit, without .gitmodules
    _, _, copy = copied(checkout.root, tmp_path)
    assert sorted(path.name for path in (copy / "dep").iterdir()) == ["kernels.py", "mine.py"]


def test_links_to_places_of_the_tree_lead_to_the_same_places_of_the_copy(checkout, tmp_path):
    root = checkout.root
    checkout.write("v1/data/x.txt", "1")
    (root / "current").symlink_to("v1")
    (root / "absolute").symlink_to(root / "v1/data")
    (root / "v1/up.txt").symlink_to("../tests/test_a.py")
    (root / "itself").symlink_to(".")
    (root / "out.txt").symlink_to(root / "not-yet.txt")
    checkout.commit()
    source, _, copy = copied(root, tmp_path)
    assert source.dirty is False
    assert (copy / "current/data/x.txt").read_text() == (copy / "itself/absolute/x.txt").read_text() == "1"
    assert (copy / "v1/up.txt").resolve() == copy / "tests/test_a.py"
    for name in ("current/data/x.txt", "absolute/new.txt", "v1/up.txt", "out.txt"):
        (copy / name).write_text("written by a test")
    checkout.git("diff", "--exit-code")
    assert not (root / "not-yet.txt").exists()
    assert not (root / "v1/data/new.txt").exists()


def test_what_a_link_says_is_part_of_the_content(checkout):
    for version in ("v1", "v2"):
        checkout.write(f"{version}/x.txt", version)
    (checkout.root / "current").symlink_to("v1")
    one, _ = read_project(checkout.root)
    (checkout.root / "current").unlink()
    (checkout.root / "current").symlink_to("v2")
    assert read_project(checkout.root)[0].sha256 != one.sha256


def test_a_link_out_of_the_checkout_is_named_and_not_followed(checkout, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("secret")
    (checkout.root / "folder").symlink_to(tmp_path / "private")
    (checkout.root / "file").symlink_to(tmp_path / "private/key")
    (checkout.root / "above").symlink_to("..")
    checkout.commit()
    _, tree, copy = copied(checkout.root, tmp_path)
    assert sorted(path.name for path in copy.iterdir()) == ["tests"]
    assert tree.left_out == ("links that lead out of the project: above, file, folder",)


def test_what_lies_beside_a_project_in_its_checkout_is_copied_in_place_of_the_link(checkout, tmp_path):
    checkout.write("common/data.json", "{}")
    checkout.write("package/test_b.py", "")
    (checkout.root / "package/common").symlink_to("../common")
    (checkout.root / "package/data.json").symlink_to("../common/data.json")
    checkout.commit()
    _, tree, copy = copied(checkout.root / "package", tmp_path)
    assert tree.left_out == ()
    (copy / "common/data.json").write_text("written")
    (copy / "data.json").write_text("written")
    assert (checkout.root / "common/data.json").read_text() == "{}"


def test_a_folder_that_became_a_link_is_copied_as_what_it_is(checkout, tmp_path):
    checkout.write("lib/a.py", "old")
    checkout.write("new/a.py", "new")
    checkout.commit()
    (checkout.root / "lib/a.py").unlink()
    (checkout.root / "lib").rmdir()
    (checkout.root / "lib").symlink_to("new")
    _, _, copy = copied(checkout.root, tmp_path)
    assert (copy / "lib").is_symlink()
    assert (copy / "lib/a.py").read_text() == "new"


NAMES = ("results", "venv", "node_modules", "build", "env", "dist", ".data")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name_without_git(tmp_path, name):
    folder = tmp_path / "plain/tests" / name
    folder.mkdir(parents=True)
    (folder / "expected.json").write_text("1")
    _, _, copy = copied(tmp_path / "plain", tmp_path)
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


def test_caches_do_not_make_a_checkout_dirty(checkout):
    checkout.write("tests/__pycache__/test_a.pyc", "")
    checkout.write(".pytest_cache/README.md", "")
    assert read_project(checkout.root)[0].dirty is False


def test_what_git_ignores_is_named_but_not_what_every_checkout_has(checkout):
    checkout.write(".gitignore", "*.so\nbuild\n__pycache__\n*.egg-info\n.venv\n")
    checkout.commit()
    for name in ("kernel.so", "build/x.o", "tests/__pycache__/a.pyc", ".venv/pyvenv.cfg"):
        checkout.write(name, "")
    source, tree = read_project(checkout.root)
    assert source.dirty is False
    assert tree.left_out == ("what git ignores: build/, kernel.so",)


def test_git_answers_with_the_user_s_own_settings(checkout, tmp_path):
    (tmp_path / "home/.config/git").mkdir(parents=True)
    (tmp_path / "home/.config/git/ignore").write_text("*.swp\n")
    checkout.write("a.swp")
    assert read_project(checkout.root)[0].dirty is False
    (tmp_path / "home/.gitconfig").write_text("[status]\n\tshowUntrackedFiles = no\n\trelativePaths = false\n")
    checkout.write("b.py")
    source, tree = read_project(checkout.root)
    assert (source.dirty, "b.py" in tree.files) == (True, True)


def test_another_checkout_named_in_the_environment_is_not_asked(checkout, make_checkout, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(make_checkout("other").root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    assert read_project(checkout.root)[1].files == ("tests/test_a.py",)


def test_a_folder_that_a_checkout_around_it_ignores_is_read_as_a_plain_one(checkout):
    checkout.write(".gitignore", "*\n")
    checkout.write("mine/test_b.py", "")
    source, tree = read_project(checkout.root / "mine")
    assert (source.commit, tree.files) == (None, ("test_b.py",))


def test_a_socket_is_named(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p/test_a.py").write_text("")
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(tmp_path / "p/s"))
        assert read_project(tmp_path / "p")[1].left_out == ("what is no plain file: s",)


def test_a_project_of_which_nothing_can_be_copied_is_refused(tmp_path):
    (tmp_path / "p/.git").mkdir(parents=True)
    (tmp_path / "p/x").symlink_to("/etc")
    with pytest.raises(UsageError, match="holds no files"):
        read_project(tmp_path / "p")
