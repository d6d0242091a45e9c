"""Code that is kept for a command: what is edited, added or removed meanwhile is another matter."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.engine.transfer.plain import copy_tree
from bench.errors import NotMeasured, UsageError
from bench.record.storage.partial import mark
from bench.record.storage.temporary import remove_left
from bench.run.source import keep as module
from bench.run.source.keep import TRIES, keep_code, kept_code
from bench.run.source.read import Checkout, read_project


def test_what_is_edited_meanwhile_is_in_no_run(checkout, tmp_path):
    as_it_was = read_project(checkout.root)[0]
    with kept_code(Checkout(checkout.root)) as code:
        source, tree = code
        checkout.write("tests/test_a.py", "def test_a(): assert False\n")
        (tmp_path / "run").mkdir()
        copy_tree(tree, tmp_path / "run")
        assert (tmp_path / "run/tests/test_a.py").read_text() == "def test_a(): assert True\n"
        assert (source, tree.sha256, tree.root) == (as_it_was, as_it_was.sha256, checkout.root)
    assert not tree.source.exists()
    with kept_code(None) as code:
        assert code is None


def test_a_full_disk_is_freed_of_what_a_killed_command_left(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    left = tmp_path / "tmp/bench-code-left"
    left.mkdir(parents=True)
    mark(left)

    def copy(tree, target):
        copy_tree(tree, target)
        if left.exists():
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "copy_tree", copy)
    with kept_code(Checkout(checkout.root)) as code:
        assert [path.name for path in code[1].source.iterdir()] == ["tests"]
    assert not left.exists()


@pytest.fixture
def large(checkout, tmp_path, monkeypatch):
    """A project that is too large for the folder of temporary files, which lies in memory."""
    for name in ("tmp", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "SMALL_BYTES", 0)
    monkeypatch.setattr(module, "lies_in_memory", lambda folder: folder == tmp_path / "tmp")
    return Checkout(checkout.root)


def test_a_large_project_is_copied_to_a_disk_if_the_temporary_files_lie_in_memory(large, tmp_path):
    with kept_code(large) as code:
        assert code[1].source.is_relative_to(tmp_path / "cache/bench/temporary")
        assert (code[1].source / "tests/test_a.py").is_file()
        assert remove_left() == []
    assert list((tmp_path / "cache/bench/temporary").iterdir()) == []
    left = tmp_path / "cache/bench/temporary/bench-code-left"
    left.mkdir()
    mark(left)
    assert remove_left() == [left]


@pytest.mark.parametrize("why", ["small", "everywhere", "refused", "full"])
def test_it_stays_among_the_temporary_files_if_it_is_small_or_no_disk_takes_it(large, tmp_path, monkeypatch, why):
    if why == "small":
        monkeypatch.setattr(module, "SMALL_BYTES", 1 << 20)
    elif why == "everywhere":
        monkeypatch.setattr(module, "lies_in_memory", lambda _: True)
    elif why == "refused":
        (tmp_path / "cache/bench").write_text("a file where a folder should be")
    else:
        monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with kept_code(large) as code:
        assert code[1].source.is_relative_to(tmp_path / "tmp")


def vanishing(monkeypatch, root, times):
    """Each listing up to the last finds a file that is gone when it is copied."""
    tries = []
    copy = module.copy_tree

    def copy_late(tree, target):
        tries.append(target)
        if len(tries) <= times:
            (root / "note.tmp").unlink()
        return copy(tree, target)

    def list_late(*given):
        (root / "note.tmp").write_text("")
        return list_code(*given)

    list_code = module.list_code
    monkeypatch.setattr(module, "copy_tree", copy_late)
    monkeypatch.setattr(module, "list_code", list_late)
    return tries


def test_a_file_that_vanishes_is_looked_for_once_more(checkout, tmp_path, monkeypatch):
    tries = vanishing(monkeypatch, checkout.root, TRIES - 1)
    _, tree = keep_code(Checkout(checkout.root), tmp_path / "copy")
    assert len(tries) == TRIES
    assert tree.files == ("note.tmp", "tests/test_a.py")


def test_a_project_that_never_rests_is_not_measured(checkout, tmp_path, monkeypatch):
    tries = vanishing(monkeypatch, checkout.root, 99)
    with pytest.raises(NotMeasured, match=r"note\.tmp vanished"):
        keep_code(Checkout(checkout.root), tmp_path / "copy")
    assert len(tries) == TRIES
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [(errno.ENOSPC, NotMeasured, "make room"), (errno.EACCES, UsageError, "cannot be read: .*a.py: Permission denied")],
)
def test_a_disk_that_is_full_is_told_from_a_file_that_cannot_be_read(
    checkout, tmp_path, monkeypatch, number, kind, said
):
    def refuse(*_):
        raise OSError(number, "Permission denied", str(Path("tests", "a.py")))

    monkeypatch.setattr(module, "copy_tree", refuse)
    with pytest.raises(kind, match=said):
        keep_code(Checkout(checkout.root), tmp_path / "copy")
