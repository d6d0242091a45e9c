"""One run of older evidence, written as a bundle: its figures as a record, its files beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.compare.ceiling_review import timeout_decision
from bench.compare.verdict import verdict_of
from bench.errors import BenchError, UsageError
from bench.importer.convert import Given, host_class, make_record, with_problems
from bench.importer.files import Evidence, Piece, evidence_of
from bench.importer.read.kinds import PLACES, Kind
from bench.importer.read.walk import File, read
from bench.importer.result.rows import Came, Row
from bench.importer.stamp import Stamp, choose_stamp
from bench.names import next_stamp, safe_file_name
from bench.record.codec import encode
from bench.record.host_id import host_id
from bench.record.redact import redact_record
from bench.record.schema import Record
from bench.record.storage.bundle import RECORD, Content, hidden_values, read_bundle, write_bundle
from bench.record.storage.manifest import MANIFEST, Problem
from bench.record.storage.twins import MAX_TWINS, restamped, same_run
from bench.report.files.analysis import analysis_name, analysis_time_txt
from bench.report.files.ceiling_review import timeout_decision_text
from bench.report.files.summary import render_summary

MAX_OTHERS = 1000
MAX_OTHER_BYTES = 64 * 1024**2
_LINE = "# the older run kept no {}\n"
_EVERY = {
    **dict.fromkeys((f"env/{name}.txt" for name in ("env", "torch_env", "disk_usage", "system_load")), _LINE),
    **dict.fromkeys((f"artifacts/{name}.txt" for name in ("commands", "time", "exit_code")), _LINE),
    "logs/pytest.log": _LINE,
    "artifacts/pytest.junit.xml": "<!-- the older run kept no {} -->\n<testsuites/>\n",
    "artifacts/samples.csv": "t_s\n",
}
"""A bundle's files of evidence, and what stands for one that there is not: in its own form, so that readers read it."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the tree: its folder, what rows call it, its pieces, the folder's other files.

    ``names`` and ``modified`` may show when it was. Files and problems are named from the folder.
    """

    home: str
    source: str
    pieces: Mapping[Kind, Piece]
    others: Sequence[File]
    names: Sequence[str]
    modified: float
    problems: Sequence[Problem]

    def name(self, given: Given) -> str:
        """Return what its diagnostic is called."""
        return _record_of(evidence_of(self.pieces), Stamp("19700101T000000Z", ""), given)[0].diagnostic.name


def write_result(run: Run, results: Path, given: Given, stamp: str | None) -> Row:
    """Write the run as a bundle of its own; return the row that shows what came of it.

    Args:
        run: the evidence.
        results: the results folder.
        given: what its files do not hold.
        stamp: when it was, in place of the best witness among the files.

    Raises:
        UsageError: the results folder cannot be written, or a stamp that was given is taken.
        NotMeasured: the disk is full.
    """
    evidence = evidence_of(run.pieces)
    problems = [*run.problems, *evidence.problems]
    if stamp is not None:
        when = Stamp(stamp, "the command line")
    else:
        started = evidence.junit.started if evidence.junit else None
        when, said = choose_stamp(run.names, evidence.texts, started, run.modified)
        problems += said
    record, said = _record_of(evidence, when, given)
    problems = list(dict.fromkeys([*problems, *said]))
    record = with_problems(record, problems)
    record = msgspec.structs.replace(record, verdict=verdict_of(record))
    others, left_out = _others(run.others)
    problems += left_out
    files = _files(run.pieces, others)
    try:
        path, final = write_once(results, record, files, fixed=stamp is not None)
    except Differs as error:
        why = f"{error.path} is of the same run and differs; bundles are written once"
        return Row(run.source, "refused", why, error.path, record, _named(run, problems))
    moved = final.stamp != record.stamp and "stamp" not in record.unavailable
    here = f"another run has {record.stamp}" if moved else None
    came: Came = "present" if path is None else "imported"
    place = results / final.host.id / final.diagnostic.name / final.stamp
    return Row(run.source, came, here, place, final, _named(run, problems))


def within(problem: Problem, home: str) -> Problem:
    """Return the problem with its file named from the tree's root."""
    return replace(problem, file=f"{home}/{problem.file}") if home else problem


def _named(run: Run, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(within(problem, run.home) for problem in problems)


def _record_of(evidence: Evidence, when: Stamp, given: Given) -> tuple[Record, list[Problem]]:
    host, problems = host_class(evidence)
    record, contradictions = make_record(evidence, host_id(host), host, when, given)
    return record, [*problems, *contradictions]


class Differs(Exception):
    """The same run is here with other content."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


def write_once(results: Path, record: Record, files: dict[str, Content], *, fixed: bool) -> tuple[Path | None, Record]:
    """Return where the bundle was written, at the next free stamp if another run has its own, and its record.

    Args:
        results: the results folder.
        record: with its verdict.
        files: the evidence, by place in the bundle.
        fixed: whether the stamp was given, and no other will do.

    Returns:
        The path, which is ``None`` if the same result is here already, and the record under its stamp.

    Raises:
        Differs: the same run is here with other content.
        UsageError: a stamp that was given is taken, or so are too many that follow.
    """
    files = _kept_none(files) | files
    files |= {
        "summary.md": render_summary,
        analysis_name(record): analysis_time_txt,
        "analysis/timeout_decision.md": lambda final: timeout_decision_text(timeout_decision(final, ())),
    }
    final, stamp = record, record.stamp
    for _ in range(MAX_TWINS):
        here = results / final.host.id / final.diagnostic.name / stamp
        if not os.path.lexists(here):
            return write_bundle(results, final, files, taken="refuse"), final
        try:
            there = read_bundle(here)
        except BenchError:
            raise Differs(here) from None
        if there.record_bytes == encode(redact_record(final, hidden_values(final))):
            return None, final
        guessed = "stamp" in record.unavailable
        if not guessed and same_run(there.record, final):
            raise Differs(here)
        if fixed:
            raise UsageError(f"{here} exists", "bundles are written once", "give another --stamp")
        stamp = next_stamp(stamp)
        final = restamped(record, stamp)
    raise UsageError(f"over {MAX_TWINS} results follow {record.id}", fix="give the right --stamp")


def _kept_none(files: Mapping[str, Content]) -> dict[str, Content]:
    """What stands in for the files that every bundle has and the older run did not keep."""
    return {name: form.format(name.rpartition("/")[2]).encode() for name, form in _EVERY.items() if name not in files}


def _others(files: Sequence[File]) -> tuple[dict[str, bytes], list[Problem]]:
    """The folder's files that no parser knows, as many as a bundle should hold."""
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    left = MAX_OTHER_BYTES
    for file in files:
        if len(found) >= MAX_OTHERS or file.size > left:
            problems.append(Problem(file.name, "not kept: the folder has more than one run's evidence should"))
            continue
        data, said = read(file, unpack=False)
        problems += said
        if not said or data:
            found[file.name] = data
            left -= len(data)
    return found, problems


def _files(pieces: Mapping[Kind, Piece], others: Mapping[str, bytes]) -> dict[str, Content]:
    """Every file by its place in the bundle; those that no parser knows lie under ``original/``."""
    files: dict[str, Content] = {
        PLACES[kind]: piece.text.lstrip("\n").encode("utf-8", "replace") for kind, piece in pieces.items()
    }
    for name in sorted(others):
        target = f"original/{safe_file_name(name)}"
        while target in files or target in (RECORD, MANIFEST):
            target += "_"
        files[target] = others[name]
    return files
