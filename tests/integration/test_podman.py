"""Podman measures: the same engine protocol and the same `bench run`, against a real Podman of the tests' own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from bench.engine.docker.client import Endpoint, open_client
from bench.engine.docker.engine import DockerEngine
from bench.engine.images.base import base_tag
from bench.engine.images.ensure import has
from bench.engine.images.facts import ImageFacts
from bench.record.storage.bundle import read_bundle
from tests.integration.private_daemon import client_of
from tests.integration.private_podman import PrivatePodman, podman
from tests.integration.runs import Runs, cleaned, make_project

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def service(docker_client: docker.DockerClient, small_image: ImageFacts) -> Iterator[PrivatePodman]:
    """A Podman that has the image without torch."""
    with podman() as one:
        bases = [base_tag()] if has(docker_client, base_tag()) else []
        one.load(docker_client, small_image.name, *bases)
        yield one


@pytest.fixture
def runs(service: PrivatePodman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """`bench run` in that Podman, of small tests in a folder of its own."""
    monkeypatch.setenv("DOCKER_HOST", service.url)
    make_project(tmp_path / "project")
    with closing(client_of(service.url)) as client:
        yield Runs(tmp_path, client)


def test_it_is_called_podman_and_its_lock_is_the_machine_s(service: PrivatePodman) -> None:
    """`/info` has another id at each call; only the rest of it tells the machine."""
    endpoint = Endpoint(service.url, "test")
    with closing(open_client(endpoint, 30)) as client:
        assert client.info()["ID"] != client.info()["ID"]
        engine = DockerEngine(client, endpoint)
        assert engine.name == "podman"
        assert engine.machine == ""


def test_a_run_passes_and_a_limit_that_kills_is_read_inside(runs: Runs, small_image: ImageFacts) -> None:
    record = runs("passes").bundle().record
    assert (record.engine.name, record.outcome) == ("podman", "passed")
    assert record.engine.version
    assert record.image is not None
    assert record.image.fingerprint == small_image.fingerprint
    ended = runs("eats", "--memory", "64m")
    assert ended.code == 5, ended.err
    run = ended.bundle().record.runs[0]
    assert (run.outcome, run.memory.limit_bytes) == ("oom_killed", 64 << 20)


def test_ctrl_c_stops_in_order(runs: Runs) -> None:
    with cleaned(runs.start("waits")) as started:
        started.until(runs.client, "started")
        started.process.send_signal(signal.SIGINT)
        ended = started.end()
    assert ended.code == 130, ended.err
    assert ended.bundle().record.outcome == "interrupted"
    assert started.left(runs.client) == []


def test_what_a_killed_command_left_is_finished_by_the_next(runs: Runs) -> None:
    with cleaned(runs.start("waits")) as started:
        started.until(runs.client, "started")
        started.process.kill()
        started.process.wait()
    assert started.left(runs.client)
    ended = runs("passes")
    assert "finished the evidence of a run whose command was killed" in ended.err
    assert started.left(runs.client) == []
    found = [read_bundle(path.parent).record for path in runs.folder.glob("results/*/waits_cpu/*/record.json")]
    assert [record.outcome for record in found] == ["interrupted"]


def test_a_podman_that_makes_no_groups_measures_none(
    docker_client: docker.DockerClient, small_image: ImageFacts, tmp_path: Path
) -> None:
    """As a rootless one on version 1 of control groups: no figure is the machine's, and no limit passes for one."""
    with podman({"containers": 'cgroups = "disabled"'}) as one:
        bases = [base_tag()] if has(docker_client, base_tag()) else []
        one.load(docker_client, small_image.name, *bases)
        make_project(tmp_path / "project")
        with pytest.MonkeyPatch.context() as patch, closing(client_of(one.url)) as client:
            patch.setenv("DOCKER_HOST", one.url)
            runs = Runs(tmp_path, client)
            record = runs("passes").bundle().record
            assert record.outcome == "passed"
            assert record.runs[0].memory.peak_bytes is None
            assert "no control group of the run's own" in str(record.unavailable)
            ended = runs("passes", "--memory", "256m")
            assert ended.code == 6
            assert "--memory" in str(ended.bundle().record.runs[0].signature)
