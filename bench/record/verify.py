"""Whether bundles are what they were: every file against the manifest, the record against the schema and its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.record.bundle import RECORD, read_bundle
from bench.record.find import Follow, bundle_folders
from bench.record.manifest import Problem, check_manifest
from bench.record.names import is_stamp
from bench.record.schema import Record


@dataclass(frozen=True, slots=True)
class BundleProblem:
    """What is wrong with one file of one bundle."""

    bundle: Path
    problem: Problem

    def __str__(self) -> str:
        return f"{self.bundle}: {self.problem}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The bundles that were looked at, and all that is wrong with them."""

    bundles: tuple[Path, ...]
    problems: tuple[BundleProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(path: Path, follow: Follow = iter) -> VerifyReport:
    """Check one bundle or every bundle of a tree.

    Raises:
        UsageError: no bundle is there.
    """
    folders = bundle_folders(path)
    if not folders:
        raise UsageError(f"there is no bundle in {path}", fix="give a bundle or a folder of bundles")
    problems = [BundleProblem(folder, problem) for folder in follow(folders) for problem in verify_bundle(folder)]
    return VerifyReport(tuple(folders), tuple(problems))


def verify_bundle(folder: Path) -> list[Problem]:
    """What is wrong with one bundle: its files, its record's schema, and a record that belongs elsewhere."""
    try:
        problems = check_manifest(folder)
    except OSError as error:
        return [Problem(str(error.filename or folder), f"cannot be read: {error.strerror}")]
    try:
        record = read_bundle(folder).record
    except BenchError as error:
        return [*problems, Problem(RECORD, str(error))]
    return problems + place_problems(record, folder)


def place_problems(record: Record, folder: Path) -> list[Problem]:
    """A record whose stamp is not its folder's, where that is named by one (a copy may be called anything)."""
    if is_stamp(folder.name) and record.stamp != folder.name:
        return [Problem(RECORD, f"its stamp is {record.stamp}, its folder {folder.name}")]
    return []
