"""Outcomes in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.record.index import outcomes
from bench.record.index.entries import FOLDER_VARIABLE
from bench.record.index.outcomes import Outcomes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path / "outcomes"


def test_what_was_saved_is_there_for_the_next_command(folder: Path) -> None:
    assert Outcomes().load("abc") is None
    Outcomes().save("abc", b"found")
    assert Outcomes().load("abc") == b"found"
    assert [path.name for path in folder.iterdir()] == ["abc"]


def test_what_is_damaged_is_not_there(folder: Path) -> None:
    Outcomes().save("abc", b"found")
    (folder / "abc").write_bytes((folder / "abc").read_bytes()[:-1] + b"D")
    assert Outcomes().load("abc") is None
    (folder / "abc").write_bytes(b"")
    assert Outcomes().load("abc") is None


def test_a_disk_that_refuses_stops_nothing(folder: Path) -> None:
    folder.write_text("a file where the folder would be")
    Outcomes().save("abc", b"found")
    assert Outcomes().load("abc") is None


def test_what_nobody_asked_for_in_a_long_time_is_removed(folder: Path) -> None:
    for key in ("old", "asked"):
        Outcomes().save(key, b"found")
        os.utime(folder / key, (0, 0))
    Outcomes().load("asked")  # in use
    Outcomes().save("0new", b"found")
    assert sorted(path.name for path in folder.iterdir()) == ["0new", "asked"]


def test_of_many_those_that_were_asked_for_last_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST", 3)
    for at, key in enumerate("abcdef"):
        Outcomes().save(key, b"found")
        os.utime(folder / key, (at + 2**30, at + 2**30))
    monkeypatch.setattr(outcomes, "KEPT_S", 2.0**40)
    Outcomes().save("0new", b"found")
    assert sorted(path.name for path in folder.iterdir()) == ["0new", "e", "f"]
