"""A file that a user names is written whole or not at all, and never in place of what is no plain file."""

from __future__ import annotations

import os
import resource
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.errors import NotMeasured, UsageError
from bench.record.storage.manifest import MANIFEST
from bench.record.storage.output import find_output, output_file, write_output


def fail_in(target, error):
    with output_file(target, "-o") as file:
        file.write(b"x" * 100_000)
        raise error("so")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_is_made_with_its_folders(tmp_path) -> None:
    write_output(tmp_path / "a" / "b" / "F", b"x", "-o")
    assert (tmp_path / "a" / "b" / "F").read_bytes() == b"x"
    assert names(tmp_path / "a" / "b") == ["F"]


def test_a_plain_file_is_replaced_and_keeps_its_rights(tmp_path) -> None:
    (tmp_path / "F").write_text("a longer text")
    (tmp_path / "F").chmod(0o640)
    write_output(tmp_path / "F", b"x", "-o")
    assert (tmp_path / "F").read_bytes() == b"x"
    assert stat.S_IMODE((tmp_path / "F").stat().st_mode) == 0o640


def test_a_file_that_has_two_names_keeps_both(tmp_path) -> None:
    (tmp_path / "F").write_text("a longer text")
    (tmp_path / "other").hardlink_to(tmp_path / "F")
    with pytest.raises(RuntimeError):
        fail_in(tmp_path / "F", RuntimeError)
    assert (tmp_path / "other").read_text() == "a longer text"
    write_output(tmp_path / "F", b"x", "-o")
    assert (tmp_path / "other").read_bytes() == b"x"
    assert (tmp_path / "other").samefile(tmp_path / "F")
    assert names(tmp_path) == ["F", "other"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_stays_theirs(tmp_path) -> None:
    (tmp_path / "F").write_text("old")
    os.chown(tmp_path / "F", 1234, 1235)
    write_output(tmp_path / "F", b"x", "-o")
    about = (tmp_path / "F").stat()
    assert (about.st_uid, about.st_gid) == (1234, 1235)


def test_a_user_s_file_of_a_like_name_is_not_touched(tmp_path) -> None:
    for name in ("F.partial", ".F.partial", "F.new", "F.tmp"):
        (tmp_path / name).write_text("mine")
    write_output(tmp_path / "F", b"x", "-o")
    assert {(tmp_path / name).read_text() for name in names(tmp_path) if name != "F"} == {"mine"}
    assert len(names(tmp_path)) == 5


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_what_it_names_is_written(tmp_path, exists) -> None:
    (tmp_path / "real").mkdir()
    if exists:
        (tmp_path / "real" / "F").write_text("old")
    (tmp_path / "middle").symlink_to("real/F")
    (tmp_path / "link").symlink_to(tmp_path / "middle")
    write_output(tmp_path / "link", b"x", "-o")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "middle").is_symlink()
    assert (tmp_path / "real" / "F").read_bytes() == b"x"
    assert names(tmp_path / "real") == ["F"]


def test_a_pipe_is_written_into(tmp_path) -> None:
    pipe = tmp_path / "F"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, b"x" * 200_000, "-o")
    reader.join(30)
    assert got == [b"x" * 200_000]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert names(tmp_path) == ["F"]


def test_a_pipe_whose_reader_goes_is_said_so(tmp_path) -> None:
    pipe = tmp_path / "F"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    with pytest.raises(NotMeasured, match="its reader has gone"):
        write_output(pipe, b"x" * 10_000_000, "-o")
    reader.join(30)


def test_nothing_goes_into_a_pipe_where_the_work_fails(tmp_path) -> None:
    pipe = tmp_path / "F"
    os.mkfifo(pipe)
    with pytest.raises(ZeroDivisionError):  # a pipe without a reader would be waited for
        fail_in(pipe, ZeroDivisionError)


@pytest.mark.parametrize("linked", [False, True])
def test_a_device_is_written_into(tmp_path, linked) -> None:
    device = tmp_path / "null"
    if linked:
        device.symlink_to("/dev/null")
    else:
        try:
            os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
            device.write_bytes(b"")
        except OSError:
            pytest.skip("no device can be made here")
    before = device.lstat()
    write_output(device, b"x", "-o")
    assert (device.lstat().st_mode, device.lstat().st_ino) == (before.st_mode, before.st_ino)
    assert names(tmp_path) == ["null"]


def test_a_device_that_is_full_is_no_room() -> None:
    with pytest.raises(NotMeasured, match="no room left for /dev/full"):
        write_output(Path("/dev/full"), b"x", "-o")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)  # noqa: PTH116


WRITE = "import sys; from pathlib import Path; from bench.record.storage.output import write_output; {before}\n"
WRITE += "print('before'); write_output(Path(sys.argv[1]), b'x' * int(sys.argv[2]), '-o'); print('after')"


def run(target, count=1, *, before="pass", **more):
    argv = [sys.executable, "-c", WRITE.format(before=before), str(target), str(count)]
    return subprocess.run(argv, text=True, check=False, **more)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_name_keeps_what_a_file_holds(tmp_path, name) -> None:
    (tmp_path / "link").symlink_to(name)
    (tmp_path / "log").write_text("kept\n")
    for target in (name, tmp_path / "link"):
        with (tmp_path / "log").open("ab") as log:
            assert run(target, stdout=log).returncode == 0
    assert (tmp_path / "log").read_text() == "kept\n" + "before\nxafter\n" * 2
    assert run(name, stdout=subprocess.PIPE).stdout == "before\nxafter\n"
    assert names(tmp_path) == ["link", "log"]


def test_what_is_open_for_reading_is_refused(tmp_path) -> None:
    (tmp_path / "in").touch()
    with (tmp_path / "in").open("rb") as file, pytest.raises(UsageError, match="open for reading"):
        find_output(Path(f"/dev/fd/{file.fileno()}"), "-o")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def make_circle(path):
    path.symlink_to(path.name)


def make_bundle(path):
    for name in (MANIFEST, "record.json"):
        (path.parent / name).touch()


REFUSED = {
    "is a folder": lambda path: path.mkdir(),
    "is a socket": make_socket,
    "link to nowhere": lambda path: path.symlink_to("none/F"),
    "cannot be written": make_circle,
    "lies in the bundle": make_bundle,
}


@pytest.mark.parametrize("said", REFUSED)
@pytest.mark.parametrize("linked", [False, True])
def test_what_no_file_can_be_is_refused(tmp_path, said, linked) -> None:
    (tmp_path / "x").mkdir()
    REFUSED[said](tmp_path / "x" / "F")
    (tmp_path / "link").symlink_to("x/F")
    before = names(tmp_path), names(tmp_path / "x")
    target = tmp_path / ("link" if linked else "x/F")
    for refuse in (lambda: find_output(target, "--html"), lambda: write_output(target, b"x", "--html")):
        with pytest.raises(UsageError, match=said) as error:
            refuse()
        assert "--html" in str(error.value)
    assert (names(tmp_path), names(tmp_path / "x")) == before


def test_below_a_file_nothing_is_made(tmp_path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError):
        write_output(tmp_path / "file" / "F", b"x", "-o")
    with pytest.raises(UsageError):
        write_output(tmp_path / ("F" * 300), b"x", "-o")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, UsageError])
def test_whatever_ends_it_leaves_what_was_there(tmp_path, error, exists) -> None:
    target = tmp_path / "a" / "F"
    if exists:
        target.parent.mkdir()
        target.write_text("old")
    with pytest.raises(error):
        fail_in(target, error)
    assert names(tmp_path) == (["a"] if exists else [])
    assert not exists or (target.read_text(), names(target.parent)) == ("old", ["F"])


def test_a_full_disk_leaves_nothing_that_blocks_the_next(tmp_path) -> None:
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, {resource.RLIM_INFINITY}))"
    done = run(tmp_path / "F", 100_000, before=limit, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert "no room left" in done.stderr
    assert names(tmp_path) == []
    assert run(tmp_path / "F", 100_000, stdout=subprocess.PIPE).returncode == 0
    assert names(tmp_path) == ["F"]


def test_a_mounted_file_is_written_into(tmp_path, monkeypatch) -> None:
    (tmp_path / "F").write_text("old and longer")
    inode = (tmp_path / "F").stat().st_ino

    def refuse(*_):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    write_output(tmp_path / "F", b"x", "-o")
    assert (tmp_path / "F").read_bytes() == b"x"
    assert (tmp_path / "F").stat().st_ino == inode
    assert names(tmp_path) == ["F"]


def test_a_file_in_a_folder_that_takes_no_other_is_written_into(tmp_path, monkeypatch) -> None:
    (tmp_path / "F").write_text("old and longer")
    opened = os.open

    def refuse(path, flags, *mode):
        if flags & os.O_EXCL and str(path).startswith(str(tmp_path)):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    write_output(tmp_path / "F", b"x", "-o")
    assert (tmp_path / "F").read_bytes() == b"x"
    with pytest.raises(UsageError, match="cannot be written"):
        write_output(tmp_path / "G", b"x", "-o")
    assert names(tmp_path) == ["F"]
