"""A site is written whole or not at all, and what is not ours stays."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.errors import BenchError, NotMeasured, UsageError
from bench.record.storage.bundle import RECORD
from bench.record.storage.manifest import MANIFEST
from bench.record.storage.partial import is_marked, make, mark
from bench.report.site import folder as site_folder
from bench.report.site.folder import MARK, find_site, write_site

OLD = {"grad_cpu.html": b"old", "gone.html": b"gone", ".nojekyll": b"", "index.html": b"old index"}
NEW = {"grad_cpu.html": b"new", "dtype_cpu.html": b"new", ".nojekyll": b"", "index.html": b"new index"}


def held(folder: Path) -> dict[str, bytes]:
    """Every file in it but the mark."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name != MARK}


@pytest.mark.parametrize("there", [False, True])
def test_a_new_folder_comes_whole(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "a" / "site"
    if there:
        folder.mkdir(parents=True)
    write_site(folder, NEW, "--site")
    assert held(folder) == NEW
    assert [one.name for one in folder.parent.iterdir()] == ["site"]


def test_a_site_is_made_anew_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    write_site(tmp_path / "site", OLD, "--site")
    (tmp_path / "site" / "CNAME").write_text("a.example")
    (tmp_path / "site" / ".git").mkdir()
    (tmp_path / "site" / ".git" / "HEAD").write_text("ref")
    write_site(tmp_path / "site", NEW, "--site")
    shutil.rmtree(tmp_path / "site" / ".git")
    assert held(tmp_path / "site") == NEW | {"CNAME": b"a.example"}
    write_site(tmp_path / "site", OLD, "--site")
    assert held(tmp_path / "site") == OLD | {"CNAME": b"a.example"}


def test_a_folder_that_holds_something_else_is_refused_and_left(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for act in (lambda: find_site(tmp_path, "--site"), lambda: write_site(tmp_path, NEW, "--site")):
        with pytest.raises(UsageError, match=r"holds notes\.txt.*put an empty file \.bench-site"):
            act()
    assert held(tmp_path) == {"notes.txt": b"mine"}
    (tmp_path / MARK).touch()
    write_site(tmp_path, NEW, "--site")
    assert held(tmp_path) == NEW | {"notes.txt": b"mine"}


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_name_of_ours_that_another_took_is_refused_before_anything_changes(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "site"
    write_site(folder, OLD, "--site")
    place = folder / "dtype_cpu.html"
    {"file": place.touch, "folder": place.mkdir, "link": lambda: place.symlink_to("/nowhere")}[kind]()
    with pytest.raises(UsageError, match="is not ours"):
        write_site(folder, NEW, "--site")
    assert (folder / "grad_cpu.html").read_bytes() == b"old"
    assert os.path.lexists(place)


@pytest.mark.parametrize("text", ["../../etc/passwd\n", "mine\n", "\xff", "{}"])
def test_a_mark_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MARK).write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="not as bench wrote it"):
        write_site(tmp_path, NEW, "--site")
    lines = (tmp_path / MARK).read_bytes()
    write_site(tmp_path / "b", OLD, "--site")
    (tmp_path / MARK).write_bytes((tmp_path / "b" / MARK).read_bytes() + b"../b/index.html\n")
    with pytest.raises(UsageError, match="not as bench wrote it"):
        find_site(tmp_path, "--site")
    assert lines == text.encode("latin-1")
    assert held(tmp_path / "b") == OLD


@pytest.mark.parametrize("fails_at", range(1, 9))
def test_a_disk_that_fails_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """Whichever step of putting the files in place it is."""
    write_site(tmp_path / "site", OLD, "--site")
    before = {**held(tmp_path / "site"), MARK: (tmp_path / "site" / MARK).read_bytes()}
    steps = 0

    def failing(source: Path, target: Path) -> Path:
        nonlocal steps
        steps += 1
        if steps == fails_at:
            raise OSError(5, "Input/output error")
        os.rename(source, target)  # noqa: PTH104, the method itself is replaced
        return target

    monkeypatch.setattr(Path, "replace", failing)
    if fails_at <= len(NEW) + 2:
        with pytest.raises(NotMeasured, match="failed"):
            write_site(tmp_path / "site", NEW, "--site")
        assert {**held(tmp_path / "site"), MARK: (tmp_path / "site" / MARK).read_bytes()} == before
    else:
        write_site(tmp_path / "site", NEW, "--site")
        assert held(tmp_path / "site") == NEW


@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    folder = tmp_path / "deep" / "site"
    if there:
        write_site(folder, OLD, "--site")

    def full(path: Path, data: bytes) -> None:
        if path.name == "index.html":
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(site_folder, "write_synced", full)
    with pytest.raises(NotMeasured, match="no room left"):
        write_site(folder, NEW, "--site")
    assert held(folder) == OLD if there else not folder.parent.exists()


def test_what_a_killed_command_left_is_cleared(tmp_path: Path) -> None:
    write_site(tmp_path / "site", OLD, "--site")
    for parent in (tmp_path, tmp_path / "site"):
        left = make(parent, ".bench-site-", ".new")
        mark(left)
        (left / "fresh").mkdir()
    write_site(tmp_path / "site", NEW, "--site")
    write_site(tmp_path / "other", NEW, "--site")
    assert held(tmp_path / "site") == NEW
    assert sorted(one.name for one in tmp_path.iterdir()) == ["other", "site"]


def test_what_only_bears_the_name_of_a_leftover_stays(tmp_path: Path) -> None:
    name = f".bench-site-{'a' * 16}.new"
    write_site(tmp_path / "site", OLD, "--site")
    (tmp_path / "elsewhere").mkdir()
    mark(tmp_path / "elsewhere")
    for parent in (tmp_path, tmp_path / "site"):
        (parent / name).mkdir()
        (parent / name / "mydata").write_text("mine")
        (parent / ".bench-site-file.new").write_text("mine")
        (parent / ".bench-site-link.new").symlink_to(tmp_path / "elsewhere")
    write_site(tmp_path / "site", NEW, "--site")
    write_site(tmp_path / "other", NEW, "--site")
    for parent in (tmp_path, tmp_path / "site"):
        assert (parent / name / "mydata").read_text() == "mine"
        assert (parent / ".bench-site-file.new").read_text() == "mine"
        assert (parent / ".bench-site-link.new").is_symlink()
    assert is_marked(tmp_path / "elsewhere")


def test_a_folder_that_holds_only_what_bears_such_a_name_is_no_site_of_ours(tmp_path: Path) -> None:
    (tmp_path / "site" / f".bench-site-{'a' * 16}.new" / "mydata").mkdir(parents=True)
    with pytest.raises(UsageError, match="no site of ours"):
        write_site(tmp_path / "site", NEW, "--site")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_stands_in_the_place_of_a_page_and_is_no_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "site"
    write_site(folder, OLD, "--site")
    for name in ("index.html", "gone.html"):
        (folder / name).unlink()
        if kind == "link":
            (folder / name).symlink_to(tmp_path / "mine")
        elif kind == "pipe":
            os.mkfifo(folder / name)
        else:
            (folder / name).mkdir()
    there = (folder / "index.html").lstat(), (folder / "gone.html").lstat()
    with pytest.raises(UsageError, match="not ours"):
        write_site(folder, NEW, "--site")
    assert ((folder / "index.html").lstat(), (folder / "gone.html").lstat()) == there
    write_site(folder, {name: data for name, data in NEW.items() if name != "index.html"}, "--site")
    assert ((folder / "index.html").lstat(), (folder / "gone.html").lstat()) == there


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
def test_a_mark_that_is_no_file_of_ours_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / MARK
    if kind == "link":
        (tmp_path.parent / "mine").write_text("")
        place.symlink_to(tmp_path.parent / "mine")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        with place.open("wb") as file:
            file.truncate(1 << 40)
    with pytest.raises(UsageError, match="not as bench wrote it"):
        write_site(tmp_path, NEW, "--site")


def test_a_folder_whose_parent_takes_no_neighbour_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(self: Path, target: Path) -> Path:
        raise OSError(16, "Device or resource busy")  # a folder that is mounted there

    monkeypatch.setattr(Path, "rename", busy)
    (tmp_path / "site").mkdir()
    write_site(tmp_path / "site", NEW, "--site")
    assert held(tmp_path / "site") == NEW
    assert [one.name for one in tmp_path.iterdir()] == ["site"]


def test_two_commands_do_not_write_at_once(tmp_path: Path) -> None:
    write_site(tmp_path, OLD, "--site")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(NotMeasured, match="another command"):
            write_site(tmp_path, NEW, "--site")
    finally:
        os.close(descriptor)
    assert held(tmp_path) == OLD


def _bundle(folder: Path) -> Path:
    for name in (MANIFEST, RECORD):
        (folder / name).touch()
    return folder / "site"


def _file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file"


@pytest.mark.parametrize("make", [_bundle, _file])
def test_a_place_where_no_site_may_be_is_refused(tmp_path: Path, make: object) -> None:
    place = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(UsageError):
        find_site(place, "--site")
    with pytest.raises(BenchError):
        write_site(place, NEW, "--site")


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_site(tmp_path / "link", NEW, "--site")
    assert (tmp_path / "link").is_symlink()
    assert held(tmp_path / "real") == NEW


@pytest.mark.parametrize("files", [{"../x.html": b""}, {"a/b": b""}, {".hidden": b""}, {MARK: b""}])
def test_a_name_that_leaves_the_folder_is_a_fault(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    with pytest.raises(ValueError, match="plain name"):
        write_site(tmp_path, files, "--site")
