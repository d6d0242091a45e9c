"""The files of a bundle: what the runs and the host left, and what is rendered from the record and its verdict.

Text is redacted when the bundle is written; what is rendered comes last, since the record's stamp may move until then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from bench.compare.ceiling_review import timeout_decision
from bench.compare.explain.difference import explain
from bench.compare.explain.findings import Finding
from bench.errors import BenchError
from bench.files import read_plain
from bench.names import numbered
from bench.record.samples import GAUGES, TOTALS
from bench.record.schema import Record
from bench.record.storage.bundle import Content
from bench.report.files.analysis import analysis_name, analysis_time_txt
from bench.report.files.ceiling_review import timeout_decision_text
from bench.report.files.gnu_time import time_txt
from bench.report.files.summary import Operator, render_summary
from bench.report.files.texts import env_txt, exit_code_txt, signature
from bench.report.text import markdown, plain
from bench.run.host_snapshot import HostSnapshot
from bench.run.result.reading import OneRun, never_ran
from bench.units import size

_LOG = "logs/pytest.log"
_OUTPUT = "logs/output.log"
"""What a command printed: the one file that a test's bundle names otherwise."""
_JUNIT = "pytest.junit.xml"
_FROM_OUT = {
    "artifacts/pytest.junit.xml": _JUNIT,
    "artifacts/samples.csv": "samples.csv",
    "artifacts/facts.json": "facts.json",
    "artifacts/profiler.json": "profiler.json",
    "logs/prepare.log": "prepare.log",
}
"""A bundle's file for each run, and its name in the run's ``out`` folder."""

_MAX_OPERATORS_BYTES = 16 * 1024**2
_OPERATOR_CHARACTERS = 200
_MOST_BYTES = 128 * 1024**2
"""Of a file that a run left: it is held in memory while its secrets are looked for, some megabytes a second."""


def collect(
    record: Record,
    runs: Sequence[OneRun],
    before: HostSnapshot,
    after: HostSnapshot | None,
    history: Sequence[Record] = (),
) -> dict[str, Content]:
    """Return every file of a bundle but the record and the manifest: its name to its content.

    A required file that a run did not leave reports that, in its own form.

    Args:
        record: the record with its verdict.
        runs: its runs, in order.
        before: the host before the first.
        after: the host after the last, ``None`` if nobody looked.
        history: earlier results of the same diagnostic, for the decision on the ceiling.
    """
    files: dict[str, Content] = {}
    command = _commands(runs)
    failure = signature(record) or record.outcome
    total = max(record.runs_asked or 1, len(runs))
    runs = runs or (never_ran(0, failure),)  # so that every file is there, with the reason why it is empty
    of_command = record.diagnostic.command is not msgspec.UNSET
    for position, run in enumerate(runs):
        named = partial(numbered, index=position, total=total)
        log, name = read_log(run.out), _OUTPUT if of_command else _LOG
        files[named(name)] = _not_written(PurePosixPath(name).name, run) if log is None else log
        for name, left in _FROM_OUT.items():
            if of_command and left == _JUNIT:
                continue
            if (run.out / left).is_file():
                files[named(name)] = _left(run.out / left)
            elif name in _REQUIRED:
                files[named(name)] = _REQUIRED[name](record, run)
        files[named("artifacts/time.txt")] = time_txt(run.reading.run, _child(run)).encode()
        files[named("artifacts/exit_code.txt")] = exit_code_txt(run.reading.run).encode()
    said = command or [f"# nothing was run: {' '.join(failure.split())}"]
    files["artifacts/commands.txt"] = ("\n".join(said) + "\n").encode()
    files["env/env.txt"] = env_txt(record.environ, tuple(record.environ)).encode()
    files["env/torch_env.txt"] = _first(runs, "torch_env.txt")
    files["env/system_load.txt"] = _twice(before.system_load, after.system_load if after else None).encode()
    files["env/disk_usage.txt"] = before.disk_usage.encode()
    files[analysis_name(record)] = analysis_time_txt
    files["analysis/timeout_decision.md"] = _decision(history)
    files["summary.md"] = partial(
        render_summary,
        findings=findings_of(record),
        operators=[operator for run in runs for operator in read_operators(run.out)],
    )
    return files


def restore(bundle: Path, position: int, total: int, out: Path) -> None:
    """Put the evidence of one run of a bundle where the run had left it, as far as the bundle has it.

    Args:
        bundle: the bundle's folder.
        position: which of its runs.
        total: of how many, as its files are numbered.
        out: an existing, empty folder.
    """
    named = {numbered(name, index=position, total=total): left for name, left in (_FROM_OUT | {_LOG: LOG}).items()}
    for name, left in (named | {"env/torch_env.txt": "torch_env.txt"}).items():
        if (bundle / name).is_file() and not (bundle / name).is_symlink():
            shutil.copyfile(bundle / name, out / left)


def read_operators(out: Path) -> list[Operator]:
    """Return the operators' times of torch's profiler; none if it did not run, or wrote nothing that can be read."""
    path = out / "operators.json"
    try:
        rows = msgspec.json.decode(read_plain(path, _MAX_OPERATORS_BYTES), type=list[_Operator])
    except (OSError, ValueError, RecursionError):  # a test may have written anything there
        return []
    return [Operator(row.name[:_OPERATOR_CHARACTERS], row.self_s, row.calls) for row in rows]


class _Operator(msgspec.Struct):
    name: str
    self_s: Annotated[float, msgspec.Meta(ge=0, le=1e10)]
    calls: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def _decision(history: Sequence[Record]) -> Callable[[Record], str]:
    def decide(record: Record) -> str:
        try:
            return timeout_decision_text(timeout_decision(record, history))
        except (BenchError, ArithmeticError) as failure:
            return f"# The ceiling could not be reviewed: {markdown(failure)}\n"

    return decide


def _not_written(name: str, run: OneRun) -> bytes:
    return f"# {name} was not written: {_why(run)}\n".encode()


def _why(run: OneRun) -> str:
    said = run.reading.run.signature or f"the run ended as {run.reading.run.outcome.replace('_', ' ')}"
    return " ".join(plain(said).split())


def _no_junit(record: Record, run: OneRun) -> bytes:
    """A report with one error, that of the run; without a case if the run passed and no pytest was in it."""
    suites = Element("testsuites")
    passed = run.reading.run.outcome == "passed"
    counts = {"tests": "0" if passed else "1", "errors": "0" if passed else "1", "failures": "0", "skipped": "0"}
    suite = SubElement(suites, "testsuite", {"name": "bench", **counts})
    said = f"pytest wrote no report: {_why(run)}"
    if passed:
        SubElement(suite, "system-out").text = said
    else:
        case = SubElement(suite, "testcase", {"classname": "bench", "name": plain(record.diagnostic.node or "run")})
        SubElement(case, "error", {"message": said})
    text: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _no_samples(_record: Record, _run: OneRun) -> bytes:
    return (",".join(("t_s", *TOTALS, *GAUGES)) + "\n").encode()


_REQUIRED: Mapping[str, Callable[[Record, OneRun], bytes]] = {
    "artifacts/pytest.junit.xml": _no_junit,
    "artifacts/samples.csv": _no_samples,
}
"""What stands in for a file that a run should have left."""


def _first(runs: Sequence[OneRun], name: str) -> Content:
    found = next((run.out / name for run in runs if (run.out / name).is_file()), None)
    return _left(found) if found is not None else f"# {name} was not written by any run\n".encode()


def _left(path: Path) -> Path | bytes:
    """A file that a run left; one that cannot be read, or is larger than any, costs itself and no bundle."""
    try:
        with path.open("rb") as file:
            why = f"it is larger than {size(_MOST_BYTES)}" if file.seek(0, os.SEEK_END) > _MOST_BYTES else None
    except OSError as error:
        why = error.strerror or str(error)
    return path if why is None else f"# {path.name} was not taken: {why}\n".encode()


def _twice(before: str, after: str | None) -> str:
    """The host before the first run and, if it was looked at again, after the last."""
    return before if after is None else f"{before.rstrip()}\n\n# after the last run\n{after}"


def _child(run: OneRun) -> str:
    """The measured command: the last that the engine names, after the container's own."""
    return run.ending.commands[-1] if run.ending.commands else ""


def _commands(runs: Sequence[OneRun]) -> list[str]:
    """What was run, each command once."""
    return list(dict.fromkeys(line for run in runs for line in run.ending.commands))


def findings_of(record: Record) -> list[str]:
    """Return what stands out in a result that passed; if it did not, or has no time, its times mean nothing."""
    if record.outcome != "passed":
        return []
    try:
        return [sentence(finding) for finding in explain(record).findings]
    except BenchError:
        return []


def sentence(finding: Finding) -> str:
    """Return a finding as one line of text."""
    return "; ".join(part for part in (finding.evidence, finding.meaning, finding.remedy) if part)


LOG = "pytest.log"
MARK = (
    b"\n[\xe2\x80\xa6 the supervisor did not put the log together: the newest output follows, "
    b"and where it was more than fits, its end may stand before its beginning \xe2\x80\xa6]\n"
)


def read_log(out: Path) -> Path | bytes | None:
    """Return the log in a run's ``out`` folder, with the tail that a killed supervisor left beside it behind a mark.

    ``None`` if there is none. The tail is a ring (``bench.agent.log``); room that it never used is left out.
    """
    log, tail = out / LOG, out / f"{LOG}.tail"
    head = _left(log) if log.is_file() else None
    if tail.is_symlink() or not tail.is_file():
        return head
    parts = [part.read_bytes() if isinstance(part, Path) else part for part in (head or b"", _left(tail))]
    return parts[0] + MARK + parts[1].rstrip(b"\0")
