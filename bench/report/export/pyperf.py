"""Results as pyperf's JSON, so that ``pyperf stats``, ``hist`` and ``compare_to`` read them (pure).

A benchmark is a result; each run of ours is a run of theirs with one value, the wall time in seconds (format 1.0, as
``pyperf.BenchmarkSuite.load`` reads it). Calibration and warm-up runs have no equal here: every run of ours is a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from bench.report.entry import Entry
from bench.report.presentation import build_of
from bench.report.text import plain
from bench.times import parse_moment


def pyperf_document(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the suite as plain data that ``json`` can write.

    A benchmark's name is the diagnostic's, with the host added if there are several and the stamp if the same
    diagnostic has several results on a host: pyperf wants unique names. Results without a passed run are left out.
    """
    measured = sorted((entry for entry in entries if entry.passed), key=lambda entry: (*entry.key, entry.record.stamp))
    several_hosts = len({entry.record.host.id for entry in measured}) > 1
    repeated = Counter(entry.key for entry in measured)
    benchmarks = []
    for entry in measured:
        parts = [entry.group]
        parts += [entry.record.host.id] if several_hosts else []
        parts += [entry.record.stamp] if repeated[entry.key] > 1 else []
        benchmarks.append(_benchmark(" ".join(parts), entry))
    return {"version": "1.0", "metadata": {"unit": "second"}, "benchmarks": benchmarks}


def _benchmark(name: str, entry: Entry) -> dict[str, Any]:
    record = entry.record
    build = build_of(record)
    host = record.host.class_
    known = {
        "name": name,
        "hostname": record.host.id,
        "cpu_model_name": host.cpu_model,
        "cpu_count": host.threads,
        "platform": f"Linux {host.kernel}" if host.kernel else None,
        "python_version": build.python if build else None,
        "bench_result": record.id,
        "bench_torch": build.torch if build else None,
        "bench_status": record.verdict.status,
    }
    metadata = {key: plain(value) if isinstance(value, str) else value for key, value in known.items()}
    runs = []
    for run in entry.passed:
        about: dict[str, Any] = {"duration": run.wall_s}
        date = _date(run.started_at)
        if date is not None:
            about["date"] = date
        if run.memory.max_rss_bytes is not None:
            about["mem_max_rss"] = run.memory.max_rss_bytes
        runs.append({"metadata": about, "values": [run.wall_s]})
    return {"metadata": {key: value for key, value in metadata.items() if value not in (None, "")}, "runs": runs}


def _date(text: str | None) -> str | None:
    """As pyperf writes it, ``2026-11-02 08:00:00``, in UTC; ``None`` if it is no time."""
    moment = parse_moment(text)
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
