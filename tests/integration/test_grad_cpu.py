"""The main job, small: `bench run grad_cpu --profile smoke` in the real image, from the command line to a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.engine.images.facts import ImageFacts
from bench.record.bundle import read_bundle
from bench.record.verify import verify_bundle

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_the_main_job_ends_in_a_complete_bundle(
    cpu_image: ImageFacts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "grad_cpu", "--profile", "smoke", "--engine", "docker", "--results", str(tmp_path), "--json"]
    code = main(words)
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "build" not in told.err, "the image is there already, so nothing is built"
    answer = json.loads(told.out)
    path, record = Path(answer["path"]), read_bundle(Path(answer["path"])).record
    assert verify_bundle(path) == []
    assert path.relative_to(tmp_path).as_posix() == record.id

    assert record.image is not None
    assert (record.image.fingerprint, record.image.torch) == (cpu_image.fingerprint, cpu_image.torch)
    assert record.environment is None
    assert (record.diagnostic.ceiling_s, record.diagnostic.timeout_s) == (905.0, 1200.0)
    wanted = {"CUDA_VISIBLE_DEVICES": "-1", "KMP_DUPLICATE_LIB_OK": "TRUE", "NANOBRAGG_DISABLE_COMPILE": "1"}
    assert wanted.items() <= record.environ.items()
    assert record.calibration.before.keys() == record.calibration.after.keys() != set()

    (run,) = record.runs
    assert (run.outcome, run.exit_code, len(run.tests)) == ("passed", 0, 2)
    assert run.wall_s is not None
    assert run.wall_s < 300  # 30 s on a machine with nothing else to do
    assert run.pytest_s is not None
    assert run.cpu.total_s is not None
    assert 0 < sum(test.call_s or 0 for test in run.tests) < run.pytest_s < run.wall_s
    assert run.cpu.total_s > 0
    assert run.memory.anon_peak_bytes is not None
    assert 0 < run.memory.anon_peak_bytes < 3e9
    assert run.metrics["gradient_largest_relative_difference"].value is not None

    torch_env = (path / "env/torch_env.txt").read_text()
    assert "PyTorch version: 2.7.1" in torch_env
    assert "torch==2.7.1" in torch_env
    assert "Traceback" not in torch_env
    assert len((path / "artifacts/time.txt").read_text().splitlines()) == 23
    assert "grad_cpu: passed" in (path / "summary.md").read_text()
