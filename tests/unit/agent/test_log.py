"""The bounded log: what it keeps, where it says it was cut, what a full disk does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bench.agent.log import BoundedLog


def kept(tmp_path: Path, limit: int, chunks: list[bytes]) -> tuple[bytes, int, BoundedLog]:
    log = BoundedLog(str(tmp_path / "log"), limit)
    for chunk in chunks:
        log.write(chunk)
    cut = log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
    return (tmp_path / "log").read_bytes(), cut, log


@pytest.mark.parametrize("size", [0, 1, 49, 50, 51, 99, 100])
def test_all_is_kept_up_to_the_limit(tmp_path: Path, size: int) -> None:
    data = bytes(range(100))[:size]
    assert kept(tmp_path, 100, [data[:30], data[30:]])[:2] == (data, 0)


@pytest.mark.parametrize("chunk", [1, 7, 50, 64, 333, 1000])
def test_head_and_tail_are_kept_beyond_it(tmp_path: Path, chunk: int) -> None:
    data = bytes(i % 251 for i in range(1000))
    text, cut, log = kept(tmp_path, 100, [data[i : i + chunk] for i in range(0, 1000, chunk)])
    assert cut == 900
    assert text == data[:50] + "\n[… 900 bytes cut …]\n".encode() + data[-50:]
    assert log.total_bytes == 1000


def test_a_killed_supervisor_leaves_both_files(tmp_path: Path) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    log.write(b"a" * 50 + b"b" * 20)
    assert (tmp_path / "log").read_bytes() == b"a" * 50
    assert (tmp_path / "log.tail").read_bytes() == b"b" * 20
    log.close()


def test_last_line(tmp_path: Path) -> None:
    assert kept(tmp_path, 5000, [b"one\n", b"two \xff\n\n"])[2].last_line() == "two \N{REPLACEMENT CHARACTER}"
    assert kept(tmp_path, 5000, [b"ERROR: not found\n", b"no tests ran\n"])[2].last_line() == "ERROR: not found"
    assert kept(tmp_path, 5000, [b"x" * 3000 + b"\nend\n"])[2].last_line() == "end"
    assert kept(tmp_path, 5000, [])[2].last_line() == ""


def test_a_full_disk_costs_output_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, log._head)
    log.write(b"x" * 80)
    assert log.error == "No space left on device"
    assert log.total_bytes == 80
    log.close()
    os.close(full)


def test_a_ring_that_cannot_be_made(tmp_path: Path) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    (tmp_path / "log.tail").mkdir()
    log.write(b"x" * 150 + b"y" * 50)
    assert log.error is not None
    assert log.close() == 100
    assert (tmp_path / "log").read_bytes().endswith(b"y" * 50)


@pytest.mark.parametrize("take", ["unlink", "replace", "folder", "fifo", "link", "truncate"])
@pytest.mark.parametrize("size", [50, 500])
def test_a_log_that_the_test_takes_away_is_written_anew(tmp_path: Path, take: str, size: int) -> None:
    path = tmp_path / "log"
    log = BoundedLog(str(path), 100)
    log.write(b"h" * 40)
    for name in ("log", "log.reserve"):
        take_away(tmp_path / name, take)
    log.write(b"m" * size + b"the end")
    log.close()
    assert path.is_file()
    assert not path.is_symlink()
    assert path.read_bytes().endswith(b"the end")
    if take != "truncate":
        assert path.read_bytes().startswith(b"h" * 40)
        assert log.changed == "was removed or replaced"


def take_away(path: Path, how: str) -> None:
    if how == "truncate":
        os.truncate(path, 0)
        return
    path.unlink()
    if how == "replace":
        path.write_text("not the supervisor's")
    elif how == "folder":
        path.mkdir()
        (path / "x").touch()
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "link":
        path.symlink_to("/etc/hostname")


def test_a_log_that_was_cut_short_is_told(tmp_path: Path) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    log.write(b"h" * 40)
    take_away(tmp_path / "log", "truncate")
    log.close()
    assert log.changed == "was cut short"


class Disk:
    """Room that runs out: bytes of a file's size that was had before cost nothing, as on a real file system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self._write = os.pwrite
        monkeypatch.setattr("bench.agent.log.os.pwrite", self.pwrite)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        size = os.fstat(fd).st_size
        free = max(size + self.room - offset, 0)
        if data and not free:
            raise OSError(28, "No space left on device")
        done = self._write(fd, data[:free], offset)
        self.room -= max(offset + done - size, 0)
        return done


@pytest.mark.parametrize("room", [0, 1, 100, 149, 199, 290, 310])
@pytest.mark.parametrize("total", [90, 150, 290, 400, 1000])
@pytest.mark.parametrize("chunk", [7, 1000])
def test_a_disk_that_is_full_keeps_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, total: int, chunk: int
) -> None:
    """Wherever it fills up: in the head, in the ring, or when both are put together."""
    monkeypatch.setattr("bench.agent.log.RESERVE_BYTES", 120)
    log = BoundedLog(str(tmp_path / "log"), 300)
    Disk(monkeypatch, room)
    data = bytes(97 + i % 26 for i in range(total))
    for i in range(0, total, chunk):
        log.write(data[i : i + chunk])
    cut = log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
    head, mark, tail = (tmp_path / "log").read_bytes().partition(f"\n[… {cut} bytes cut …]\n".encode())
    if not cut:
        assert (head, mark) == (data, b"")
    else:
        assert mark
        assert head + data[len(head) : len(head) + cut] + tail == data
        assert len(tail) >= 40 or cut <= 30
        assert log.error or total > 300


def test_a_tail_that_cannot_be_put_behind_the_head_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    log.write(b"a" * 50 + b"b" * 20)

    def broken(fd: int, data: bytes, offset: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("bench.agent.log.os.pwrite", broken)
    log.close()
    assert (tmp_path / "log").read_bytes() == b"a" * 50
    assert (tmp_path / "log.tail").read_bytes() == b"b" * 20
    assert log.error == "Input/output error"


def test_a_disk_without_room_for_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bench.agent.log.os.posix_fallocate", full)
    monkeypatch.setattr("bench.agent.log.os.pwrite", full)
    log = BoundedLog(str(tmp_path / "log"), 1000)
    for _ in range(3):
        log.write(b"said\n")
    assert log.close() == 15
    assert (log.error, log.last_line()) == ("No space left on device", "said")
