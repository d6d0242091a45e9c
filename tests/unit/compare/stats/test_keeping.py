"""Outcomes that are kept: the same as those worked out, and worked out once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.compare.history.changes import _found
from bench.compare.stats import changes, keeping
from bench.compare.stats.bootstrap import interval
from bench.compare.stats.keeping import kept, kept_in

SERIES = [1.0, 1.01, 1.02, 1.0, 1.01, 0.99, 1.5, 1.51, 1.52, 1.5, 1.49, 1.51]


class Store(dict[str, bytes]):
    """A keeper in memory."""

    load = dict.get

    def save(self, key: str, data: bytes) -> None:
        self[key] = data


def test_nothing_is_kept_unless_somebody_keeps_it() -> None:
    asked: list[float] = []
    for _ in range(2):
        assert kept("half", float, lambda: asked.append(1.0) or 0.5, 1.0) == 0.5
    assert len(asked) == 2


def test_nothing_is_kept_by_code_that_cannot_be_told_from_another_version_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "__file__", str(tmp_path / "archive.zip/keeping.py"))
    monkeypatch.setattr(keeping, "_rules", keeping._rules.__wrapped__)
    store = Store()
    with kept_in(store):
        assert kept("half", float, lambda: 0.5, 1.0) == 0.5
    assert store == {}


def test_it_is_worked_out_once_for_the_same_inputs_and_again_for_others() -> None:
    asked: list[float] = []

    def ask(name: str, *inputs: float) -> float:
        def work() -> float:
            asked.append(inputs[0])
            return sum(inputs)

        return kept(name, float, work, *inputs)

    with kept_in(Store()):
        assert [ask("sum", 1.0, 2.0), ask("sum", 1.0, 2.0), ask("sum", 2.0, 1.0), ask("other", 1.0, 2.0)] == [3.0] * 4
    assert asked == [1.0, 2.0, 1.0]


def test_two_samples_are_not_one_that_is_cut_elsewhere() -> None:
    store, (one, two) = Store(), (np.array([1.0, 2.0]), np.array([3.0]))
    with kept_in(store):
        kept("x", int, lambda: 1, one, two)
        assert kept("x", int, lambda: 2, np.array([1.0]), np.array([2.0, 3.0])) == 2


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\xa1x"])
def test_what_is_no_outcome_is_worked_out_anew(data: bytes) -> None:
    store = Store()
    with kept_in(store):
        kept("x", int, lambda: 7, 1.0)
        (key,) = store
        store[key] = data
        assert kept("x", int, lambda: 7, 1.0) == 7
        assert store[key] == b"\x07"


def test_what_cannot_be_kept_is_returned_all_the_same() -> None:
    store = Store()
    with kept_in(store):
        assert kept("x", int, lambda: 2**70, 1.0) == 2**70
    assert store == {}


def test_changes_and_intervals_are_the_same_from_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, store = _found(SERIES), Store()
    x, y = np.log(SERIES[:6]), np.log(SERIES[6:])
    between = interval(x, y, 0.01)
    for _ in range(2):
        with kept_in(store):
            assert _found(SERIES) == plain
            assert interval(x, y, 0.01) == between
        # from now on nothing is left to search
        monkeypatch.setattr(changes, "find", lambda _: pytest.fail("it was searched again"))
    assert plain == changes._find(tuple(SERIES))
    assert plain.steps[0].at == 6
    assert len(store) == 2


def test_the_levels_that_were_kept_are_read_without_numpy(tmp_path: Path) -> None:
    script = f"""
import sys
from bench.compare.history.changes import _found
from bench.compare.stats.keeping import kept_in
from bench.record.index.outcomes import Outcomes
with kept_in(Outcomes()):
    print("numpy" in sys.modules, _found({SERIES}).steps[0].at, "numpy" in sys.modules)
"""
    env = {**os.environ, "BENCH_INDEX": str(tmp_path), "PYTHONPATH": str(Path(bench.__file__).parents[1])}
    said = [subprocess.check_output([sys.executable, "-c", script], env=env, text=True) for _ in range(2)]
    assert said == ["False 6 True\n", "False 6 False\n"]
