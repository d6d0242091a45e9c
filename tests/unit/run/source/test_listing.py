"""What a checkout has is listed, that of checkouts inside it too; what it has not is named."""

import shutil

import pytest

from bench.run.source.listing import Listing, list_project
from bench.run.source.read import read_project


def test_a_submodule_and_what_lies_in_it_are_copied(checkout, library, make_checkout, copied):
    deep = make_checkout("deep")
    deep.write("deep.py")
    deep.commit()
    library.git("submodule", "add", "-q", str(deep.root), "inner")
    library.commit()
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.git("submodule", "update", "-q", "--init", "--recursive")
    checkout.commit()
    source, _, copy = copied(checkout.root)
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
def test_a_clone_inside_a_checkout_is_copied(checkout, library, committed, copied):
    checkout.git("clone", "-q", str(library.root), str(checkout.root / "dep"))
    (checkout.root / "dep/mine.py").write_text("")
    if committed:
        checkout.commit()  # git keeps it as a link to a commit, without .gitmodules
    _, _, copy = copied(checkout.root)
    assert sorted(path.name for path in (copy / "dep").iterdir()) == ["kernels.py", "mine.py"]


def test_what_git_ignores_is_named_but_not_what_every_checkout_has(checkout):
    checkout.write(".gitignore", "*.so\nbuild\n__pycache__\n*.egg-info\n.venv\n")
    checkout.commit()
    for name in ("kernel.so", "build/x.o", "tests/__pycache__/a.pyc", ".venv/pyvenv.cfg"):
        checkout.write(name, "")
    source, tree = read_project(checkout.root)
    assert source.dirty is False
    assert tree.left_out == ("what git ignores: build/, kernel.so",)


def test_a_folder_that_a_checkout_around_it_ignores_is_read_as_a_plain_one(checkout):
    checkout.write(".gitignore", "*\n")
    checkout.write("mine/test_b.py", "")
    source, tree = read_project(checkout.root / "mine")
    assert (source.commit, tree.files) == (None, ("test_b.py",))


def test_a_plain_folder_has_names_and_nothing_that_git_knows(tmp_path):
    (tmp_path / "a.py").write_text("")
    assert list_project(tmp_path) == Listing(("a.py",))


def test_a_checkout_has_what_git_tracks_and_what_is_new_and_knows_which(checkout):
    checkout.write("new.py")
    checkout.write("tests/test_a.py", "changed\n")
    listing = list_project(checkout.root)
    assert listing.names == ("new.py", "tests/test_a.py")
    assert listing.tracked == {"tests/test_a.py"}
    assert sorted(listing.changed) == ["new.py", "tests/test_a.py"]
    assert (len(listing.commit), listing.left_out) == (40, ())


def test_what_a_tool_made_counts_only_if_git_tracks_it(checkout):
    checkout.write("old.pyc")
    checkout.commit()
    checkout.write("old.pyc", "changed")
    checkout.write("new.pyc")
    checkout.write(".venv/pyvenv.cfg")
    listing = list_project(checkout.root)
    assert listing.names == ("old.pyc", "tests/test_a.py")
    assert listing.changed == ("old.pyc",)


def test_names_of_a_checkout_inside_lie_below_it(checkout, library):
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.commit()
    before = list_project(checkout.root)
    assert {"vendor/kernels.py", ".gitmodules"} < before.tracked
    assert before.changed == ()
    (checkout.root / "vendor/kernels.py").write_text("changed\n")
    (checkout.root / "vendor/new.py").write_text("")
    after = list_project(checkout.root)
    assert sorted(after.changed) == ["vendor/kernels.py", "vendor/new.py"]
    assert (after.commit, "vendor/new.py" in after.tracked) == (before.commit, False)
    assert set(after.names) - set(before.names) == {"vendor/new.py"}


def test_what_a_checkout_inside_leaves_out_is_named(checkout, library):
    checkout.git("clone", "-q", str(library.root), str(checkout.root / "dep"))
    (checkout.root / "dep/.gitignore").write_text("*.so\n")
    (checkout.root / "dep/kernel.so").write_text("")
    assert list_project(checkout.root).left_out == ("what git ignores: kernel.so",)


def test_a_clone_among_what_a_tool_made_is_passed_over(checkout, library):
    checkout.git("clone", "-q", str(library.root), str(checkout.root / ".tox"))
    assert list_project(checkout.root).names == ("tests/test_a.py",)


@pytest.mark.parametrize("link", [False, True])
def test_a_submodule_that_is_not_there_is_named(checkout, library, link):
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.commit()
    shutil.rmtree(checkout.root / "vendor")
    if link:
        (checkout.root / "vendor").symlink_to(library.root)
    listing = list_project(checkout.root)
    assert listing.left_out == ("'vendor': a submodule that is not there",)
    assert listing.names == (".gitmodules", "tests/test_a.py")


def test_files_of_a_submodule_without_its_git_are_listed(checkout, library):
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.commit()
    (checkout.root / "vendor/.git").unlink()
    listing = list_project(checkout.root)
    assert (listing.left_out, "vendor/kernels.py" in listing.names) == ((), True)


def test_eight_ignored_names_are_named_and_the_rest_is_counted(checkout):
    checkout.write(".gitignore", "*.so\n")
    for number in range(9):
        checkout.write(f"k{number}.so")
    (line,) = list_project(checkout.root).left_out
    assert line == f"what git ignores: {', '.join(f'k{number}.so' for number in range(8))} and 1 more"


def test_an_ignored_name_cannot_steer_a_terminal(checkout):
    checkout.write(".gitignore", "*.so\n")
    checkout.write("\x1b[31m.so")
    assert list_project(checkout.root).left_out == (r"what git ignores: \x1b[31m.so",)
