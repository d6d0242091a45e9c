import subprocess

import pytest

from bench.engine.transfer.plain import copy_tree
from bench.run.source.read import read_project


class GitCheckout:
    """A git checkout that a test fills."""

    def __init__(self, root):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q")

    def git(self, *arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main")
        command = ["git", "-C", str(self.root), *identity, "-c", "protocol.file.allow=always", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def write(self, name, text="x = 1\n"):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-qm", "more")


@pytest.fixture(autouse=True)
def nobody_s_settings(monkeypatch, tmp_path):
    """No settings of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_checkout(tmp_path):
    return lambda name="project": GitCheckout(tmp_path / name)


@pytest.fixture
def checkout(make_checkout):
    made = make_checkout()
    made.write("tests/test_a.py", "def test_a(): assert True\n")
    made.commit()
    return made


@pytest.fixture
def library(make_checkout):
    made = make_checkout("library")
    made.write("kernels.py", "X = 1\n")
    made.commit()
    return made


@pytest.fixture
def copied(tmp_path):
    """Read a project and copy it as a run does; gives its source, its tree and the copy."""

    def copy(root):
        source, tree = read_project(root)
        target = tmp_path / "copy"
        target.mkdir()
        copy_tree(tree, target)
        return source, tree, target

    return copy
