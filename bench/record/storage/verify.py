"""Whether bundles are what they were: every file against the manifest, the record against the schema and itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.record.codec import NewerSchema
from bench.record.consistency import contradictions, identity_problems
from bench.record.duplicates import duplicate_keys
from bench.record.storage.bundle import RECORD, read_bundle
from bench.record.storage.find import Follow, bundle_folders, find_twins, no_bundle_in
from bench.record.storage.manifest import Problem, check_manifest


@dataclass(frozen=True, slots=True)
class BundleProblem:
    """What is wrong with one file of one bundle."""

    bundle: Path
    problem: Problem

    def __str__(self) -> str:
        return f"{self.bundle}: {self.problem}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The bundles that were looked at, all that is wrong with them, and which results are there twice."""

    bundles: tuple[Path, ...]
    problems: tuple[BundleProblem, ...]
    twins: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def damaged(self) -> frozenset[Path]:
        """The bundles that are not what they were."""
        return frozenset(one.bundle for one in self.problems if one.problem.newer is None)

    @property
    def newer(self) -> dict[Path, str]:
        """The others, that only a newer version can read: each with what to do."""
        found = {one.bundle: one.problem.newer for one in self.problems if one.problem.newer is not None}
        return {bundle: todo for bundle, todo in found.items() if bundle not in self.damaged}


def verify(path: Path, follow: Follow = iter) -> VerifyReport:
    """Check one bundle or every bundle of a tree; in a tree its folders are part of what a record must agree with.

    Raises:
        UsageError: there is no such folder.
        DamagedData: it holds no bundle.
    """
    folders = bundle_folders(path)
    if not folders:
        raise no_bundle_in(path)
    problems = [BundleProblem(folder, problem) for folder in follow(folders) for problem in verify_bundle(folder, path)]
    return VerifyReport(tuple(folders), tuple(problems), tuple(str(twin) for twin in find_twins(folders)))


def verify_bundle(folder: Path, tree: Path | None = None, called: str | None = None) -> list[Problem]:
    """Return what is wrong with one bundle: its files, its record's schema and sense, a record that belongs elsewhere.

    Args:
        folder: the bundle. One by itself may be a copy that lies anywhere: of its place its stamp alone counts.
        tree: the folder of results that it lies in.
        called: what messages call the record, if its path means nothing to the reader.
    """
    try:
        problems = check_manifest(folder)
    except OSError as error:
        return [Problem(str(error.filename or folder), f"cannot be read: {error.strerror}")]
    try:
        bundle = read_bundle(folder, called)
    except NewerSchema as error:
        return [*problems, Problem(RECORD, str(error), newer=error.fix)]
    except BenchError as error:
        return [*problems, Problem(RECORD, str(error))]
    twice = [f"{key!r:.80} stands twice in one object" for key in duplicate_keys(bundle.record_bytes)]
    senseless = [Problem(RECORD, said) for said in (*twice, *contradictions(bundle.record))]
    inside = folder.relative_to(tree).parts if tree is not None else ()
    return problems + identity_problems(bundle, inside or (folder.name,)) + senseless
