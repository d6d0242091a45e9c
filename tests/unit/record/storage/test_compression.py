"""What is compressed comes back, as any other program of the format writes it; what is broken or too large does not."""

from __future__ import annotations

import gzip
import io
import random

import pytest

from bench.record.storage.compression import BROKEN, compressed, decompressed, zstd

DATA = random.Random(1).randbytes(300_000) + b"wave " * 100_000


def packed(name: str, data: bytes = DATA) -> bytes:
    raw = io.BytesIO()
    with compressed(raw, name) as stream:
        stream.write(data[:1000])
        stream.write(data[1000:])
    assert not raw.closed
    return raw.getvalue()


def unpacked(name: str, data: bytes) -> bytes:
    with decompressed(io.BytesIO(data), name) as stream:
        return b"".join(iter(lambda: stream.read(10_000), b""))


@pytest.mark.parametrize("name", ["runs.tar.zst", "runs.tar.gz"])
def test_it_comes_back_and_is_the_same_each_time(name):
    assert len(packed(name)) < len(DATA) * 0.6
    assert unpacked(name, packed(name)) == DATA
    assert packed(name) == packed(name)


@pytest.mark.parametrize(("name", "compress"), [("a.zst", zstd.compress), ("a.tgz", gzip.compress)])
def test_several_frames_are_read_one_after_another(name, compress):
    assert unpacked(name, compress(b"one") + compress(b"") + compress(b"two")) == b"onetwo"


@pytest.mark.parametrize("name", ["runs.tar.zst", "runs.tar.gz"])
@pytest.mark.parametrize(
    "broken",
    [
        lambda data: data[:-100],
        lambda data: data[:-4] + b"\0\1\2\3",  # the sum over what it holds, or its length
        lambda data: b"\0\0" + data[2:],
        lambda data: data + b"trailing",
    ],
)
def test_what_is_broken_is_refused(name, broken):
    with pytest.raises(BROKEN):
        unpacked(name, broken(packed(name)))


def test_a_window_that_would_take_much_memory_is_refused():
    options = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.content_size_flag: 0}
    raw = io.BytesIO()
    with zstd.ZstdFile(raw, "w", options=options) as stream:
        stream.write(b"small")
    with pytest.raises(zstd.ZstdError, match=r"(?i)memory|window"):
        unpacked("a.zst", raw.getvalue())
