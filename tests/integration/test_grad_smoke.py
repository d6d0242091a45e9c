"""The main job in its real image, from the command line to a bundle on disk, and what bad input gets."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from bench.engine.images.facts import ImageFacts
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from tests.integration.command import Command, Done
from tests.integration.contract import FILES, KEYS, RUN_KEYS

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("grad"))


@pytest.fixture(scope="module")
def first(command: Command, cpu_image: ImageFacts) -> Done:
    done = command("run", "grad_cpu", "--profile", "smoke", "--engine", "docker", "--json")
    assert done.code == 0, done.err
    return done


@pytest.fixture(scope="module")
def profiled(command: Command, first: Done, docker_client: docker.DockerClient) -> Done:
    """The same again under the profiler; nothing is built for it."""
    before = {image.id for image in docker_client.images.list()}
    done = command(
        "run", "grad_cpu", "--profile", "smoke", "--engine", "docker", "--json", "--profiler", "--no-calibration"
    )
    assert done.code == 0, done.err
    assert not re.search(r"building|Step \d", done.err), done.err
    assert {image.id for image in docker_client.images.list()} >= before
    return done


def at(document: dict, path: str) -> object:
    """The value at a path of keys; KeyError where there is none."""
    value: object = document
    for key in path.split("."):
        assert isinstance(value, dict)
        value = value[key]
    return value


def test_the_bundle_is_complete(command: Command, first: Done) -> None:
    path = command.folder / first.path()
    assert [name for name in FILES if not (path / name).is_file()] == []
    assert len((path / "artifacts/time.txt").read_text().splitlines()) == 23
    assert (path / "artifacts/exit_code.txt").read_text().split()[0] == "0"
    checked = subprocess.run(["sha256sum", "-c", "MANIFEST.sha256"], cwd=path, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout.decode()
    listed = (path / "MANIFEST.sha256").read_text()
    everything = [str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()]
    assert [name for name in everything if name not in listed and name != "MANIFEST.sha256"] == []
    assert command("verify", path).code == 0


def test_the_evidence_is_evidence(command: Command, first: Done) -> None:
    path = command.folder / first.path()
    assert "PyTorch version: 2.7.1" in (path / "env/torch_env.txt").read_text()
    assert "Model name" in (path / "env/system_load.txt").read_text()
    assert "CUDA_VISIBLE_DEVICES=-1" in (path / "env/env.txt").read_text()
    assert "2 passed" in (path / "logs/pytest.log").read_text()
    assert "test_gradient_stability" in (path / "artifacts/commands.txt").read_text()
    assert (path / "artifacts/samples.csv").read_text().startswith("t_s,")
    summary = (path / "summary.md").read_text()
    for said in ("wall", "pytest", "call", "user", "system", "ceiling", "timeout", "baseline", "minor page faults"):
        assert f"| {said}" in summary


def test_the_record_has_every_key_and_a_reason_for_each_null(first: Done) -> None:
    record = first.record()
    for path in KEYS:
        at(record, path)
    run = record["runs"][0]
    for path in RUN_KEYS:
        if at(run, path) is None:
            assert path in ("signal", "unavailable") or f"runs[0].{path}" in record["unavailable"], path
    for path in KEYS:
        if path.startswith("host.") and at(record, path) is None:
            assert path in record["unavailable"], path
    assert record["schema"] == "bench.record/1"
    assert (record["outcome"], run["outcome"], run["exit_code"]) == ("passed", "passed", 0)
    assert len(run["tests"]) == 2
    assert run["effective_timeout_s"] == 1200
    assert record["image"]["python"].startswith("3.13.")
    assert record["image"]["torch"].startswith("2.7.1")
    assert record["diagnostic"]["source"]["kind"] == "catalog"
    assert 0 < run["cpu"]["user_s"] < run["wall_s"] * os.cpu_count()
    assert run["memory"]["anon_peak_bytes"] <= run["memory"]["peak_bytes"] < 3 * 1024**3
    assert run["facts"]["engine_overhead_s"] > 0
    assert record["verdict"]["ceiling_margin_s"] == pytest.approx(115 - run["wall_s"])


def test_progress_is_plain_and_json_is_alone(first: Done) -> None:
    assert "grad_cpu: started" in first.err
    assert re.search(r"grad_cpu: passed after [\d.]+ ?m?s", first.err)
    assert set(first.document) == {"path", "record"}


def test_a_second_run_builds_nothing_and_is_the_same_image(first: Done, profiled: Done) -> None:
    assert profiled.record()["image"] == first.record()["image"]
    assert profiled.path() != first.path()


def test_the_profile_opens_and_is_never_compared(command: Command, first: Done, profiled: Done) -> None:
    path = command.folder / profiled.path()
    trace = json.loads((path / "artifacts/profiler.json").read_text())
    assert any(event.get("name", "").startswith("aten::") for event in trace["traceEvents"])
    summary = (path / "summary.md").read_text()
    table = summary.split("## Most expensive operators")[1]
    assert len([line for line in table.splitlines() if line.startswith("| ") and "---" not in line]) == 11
    assert profiled.record()["profiler"] is True
    compared = command("compare", first.path(), profiled.path())
    assert compared.code == 7
    assert "profiler" in compared.complaint


def test_older_and_newer_results_stand_in_the_history(command: Command, first: Done) -> None:
    rows = command("history", "grad_cpu", "--json").document
    assert first.record()["id"] in [row["id"] for row in rows]
    last = {row["name"]: row["last"] for row in command("list", "--json").document}
    assert last["grad_cpu"]["outcome"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "metric"), [("bandwidth_cpu", "triad"), ("dtype_cpu", "ulp")])
def test_the_other_diagnostics(command: Command, cpu_image: ImageFacts, name: str, metric: str) -> None:
    done = command("run", name, "--profile", "smoke", "--engine", "docker", "--json", "--no-calibration")
    assert done.code == 0, done.err
    run = done.record()["runs"][0]
    assert any(metric in found for found in run["metrics"])
    assert all(found["unit"] for found in run["metrics"].values())
    if name == "dtype_cpu":
        assert "float64" in json.dumps(run["facts"])


BAD = [
    (("run", "grad_cpx"), 2, "did you mean 'grad_cpu'"),
    (("run", "grad_cpu", "--memory", "lots"), 2, "lots"),
    (("run", "grad_cpu", "--cpus", "4096"), 2, "more than this host's"),
    (("run", "grad_cpu", "--cpuset", "0-9999"), 2, "CPU 9999"),
    (("run", "grad_cpu", "--profile", "quick"), 2, "has no profile 'quick'"),
    (("run", "grad_cpu", "--results", "in-the-way/results"), 2, "in-the-way is not a folder"),
    (("run", "grad_cpu", "--repeat", "0"), 2, "--repeat 0"),
    (("run", "grad_cpu", "--timeout", "soon"), 2, "soon"),
]


@pytest.mark.parametrize(("words", "code", "said"), BAD, ids=[" ".join(words[1:]) for words, _, _ in BAD])
def test_bad_input_is_one_line(
    docker_client: docker.DockerClient, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "in-the-way").write_text("")
    done = Command(tmp_path)(*words, "--engine", "docker")
    assert done.code == code, done.err
    assert said in done.complaint
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")) == ["in-the-way"]


def must_be_kept_as_not_measured(folder: Path, said: str) -> None:
    """Every outcome leaves a bundle: here one without runs, whole, whose signature says why."""
    (record,) = (bundle.record for bundle in find_bundles(folder / "results"))
    (path,) = (bundle.path for bundle in find_bundles(folder / "results"))
    assert verify_bundle(path) == []
    assert (record.outcome, record.verdict.status) == ("not_measured", "not_measured")
    assert all(run.outcome == "not_measured" for run in record.runs)
    first = (path / "summary.md").read_text().splitlines()[0]
    assert said in first


def test_no_engine(tmp_path: Path) -> None:
    done = Command(tmp_path)("run", "grad_cpu", "--engine", "docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.code == 6
    assert "none.sock" in done.complaint
    must_be_kept_as_not_measured(tmp_path, "no Docker engine answers")


def test_an_image_that_cannot_be_pulled(docker_client: docker.DockerClient, tmp_path: Path) -> None:
    done = Command(tmp_path)("run", "grad_cpu", "--engine", "docker", BENCH_BASE="nowhere.invalid/x:1")
    assert done.code == 6
    assert "nowhere.invalid/x:1" in done.complaint
    must_be_kept_as_not_measured(tmp_path, "nowhere.invalid/x:1")


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is a GPU here")
@pytest.mark.parametrize(
    ("name", "engine"),
    [("grad_cuda", "docker"), ("grad_cuda", "local"), ("bandwidth_cuda", "docker"), ("dtype_cuda", "docker")],
)
def test_no_gpu(docker_client: docker.DockerClient, tmp_path: Path, name: str, engine: str) -> None:
    done = Command(tmp_path)("run", name, "--engine", engine)
    assert done.code == 6
    assert "GPU" in done.complaint
    assert "install" in done.complaint
    must_be_kept_as_not_measured(tmp_path, "GPU")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, to be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    # Room enough, but for a handful of files: the disk is full only when the bundle is written.
    options = "size=300m,nr_inodes=12"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"this user may not mount: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_while_it_runs(disk: Path, tmp_path: Path, small_image: ImageFacts) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_a.py").write_text("def test_a(): pass\n")
    (project / "bench.toml").write_text('[diagnostic.a]\nnode = "test_a.py"\ndevices = []\nimage = "small"\n')
    words = ("run", "a", "--project", project, "--engine", "docker", "--no-calibration", "--results", disk)
    done = Command(tmp_path)(*words)
    assert done.code == 6, done.err
    assert "No space left" in done.complaint or "full" in done.complaint
    assert list(disk.iterdir()) == []
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = Command(tmp_path)(*words)
    assert done.code == 2
    assert "ead-only" in done.complaint
    subprocess.run(["mount", "-o", "remount,rw,size=1m", disk], check=True)
    done = Command(tmp_path)(*words)
    assert done.code == 6
    assert "no room" in done.complaint
