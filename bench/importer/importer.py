"""Brings a folder of older evidence in as a bundle: its figures as a record, its files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.compare.ceiling_review import timeout_decision
from bench.compare.verdict import judge
from bench.errors import BenchError, UsageError
from bench.importer.convert import host_class, make_record, with_problems
from bench.importer.evidence import parse_files, read_files
from bench.importer.stamp import Stamp, choose_stamp
from bench.names import parse_stamp, safe_file_name
from bench.record.codec import encode
from bench.record.host_id import host_id
from bench.record.redact import redact_record
from bench.record.schema import Record
from bench.record.storage.bundle import RECORD, Content, hidden_values, read_bundle, write_bundle
from bench.record.storage.manifest import MANIFEST, Problem
from bench.report.files.analysis import analysis_name, analysis_time_txt
from bench.report.files.ceiling_review import timeout_decision_text
from bench.report.files.summary import render_summary

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
class Imported:
    """What an import made: bundles written (none where the same was here), the records, and what was wrong by line."""

    paths: tuple[Path, ...]
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


def import_folder(
    folder: Path,
    results: Path,
    *,
    stamp: str | None = None,
    ceiling_s: float | None = None,
    history: Sequence[Record] = (),
) -> Imported:
    """Import one run's evidence, in either layout: all files in one folder, or in ``env/ logs/ artifacts/``.

    Args:
        folder: the evidence; it is only read.
        results: the results folder.
        stamp: when it ran, where the files do not say; ``None`` takes the best witness among them.
        ceiling_s: the ceiling that held then, where it is known from elsewhere.
        history: earlier results, for the decision on the ceiling.

    Raises:
        UsageError: no such folder, or another result is here under the same stamp.
        DamagedData: it holds no evidence of a run, or ``stamp`` is none.
        NotMeasured: the disk is full.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    contents, problems, modified = read_files(folder)
    if RECORD in contents:
        raise UsageError(
            f"{folder} is a bundle already", fix="copy it into the results folder, or export and import it"
        )
    evidence = parse_files(contents)
    place = folder.resolve()
    if stamp is not None:
        parse_stamp(stamp)
        when, said = Stamp(stamp, "the command line"), list[Problem]()
    else:
        started = evidence.junit.started if evidence.junit else None
        when, said = choose_stamp(
            [place.name, *(part.name for part in place.parents)][:3], evidence.texts, started, modified
        )
    host, host_problems = host_class(evidence)
    record, contradictions = make_record(evidence, host_id(host), host, when)
    if ceiling_s is not None:
        missing = {path: why for path, why in record.unavailable.items() if path != "diagnostic.ceiling_s"}
        diagnostic = msgspec.structs.replace(record.diagnostic, ceiling_s=ceiling_s)
        record = msgspec.structs.replace(record, diagnostic=diagnostic, unavailable=missing)
    found = [*problems, *evidence.problems, *said, *host_problems, *contradictions]
    record = with_problems(record, found)
    record = msgspec.structs.replace(record, verdict=judge(record))
    path = _write(results, record, _files(contents, evidence.files), history)
    return Imported((path,) if path is not None else (), (record,), tuple(found))


def _write(results: Path, record: Record, files: dict[str, Content], history: Sequence[Record]) -> Path | None:
    """The bundle written; ``None`` where the same result is here already."""
    here = results / record.host.id / record.diagnostic.name / record.stamp
    if here.exists():
        try:
            same = read_bundle(here).record_bytes == encode(redact_record(record, hidden_values(record)))
        except BenchError:
            same = False
        if same:
            return None
    files = _kept_none(files) | files
    files |= {
        "summary.md": render_summary,
        analysis_name(record): analysis_time_txt,
        "analysis/timeout_decision.md": lambda final: timeout_decision_text(timeout_decision(final, history)),
    }
    return write_bundle(results, record, files, taken="refuse")


def _kept_none(files: Mapping[str, Content]) -> dict[str, Content]:
    """What stands in for the files that every bundle has and the older run did not keep."""
    return {name: form.format(name.rpartition("/")[2]).encode() for name, form in _EVERY.items() if name not in files}


def _files(contents: dict[str, bytes], placed: Mapping[str, str]) -> dict[str, Content]:
    """Every original file by its place in the bundle; those that no parser knows lie under ``original/``."""
    places = {name: place for place, name in placed.items()}
    files: dict[str, Content] = {}
    for name in sorted(contents):
        target = places.get(name) or f"original/{safe_file_name(name)}"
        while target in files or target in (RECORD, MANIFEST):
            target += "_"
        files[target] = contents[name]
    return files
