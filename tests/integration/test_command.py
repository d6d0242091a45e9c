"""Any command, for real: on this host, in our small image, and in an image of somebody else's that has no Python."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.engine.images.ensure import ensure_image
from bench.engine.images.options import BuildOptions
from tests.integration.conftest import missing

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def measure(tmp_path: Path) -> Any:
    """Run ``bench run`` as a person does, with state and results of its own; returns the bundle's folder and record."""

    def run(*words: str, code: int = 0) -> tuple[Path, dict[str, Any]]:
        state = {"XDG_STATE_HOME": str(tmp_path / "state"), "BENCH_RESULTS": str(tmp_path / "results")}
        argv = [sys.executable, "-m", "bench", "run", "--no-calibration", "--json", *words]
        env = os.environ | state | {"BENCH_LOCK_FOLDER": str(tmp_path)}
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        found = json.loads(done.stdout)
        return Path(found["path"]), found["record"]

    return run


def test_a_command_of_this_host(measure: Any, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("3\n1\n2\n")
    words = ("--engine", "local", "--input", str(given), "--prepare", "echo ready", "--warmup", "1", "--repeat", "2")
    path, record = measure(*words, "--expect-exit", "7", "--shell", "--", "sort; exit 7")
    assert [run.get("warmup", False) for run in record["runs"]] == [True, False, False]
    assert (path / "logs" / "output-002.log").read_text() == "1\n2\n3\n"
    assert (path / "logs" / "prepare-000.log").read_text() == "ready\n"
    assert record["image"] is None
    assert record["environment"]["note"]


def test_each_run_has_the_code_as_it_lay_at_the_beginning(measure: Any, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "data").write_text("old")
    words = ("--engine", "local", "--project", str(project), "--repeat", "2", "--shell", "--")
    path, record = measure(*words, f"cat data; echo new > {project}/data")
    assert [run["outcome"] for run in record["runs"]] == ["passed", "passed"]
    assert [(path / "logs" / f"output-{run:03}.log").read_text() for run in range(2)] == ["old", "old"]
    assert (project / "data").read_text() == "new\n"


def test_a_command_in_the_small_image(measure: Any, small_image: object, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "work.py").write_text("import pathlib; print(pathlib.Path.cwd(), len(b'x' * 50_000_000))\n")
    words = ("--engine", "docker", "--project", str(project), "--memory", "256MiB", "--name", "work")
    path, record = measure(*words, "--", "python", "work.py")
    assert (path / "logs" / "output.log").read_text() == "/src 50000000\n"
    assert record["image"]["packages"]["pytest"]
    assert record["runs"][0]["memory"]["limit_bytes"] == 256 * 1024**2
    assert record["runs"][0]["memory"]["peak_bytes"] > 45_000_000
    _, record = measure("--engine", "docker", "--", "nosuch-program", code=6)
    assert "nosuch-program: No such file" in record["runs"][0]["signature"]


@pytest.fixture
def foreign(docker_client: docker.DockerClient, build_options: BuildOptions) -> Iterator[str]:
    """An image with busybox, the libraries that it names, and nothing else."""
    busybox = shutil.which("busybox")
    if busybox is None:
        missing("no busybox on this host")
    ensure_image(docker_client, "small", build_options, print)
    listed = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    rootfs = io.BytesIO()
    with tarfile.open(fileobj=rootfs, mode="w") as archive:
        for path in [busybox, *re.findall(r"(?:=> |^\s+)(/\S+) \(", listed, re.MULTILINE)]:
            archive.add(os.path.realpath(path), "bin/busybox" if path == busybox else path.lstrip("/"))
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        archive.addfile(link)
    yield from loaded(docker_client, rootfs.getvalue())


@pytest.fixture
def empty(docker_client: docker.DockerClient, build_options: BuildOptions) -> Iterator[str]:
    """An image with a folder, and neither a program nor a library."""
    ensure_image(docker_client, "small", build_options, print)
    rootfs = io.BytesIO()
    with tarfile.open(fileobj=rootfs, mode="w") as archive:
        folder = tarfile.TarInfo("data")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
    yield from loaded(docker_client, rootfs.getvalue())


def loaded(docker_client: docker.DockerClient, rootfs: bytes) -> Iterator[str]:
    """An image of these files, for as long as a test lasts."""
    name = f"bench-test-foreign:{uuid.uuid4().hex[:12]}"
    repository, _, tag = name.partition(":")
    docker_client.api.import_image_from_data(rootfs, repository=repository, tag=tag)
    try:
        yield name
    finally:
        docker_client.images.remove(name, force=True)


def test_a_command_in_an_image_of_somebody_else_s(measure: Any, foreign: str) -> None:
    words = ("--image", foreign, "--memory", "128MiB", "--shell", "--name", "foreign")
    path, record = measure(*words, "--", "busybox ls /; busybox head -c 30000000 /dev/zero | busybox sha256sum")
    assert "python" not in (path / "logs" / "output.log").read_text()
    assert record["outcome"] == "passed"
    assert record["image"]["name"] == foreign
    assert record["image"]["python"] is None
    assert record["runs"][0]["cpu"]["total_s"] > 0


def test_what_an_image_lacks_is_named(measure: Any, empty: str) -> None:
    _, record = measure("--image", empty, "--shell", "--name", "empty", "--", "sort /data | head", code=6)
    assert record["outcome"] == "not_measured"
    assert record["image"]["base"] == "no C library"
    assert record["runs"][0]["signature"] == "cannot start the command: execute /bin/sh: No such file or directory"
