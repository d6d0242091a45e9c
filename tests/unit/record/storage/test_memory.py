"""What a bundle from elsewhere holds is read within bounds of memory, however large its files are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.record.storage.bundle import write_bundle
from bench.record.storage.manifest import MANIFEST, MAX_BYTES, MAX_PROBLEMS, check_manifest
from bench.record.storage.twins import restamp
from tests.support.records import make_record

MIB = 1 << 20


def peak_of(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path, make_record(), {"summary.md": b"x\n"}, secrets=())


def test_a_huge_manifest_is_not_read(folder: Path) -> None:
    with (folder / MANIFEST).open("r+b") as file:
        file.truncate(1 << 30)
    found = check_manifest(folder)
    assert [str(one) for one in found] == [f"{MANIFEST}: larger than a manifest can be: over {MAX_BYTES} bytes"]
    assert peak_of(lambda: check_manifest(folder)) < 32 * MIB


def test_a_manifest_of_a_million_wrong_lines_is_given_up_on(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"x\n" * 1_000_000)
    problems = [str(one) for one in check_manifest(folder)]
    assert MAX_PROBLEMS < len(problems) < MAX_PROBLEMS + 20
    assert any("the rest was not read" in one for one in problems)


def test_a_huge_text_is_left_as_it_is_by_another_stamp(folder: Path) -> None:
    with (folder / "summary.md").open("r+b") as file:
        file.truncate(64 * MIB)
    assert peak_of(lambda: restamp(folder, "20270102T030405Z")) < 32 * MIB
