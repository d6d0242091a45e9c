from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.inputs import entry_of
from bench.names import numbered
from bench.record.storage.bundle import Bundle, read_bundle, write_bundle
from tests.support.entries import synthetic_record


def test_only_the_samples_that_are_drawn_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = synthetic_record(runs=5)
    files = {numbered("artifacts/samples.csv", at, 5): f"t_s\n{at}\n".encode() for at in range(5)}
    bundle = read_bundle(write_bundle(tmp_path, record, files, secrets=frozenset()))
    read: list[str] = []
    real = Bundle.read_text

    def spy(self: Bundle, name: str) -> str | None:
        read.append(name)
        return real(self, name)

    monkeypatch.setattr(Bundle, "read_text", spy)
    entry = entry_of(bundle, samples=True)
    assert entry.typical is not None
    index = entry.typical.index
    assert read == [f"artifacts/samples-{index:03}.csv"]
    assert entry.samples == {index: f"t_s\n{index}\n"}
    empty = write_bundle(tmp_path, synthetic_record(runs=0, stamp="20261103T080000Z"), {}, secrets=frozenset())
    assert entry_of(read_bundle(empty), samples=True).samples == {}
