"""A page of 1,000 results stays small and cheap, whatever the shape of what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench.report.entry import Entry
from bench.report.html.page import render_page
from benchmarks.report.page import fleet, project, sampled

MOST_BYTES = {40: 1e6, 1000: 6e6}
MOST_CPU_S = 60.0
"""Some ten times what a quiet machine takes: tests run side by side here, and under a tracer."""


@pytest.mark.slow
@pytest.mark.timed
@pytest.mark.cpu_time
@pytest.mark.parametrize("count", [40, 1000])
@pytest.mark.parametrize("shape", [project, fleet])
def test_a_page_of_many_results_can_be_sent(shape: Callable[[int], list[Entry]], count: int) -> None:
    entries = sampled(shape(count))
    start = time.process_time()
    page = render_page(entries)
    assert time.process_time() - start < MOST_CPU_S
    assert 100e3 < len(page.encode()) < MOST_BYTES[count]
