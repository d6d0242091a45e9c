from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.inputs import entry_of, samples_of
from bench.cli.verbs.look import report
from bench.names import numbered
from bench.record.storage.bundle import Bundle, read_bundle, write_bundle
from tests.support.entries import DIAGNOSTICS, synthetic_record


def test_only_the_samples_that_are_drawn_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = synthetic_record(runs=5)
    files = {numbered("artifacts/samples.csv", at, 5): f"t_s\n{at}\n".encode() for at in range(5)}
    bundle = read_bundle(write_bundle(tmp_path, record, files, secrets=frozenset()))
    read: list[str] = []
    real = Bundle.read_text

    def spy(self: Bundle, name: str, most: int) -> str | None:
        read.append(name)
        return real(self, name, most)

    monkeypatch.setattr(Bundle, "read_text", spy)
    typical = entry_of(bundle).typical
    assert typical is not None
    index = typical.index
    samples = samples_of(bundle, 1000)
    assert read == [f"artifacts/samples-{index:03}.csv"]
    assert samples == {index: f"t_s\n{index}\n"}
    empty = write_bundle(tmp_path, synthetic_record(runs=0, stamp="20261103T080000Z"), {}, secrets=frozenset())
    assert samples_of(read_bundle(empty), 1000) == {}


def test_all_samples_together_are_bounded_and_end_with_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("SAMPLES_BYTES_EACH", 30), ("SAMPLES_BYTES", 40), ("SAMPLES_BYTES_LEAST", 7)):
        monkeypatch.setattr(report, name, most)
    text = "t_s\n" + "1\n" * 50
    bundles = []
    for name in list(DIAGNOSTICS)[:3]:
        record = synthetic_record(name, runs=1)
        folder = write_bundle(tmp_path, record, {"artifacts/samples.csv": text.encode()}, secrets=frozenset())
        bundles.append(read_bundle(folder))
    found = [list(entry.samples.values()) for entry in report._entries(bundles)]
    assert found == [[text[:30]], [text[:10]], [text[:6]]]
