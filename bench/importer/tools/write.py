"""Another tool's benchmarks, written as bundles: one row for each, one for what was left out or could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.compare.verdict import verdict_of
from bench.errors import BenchError, UsageError
from bench.files import read_plain
from bench.importer.convert import Given
from bench.importer.result.rows import Row
from bench.importer.result.write import Differs, write_once
from bench.importer.tools.convert import digest_of, record_of, stamp_of
from bench.importer.tools.load import Loaded
from bench.importer.tools.model import ToolBenchmark, ToolFile
from bench.importer.tools.naming import name_of_benchmark
from bench.record.host_id import host_id
from bench.record.storage.bundle import MAX_RECORD_BYTES, RECORD, Content, read_bundle


def check_tools(loaded: Sequence[Loaded], given: Given, stamp: str | None) -> None:
    """Refuse before anything is written what is given for one diagnostic and would go to several.

    Args:
        loaded: the files of tools.
        given: what the command line gives beside them.
        stamp: the stamp that it gives.

    Raises:
        UsageError: several diagnostics, or several results of one.
    """
    names = [benchmark.name for one in loaded if one.found is not None for benchmark in one.found.benchmarks]
    if (given.name, given.ceiling_s) != (None, None) and len(set(names)) > 1:
        several = f"{', '.join(sorted(set(names))[:3])}{' and more' if len(set(names)) > 3 else ''}"
        raise UsageError(
            f"--name and --ceiling are for one diagnostic, and here are {len(set(names))}",
            several,
            "import them without",
        )
    if stamp is not None and len(set(names)) < len(names):
        raise UsageError("--stamp is for one result, and here are several of one diagnostic", fix="import them without")


def write_tools(loaded: Sequence[Loaded], results: Path, given: Given, stamp: str | None) -> Iterator[Row]:
    """Write each benchmark as a bundle; yield what came of it.

    Args:
        loaded: the files of tools.
        results: the results folder.
        given: what the files do not hold.
        stamp: when it was, in place of what the files say.

    Raises:
        UsageError: the results folder cannot be written, or a stamp that was given is taken.
        NotMeasured: the disk is full.
    """
    for one in loaded:
        for problem in one.problems:
            yield Row(one.file.name, "damaged", str(problem), problems=(problem,))
        if one.found is None:
            continue
        for name, why in one.found.skipped:
            yield Row(f"{one.file.name}: {name}", "skipped", why)
        for benchmark in one.found.benchmarks:
            yield _write(benchmark, one.found, one, (results, given, stamp))


def _write(benchmark: ToolBenchmark, found: ToolFile, one: Loaded, where: tuple[Path, Given, str | None]) -> Row:
    results, given, stamp = where
    source = f"{one.file.name}: {benchmark.name}"
    name = given.name or name_of_benchmark(benchmark.name)
    here = _present(results / host_id(benchmark.host.class_) / name, digest_of(benchmark, found.tool))
    if here is not None:
        return Row(source, "present", None, here, read_bundle(here).record)
    record = record_of(benchmark, found, stamp_of(benchmark, found.tool, one.file.modified, stamp), given)
    record = msgspec.structs.replace(record, verdict=verdict_of(record))
    files: dict[str, Content] = {f"original/benchmark{benchmark.suffix}": benchmark.original.encode("utf-8", "replace")}
    try:
        path, final = write_once(results, record, files, fixed=stamp is not None)
    except Differs as error:
        return Row(source, "refused", f"{error.path} is of the same run and differs", error.path, record)
    place = results / final.host.id / final.diagnostic.name / final.stamp
    return Row(source, "present" if path is None else "imported", None, place, final)


def _present(folder: Path, digest: str) -> Path | None:
    """The bundle that holds this very measurement, under whatever stamp."""
    mark = digest.encode("ascii")
    for file in sorted(folder.glob(f"*/{RECORD}")):
        try:
            if (
                mark in read_plain(file, MAX_RECORD_BYTES)
                and read_bundle(file.parent).record.tool.get("digest") == digest
            ):
                return file.parent
        except (OSError, BenchError):
            continue
    return None
