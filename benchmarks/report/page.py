"""How long a page of 1,000 results takes and how large it is: python benchmarks/report/page.py [RESULTS].

Two shapes: a project that runs a few diagnostics on a few hosts for a long time, and a fleet in which every result is
from a host of its own (the worst case for drawings: each host has a newest result, and with it a timeline).
Samples are those of an 845 s run at 1 Hz.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.report.entry import Entry, timeline_entries
from bench.report.export.pull_request import render_markdown
from bench.report.html.page import render_page
from benchmarks.report.made import DIAGNOSTICS, record, samples, stamps

HOSTS = ("ryzen9-5950x-1f3a", "xeon-8488c-77be", "epyc-7763-a01c", "m-laptop-90d2")


def project(count: int) -> list[Entry]:
    """Three diagnostics on four hosts, five runs a result."""
    keys = list(itertools.product(DIAGNOSTICS, HOSTS))
    made = [Entry(record(name, host, stamp)) for stamp in stamps(-(-count // len(keys))) for name, host in keys]
    return made[:count]


def fleet(count: int) -> list[Entry]:
    """One diagnostic, one result a host."""
    (stamp,) = stamps(1)
    return [Entry(record("grad_cpu", f"{HOSTS[at % len(HOSTS)]}-{at:04}", stamp)) for at in range(count)]


def sampled(entries: list[Entry]) -> list[Entry]:
    """With the samples that a page asks for, as the command line reads them."""
    wanted = {id(entry) for entry in timeline_entries(entries)}
    text = samples(845.0)
    return [
        Entry(entry.record, f"results/{entry.record.id}", {run.index: text for run in entry.record.runs})
        if id(entry) in wanted
        else entry
        for entry in entries
    ]


def main(count: int) -> None:
    """Print a line per shape."""
    for name, make in (("project", project), ("fleet", fleet)):
        entries = sampled(make(count))
        start, busy = time.perf_counter(), time.process_time()
        page = render_page(entries)
        took, busy = time.perf_counter() - start, time.process_time() - busy
        size = len(page.encode())
        start = time.perf_counter()
        text = render_markdown(entries)
        print(
            f"{name}: {len(entries)} results, page {took:.2f} s ({busy:.2f} s of CPU) and {size / 1e6:.2f} MB, "
            f"Markdown {time.perf_counter() - start:.2f} s and {len(text.encode())} bytes"
        )
        if len(sys.argv) > 2:
            Path(sys.argv[2], f"{name}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
