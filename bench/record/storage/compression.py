"""The compression of an archive, by its name: zstd (``.zst``), else gzip. The same bytes give the same bytes."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BROKEN = (zstd.ZstdError, zlib.error, gzip.BadGzipFile, EOFError)
"""What is raised while data is read that is not compressed so, or is cut off."""
_ZSTD_LEVEL = 10
_GZIP_LEVEL = 9
_WINDOW_LOG = 27
"""128 MiB, which is what an archive from anywhere may take of memory."""


def decompressed(raw: IO[bytes], name: str) -> IO[bytes]:
    """Return what a file of this name holds, to be read once; of several frames one after another."""
    if name.endswith(".zst"):
        return cast("IO[bytes]", zstd.ZstdFile(raw, options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}))
    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))


@contextlib.contextmanager
def compressed(raw: BinaryIO | IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """Give what compresses into a file of this name, which stays open."""
    if name.endswith(".zst"):
        options: dict[int, int] = {
            zstd.CompressionParameter.compression_level: _ZSTD_LEVEL,
            zstd.CompressionParameter.checksum_flag: 1,
        }
        with zstd.ZstdFile(raw, "w", options=options) as stream:
            yield cast("IO[bytes]", stream)
    else:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=raw, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
