"""What an archive from anywhere holds, unpacked: bounded, and nothing but files that a bundle can have."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from bench.errors import DamagedData
from bench.names import check_part, is_file_name, is_stamp
from bench.record.storage.compression import BROKEN, decompressed
from bench.record.storage.disk import make_folders
from bench.units import size

_HEADER_BYTES = 1024 * 1024


def unpack(archive: Path, workshop: Path, max_bytes: int, max_files: int) -> list[str]:
    """Unpack an archive's bundles into a folder.

    Args:
        archive: a ``.tar.zst`` or a gzipped tar, from anywhere.
        workshop: an empty folder.
        max_bytes: what it may unpack to, headers and padding included.
        max_files: how many entries it may have.

    Returns:
        The places of the bundles, as ``host/diagnostic/stamp``.

    Raises:
        DamagedData: not an archive of bundles, too large, or an entry that no bundle has.
        OSError: the disk refuses.
    """
    try:
        with archive.open("rb") as raw, decompressed(raw, archive.name) as stream:
            return _extract(Bounded(stream, max_bytes), workshop, archive, max_files)
    except RecursionError:  # tarfile reads a header that extends a header by calling itself
        raise DamagedData(f"{archive} cannot be unpacked", "its headers are nested without end") from None
    except (tarfile.TarError, *BROKEN, ValueError) as error:
        raise DamagedData(f"{archive} cannot be unpacked", str(error) or "it is cut off", "fetch it again") from None


def _extract(stream: Bounded, workshop: Path, archive: Path, max_files: int) -> list[str]:
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
            tar.members.clear()  # type: ignore[attr-defined]  # else it remembers every member
            count += 1
            if count > max_files:
                raise DamagedData(f"{archive} holds more than {max_files} files", "no set of bundles does")
            if member.isdir():
                continue
            name = _name_of(member, archive)
            stream.announce(member.size)
            source = tar.extractfile(member)
            if source is None:
                raise DamagedData(f"{archive} holds '{name}' without content")
            target = workshop / name
            if target.is_file():
                raise DamagedData(f"{archive} holds '{name}' twice")
            if target.exists() or any(folder.is_file() for folder in target.parents):
                raise DamagedData(f"{archive} holds '{name}' beside a folder or below a file of that name")
            make_folders(target.parent)
            with target.open("xb") as file:
                shutil.copyfileobj(source, file)
            places.add("/".join(name.split("/")[:3]))
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
    if len(parts) < 4 or not is_stamp(parts[2]) or not is_file_name(inner):
        raise DamagedData(said, "which is no file of a bundle", "nothing was imported")
    try:
        check_part(parts[0], "host id")
        check_part(parts[1], "diagnostic")
    except DamagedData as error:
        raise DamagedData(said, "which is no file of a bundle", str(error)) from None
    return name


class Bounded:
    """Reads from a stream, at most ``max_bytes`` in all, and fewer while :meth:`at_most` holds.

    Raises:
        DamagedData: on reading past the bound.
    """

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream, self._left, self._max = stream, max_bytes, max_bytes

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes; fewer only at the end."""
        data = self._stream.read(min(count, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise self._too_large()
        return data

    def announce(self, count: int) -> None:
        """A file of ``count`` bytes is to come: one that cannot fit is refused before any of it is written."""
        if count > self._left:
            raise self._too_large()

    def _too_large(self) -> DamagedData:
        return DamagedData(f"the archive unpacks to more than {size(self._max)}", "it is not what it says or a trap")

    @contextlib.contextmanager
    def at_most(self, count: int) -> Iterator[None]:
        """Allow only ``count`` bytes within the block."""
        held = max(0, self._left - count)
        self._left -= held
        try:
            yield
        finally:
            self._left += held
