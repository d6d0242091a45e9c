"""criterion.rs' ``sample.json`` (times of growing batches, one process) and what critcmp exports (estimates alone)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from bench.importer.tools.document import parse_document
from bench.importer.tools.fields import Node, Unreadable, read_each, text_of, whole_of
from bench.importer.tools.model import TIME, Content, ToolBenchmark, ToolFile, ToolRun, series, summary

COMPANIONS = ("benchmark.json", "estimates.json", "tukey.json")
"""Files that lie beside a sample and hold nothing that it does not."""
REPORT = "report"
"""The folder of its pages and pictures, one at each level."""
NO_SAMPLES = "critcmp exports criterion's estimates; the samples lie in criterion's own folder"


def is_sample(document: Any) -> bool:
    """Return whether a JSON document is criterion's ``sample.json``: iterations and times."""
    return isinstance(document, dict) and {"sampling_mode", "iters", "times"} <= document.keys()


def is_critcmp(document: Any) -> bool:
    """Return whether a JSON document is a baseline that critcmp exported."""
    found = document.get("benchmarks") if isinstance(document, dict) else None
    return (
        isinstance(found, dict)
        and isinstance(document.get("name"), str)
        and bool(found)
        and all(isinstance(one, dict) and "criterion_estimates_v1" in one for one in found.values())
    )


def parse_sample(content: Content) -> ToolFile:
    """Read the sample of one benchmark; what it is called is in ``benchmark.json`` beside it, else in its folders."""
    document = Node(content.document)
    iterations, times = document["iters"].numbers(), [item.time() for item in document["times"].each()]
    if not times or len(times) != len(iterations):
        raise Unreadable(f"times: {len(times)} for {len(iterations)} iters")
    counts = [whole_of(count) for count in iterations]
    for at, count in enumerate(counts):
        if count is None or count < 1:
            raise Unreadable(f"iters[{at}]: {iterations[at]:g} is no number of iterations")
    each = [time / count for time, count in zip(times, iterations, strict=True)]
    run = ToolRun(
        {TIME: series(each, "ns")},
        facts={"iterations": counts, "sampling_mode": document.value["sampling_mode"]},
    )
    made = ToolBenchmark(_name(content), (run,), document.dumped(), timed="one iteration, the median of the samples")
    return ToolFile("criterion", None, (made,))


def parse_critcmp(content: Content) -> ToolFile:
    """Read an exported baseline: the median of each benchmark, without its samples."""
    document = Node(content.document)

    def read(node: Node) -> ToolBenchmark:
        estimates = node["criterion_estimates_v1"]
        middle = (estimates.get("median") or estimates["mean"])["point_estimate"].time()
        run = ToolRun({TIME: summary(middle, "ns")}, facts={"samples": NO_SAMPLES})
        timed = "one iteration, criterion's estimate of the median"
        return ToolBenchmark(_critcmp_name(node), (run,), node.dumped(), timed=timed)

    found, problems = read_each((node for _, node in document["benchmarks"].items()), read, content.name)
    return ToolFile("critcmp", None, tuple(found), problems=tuple(problems))


def _critcmp_name(node: Node) -> str:
    """The benchmark's own name: before it ``fullname`` has that of the baseline, and baselines are to be compared."""
    about = node.get("criterion_benchmark_v1")
    named = text_of(about.get("full_id")) if about is not None else None
    spelled = text_of(node.get("fullname"))
    baseline = text_of(node.get("baseline"))
    if spelled is not None and baseline is not None:
        spelled = spelled.removeprefix(f"{baseline}/")
    return named or spelled or node.path


def _name(content: Content) -> str:
    about = content.beside("benchmark.json")
    try:
        named = text_of(Node(parse_document(about)).get("full_id")) if about is not None else None
    except (ValueError, Unreadable):
        named = None
    parts = [part for part in PurePosixPath(content.name).parts[:-2] if part not in ("criterion", "target")]
    return named or "/".join(parts) or PurePosixPath(content.name).stem
