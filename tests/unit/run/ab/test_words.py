"""The words of an experiment, kept to go on with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.run.ab.words import MAX_BYTES, Words, keep_words, kept_words, newest_words


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/bench/experiments"


def words(results: Path, name: str | None = "slow") -> Words:
    return Words(name=name, base="main", env=("TOKEN=secret",), results=str(results), where="/")


def test_they_come_back_and_are_nobody_else_s(state, tmp_path):
    keep_words("ab-1", words(tmp_path))
    assert kept_words("ab-1") == words(tmp_path)
    assert (state / "ab-1.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in state.iterdir()] == ["ab-1.json"]


@pytest.mark.parametrize("name", ["ab-2", "../../x", "a/b", ""])
def test_what_is_not_here_is_asked_for_again(name):
    with pytest.raises(UsageError) as refused:
        kept_words(name)
    assert "give the words of the first command again" in str(refused.value) or "names no experiment" in str(
        refused.value
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b" " * (MAX_BYTES + 1)])
def test_what_cannot_be_read_is_refused_and_is_none_to_go_on_with(state, tmp_path, content):
    keep_words("ab-1", words(tmp_path))
    keep_words("ab-2", words(tmp_path))
    (state / "ab-2.json").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        kept_words("ab-2")
    assert newest_words(None, tmp_path) == ("ab-1", words(tmp_path))


def test_the_newest_is_of_these_results_and_of_what_is_named(state, tmp_path):
    for at, (results, name) in enumerate([(tmp_path, "slow"), (tmp_path, "quick"), (tmp_path / "other", "slow")]):
        keep_words(f"ab-{at}", words(results, name))
        os.utime(state / f"ab-{at}.json", (at, at))
    assert newest_words(None, tmp_path) == ("ab-1", words(tmp_path, "quick"))
    assert newest_words("slow", tmp_path) == newest_words("ab-0", tmp_path) == ("ab-0", words(tmp_path))
    assert newest_words("ab-2", tmp_path) is None
    assert newest_words("gone", tmp_path) is None


def test_a_disk_that_refuses_costs_only_that(state, tmp_path):
    state.parent.mkdir(parents=True)
    state.write_text("a file")
    keep_words("ab-1", words(tmp_path))
    assert newest_words(None, tmp_path) is None
