import os
from pathlib import Path

import psutil
import pytest

from bench.host.procfs import (
    CpuTimes,
    Pressure,
    parse_chosen,
    parse_cpu_times,
    parse_meminfo,
    parse_pressure,
    parse_stanzas,
)


def test_ticks_become_seconds_and_guest_time_is_not_counted_twice():
    # user 1000 ticks of which 300 are guest time; nice 100, system 200, idle 5000, iowait 50, irq 10, softirq 20, steal 40
    times = parse_cpu_times("cpu  1000 100 200 5000 50 10 20 40 300 0\ncpu0 1 1 1 1 1 1 1 1 1 1")
    assert times == CpuTimes(busy_s=pytest.approx(13.3), steal_s=pytest.approx(0.4), idle_s=pytest.approx(50.5))


@pytest.mark.parametrize("text", ["", "cpu", "cpu  1 2 3", "intr 1 2 3 4 5 6 7 8 9"])
def test_a_stat_without_its_figures_gives_none(text):
    assert parse_cpu_times(text) is None


def test_cpu_times_agree_with_psutil():
    before = psutil.cpu_times()
    ours = parse_cpu_times(Path("/proc/stat").read_text())
    after = psutil.cpu_times()
    assert ours is not None
    assert before.idle + before.iowait - 0.02 <= ours.idle_s <= after.idle + after.iowait + 0.02
    assert before.steal <= ours.steal_s <= after.steal


def test_user_hz_is_that_of_this_kernel():
    assert os.sysconf("SC_CLK_TCK") == 100


def test_meminfo_is_in_bytes():
    assert parse_meminfo("MemTotal:       24684092 kB\nHugePages_Total:       0\nSwapFree: 1 kB") == {
        "MemTotal": 24684092 * 1024,
        "SwapFree": 1024,
    }


def test_pressure_total_becomes_seconds():
    text = "some avg10=1.25 avg60=0.50 avg300=0.10 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0"
    assert parse_pressure(text) == Pressure(1.25, 2.5)
    assert parse_pressure("") is None


def test_the_chosen_word_stands_in_brackets():
    assert parse_chosen("always [madvise] never") == "madvise"
    assert parse_chosen("always madvise") is None


def test_lines_before_the_first_processor_belong_to_none():
    assert parse_stanzas("Hardware : X\nprocessor : 0\ncore id : 3\n\nprocessor : 1\nmodel name : A: B") == [
        {"processor": "0", "core id": "3"},
        {"processor": "1", "model name": "A: B"},
    ]
