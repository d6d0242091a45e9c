"""One archive that carries bundles to another machine, and back in from one that nobody vouches for.

The same bundles give the same bytes: names sorted, owner, rights and times fixed. Reading trusts nothing: an archive is
unpacked within bounds (``bench.record.storage.unpack``), and each bundle is verified before it is renamed into place.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError, DamagedData, UsageError
from bench.names import PARTIAL, record_id
from bench.record.codec import NewerSchema
from bench.record.storage.bundle import RECORD, read_bundle
from bench.record.storage.compression import compressed
from bench.record.storage.disk import disk_errors, make_folders, remove_empty, sync_folder, sync_tree
from bench.record.storage.find import Follow
from bench.record.storage.manifest import list_files
from bench.record.storage.output import find_output, output_file
from bench.record.storage.partial import IMPORT, held
from bench.record.storage.temporary import temporary_folder
from bench.record.storage.twins import digests, place_for, restamp
from bench.record.storage.unpack import unpack
from bench.record.storage.verify import BundleProblem, VerifyReport, verify_bundle

DEFAULT_MAX_BYTES = 2 * 1024**3
"""Unpacked size that an import accepts, in bytes."""
MAX_FILES = 100_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Bundles that were brought in, and those that were here already with the same content; paths of folders.

    ``renamed`` are those of both whose own id another result has here, with that id.
    """

    imported: tuple[Path, ...]
    present: tuple[Path, ...]
    renamed: Mapping[Path, str] = field(default_factory=dict)


def export(bundles: Sequence[Path], target: Path, follow: Follow = iter) -> None:
    """Write bundles into one archive, all or nothing; an older file is replaced (``bench.record.storage.output``).

    Args:
        bundles: folders of bundles; each is verified first.
        target: ``….tar.zst`` or ``….tar.gz``; the suffix decides.
        follow: given each bundle that is checked, and again each that is packed.

    Raises:
        UsageError: another suffix, no bundle, two different bundles with one id, or the file cannot be written.
        DamagedData: a bundle is damaged.
        NotMeasured: the disk is full.
    """
    _check_suffix(target)
    find_output(target, "-o")
    if not bundles:
        raise UsageError("there is nothing to export", fix="name a bundle or a folder of bundles")
    folders = _by_id(follow(list(bundles)))
    places = {folder: place for place, folder in folders.items()}
    with (
        output_file(target, "-o") as raw,
        compressed(raw, target.name) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for folder in follow([folders[place] for place in sorted(folders)]):
            _add(tar, folder, places[folder])


def import_archive(
    archive: Path, results: Path, max_bytes: int = DEFAULT_MAX_BYTES, follow: Follow = iter
) -> ImportReport:
    """Bring an archive's bundles into the results folder; all of them, or none.

    Args:
        archive: a ``.tar.zst`` or ``.tar.gz``, from anywhere.
        results: the results folder; made if missing.
        max_bytes: what the archive may unpack to.
        follow: given each bundle that is checked.

    Raises:
        UsageError: there is no such file, or the results folder cannot be written.
        DamagedData: not an archive of bundles, too large, a path or a kind of file that no bundle has, a bundle that
            is damaged, or one that differs from the one of the same run that is here (bundles are written once).
            Another run of the same id gets the next free stamp.
        NotMeasured: the disk is full.
    """
    _check_suffix(archive)
    if not archive.is_file():
        raise UsageError(f"there is no archive {archive}")
    with disk_errors(results):
        made = make_folders(results)
        try:
            with held(results, IMPORT, PARTIAL) as workshop:
                places = [workshop / place for place in unpack(archive, workshop, max_bytes, MAX_FILES)]
                return _move_in(follow(places), workshop, results, archive)
        except BaseException:
            remove_empty(made)
            raise


def verify_archive(archive: Path, follow: Follow = iter) -> VerifyReport:
    """Check the bundles of an archive, as :func:`bench.record.storage.verify.verify` checks those of a folder.

    Args:
        archive: a ``.tar.zst`` or ``.tar.gz``, from anywhere.
        follow: given each bundle that is checked.

    Raises:
        DamagedData: not an archive of bundles, too large, or an entry that no bundle has.
        NotMeasured: the disk is full.
    """
    with temporary_folder("verify") as workshop, disk_errors(workshop):
        places = unpack(archive, workshop, DEFAULT_MAX_BYTES, MAX_FILES)
        problems = [
            BundleProblem(place, problem)
            for place in follow([archive / place for place in places])
            for problem in verify_bundle(workshop / place.relative_to(archive), workshop, f"{place}/{RECORD}")
        ]
        return VerifyReport(tuple(archive / place for place in places), tuple(problems))


def is_archive(path: Path) -> bool:
    """Return whether a file's name shows that it is an archive of bundles."""
    return path.name.endswith((".tar.zst", ".tar.gz", ".tgz"))


def _check_suffix(path: Path) -> None:
    if not is_archive(path):
        raise UsageError(f"{path} does not say its kind of archive", fix="call it F.tar.zst or F.tar.gz")


def _by_id(bundles: Iterable[Path]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for folder in bundles:
        bundle = read_bundle(folder)
        problems = verify_bundle(folder)
        if problems:
            raise DamagedData(f"{folder} is damaged", str(problems[0]), "see 'bench verify' for all that is wrong")
        place = record_id(*bundle.key)
        if place in folders and digests(folders[place]) != digests(bundle.path):
            raise UsageError(
                f"{folders[place]} and {bundle.path} are both {place} and differ", fix="export one of them"
            )
        folders[place] = bundle.path
    return folders


def _add(tar: tarfile.TarFile, folder: Path, place: str) -> None:
    for name in list_files(folder)[0]:
        path = folder / name
        info = tarfile.TarInfo(f"{place}/{name}")
        info.size = path.stat().st_size
        info.mode = 0o644
        with path.open("rb") as file:
            tar.addfile(info, file)


def _move_in(folders: Iterable[Path], workshop: Path, results: Path, archive: Path) -> ImportReport:
    refused: list[str] = []
    new: dict[str, Path] = {}
    renamed: dict[Path, str] = {}
    present: list[Path] = []
    for folder in folders:
        place = folder.relative_to(workshop).as_posix()
        reason = _refusal(folder, place, results, archive)
        if reason is None:
            target = place_for(folder, place, results, new)
            if target is None:
                reason = "differs from the one that is here"
            else:
                if target != place:
                    renamed[results / target] = place
                if target in new or os.path.lexists(results / target):
                    present.append(results / target)
                else:
                    new[target] = folder
        if reason is not None:
            refused.append(f"{place} {reason}")
    if refused:
        raise DamagedData(
            f"{archive} was not imported", "; ".join(refused), "ask its sender, or remove the bundle that is here"
        )
    for place, folder in new.items():
        move_in(folder, place, results)
    return ImportReport(tuple(results / place for place in new), tuple(present), renamed)


def move_in(folder: Path, place: str, results: Path) -> Path:
    """Rename a verified bundle to its place in the results, under another stamp if that is another's; return the place.

    Args:
        folder: the bundle, on the disk of the results.
        place: its place there, ``HOST/DIAGNOSTIC/STAMP``.
        results: the results folder.

    Raises:
        OSError: the disk refuses.
    """
    if folder.name != place.rpartition("/")[2]:
        restamp(folder, place.rpartition("/")[2])
    sync_tree(folder)
    make_folders((results / place).parent)
    folder.rename(results / place)
    sync_folder((results / place).parent)
    return results / place


def _refusal(folder: Path, place: str, results: Path, archive: Path) -> str | None:
    """Why a bundle may not come in, or ``None``.

    Raises:
        NewerSchema: nothing is wrong with it, but this version cannot read it.
    """
    try:
        bundle = read_bundle(folder, f"{place}/{RECORD} of {archive}")
    except NewerSchema:
        raise
    except BenchError:
        bundle = None
    problems = verify_bundle(folder, called="it")
    if bundle is None or problems:
        return f"is damaged: {problems[0]}"
    if record_id(*bundle.key) != place:
        return f"holds the record of {record_id(*bundle.key)}"
    return leaves(results, place)


def leaves(results: Path, place: str) -> str | None:
    """Return why a bundle may not be written at a place: a link in the results folder leads elsewhere."""
    target = results / place
    if not target.parent.resolve().is_relative_to(results.resolve()) or target.is_symlink():
        return "would leave the results folder through a link"
    return None
