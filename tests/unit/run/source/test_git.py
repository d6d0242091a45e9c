"""Git answers as the user's own would, of the checkout that was asked for, and starts no program of that checkout."""

import subprocess

import pytest

from bench.run.source import git as module
from bench.run.source.git import Names, read_changed, read_commit, read_names, read_top
from bench.run.source.read import read_project


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


def test_a_checkout_s_own_configuration_starts_no_program(checkout):
    canary = checkout.root / "canary"
    checkout.git("config", "core.fsmonitor", f"touch {canary}")
    read_project(checkout.root)
    assert not canary.exists()


def test_names_are_told_by_what_git_knows_of_them(checkout, library):
    checkout.write(".gitignore", "*.log\nbuild\n")
    checkout.commit()
    checkout.write("new.py")
    checkout.write("noise.log")
    checkout.write("build/x.o")
    checkout.write("build/y.o")
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.git("clone", "-q", str(library.root), str(checkout.root / "dep"))
    assert read_names(checkout.root) == Names(
        tracked=(".gitignore", ".gitmodules", "tests/test_a.py"),
        untracked=("new.py",),
        nested=("dep", "vendor"),
        ignored=("build/", "noise.log"),
        folders=("dep/",),
    )


def test_names_are_relative_to_the_folder_and_of_it_alone(checkout):
    checkout.write("other/x.py")
    checkout.write("tests/new.py")
    assert read_names(checkout.root / "tests") == Names(("test_a.py",), ("new.py",), (), ())


@pytest.mark.parametrize("name", ["a b.py", "é.py", "new\nline.py", "\udcff.py", 'quote".py', "tab\t.py"])
def test_a_name_may_hold_anything(checkout, name):
    checkout.write(name)
    assert read_names(checkout.root).untracked == read_changed(checkout.root) == (name,)
    checkout.commit()
    assert name in read_names(checkout.root).tracked


def test_a_name_in_conflict_is_listed_once(checkout):
    checkout.git("checkout", "-q", "-b", "side")
    checkout.write("tests/test_a.py", "side\n")
    checkout.commit()
    checkout.git("checkout", "-q", "-")
    checkout.write("tests/test_a.py", "main\n")
    checkout.commit()
    with pytest.raises(subprocess.CalledProcessError):
        checkout.git("merge", "side")
    assert read_names(checkout.root).tracked == ("tests/test_a.py",)


def test_without_a_checkout_there_are_no_answers(tmp_path):
    (tmp_path / "x.py").write_text("")
    answers = [read(tmp_path) for read in (read_names, read_commit, read_changed, read_top)]
    assert answers == [None] * 4


def test_without_git_there_are_no_answers(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    answers = [read(checkout.root) for read in (read_names, read_commit, read_changed, read_top)]
    assert answers == [None] * 4


def test_a_git_that_does_not_come_back_is_as_good_as_none(checkout, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(module, "_SECONDS", 0.1)
    assert read_commit(checkout.root) is None


def test_an_empty_checkout_has_names_but_no_commit(make_checkout):
    empty = make_checkout("empty")
    assert read_names(empty.root) == Names((), (), (), ())
    assert (read_commit(empty.root), read_changed(empty.root)) == (None, ())


def test_a_folder_that_the_checkout_around_it_ignores_has_no_names(checkout):
    checkout.write(".gitignore", "mine\n")
    checkout.write("mine/x.py")
    assert read_names(checkout.root / "mine") is None


def test_the_commit_is_the_one_that_is_checked_out(checkout):
    first = read_commit(checkout.root)
    checkout.write("more.py")
    checkout.commit()
    assert (len(first), first != read_commit(checkout.root)) == (40, True)
    checkout.git("checkout", "-q", "HEAD~1")
    assert read_commit(checkout.root) == read_commit(checkout.root / "tests") == first


def test_what_changed_is_told_file_by_file_and_relative_to_the_folder(checkout):
    assert read_changed(checkout.root) == ()
    checkout.write("tests/test_a.py", "changed\n")
    checkout.write("tests/new/deep.py")
    checkout.write("other.py")
    assert set(read_changed(checkout.root)) == {"tests/test_a.py", "tests/new/deep.py", "other.py"}
    assert set(read_changed(checkout.root / "tests")) == {"test_a.py", "new/deep.py"}


def test_a_file_that_was_moved_has_two_names(checkout):
    checkout.git("mv", "tests/test_a.py", "tests/test_b.py")
    assert set(read_changed(checkout.root)) == {"tests/test_a.py", "tests/test_b.py"}


def test_of_a_submodule_only_another_commit_is_a_change(checkout, library):
    checkout.git("submodule", "add", "-q", str(library.root), "vendor")
    checkout.commit()
    checkout.write("vendor/new.py")
    assert read_changed(checkout.root) == ()
    inner = ("-C", str(checkout.root / "vendor"), "-c", "user.name=a", "-c", "user.email=a@localhost")
    for arguments in (("add", "-A"), ("commit", "-qm", "more")):
        subprocess.run(["git", *inner, *arguments], check=True, capture_output=True)
    assert read_changed(checkout.root) == ("vendor",)


def test_the_top_is_the_checkout_without_links(checkout, tmp_path):
    (tmp_path / "same").symlink_to(checkout.root)
    assert read_top(tmp_path / "same/tests") == checkout.root.resolve()


def test_a_hook_of_the_checkout_is_not_started(checkout):
    canary = checkout.root.parent / "canary"
    checkout.write("hooks/post-index-change", f"#!/bin/sh\ntouch {canary}\n").chmod(0o755)
    checkout.git("config", "core.hooksPath", str(checkout.root / "hooks"))
    (checkout.root / "tests/test_a.py").touch()
    for read in (read_names, read_commit, read_changed, read_top):
        assert read(checkout.root) is not None
    assert not canary.exists()


def test_the_index_is_left_as_it_is(checkout):
    index = checkout.root / ".git/index"
    (checkout.root / "tests/test_a.py").touch()
    before = index.read_bytes()
    assert read_changed(checkout.root) == ()
    assert index.read_bytes() == before


def test_an_address_in_git_s_words_is_told_without_its_password(checkout, monkeypatch):
    line = b"fatal: unable to access 'https://someone:hunter2-of-mine@host.example/a.git/': refused\n"
    failed = subprocess.CompletedProcess([], 128, b"", line)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(module.GitRefused, match=r"host\.example") as refused:
        module.call_git(checkout.root, "rev-parse", "HEAD")
    assert "hunter2-of-mine" not in str(refused.value)
