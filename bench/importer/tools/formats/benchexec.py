"""BenchExec's result XML: each run an execution of a tool on a task, measured by its control group."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any
from xml.parsers import expat

from bench.importer.tools.fields import MAX_SAMPLES, Unreadable, figure_of, moment_of, whole_of
from bench.importer.tools.model import TIME, Content, ToolBenchmark, ToolFile, ToolHost, ToolRun, series, summary
from bench.importer.tools.units import to_si
from bench.record.redact import allowed_environ
from bench.record.schema import HostClass, HostState, Outcome
from bench.record.storage.manifest import Problem

_FIGURE = re.compile(r"(?P<value>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)(?P<unit>[A-Za-z]*)")
_KERNEL = re.compile(r"Linux-(?P<kernel>[\w.+~-]+?)-(?:x86_64|aarch64|i[3-6]86|armv\w+|ppc64\w*)-")
_ENDED: dict[str, Outcome] = {
    "cputime": "timed_out",
    "cputime-soft": "timed_out",
    "walltime": "timed_out",
    "memory": "oom_killed",
    "killed": "interrupted",
}


def is_benchexec(text: str) -> bool:
    """Return whether a text is BenchExec's result file."""
    head = text[:4096]
    return (
        head.lstrip().startswith("<")
        and re.search(r"<result\s[^>]*\b(?:benchmarkname|toolmodule|generator)=", head) is not None
    )


def parse_benchexec(content: Content) -> ToolFile:
    """Read a result. A document type is passed over; one that declares an entity is refused, so no text can grow."""
    root = _tree(content.text)
    generator = root.get("generator", "")
    found, problems = [], []
    for at, run in enumerate(root.findall("run")):
        try:
            found.append(_benchmark(root, run, f"run[{at}]"))
        except Unreadable as error:
            problems.append(Problem(content.name, error.reason))
    version = generator.removeprefix("BenchExec ") if generator.startswith("BenchExec ") else None
    return ToolFile("BenchExec", version, tuple(found), problems=tuple(problems))


def _tree(text: str) -> ET.Element:
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    left = MAX_SAMPLES

    def start(tag: str, given: dict[str, str]) -> None:
        nonlocal left
        if (left := left - 1) < 0:
            raise Unreadable(f"over {MAX_SAMPLES} elements", parser.CurrentLineNumber)
        builder.start(tag, given)

    def refuse(*_: Any) -> None:
        raise Unreadable("declares an entity, which BenchExec never does", parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler = start, builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    try:
        # The declaration of an encoding speaks of bytes; this is text already.
        parser.Parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode("utf-8", "replace"), True)
        return builder.close()
    except expat.ExpatError as error:
        raise Unreadable(f"cut off or not XML: {expat.errors.messages[error.code]}", error.lineno) from None


def _benchmark(root: ET.Element, run: ET.Element, path: str) -> ToolBenchmark:
    name = run.get("name")
    if not name:
        raise Unreadable(f"{path}: has no name")
    parts = [root.get("benchmarkname"), root.get("name"), name]
    columns = {column.get("title", ""): column.get("value", "") for column in run.findall("column")}
    started = moment_of(columns.get("starttime"))
    environ = {variable.get("name", ""): variable.text or "" for variable in root.findall("systeminfo/environment/var")}
    made = started or moment_of(root.get("starttime"))
    return ToolBenchmark(
        ": ".join(part for part in parts if part),
        (_run(columns, path, started),),
        "".join(f"{title}: {value}\n" for title, value in columns.items()),
        ".txt",
        host=_host(root),
        params={
            "benchexec": {
                key: value
                for key in ("tool", "version", "options", "timelimit", "walltimelimit", "memlimit", "cpuCores")
                if (value := root.get(key))
            }
        },
        environ=allowed_environ(environ),
        made=made,
        timed="one execution of the tool",
    )


def _run(columns: dict[str, str], path: str, started: Any) -> ToolRun:
    wall, cpu = _figure(columns, "walltime", path), _figure(columns, "cputime", path)
    peak, read, written = (_whole(columns, key, path) for key in ("memory", "blkio-read", "blkio-write"))
    outcome, signature = _ending(columns)
    code, number = (_whole(columns, key, path) for key in ("returnvalue", "exitsignal"))
    time = series([wall], "s") if wall else summary(None, "s", why="BenchExec wrote no wall time")
    psi = {
        key: value
        for key in columns
        if key.startswith("pressure-") and (value := _figure(columns, key, path)) is not None
    }
    return ToolRun(
        {TIME: time},
        outcome=outcome,
        exit_code=code,
        signal=number,
        started=started,
        cpu_s=cpu,
        peak_bytes=peak,
        read_bytes=read,
        write_bytes=written,
        signature=signature,
        facts={key: columns[key] for key in ("status", "category", "terminationreason") if columns.get(key)} | psi,
    )


def _ending(columns: dict[str, str]) -> tuple[Outcome, str | None]:
    """How a run ended: by what BenchExec ended it for, by signal or exit code, then by its answer.

    Where there is neither an exit code nor a signal the tool was never started.
    """
    status, category = columns.get("status", ""), columns.get("category", "")
    reason = columns.get("terminationreason")
    if reason in _ENDED:
        return _ENDED[reason], f"BenchExec ended it: {reason} ({status})"
    if "returnvalue" not in columns and "exitsignal" not in columns:
        return "not_measured", f"the tool was not started: {status or 'BenchExec wrote no status'}"
    if "exitsignal" in columns:
        return "failed", f"ended by signal {columns['exitsignal']} ({status})"
    if category in ("wrong", "error") or reason:
        return "failed", f"{status or 'no status'}" + (f", {category}" if category else "")
    if columns["returnvalue"] != "0" and not category.startswith("correct"):
        return "failed", f"exit code {columns['returnvalue']} ({status})"
    return "passed", None


def _figure(columns: dict[str, str], title: str, path: str) -> float | None:
    given = columns.get(title)
    if not given:
        return None
    match = _FIGURE.fullmatch(given)
    if match is None:
        raise Unreadable(f"{path}: {title} is {given!r:.40}, which is no figure")
    try:
        return to_si(figure_of(match["value"]), match["unit"])[0]
    except Unreadable as error:
        raise Unreadable(f"{path}: {title}: {error.reason}") from None


def _whole(columns: dict[str, str], title: str, path: str) -> int | None:
    value = _figure(columns, title, path)
    found = None if value is None else whole_of(round(value))
    if value is not None and found is None:
        raise Unreadable(f"{path}: {title} is {columns[title]!r:.40}, which is no whole number that can be kept")
    return found


def _host(root: ET.Element) -> ToolHost:
    """The machine; if several ran parts of it, the file does not say which ran what, so none is named."""
    found = root.findall("systeminfo")
    if len(found) != 1:
        return ToolHost()
    cpu, ram, system = (found[0].find(tag) for tag in ("cpu", "ram", "os"))
    kernel = _KERNEL.match(system.get("name", "")) if system is not None else None

    def number(element: ET.Element | None, key: str) -> float | None:
        match = _FIGURE.fullmatch(element.get(key, "")) if element is not None else None
        return to_si(float(match["value"]), match["unit"])[0] if match is not None else None

    cores, memory = number(cpu, "cores"), number(ram, "size")
    turbo = cpu.get("turboboostActive") if cpu is not None else None
    return ToolHost(
        HostClass(
            cpu_model=cpu.get("model") if cpu is not None else None,
            cores=whole_of(cores),
            memory_bytes=whole_of(memory),
            kernel=kernel["kernel"] if kernel else None,
        ),
        HostState(boost=None if turbo is None else turbo == "true", frequency_hz=_hz(cpu)),
    )


def _hz(cpu: ET.Element | None) -> float | None:
    match = re.fullmatch(r"(\d{1,15})Hz", cpu.get("frequency", "")) if cpu is not None else None
    return float(match[1]) if match else None
