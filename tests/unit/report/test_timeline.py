from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest

from bench.errors import DamagedData
from bench.report.timeline import parse_samples
from tests.support.entries import make_samples, synthetic_record


def test_rates_add_up_to_the_totals_whatever_the_grid() -> None:
    run = synthetic_record(runs=1).runs[0]
    text = make_samples(run, random.Random(2))
    for most in (7, 100, 240):
        timeline = parse_samples(text, most)
        assert timeline is not None
        assert timeline.steps == most
        assert timeline.series["cpu_user"].sum() * timeline.step_s == pytest.approx(run.cpu.user_s, rel=1e-4)


def test_memory_keeps_its_peak() -> None:
    text = "t_s,anon_bytes\n" + "".join(f"{at},{1000 if at == 57 else 10}\n" for at in range(1, 101))
    timeline = parse_samples(text, 5)
    assert timeline is not None
    assert timeline.series["anon"].tolist() == [10, 10, 1000, 10, 10]
    assert (timeline.steps, timeline.step_s) == (5, 20)


def test_fewer_samples_than_steps_keep_their_number() -> None:
    timeline = parse_samples("t_s,cpu_total_s\n1,1\n2,3\n3,3\n")
    assert timeline is not None
    assert timeline.sampled == 3
    assert timeline.series["cpu_total"].tolist() == [1, 2, 0]


def test_a_last_line_cut_off_by_a_kill_is_left_out() -> None:
    timeline = parse_samples("t_s,cpu_total_s,pids\n1,1,3\n2,3,4\n3,4")
    assert timeline is not None
    assert timeline.sampled == 2


@pytest.mark.parametrize("text", ["t_s,cpu_total_s\n", "t_s,cpu_total_s\n1,1\n", "t_s,cpu_total_s\n1,1\n1,1\n"])
def test_too_few_samples_make_no_timeline(text: str) -> None:
    assert parse_samples(text) is None


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "t_s,cpu_total_s\n1,x\n2,3\n"])
def test_damage_is_named(text: str) -> None:
    with pytest.raises(DamagedData, match=r"samples\.csv"):
        parse_samples(text)


def test_empty_cells_are_not_zero() -> None:
    timeline = parse_samples("t_s,cpu_total_s,swap_bytes\n1,1,\n2,,\n3,3,\n")
    assert timeline is not None
    assert "swap" not in timeline.series
    assert timeline.series["cpu_total"].tolist() == pytest.approx([1, 1, 1])


def test_a_step_without_a_sample_holds_the_amount_before() -> None:
    timeline = parse_samples("t_s,pids\n1,5\n2,6\n9,7\n10,8\n")
    assert timeline is not None
    assert np.isfinite(timeline.series["pids"]).all()
    assert timeline.series["pids"].tolist() == [6, 6, 6, 8]


def test_samples_without_end_are_no_more_in_memory_than_their_numbers() -> None:
    text = "t_s,pids,a,b,c,d,e,f\n" + "".join(f"{row},10,10,10,10,10,10,10\n" for row in range(40_000))
    tracemalloc.start()
    try:
        timeline = parse_samples(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert timeline.sampled == 40_000
    assert timeline.series["pids"].tolist() == [10.0] * timeline.steps
    assert peak < 10 * len(text)


def test_a_column_that_stands_twice_and_pieces_of_torn_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.report.timeline.PIECE", 2)
    text = "t_s,pids,pids\n0,1,2\n1,1\n\n2\n3,1\n4,1,3\n5,1,4\n"
    assert parse_samples(text).series["pids"].tolist() == [2.0, 2.0, 4.0]


def test_a_cell_larger_than_any_is_damage() -> None:
    with pytest.raises(DamagedData, match="no table"):
        parse_samples("t_s,pids\n0," + "1" * 200_000 + "\n")
