"""A copied file has its content, mode and holes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bench.engine.holes import copy_file


def sparse(path: Path, size: int) -> None:
    """A file with data at its beginning and in its middle, and a hole at its end."""
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(size // 2)
        file.write(b"middle")
        file.truncate(size)


def test_holes_take_no_room(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    sparse(source, 8 << 30)
    source.chmod(0o750)
    os.utime(source, (1, 2))
    copy_file(source, target)
    about = target.stat()
    assert (about.st_size, about.st_mode & 0o777, about.st_mtime) == (8 << 30, 0o750, 2)
    assert about.st_blocks * 512 < 1 << 20
    with target.open("rb") as file:
        assert file.read(6) == b"begin\0"
        file.seek((4 << 30) - 1)
        assert file.read(8) == b"\0middle\0"


@pytest.mark.parametrize("content", [b"", b"x", bytes(70_000), b"y" * 70_000])
def test_content_is_the_same(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == content


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_that_tells_no_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    sparse(tmp_path / "a", 100_000)

    def refusing(*_: object) -> int:
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "lseek", refusing)
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
