"""The diagnostics as they are run: a folder, a command line, an environment, and the properties that come back."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import bench.diagnostics
from tests.support.pages import commands

FOLDER = Path(bench.diagnostics.__file__).parent
_, *WORDS, NODE = shlex.split(*commands("diagnostics.md", "python -m pytest"))
"""The command line of the page, in which DIR stands for the folder."""
ENVIRONMENT = {
    "BENCH_PROFILE": "smoke",
    "BENCH_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KMP_DUPLICATE_LIB_OK": "TRUE",
    "NANOBRAGG_DISABLE_COMPILE": "1",
}


def run_folder(folder: Path, *arguments: str, junit: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a diagnostics folder with the command line of its page, and as much said as the runner has it."""
    words = [word.replace("DIR", str(folder)) for word in WORDS]
    command = [sys.executable, *words, "-vv", f"--junitxml={junit}", *arguments]
    inherited = {key: os.environ[key] for key in os.environ if not key.startswith(("BENCH_", "PYTEST_"))}
    return subprocess.run(
        command,
        env={**inherited, **ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1", **environ},
        cwd=junit.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def properties(junit: Path) -> dict[str, str]:
    """All recorded properties; no two tests may record the same name."""
    found = [(str(entry.get("name")), str(entry.get("value"))) for entry in ET.parse(junit).iter("property")]
    assert len(found) == len(dict(found))
    return dict(found)


def test_all_three_pass_and_record_their_metrics(tmp_path: Path) -> None:
    """From a copy, as in an image: the folder's parent is no package and nothing else of ours lies beside it."""
    copy = tmp_path / "opt" / "diagnostics"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(copy.rglob("*"))
    junit = tmp_path / "junit.xml"
    nodes = [NODE, "DIR/test_bandwidth.py", "DIR/test_dtype.py"]
    done = run_folder(copy, *(node.replace("DIR", str(copy)) for node in nodes), junit=junit)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert sorted(copy.rglob("*")) == before, "a diagnostic wrote into its own folder"
    for cell in ("cell-01-of-02", "cell-02-of-02"):
        assert f"test_gradient_stability[{cell}] PASSED" in done.stdout
    assert "profile smoke, cpu" in done.stdout
    assert "threads 1" in done.stdout

    found = properties(junit)
    metrics = {name.removeprefix("metric:"): json.loads(found[name]) for name in found if name.startswith("metric:")}
    for name, metric in metrics.items():
        assert set(metric) == {"value", "unit", "better"}, name
        assert metric["better"] in ("higher", "lower", "none"), name
    assert metrics["gradient_largest_relative_difference"]["value"] < 1e-3
    assert metrics["forward_count"]["value"] >= 2 * 13
    for kernel in ("copy", "scale", "add", "triad"):
        for threads in ("one", "all"):
            assert metrics[f"stream_{kernel}_{threads}"]["unit"] == "GB/s"
            assert metrics[f"stream_{kernel}_{threads}"]["better"] == "higher"
    for pixels in (128, 256):
        share = metrics[f"bandwidth_{pixels}"]["value"] / metrics["stream_triad_all"]["value"]
        assert metrics[f"bandwidth_{pixels}_share_of_triad"]["value"] == pytest.approx(share)
        assert f"pass_{pixels}_variation" in metrics
        assert f"float32_over_float64_{pixels}" in metrics
        assert f"memory_{pixels}_peak_bytes" in metrics or f"fact:unavailable:memory_{pixels}_peak_bytes" in found
    assert metrics["ulp_largest_float32"]["unit"] == "ULP"
    assert json.loads(found["fact:dtype_snapshot_float32_model_float64_input"])["result"] == "float32"


def test_cuda_without_a_gpu_fails_in_one_clear_line(tmp_path: Path) -> None:
    node = str(FOLDER / "test_dtype.py::test_linear_table_is_met_by_its_formula")
    done = run_folder(FOLDER, node, junit=tmp_path / "junit.xml", BENCH_DEVICE="cuda")
    assert done.returncode == 1
    assert "finds no CUDA device; CUDA_VISIBLE_DEVICES is -1" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BENCH_PROFILE", "quick", "BENCH_PROFILE=quick: no such profile; known are full, smoke"),
        ("CUDA_VISIBLE_DEVICES", "0", "CUDA_VISIBLE_DEVICES=0: on cpu it has to be -1"),
    ],
)
def test_a_wrong_environment_is_a_usage_error(tmp_path: Path, variable: str, value: str, message: str) -> None:
    done = run_folder(FOLDER, str(FOLDER / "test_grad.py"), junit=tmp_path / "junit.xml", **{variable: value})
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
