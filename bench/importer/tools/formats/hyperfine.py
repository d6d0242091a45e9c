"""hyperfine's JSON, of 1.x (lists of times) and of 2 (``measurements`` with units): each execution is a run."""

from __future__ import annotations

from typing import Any

from bench.importer.tools.fields import Node, Unreadable, moment_of, number_of, read_each, text_of, whole_of
from bench.importer.tools.model import TIME, Content, Series, ToolBenchmark, ToolFile, ToolRun, series, summary

ZERO = "hyperfine 1.x takes the shell's own time off and cuts at 0: a 0 is no time"
UNKNOWN_END = "hyperfine wrote no exit codes; without --ignore-failure it stops at the first that is not 0"
_TIMED = "one execution of the command"
_MEAN = "hyperfine 1.x writes the mean over all runs alone"


def is_hyperfine(document: Any) -> bool:
    """Return whether a JSON document is hyperfine's: results of commands, with times or measurements."""
    results = document.get("results") if isinstance(document, dict) else None
    return (
        isinstance(results, list)
        and bool(results)
        and all(
            isinstance(one, dict) and "command" in one and bool({"times", "mean", "measurements"} & one.keys())
            for one in results
        )
    )


def parse_hyperfine(content: Content) -> ToolFile:
    """Read an export of either version."""
    document = Node(content.document)
    about = document.get("metadata")
    version = text_of(about.get("hyperfine_version")) if about is not None else None
    begun = text_of(about.get("start_time")) if about is not None else None

    def read(node: Node) -> ToolBenchmark:
        new = node.get("measurements") is not None
        parameters = node.get("parameters")
        return ToolBenchmark(
            node["command"].text(),
            _measured(node) if new else _listed(node),
            node.dumped(),
            params={"parameters": parameters.value} if parameters is not None and parameters.value else {},
            made=moment_of(begun),
            timed=_TIMED,
        )

    found, problems = read_each(document["results"].each(), read, content.name)
    return ToolFile("hyperfine", version or "1", tuple(found), problems=tuple(problems))


def _listed(node: Node) -> tuple[ToolRun, ...]:
    """Runs of version 1: times, exit codes and memory in lists of one length."""
    if node.get("times") is None:
        middle = node.get("median") or node["mean"]
        reason = "the export holds a summary and no time of a run"
        return (
            ToolRun(
                {TIME: summary(middle.time(), "s")},
                outcome="not_measured",
                signature=reason,
                missing={"wall_s": reason},
            ),
        )
    times = [item.time() for item in node["times"].each()]
    if not times:
        raise Unreadable(f"{node.path}.times: empty")
    codes, memory = (_as_many(node.get(key), len(times)) for key in ("exit_codes", "memory_usage_byte"))
    means = {f"mean_{key}_s": value for key in ("user", "system") if (value := number_of(node.get(key))) is not None}
    runs = []
    for at, time in enumerate(times):
        known = codes is not None
        runs.append(
            ToolRun(
                {TIME: series([time], "s") if time > 0 else summary(None, "s", why=ZERO)},
                facts=means if at == 0 else {},
                inferred=None if known else UNKNOWN_END,
                max_rss_bytes=memory[at] or None if memory is not None else None,
                missing={"cpu": _MEAN, **({"wall_s": ZERO} if time == 0 else {})},
                **_ending(codes[at] if codes is not None else None, known=known),
            )
        )
    return tuple(runs)


def _as_many(node: Node | None, count: int) -> list[int | None] | None:
    """A list with a whole number, or null, for each time; ``None`` if hyperfine wrote none."""
    if node is None:
        return None
    found = [None if item.value is None else item.whole() for item in node.each()]
    if len(found) != count:
        raise Unreadable(f"{node.path}: {len(found)} for {count} times")
    return found


def _measured(node: Node) -> tuple[ToolRun, ...]:
    """Runs of version 2: an object a run, whose figures have a value and a unit each."""
    runs = []
    for measurement in node["measurements"].each():
        figures: dict[str, Series] = {}
        for key, value in measurement.items():
            if key == "exit_code" or value.value is None:
                continue
            unit = value["unit"].text()
            figures[key] = series([value["value"].number()], unit)
        if "time_wall_clock" not in figures:
            raise Unreadable(f"{measurement.path}.time_wall_clock: missing")
        wall = figures.pop("time_wall_clock")
        code = measurement.get("exit_code")
        user, system, cpu, rss = (
            found.value if (found := figures.pop(f"{name}", None)) is not None else None
            for name in ("time_user", "time_system", "time_cpu", "memory_peak_resident")
        )
        zero = not wall.value
        runs.append(
            ToolRun(
                {TIME: summary(None, "s", why=ZERO) if zero else wall, **figures},
                user_s=user,
                system_s=system,
                cpu_s=cpu,
                max_rss_bytes=whole_of(rss) or None,
                inferred=None if "exit_code" in measurement.value else UNKNOWN_END,
                missing={"wall_s": ZERO} if zero else {},
                **_ending(None if code is None else code.whole(), known="exit_code" in measurement.value),
            )
        )
    if not runs:
        raise Unreadable(f"{node.path}.measurements: empty")
    return tuple(runs)


def _ending(code: int | None, *, known: bool) -> dict[str, Any]:
    """How an execution ended; hyperfine writes the signal N as 128 + N, as a shell does, or as null."""
    if not known:
        return {}
    if code == 0:
        return {"exit_code": 0}
    if code is not None:
        return {"outcome": "failed", "exit_code": code, "signature": f"exit code {code}"}
    return {"outcome": "failed", "signature": "ended without an exit code"}
