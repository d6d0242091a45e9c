import io
import itertools
import os
import tarfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine.stream import PieceReader
from bench.engine.transfer.bounds import FIRST, INTERRUPTED, MAX_FIRST_BYTES, TOO_LONG, Bounds, GaveUp
from bench.engine.transfer.packing import packing, write_folder
from bench.engine.transfer.plain import copy_plain, set_aside
from bench.engine.transfer.unpacking import Stream, safe_parts, unpack, unpack_one
from bench.record.storage.disk import remove_tree
from tests.support.deep import make_deep


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
    assert (copied.files, copied.size_bytes, len(copied.notes), copied.whole) == (2, 200, 2, False)
    assert unpack(pieces(data), "out", tmp_path / "3").whole
    copied = unpack(pieces(data), "out", tmp_path / "2", max_files=3)
    assert (copied.files, copied.whole) == (3, False)
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
    (tmp_path / "beside").symlink_to("run")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        write_folder(archive, "src", 10001, tmp_path, ["pkg/a.py", "run", "again", "beside"], {"link": "run"})
    data.seek(0)
    with tarfile.open(fileobj=data) as archive:
        found = {info.name: info for info in archive}
        assert archive.extractfile("src/again").read() == archive.extractfile("src/beside").read() == b"#!"
    assert list(found) == ["src", "src/pkg", "src/pkg/a.py", "src/run", "src/again", "src/beside", "src/link"]
    assert found["src/beside"].isreg()
    assert {(info.uid, info.gid, info.uname) for info in found.values()} == {(10001, 10001, "")}
    assert [oct(found[name].mode) for name in ("src/pkg", "src/pkg/a.py", "src/run")] == ["0o755", "0o644", "0o755"]
    assert (found["src/link"].issym(), found["src/link"].linkname) == (True, "run")
    assert found["src/again"].isreg()


def test_one_file_comes_out_alone(tmp_path):
    assert unpack_one(pieces(made(("result.json", tarfile.REGTYPE, b"{}"))), "result.json", tmp_path, 100) is None
    assert (tmp_path / "result.json").read_bytes() == b"{}"
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (("facts.json", tarfile.SYMTYPE, b"/etc/passwd"), "no plain file"),
        (("facts.json", tarfile.FIFOTYPE, b""), "no plain file"),
        (("facts.json", tarfile.DIRTYPE, b""), "no plain file"),
        (("facts.json", tarfile.REGTYPE, b"x" * 101), "more than 100"),
        (("../facts.json", tarfile.REGTYPE, b"x"), None),
    ],
)
def test_of_one_file_nothing_else_is_taken(tmp_path, member, said):
    found = unpack_one(pieces(made(member)), "facts.json", tmp_path / "in", 100)
    assert found is None if said is None else said in found
    assert not list(tmp_path.iterdir())


def test_a_file_without_end_ends_the_copying(tmp_path):
    """A header that promises 4 TiB, and zeros for as long as anybody reads."""
    info = tarfile.TarInfo("out/big")
    info.size = 4 << 40
    given = itertools.count()

    def endless():
        yield made(("out/a", tarfile.REGTYPE, b"1"))[:1024] + info.tobuf()
        for _ in given:
            yield bytes(1 << 16)

    copied = unpack(endless(), "out", tmp_path, max_bytes=1 << 20)
    assert (tmp_path / "a").read_bytes() == b"1"
    assert "and what follows it was not copied" in copied.notes[0]
    assert next(given) < 20


def test_what_is_there_from_an_earlier_copying_is_left_as_it_is(tmp_path):
    (tmp_path / "a").write_bytes(b"whole")
    data = made(("out/a", tarfile.REGTYPE, b"again"), ("out/b", tarfile.REGTYPE, b"new"))
    assert unpack(pieces(data), "out", tmp_path).files == 1
    assert (tmp_path / "a").read_bytes() == b"whole"


def later(seconds=60.0):
    return time.monotonic() + seconds


def test_pieces_come_through_to_their_end_and_no_further():
    reader = PieceReader(iter([b"a", b"b"]), later(), lambda: False)
    assert list(reader) == [b"a", b"b"]
    reader.drain()
    assert list(reader) == []


def test_what_breaks_the_stream_reaches_its_reader():
    def breaks():
        yield b"a"
        raise ConnectionResetError("gone")

    reader = PieceReader(breaks(), later(), lambda: False)
    with pytest.raises(ConnectionResetError):
        list(reader)


def stalls(closed):
    try:
        yield b"a"
        while not closed:
            time.sleep(0.01)
        yield b"b"
    finally:
        closed.append("closed")


@pytest.mark.parametrize(
    ("until_s", "gave_up", "said"), [(0.2, lambda: False, TOO_LONG), (60.0, lambda: True, INTERRUPTED)]
)
def test_an_engine_that_stalls_is_given_up_on(until_s, gave_up, said):
    closed = []
    reader = PieceReader(stalls(closed), later(until_s), gave_up)
    with pytest.raises(GaveUp, match=said):
        list(reader)
    reader.close()
    closed.append("now")
    until = later(5)
    while "closed" not in closed and time.monotonic() < until:
        time.sleep(0.01)
    assert "closed" in closed


def test_a_folder_is_copied_with_the_result_first_and_within_bounds(tmp_path):
    source, target = tmp_path / "s", tmp_path / "t"
    source.mkdir()
    for name in ("a", "b", "c", "result.json", "samples.csv"):
        (source / name).write_text(name)
    with (source / "pytest.junit.xml").open("wb") as file:
        file.truncate(MAX_FIRST_BYTES + 1)
    (source / "facts.json").symlink_to("/etc/passwd")
    os.mkfifo(source / "profiler.json")
    target.mkdir()
    notes = copy_plain(source, target, Bounds(max_files=3))
    copied = {path.name for path in target.iterdir()}
    assert {"result.json", "samples.csv"} < copied
    assert len(copied) == 3
    assert "more than 3 files" in notes[-1]
    assert any("pytest.junit.xml" in note and "bytes" in note for note in notes)
    assert sum("no plain file" in note for note in notes) == 2


@pytest.mark.parametrize(
    ("bounds", "said"), [(Bounds(seconds=-1), TOO_LONG), (Bounds(gave_up=lambda: True), INTERRUPTED)]
)
def test_copying_a_folder_ends_where_nobody_waits(tmp_path, bounds, said):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/result.json").write_text("{}")
    assert copy_plain(tmp_path / "s", tmp_path / "t", bounds) == (said,)


def test_what_a_bundle_is_made_of_is_plain_after_a_run_of_this_host(tmp_path):
    (tmp_path / "pytest.junit.xml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "facts.json")
    (tmp_path / "torch_env.txt").mkdir()
    (tmp_path / "torch_env.txt/x").touch()
    with (tmp_path / "samples.csv").open("wb") as file:
        file.truncate(MAX_FIRST_BYTES + 1)
    for name in ("result.json", "of the test"):
        (tmp_path / name).write_text("{}")
    notes = set_aside(tmp_path)
    assert len(notes) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["of the test", "result.json"]
    assert set_aside(tmp_path) == ()
    assert FIRST[0] == "result.json"


@pytest.mark.parametrize("files", [0, 1, 40])
def test_an_archive_ends_with_its_two_empty_blocks(tmp_path, files):
    """Podman refuses what comes after them, which Python's padding to 10 kB would."""
    for number in range(files):
        (tmp_path / f"{number}").write_text("x" * number)
    target = io.BytesIO()
    with packing(target) as archive:
        write_folder(archive, "in", 10001, tmp_path, [f"{number}" for number in range(files)])
    assert target.tell() == 0
    data = target.getvalue()
    with tarfile.open(fileobj=target) as archive:
        assert len(archive.getmembers()) == files + 1
        assert archive.offset + 1024 == len(data)
    assert data.endswith(bytes(1024))


@pytest.mark.parametrize("way", [["d"] * 300, ["d" * 250] * 20, ["d" * 300]], ids=["deep", "long", "name"])
def test_what_lies_too_deep_is_left_behind_and_said(tmp_path, way):
    """A folder by itself comes once for each of its levels."""
    path = "/".join(way)
    names = itertools.accumulate(way, lambda one, other: f"{one}/{other}")
    folders = [(name, tarfile.DIRTYPE, b"") for name in names]
    data = made(*folders, (f"{path}/x", tarfile.REGTYPE, b"x"), ("file", tarfile.REGTYPE, b"y"))
    copied = unpack(pieces(data), "", tmp_path)
    assert (tmp_path / "file").read_bytes() == b"y"
    assert copied.files == 1
    assert any("was not copied: its path" in note for note in copied.notes)
    assert max(map(len, copied.notes)) < 300


def test_a_deep_folder_is_copied_as_far_as_paths_lead(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    make_deep(source, 1500, "d" * 9)
    target.mkdir()
    (source / "near").write_text("near")
    assert copy_plain(source, target) == ()
    assert [path.name for path in target.iterdir()] == ["near"]
    remove_tree(source)


def test_a_folder_that_holds_nothing_goes_in_once(tmp_path):
    (tmp_path / "a.txt").touch()
    target = io.BytesIO()
    with packing(target) as archive:
        write_folder(archive, "src", 5, tmp_path, ("a.txt", "deep/empty/", "deep/"))
    with tarfile.open(fileobj=target) as archive:
        found = [(member.name, member.isdir(), member.uid) for member in archive]
    assert found == [
        ("src", True, 5), ("src/a.txt", False, 5), ("src/deep", True, 5), ("src/deep/empty", True, 5),
    ]  # fmt: skip
