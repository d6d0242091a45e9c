"""A revision of a project in a folder of its own, with its submodules; the user's checkout stays as it is."""

import os
import shutil
import subprocess

import pytest

from bench.errors import UsageError
from bench.run.ab.revisions import check_out, find_revision
from bench.run.source.read import read_project


def git(root, *words):
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "HOME": str(root), **who}
    command = ["git", "-C", str(root), "-c", "protocol.file.allow=always", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.strip()


def repository(root, files):
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main", ".")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


def gone_on(root, name, text):
    (root / name).write_text(text)
    git(root, "add", ".")
    git(root, "commit", "-qm", "two")


@pytest.fixture
def project(tmp_path):
    """Its tests are not exported, it has a submodule, and both have gone on since ``v1``."""
    data = repository(tmp_path / "data", {"data.txt": "old\n"})
    root = repository(
        tmp_path / "project",
        {"pkg/test_x.py": "old\n", "other.txt": "o\n", ".gitattributes": "pkg/test_x.py export-ignore\n"},
    )
    git(root, "submodule", "add", "-q", str(data), "pkg/data")
    git(root, "commit", "-qm", "with data")
    git(root, "tag", "v1")
    gone_on(root / "pkg/data", "data.txt", "new\n")
    gone_on(root, "pkg/test_x.py", "new\n")
    return root


def state(root):
    """All of git's own folder, and what the user is told of the checkout."""
    own = {str(path): path.stat().st_mtime_ns for path in (root / ".git").rglob("*")}
    return own, git(root, "worktree", "list"), git(root, "stash", "list")


def test_the_files_of_a_revision_with_its_submodules(project, tmp_path):
    before = state(project)
    root = check_out(find_revision(project, "v1"), tmp_path / "there")
    assert state(project) == before
    assert (root / "pkg/test_x.py").read_text() == "old\n"
    assert (root / "pkg/data/data.txt").read_text() == "old\n"
    source, tree = read_project(root)
    assert (source.commit, source.dirty) == (git(project, "rev-parse", "v1"), False)
    assert {"pkg/test_x.py", "pkg/data/data.txt", "other.txt"} <= set(tree.files)
    newer = check_out(find_revision(project, "main"), tmp_path / "newer")
    assert (newer / "pkg/data/data.txt").read_text() == "new\n"
    assert read_project(newer)[0].sha256 == read_project(project)[0].sha256


def test_a_project_below_the_checkout_s_root_is_found_there(project, tmp_path):
    assert (check_out(find_revision(project / "pkg", "v1"), tmp_path / "there") / "test_x.py").read_text() == "old\n"
    gone_on(project, "new.txt", "n\n")
    (project / "later").mkdir()
    revision = find_revision(project / "later", "v1")
    with pytest.raises(UsageError, match="'v1' holds no later"):
        check_out(revision, tmp_path / "none")


def test_a_submodule_that_is_not_checked_out_comes_from_what_git_keeps(project, tmp_path):
    git(project, "submodule", "deinit", "-q", "--force", "pkg/data")
    root = check_out(find_revision(project, "v1"), tmp_path / "there")
    assert (root / "pkg/data/data.txt").read_text() == "old\n"


def test_a_commit_of_a_submodule_that_is_not_here_is_named(project, tmp_path):
    shutil.rmtree(project / ".git/modules")
    shutil.rmtree(project / "pkg/data")
    repository(project / "pkg/data", {"data.txt": "another\n"})
    with pytest.raises(UsageError, match=r"the submodule pkg/data has no commit .* fetch it there"):
        check_out(find_revision(project, "v1"), tmp_path / "there")


def test_one_that_was_never_fetched_is_left_out_as_with_the_code_as_it_lies(project, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    root = check_out(find_revision(clone, "v1"), tmp_path / "there")
    assert any("pkg/data" in line for line in read_project(root)[1].left_out)


@pytest.mark.parametrize("name", ["no-such", "v1:pkg", "HEAD~99", "0000000000000000000000000000000000000000"])
def test_what_is_no_commit_is_no_revision(project, name):
    with pytest.raises(UsageError, match="is no revision of"):
        find_revision(project, name)


def test_a_folder_that_is_no_checkout(tmp_path):
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="needs a git checkout"):
        find_revision(tmp_path / "plain", "main")
    with pytest.raises(UsageError, match="is not a folder"):
        find_revision(tmp_path / "none", "main")


def test_without_git_nothing_is_guessed(project, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="git is not installed here"):
        find_revision(project, "v1")
