"""One archive that carries bundles to another machine, and back in from one that nobody vouches for.

The same bundles give the same bytes: names sorted, owner, rights and times fixed. Reading trusts nothing: sizes are
bounded while unpacking, every name must be that of a bundle's file, links and devices are refused, and each bundle is
verified before it is renamed into place.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from bench.errors import DamagedData, UsageError
from bench.record.bounded import Bounded
from bench.record.bundle import read_bundle
from bench.record.disk import being_written, disk_errors, make_folders, remove_empty, sync_folder, sync_tree
from bench.record.find import Follow
from bench.record.manifest import hash_file, list_files
from bench.record.names import PARTIAL, is_file_name, is_stamp, record_id
from bench.record.verify import verify_bundle

DEFAULT_MAX_BYTES = 2 * 1024**3
"""Unpacked size that an import accepts, in bytes."""
MAX_FILES = 100_000
_ZSTD_LEVEL = 10
_GZIP_LEVEL = 9
_MAX_WINDOW_BYTES = 128 * 1024 * 1024
_HEADER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Bundles that were brought in, and those that were here already with the same content; paths of folders."""

    imported: tuple[Path, ...]
    present: tuple[Path, ...]


def export(bundles: Sequence[Path], target: Path, follow: Follow = iter) -> None:
    """Write bundles into one archive, all or nothing; an older file of that name is replaced.

    Args:
        bundles: folders of bundles; each is verified first.
        target: ``….tar.zst`` or ``….tar.gz``; the suffix decides.
        follow: told of each bundle that is checked, and again of each that is packed.

    Raises:
        UsageError: another suffix, no bundle, two different bundles with one id, or the file cannot be written.
        DamagedData: a bundle is damaged.
        NotMeasured: the disk is full.
    """
    _check_suffix(target)
    if not bundles:
        raise UsageError("there is nothing to export", fix="name a bundle or a folder of bundles")
    folders = _by_id(follow(list(bundles)))
    with disk_errors(target.parent):
        make_folders(target.parent)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=PARTIAL)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as raw:
                with (
                    _compressed(raw, target) as stream,
                    tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
                ):
                    places = {folder: place for place, folder in folders.items()}
                    for folder in follow([folders[place] for place in sorted(folders)]):
                        _add(tar, folder, places[folder])
                raw.flush()
                os.fsync(raw.fileno())
            temporary.chmod(0o644)
            temporary.replace(target)
            sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def import_archive(
    archive: Path, results: Path, max_bytes: int = DEFAULT_MAX_BYTES, follow: Follow = iter
) -> ImportReport:
    """Bring an archive's bundles into the results folder; all of them, or none.

    Args:
        archive: a ``.tar.zst`` or ``.tar.gz``, from anywhere.
        results: the results folder; made if missing.
        max_bytes: what the archive may unpack to.
        follow: told of each bundle that is checked.

    Raises:
        UsageError: there is no such file, or the results folder cannot be written.
        DamagedData: not an archive of bundles, too large, a path or a kind of file that no bundle has, a bundle that
            is damaged, or one that differs from the one that is here under the same id (bundles are written once).
        NotMeasured: the disk is full.
    """
    _check_suffix(archive)
    if not archive.is_file():
        raise UsageError(f"there is no archive {archive}")
    with disk_errors(results):
        made = make_folders(results)
        workshop = Path(tempfile.mkdtemp(dir=results, prefix=".import-", suffix=PARTIAL))
        try:
            with being_written(workshop):
                places = [workshop / place for place in _unpack(archive, workshop, max_bytes)]
                return _move_in(follow(places), workshop, results, archive)
        except BaseException:
            shutil.rmtree(workshop, ignore_errors=True)
            remove_empty(made)
            raise
        finally:
            shutil.rmtree(workshop, ignore_errors=True)


def _check_suffix(path: Path) -> None:
    if not path.name.endswith((".tar.zst", ".tar.gz", ".tgz")):
        raise UsageError(f"{path} does not say its kind of archive", fix="call it F.tar.zst or F.tar.gz")


def _by_id(bundles: Iterable[Path]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for folder in bundles:
        problems = verify_bundle(folder)
        if problems:
            raise DamagedData(f"{folder} is damaged", str(problems[0]), "see 'bench verify' for all that is wrong")
        bundle = read_bundle(folder)
        place = record_id(*bundle.key)
        if place in folders and _digests(folders[place]) != _digests(bundle.path):
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


@contextlib.contextmanager
def _compressed(raw: BinaryIO | IO[bytes], target: Path) -> Iterator[IO[bytes]]:
    if target.name.endswith(".zst"):
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
        with compressor.stream_writer(raw, closefd=False) as stream:
            yield cast("IO[bytes]", stream)
    else:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=raw, mtime=0) as packed:
            yield cast("IO[bytes]", packed)


def _unpack(archive: Path, workshop: Path, max_bytes: int) -> list[str]:
    """Unpack into ``workshop``; returns the places of the bundles, as ``host/diagnostic/stamp``."""
    try:
        with archive.open("rb") as raw, _decompressed(raw, archive) as stream:
            return _extract(Bounded(stream, max_bytes), workshop, archive)
    except (tarfile.TarError, zstandard.ZstdError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise DamagedData(f"{archive} cannot be unpacked", str(error) or "it is cut off", "fetch it again") from None


def _decompressed(raw: IO[bytes], archive: Path) -> IO[bytes]:
    if archive.name.endswith(".zst"):
        return cast(
            "IO[bytes]",
            zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).stream_reader(raw, read_across_frames=True),
        )
    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))


def _extract(stream: Bounded, workshop: Path, archive: Path) -> list[str]:
    places: set[str] = set()
    count = 0
    # Long names and extended headers are read into memory, so headers get a bound of their own.
    with stream.at_most(_HEADER_BYTES):
        opened = tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|")  # noqa: SIM115 - closed two lines below
    with opened as tar:
        while True:
            with stream.at_most(_HEADER_BYTES):
                member = tar.next()
            if member is None:
                break
            count += 1
            if count > MAX_FILES:
                raise DamagedData(f"{archive} holds more than {MAX_FILES} files", "no set of bundles does")
            if member.isdir():
                continue
            name = _name_of(member, archive)
            stream.announce(member.size)
            source = tar.extractfile(member)
            if source is None:
                raise DamagedData(f"{archive} holds '{name}' without content")
            target = workshop / name
            make_folders(target.parent)
            if target.exists():
                raise DamagedData(f"{archive} holds '{name}' twice")
            with target.open("xb") as file:
                shutil.copyfileobj(source, file)
            places.add("/".join(name.split("/")[:3]))
            tar.members.clear()  # type: ignore[attr-defined]  # else it remembers every member
    if not places:
        raise DamagedData(f"{archive} holds no bundle")
    return sorted(places)


def _name_of(member: tarfile.TarInfo, archive: Path) -> str:
    name = member.name.removeprefix("./").removeprefix("results/")
    parts = name.split("/")
    said = f"{archive} holds {member.name!r:.120}"
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        raise DamagedData(said, "which is a link, a device or the like", "nothing was imported")
    inner = "/".join(parts[3:])
    if len(parts) < 4 or not is_stamp(parts[2]) or not is_file_name("/".join(parts[:3])) or not is_file_name(inner):
        raise DamagedData(said, "which is no file of a bundle", "nothing was imported")
    return name


def _move_in(folders: Iterable[Path], workshop: Path, results: Path, archive: Path) -> ImportReport:
    refused: list[str] = []
    new: list[str] = []
    present: list[Path] = []
    for folder in folders:
        place = folder.relative_to(workshop).as_posix()
        reason = _refusal(folder, place, results)
        if reason is not None:
            refused.append(f"{place} {reason}")
        elif os.path.lexists(results / place):
            present.append(results / place)
        else:
            new.append(place)
    if refused:
        raise DamagedData(
            f"{archive} was not imported", "; ".join(refused), "ask its sender, or remove the bundle that is here"
        )
    for place in new:
        sync_tree(workshop / place)
        make_folders((results / place).parent)
        (workshop / place).rename(results / place)
        sync_folder((results / place).parent)
    return ImportReport(tuple(results / place for place in new), tuple(present))


def _refusal(folder: Path, place: str, results: Path) -> str | None:
    """Why a bundle may not come in, or ``None``."""
    problems = verify_bundle(folder)
    if problems:
        return f"is damaged: {problems[0]}"
    if record_id(*read_bundle(folder).key) != place:
        return f"holds the record of {record_id(*read_bundle(folder).key)}"
    target = results / place
    if not target.parent.resolve().is_relative_to(results.resolve()) or target.is_symlink():
        return "would leave the results folder through a link"
    if os.path.lexists(target) and _digests(target) != _digests(folder):
        return "differs from the one that is here"
    return None


def _digests(folder: Path) -> dict[str, str]:
    return {name: hash_file(folder / name) for name in list_files(folder)[0]}
