"""The sampler: its rhythm, its file, its maxima."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from bench.agent.cgroup.reading import Reading
from bench.agent.events import Events
from bench.agent.sampler import Sampler, next_after


class Steps:
    """A group whose readings are given beforehand."""

    reasons: dict[str, str] = {}

    def __init__(self, *readings: Reading) -> None:
        self._readings = list(readings)

    def read(self) -> Reading:
        return self._readings.pop(0)


@pytest.fixture
def events(tmp_path: Path):
    fd = os.open(tmp_path / "events", os.O_WRONLY | os.O_CREAT)
    yield Events(fd)
    os.close(fd)


def test_early_samples_are_close_and_later_ones_are_on_the_grid() -> None:
    at, seen = 0.1, []
    while at < 6:
        seen.append(round(at, 3))
        at = next_after(at, 1.0)
    assert seen == [0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 3.0, 4.0, 5.0]


def test_a_sample_that_is_late_or_a_hair_early_does_not_come_twice() -> None:
    assert next_after(3.0004, 1.0) == 4.0
    assert next_after(2.99, 1.0) == 4.0
    assert next_after(7.9, 1.0) == 8.0
    assert next_after(30.2, 1.0) == 31.0
    assert next_after(5.31, 0.1) == pytest.approx(5.4)


def test_file_shows_growth_and_gauges(tmp_path: Path, events: Events) -> None:
    before = Reading(cpu_total_s=10.0, minor_faults=5)
    group = Steps(
        Reading(cpu_total_s=10.5, minor_faults=7, anon_bytes=100, memory_bytes=300, pids=2),
        Reading(cpu_total_s=12.0, minor_faults=9, anon_bytes=50, memory_bytes=400),
    )
    sampler = Sampler(str(tmp_path / "samples.csv"), group, events, 1.0)
    sampler.begin(1000.0, before)
    assert sampler.next_at() == 1000.1
    sampler.sample(1001.0)
    sampler.sample(1002.0)
    sampler.close()
    rows = list(csv.DictReader((tmp_path / "samples.csv").read_text().splitlines()))
    assert [row["t_s"] for row in rows] == ["1.000", "2.000"]
    assert [float(row["cpu_total_s"]) for row in rows] == [0.5, 2.0]
    assert [row["minor_faults"] for row in rows] == ["2", "4"]
    assert [row["anon_bytes"] for row in rows] == ["100", "50"]
    assert rows[1]["pids"] == ""
    assert rows[0]["cpu_pressure_some_s"] == ""
    assert (sampler.maxima.anon_bytes, sampler.maxima.memory_bytes, sampler.maxima.pids) == (100, 400, 2)
    lines = (tmp_path / "events").read_text().splitlines()
    assert '"cpu_ratio": 1.5' in lines[1]


def test_off(tmp_path: Path, events: Events) -> None:
    sampler = Sampler(str(tmp_path / "s.csv"), Steps(), events, 0.0)
    sampler.begin(0.0, Reading())
    assert sampler.next_at() is None
    sampler.sample(5.0)
    assert sampler.maxima.samples == 0
    sampler.close()


def test_a_full_disk_is_noted(tmp_path: Path, events: Events) -> None:
    sampler = Sampler("/dev/full", Steps(), events, 1.0)
    assert sampler.error == "No space left on device"
    sampler.close()


def test_a_line_that_was_cut_ends_before_the_next(
    tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Sampler(str(tmp_path / "s.csv"), Steps(), events, 1.0)
    sampler.write(100.25, Reading())
    write, room = os.write, iter((3,))
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[: next(room, None)]))
    sampler.write(101.0, Reading())
    sampler.write(102.0, Reading())
    sampler.close()
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["t_s", "100.250", "101", "102.000"]
    assert sampler.error == "a line was cut"
