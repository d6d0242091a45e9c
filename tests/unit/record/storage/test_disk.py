"""Folders are removed with all that lies in them, whatever a test has made of them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bench.record.storage.disk import discard_tree, remove_tree
from tests.support.deep import make_deep


@pytest.mark.parametrize("name", ["d", "d" * 200])
def test_a_folder_of_any_depth_is_removed(tmp_path: Path, name: str) -> None:
    """Deeper than Python's stack and than a process may have files open, by a path that is longer than any may be."""
    top = tmp_path / "top"
    make_deep(top, 1500, name)
    remove_tree(top)
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    (tmp_path / "top/in/deeper").mkdir(parents=True)
    for folder in ("top", "top/in", "top/in/deeper"):
        (tmp_path / folder / "link").symlink_to(tmp_path / "other")
        os.mkfifo(tmp_path / folder / "pipe")
    (tmp_path / "top/in").chmod(0)
    remove_tree(tmp_path / "top")
    assert [path.name for path in tmp_path.rglob("*")] == ["other", "file"]
    (tmp_path / "link").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=r"directory|symbolic"):
        remove_tree(tmp_path / "link")
    assert (tmp_path / "other/file").exists()


def test_what_cannot_be_removed_stays_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "top/in").mkdir(parents=True)
    for name in ("a", "kept", "z", "in/y"):
        (tmp_path / "top" / name).touch()
    unlink = os.unlink

    def refuse(name: str, *, dir_fd: int) -> None:
        if name == "kept":
            raise OSError(errno.EPERM, "not permitted")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr("bench.record.storage.disk.os.unlink", refuse)
    with pytest.raises(OSError, match="not permitted"):
        remove_tree(tmp_path / "top")
    discard_tree(tmp_path / "top")
    assert [path.name for path in (tmp_path / "top").iterdir()] == ["kept"]
