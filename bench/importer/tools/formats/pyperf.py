"""pyperf's JSON: values by process; metadata of suite, benchmark and run, each overlaying the one before."""

from __future__ import annotations

import re
from typing import Any

from bench.importer.tools.fields import Node, Unreadable, count_of, moment_of, number_of, read_each, text_of
from bench.importer.tools.model import TIME, Content, ToolBenchmark, ToolFile, ToolHost, ToolRun, series
from bench.record.schema import HostClass, HostState

_KERNEL = re.compile(r"Linux-(?P<kernel>[\w.+~-]+?)-(?:x86_64|i[3-6]86|aarch64|armv\w+|ppc64\w*|s390x|riscv64)-")
_METRICS = {"second": (TIME, "s"), "byte": ("memory_bytes", "bytes"), "integer": ("value", "count")}


def is_pyperf(document: Any) -> bool:
    """Return whether a JSON document is one of pyperf's: benchmarks of runs, and a version of the format."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("benchmarks"), list)
        and isinstance(document.get("version"), str)
        and "machine_info" not in document
        and all(isinstance(one, dict) and "runs" in one for one in document["benchmarks"])
        and bool(document["benchmarks"])
    )


def parse_pyperf(content: Content) -> ToolFile:
    """Read a suite. A run without values only calibrated the number of loops: it is no measurement."""
    document = Node(content.document)
    shared = _metadata(document)
    version = text_of(Node(shared).get("perf_version"))
    found, problems = read_each(
        document["benchmarks"].each(), lambda node: _benchmark(node, {**shared, **_metadata(node)}), content.name
    )
    return ToolFile("pyperf", version, tuple(found), problems=tuple(problems))


def _metadata(node: Node) -> dict[str, Any]:
    metadata = node.get("metadata")
    return dict(metadata.value) if metadata is not None and isinstance(metadata.value, dict) else {}


def _benchmark(node: Node, metadata: dict[str, Any]) -> ToolBenchmark:
    about = Node(metadata, f"{node.path}.metadata")
    name = text_of(about.get("name")) or "unnamed"
    unit = text_of(about.get("unit")) or "second"
    if unit not in _METRICS:
        raise Unreadable(f"{node.path}.metadata.unit: {unit!r:.40} is no unit of pyperf's")
    every = list(node["runs"].each())
    measured = [run for run in every if run.get("values") is not None]
    if not measured:
        raise Unreadable(f"{node.path}.runs: no run has values")
    runs = tuple(_run(run, unit, {**metadata, **_metadata(run)}) for run in measured)
    first = text_of(Node({**metadata, **_metadata(measured[0])}).get("date"))
    return ToolBenchmark(
        name,
        runs,
        Node(_without(node.value)).dumped(),
        host=_host(about),
        python=_version(text_of(about.get("python_version"))),
        params={"unit": unit},
        made=moment_of(first),
        timed="one loop, the median of a process's values",
    )


def _without(value: Any) -> Any:
    """The value without what names a machine or a place on it."""
    if isinstance(value, dict):
        return {key: _without(inner) for key, inner in value.items() if key not in ("hostname", "python_executable")}
    return [_without(inner) for inner in value] if isinstance(value, list) else value


def _run(node: Node, unit: str, metadata: dict[str, Any]) -> ToolRun:
    name, si = _METRICS[unit]
    values = node["values"].numbers()
    if not values:
        raise Unreadable(f"{node.path}.values: empty")
    about = Node(metadata)
    # What pyperf calls the memory of a command is that of its own process before it became the command.
    command = about.get("command") is not None
    rss = None if command else count_of(about.get("mem_max_rss"))
    missing = {"memory.max_rss_bytes": "what pyperf gives for a command is its own process' memory"} if command else {}
    facts = {
        key: metadata[key]
        for key in ("loops", "inner_loops", "duration", "load_avg_1min")
        if metadata.get(key) is not None
    }
    if (warmups := node.get("warmups")) is not None:
        facts["warmups"] = warmups.value
    return ToolRun(
        {name: series(values, si, "lower" if unit != "integer" else None)},
        max_rss_bytes=rss,
        facts=facts,
        missing={"started_at": "pyperf writes a local time without its zone", **missing},
    )


def _host(about: Node) -> ToolHost:
    platform = _KERNEL.match(text_of(about.get("platform")) or "")
    config = text_of(about.get("cpu_config")) or ""
    governors = set(re.findall(r"governor:([\w-]+)", config))
    boost = False if "no turbo" in config else True if re.search(r"intel_pstate:turbo", config) else None
    return ToolHost(
        HostClass(
            cpu_model=text_of(about.get("cpu_model_name")),
            threads=count_of(about.get("cpu_count")),
            kernel=platform["kernel"] if platform else None,
        ),
        HostState(
            load=number_of(about.get("load_avg_1min")),
            governor=governors.pop() if len(governors) == 1 else None,
            boost=boost,
        ),
    )


def _version(text: str | None) -> str | None:
    return text.split(" ")[0] if text else None
