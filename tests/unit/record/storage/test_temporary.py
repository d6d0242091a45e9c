"""A command's temporary folders go with it; those of a killed one go with the next command, and nobody else's do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bench.record.storage import partial
from bench.record.storage.temporary import KINDS, remove_left, temporary_folder

ROOT = Path(__file__).parents[4]
KILLED = """
import os
import bench.record.storage.partial as module
from bench.record.storage.temporary import temporary_folder
if {early}:
    module.mark = lambda _: os._exit(9)
with temporary_folder("ab") as folder:
    (folder / "checkout").mkdir()
    (folder / "checkout" / "file").write_text("kept until the next command")
    os._exit(9)
"""


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_empty_and_gone_afterwards(system: Path) -> None:
    with temporary_folder("ab") as folder:
        assert folder.is_relative_to(system)
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("x")
        assert remove_left() == []  # a command lives
    assert list(system.iterdir()) == []


@pytest.mark.parametrize("early", [False, True])
def test_that_of_a_killed_command_is_removed(system: Path, early: bool) -> None:
    code = KILLED.format(early=early)
    environ = {**os.environ, "TMPDIR": str(system)}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=False).returncode == 9
    (left,) = system.iterdir()
    assert remove_left() == [left]
    assert list(system.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_bears_such_a_name_and_was_not_made_here_stays(system: Path, kind: str) -> None:
    (system / f"bench-{kind}-empty").mkdir()
    (system / f"bench-{kind}-full").mkdir()
    (system / f"bench-{kind}-full" / "mydata").write_text("mine")
    (system / f"bench-{kind}-link").symlink_to(system / f"bench-{kind}-full")
    (system / f"bench-{kind}-file").write_text("mine")
    before = sorted(system.rglob("*"))
    assert remove_left() == []
    assert sorted(system.rglob("*")) == before


def test_a_folder_that_another_command_takes_for_a_leftover_is_made_once_more(
    monkeypatch: pytest.MonkeyPatch, system: Path
) -> None:
    hold = partial.being_written
    taken: list[Path] = []

    def hold_late(folder: Path) -> AbstractContextManager[None]:
        if not taken:
            taken.extend(remove_left())
        return hold(folder)

    monkeypatch.setattr(partial, "being_written", hold_late)
    with temporary_folder("fleet") as held:
        assert held.is_dir()
        assert taken
        assert held.parent not in taken
        assert remove_left() == []
    assert list(system.iterdir()) == []
