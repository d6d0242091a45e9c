"""What a killed writer left is removed; a folder that is anybody else's never is, whatever its name."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench.record.storage.bundle as bundle_module
from bench.record.storage import partial
from bench.record.storage.archive import export, import_archive
from bench.record.storage.bundle import write_bundle
from bench.record.storage.find import find_bundles
from bench.record.storage.partial import MARK, find_partials, is_marked, mark, remove_partials
from bench.record.storage.verify import verify
from tests.support.records import HOST, STAMP, make_record

ROOT = Path(__file__).parents[4]
DEAD = f"{STAMP}.partial"
DIE = """
import os, sys
from pathlib import Path
import bench.record.storage.{module} as module
from tests.support.records import make_record
module.{function} = lambda *_, **__: os._exit(9)
{call}
"""


def left_at(folder, *, marked=True):
    folder.mkdir(parents=True)
    if marked:
        mark(folder)
    (folder / "bundle").mkdir()
    (folder / "bundle" / "mydata").write_text("mine")
    return folder


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def die(tmp_path, module, function, call):
    """Run a writer that ends at once, as if killed, where it enters a function."""
    code = DIE.format(module=module, function=function, call=call)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == 9


@pytest.mark.parametrize("function", ["_fill", "hash_file", "sync_tree", "_publish", "sync_folder"])
def test_a_writer_killed_at_any_point_leaves_what_the_next_removes(tmp_path, function) -> None:
    die(tmp_path, "bundle", function, "module.write_bundle(Path(sys.argv[1]), make_record(), {}, secrets=())")
    assert [path.name for path in remove_partials(tmp_path)] == [DEAD]
    assert not list(tmp_path.glob("*/*/*.partial"))
    if function == "sync_folder":  # it was in its place by then
        assert len(find_bundles(tmp_path)) == 1
        assert verify(tmp_path).ok


def test_an_import_that_was_killed_leaves_what_the_next_removes(tmp_path) -> None:
    archive = tmp_path / "runs.tar.gz"
    export([write_bundle(tmp_path / "there", make_record(), {}, secrets=())], archive)
    here = tmp_path / "here"
    here.mkdir()
    die(
        here,
        "archive",
        "_move_in",
        "module.import_archive(Path(sys.argv[1]).parent / 'runs.tar.gz', Path(sys.argv[1]))",
    )
    (removed,) = remove_partials(here)
    assert removed.name.startswith(".import-")
    assert list(here.iterdir()) == []
    import_archive(archive, here)
    assert verify(here).ok
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_one_that_is_being_written_is_no_leftover(tmp_path) -> None:
    alive = left_at(tmp_path / HOST / "grad_cpu" / DEAD)
    lock = os.open(alive, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert remove_partials(tmp_path) == []
    os.close(lock)
    assert find_partials(tmp_path) == [alive]
    assert remove_partials(tmp_path) == [alive]


@pytest.mark.parametrize(
    "place",
    [
        "a/b/mydata.partial",
        f"{HOST}/grad_cpu/mydata.partial",
        f"{HOST}/grad_cpu/.partial",
        f"{HOST}/grad_cpu/20261399T000000Z.partial",
        f"{HOST}/grad_cpu/.{DEAD}",
        f".hidden/grad_cpu/{DEAD}",
        f"{HOST}/.hidden/{DEAD}",
        f"my host/grad_cpu/{DEAD}",
        f"{HOST}/{DEAD}",
        DEAD,
        f"deeper/{HOST}/grad_cpu/{DEAD}",
        "mine.partial",
        f"{HOST}/.import-x.partial",
    ],
)
@pytest.mark.parametrize("marked", [True, False])
def test_another_place_or_name_is_left_alone(tmp_path, place, marked) -> None:
    left_at(tmp_path / place, marked=marked)
    before = tree(tmp_path)
    assert remove_partials(tmp_path) == []
    assert tree(tmp_path) == before


@pytest.mark.parametrize("place", [f"{HOST}/grad_cpu/{DEAD}", f"a/b/{DEAD}", ".import-x.partial"])
@pytest.mark.parametrize("forged", [None, "text", "longer", "link", "folder", "fifo"])
def test_a_folder_without_our_mark_is_left_alone(tmp_path, place, forged) -> None:
    folder = left_at(tmp_path / place, marked=False)
    ours = tmp_path / "ours"
    ours.mkdir()
    mark(ours)
    if forged == "text":
        (folder / MARK).write_text("mine")
    elif forged == "longer":
        (folder / MARK).write_bytes((ours / MARK).read_bytes() + b"mine")
    elif forged == "link":
        (folder / MARK).symlink_to(ours / MARK)
    elif forged == "folder":
        (folder / MARK).mkdir()
    elif forged == "fifo":
        os.mkfifo(folder / MARK)
    before = tree(tmp_path)
    assert remove_partials(tmp_path) == []
    assert tree(tmp_path) == before


@pytest.mark.parametrize("linked", [HOST, f"{HOST}/grad_cpu", f"{HOST}/grad_cpu/{DEAD}", ".import-x.partial"])
def test_no_link_is_followed(tmp_path, linked) -> None:
    elsewhere, results = tmp_path / "elsewhere", tmp_path / "results"
    left_at(elsewhere if linked.endswith(".partial") else elsewhere / DEAD)
    if linked == HOST:
        (elsewhere / "grad_cpu").mkdir()
        (elsewhere / DEAD).rename(elsewhere / "grad_cpu" / DEAD)
    (results / linked).parent.mkdir(parents=True)
    (results / linked).symlink_to(elsewhere)
    before = tree(elsewhere)
    assert remove_partials(results) == []
    assert tree(elsewhere) == before


def test_the_results_folder_itself_may_be_a_link(tmp_path) -> None:
    left_at(tmp_path / "real" / HOST / "grad_cpu" / DEAD)
    (tmp_path / "results").symlink_to(tmp_path / "real")
    assert len(remove_partials(tmp_path / "results")) == 1


def test_links_in_a_leftover_lead_nowhere(tmp_path) -> None:
    folder = left_at(tmp_path / "r" / HOST / "grad_cpu" / DEAD)
    mine = left_at(tmp_path / "mine", marked=False)
    (folder / "link").symlink_to(mine)
    (folder / "bundle" / "link").symlink_to(mine)
    remove_partials(tmp_path / "r")
    assert (mine / "bundle" / "mydata").read_text() == "mine"


def test_one_that_cannot_be_removed_keeps_its_mark_and_stops_nothing(tmp_path, monkeypatch) -> None:
    folder = left_at(tmp_path / HOST / "grad_cpu" / DEAD)
    with monkeypatch.context() as patch:

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied")

        patch.setattr("bench.record.storage.partial.remove_tree", refuse)
        assert remove_partials(tmp_path) == []
    assert is_marked(folder)
    assert remove_partials(tmp_path) == [folder]


def test_a_published_bundle_holds_no_mark(tmp_path) -> None:
    folder = write_bundle(tmp_path, make_record(), {}, secrets=())
    assert not list(tmp_path.rglob(MARK))
    assert [path.name for path in folder.parent.iterdir()] == [STAMP]
    assert bundle_module.read_bundle(folder).files() == ("MANIFEST.sha256", "record.json")


@pytest.mark.parametrize("function", ["_claim", "mark"])
def test_a_writer_killed_before_it_marks_its_folder_leaves_what_the_next_removes(tmp_path, function) -> None:
    call = "module.write_bundle(Path(sys.argv[1]), make_record(), {}, secrets=())"
    die(tmp_path, "bundle", function, call)
    left = list(tmp_path.glob("*/*/*.partial"))
    assert len(left) == (function == "mark")
    assert remove_partials(tmp_path) == left
    assert not list(tmp_path.glob("*/*/*.partial"))


def test_an_empty_folder_of_such_a_name_that_was_not_made_here_stays(tmp_path) -> None:
    folder = tmp_path / HOST / "grad_cpu" / DEAD
    folder.mkdir(parents=True)
    assert remove_partials(tmp_path) == []
    folder.chmod(0o1777)
    (folder / "mydata").write_text("mine")
    assert remove_partials(tmp_path) == []
    assert (folder / "mydata").read_text() == "mine"


def test_a_folder_that_cannot_be_marked_is_not_left(tmp_path, monkeypatch) -> None:
    def full(folder: Path) -> None:
        (folder / partial.MARK).touch()
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(partial, "mark", full)
    with pytest.raises(OSError, match="no space"), partial.held(tmp_path, partial.IMPORT, ".partial"):
        pass
    assert list(tmp_path.iterdir()) == []
