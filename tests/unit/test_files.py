"""Of what anybody may have put in a file's place, only a plain file within a bound is read, and nothing is waited for."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from bench.files import read_plain


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_file_within_the_bound_is_read(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "file", 10) == read_plain(tmp_path / "link", 10) == b"x" * size


@pytest.mark.parametrize("size", [11, 1 << 42])
def test_a_larger_one_is_refused(tmp_path: Path, size: int) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(size)
    with pytest.raises(OSError, match="over 10 bytes") as refused:
        read_plain(tmp_path / "file", 10)
    assert refused.value.errno == errno.EFBIG


def test_one_that_does_not_tell_its_size_is_read_to_the_bound() -> None:
    assert read_plain(Path("/proc/self/status"), 1 << 20).startswith(b"Name:")
    with pytest.raises(OSError, match="over 10 bytes"):
        read_plain(Path("/proc/self/status"), 10)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "socket"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            listener.bind(str(path))
        with pytest.raises(OSError) as refused:
            read_plain(path, 10)
        assert refused.value.errno in (errno.EINVAL, errno.ENXIO)
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_before
