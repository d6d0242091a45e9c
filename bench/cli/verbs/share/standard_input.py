"""Standard input in the place of a file: ``-``, kept in a file for as long as it is read."""

from __future__ import annotations

import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError, DamagedData, NotMeasured, UsageError

HERE = Path("-")
"""The word for standard input."""
MAX_BYTES = 1024**3
"""So much is read of it."""
_CHUNK = 1024**2
_FOLDER = "bench-stdin-"
_NAME = "stdin"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


@contextmanager
def with_standard_input(sources: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the sources, with a file in the place of ``-`` that holds what standard input had.

    Raises:
        UsageError: ``-`` is given twice, nothing is piped in, or too much.
        DamagedData: it is empty.
        NotMeasured: there is no room for it.
    """
    if HERE not in sources:
        yield list(sources)
        return
    if list(sources).count(HERE) > 1:
        raise UsageError("- is given twice", "standard input can be read once", "give it once")
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("- reads standard input, and nothing is piped in", fix="pipe a file in, or name it")
    with tempfile.TemporaryDirectory(prefix=_FOLDER) as folder:
        kept = Path(folder, _NAME)
        _keep(kept)
        kept = kept.rename(kept.with_name(_NAME + _suffix(kept)))
        try:
            yield [kept if source == HERE else source for source in sources]
        except BenchError as error:
            error.what = error.what.replace(str(kept), "standard input")
            raise


def is_standard_input(path: Path) -> bool:
    """Return whether a file is the one that stands in the place of ``-``."""
    return path.name.startswith(_NAME) and path.parent.name.startswith(_FOLDER)


def _suffix(path: Path) -> str:
    """What an archive of bundles is known by: the end of its name."""
    with path.open("rb") as file:
        if file.read(len(_ZSTANDARD)) == _ZSTANDARD:
            return ".tar.zst"
    return ".tar.gz" if tarfile.is_tarfile(path) else ""


def _keep(path: Path) -> None:
    total = 0
    try:
        with path.open("wb") as file:
            while chunk := sys.stdin.buffer.read(_CHUNK):
                total += len(chunk)
                if total > MAX_BYTES:
                    raise UsageError(f"standard input has over {MAX_BYTES} bytes", fix="give the file by its name")
                file.write(chunk)
    except OSError as error:
        raise NotMeasured("standard input cannot be kept", error.strerror or str(error), "make room") from error
    if not total:
        raise DamagedData("standard input is empty", fix="pipe in what a tool wrote")
