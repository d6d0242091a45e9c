import io
import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine.transfer import Stream, safe_parts, unpack, write_folder


def made(*members):
    """A tar of (name, type, content or link's target)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content.decode()
                archive.addfile(info)
    return data.getvalue()


def pieces(data, size=1000):
    return (data[at : at + size] for at in range(0, len(data), size))


def test_files_and_folders_come_out_without_the_top(tmp_path):
    data = made(
        ("out", tarfile.DIRTYPE, b""),
        ("out/a.txt", tarfile.REGTYPE, b"a" * 3000),
        ("out/deep/er/b", tarfile.REGTYPE, b""),
        ("out/empty", tarfile.DIRTYPE, b""),
    )
    copied = unpack(pieces(data), "out", tmp_path)
    assert (tmp_path / "a.txt").read_bytes() == b"a" * 3000
    assert (tmp_path / "deep/er/b").read_bytes() == b""
    assert (tmp_path / "empty").is_dir()
    assert (copied.files, copied.size_bytes, copied.notes) == (2, 3000, ())


@pytest.mark.parametrize(
    "name",
    ["../x", "out/../../x", "/etc/x", "elsewhere/x", "out/a\nb", "out/..\\x", "out/c:x", "out/\x1b[2J", "out/../out"],
)
def test_no_path_leaves_the_target_or_plays_with_a_terminal(tmp_path, name):
    target = tmp_path / "in"
    target.mkdir()
    copied = unpack(pieces(made((name, tarfile.REGTYPE, b"x"))), "out", target)
    assert copied.files == 0
    assert len(copied.notes) == 1
    assert "\x1b" not in copied.notes[0]
    assert [path for path in tmp_path.rglob("*") if path != target] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_nothing_but_files_and_folders_is_taken(tmp_path, kind):
    data = made(("out/l", kind, b"/etc"), ("out/l/passwd", tarfile.REGTYPE, b"x"))
    copied = unpack(pieces(data), "out", tmp_path)
    assert "no plain file" in copied.notes[0]
    assert not (tmp_path / "l").is_symlink()
    assert (tmp_path / "l" / "passwd").read_bytes() == b"x"  # below a folder of ours, not below the link


def test_nothing_is_overwritten(tmp_path):
    data = made(("out/a", tarfile.REGTYPE, b"1"), ("out/a", tarfile.REGTYPE, b"2"))
    with pytest.raises(FileExistsError):
        unpack(pieces(data), "out", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"1"


def test_the_sum_of_bytes_and_the_number_of_files_are_bounded(tmp_path):
    data = made(*((f"out/{name}", tarfile.REGTYPE, b"x" * 100) for name in "abcd"))
    copied = unpack(pieces(data), "out", tmp_path / "1", max_bytes=250)
    assert (copied.files, copied.size_bytes, len(copied.notes)) == (2, 200, 2)
    copied = unpack(pieces(data), "out", tmp_path / "2", max_files=3)
    assert copied.files == 3
    assert "more than 3 files" in copied.notes[0]


def test_a_damaged_archive_keeps_what_came_before(tmp_path):
    data = made(("out/a", tarfile.REGTYPE, b"1" * 2000), ("out/b", tarfile.REGTYPE, b"2" * 9000))
    with pytest.raises(tarfile.TarError):
        unpack(pieces(data[:6000]), "out", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"1" * 2000


@given(st.lists(st.binary(max_size=10)), st.integers(1, 9))
def test_a_stream_reads_as_many_bytes_as_it_is_asked_for(parts, size):
    stream, whole = Stream(parts), b"".join(parts)
    found = [stream.read(size) for _ in range(len(whole) // size + 2)]
    assert b"".join(found) == whole
    assert all(len(piece) == size for piece in found[: len(whole) // size])


def test_names_that_are_no_text_are_left_out():
    assert safe_parts(os.fsdecode(b"out/\xff"), "out") is None
    assert safe_parts("out/é", "out") == ("é",)
    assert safe_parts("out", "out") == ()


def test_a_project_goes_in_with_our_owner_and_only_the_executable_bit(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("x")
    (tmp_path / "run").write_text("#!")
    (tmp_path / "run").chmod(0o700)
    os.link(tmp_path / "run", tmp_path / "again")
    (tmp_path / "link").symlink_to("/etc/passwd")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        write_folder(archive, "src", 10001, tmp_path, ["pkg/a.py", "run", "again", "link"])
    data.seek(0)
    with tarfile.open(fileobj=data) as archive:
        found = {info.name: info for info in archive}
        assert archive.extractfile("src/again").read() == b"#!"
    assert list(found) == ["src", "src/pkg", "src/pkg/a.py", "src/run", "src/again", "src/link"]
    assert {(info.uid, info.gid, info.uname) for info in found.values()} == {(10001, 10001, "")}
    assert [oct(found[name].mode) for name in ("src/pkg", "src/pkg/a.py", "src/run")] == ["0o755", "0o644", "0o755"]
    assert found["src/link"].issym()
    assert found["src/again"].isreg()


def test_a_socket_in_a_project_is_passed_over(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(tmp_path / "s"))
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        write_folder(archive, "src", 1, tmp_path, ["s"])
        assert archive.getnames() == ["src"]
