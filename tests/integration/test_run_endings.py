"""Every ending of `bench run` with the real engine, from the command to its bundle: exit code, outcome, nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import docker
import pytest

from bench.engine.images.facts import ImageFacts
from bench.record.storage.find import find_bundles
from tests.integration.command import Command
from tests.integration.runs import PATIENCE, Runs, cleaned, make_project, pause

pytestmark = pytest.mark.integration
MIB = 1 << 20


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient, small_image: ImageFacts
) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("endings")
    make_project(folder / "project")
    yield Runs(folder, docker_client)
    if (folder / "results").is_dir():
        assert Command(folder)("verify", "results").code == 0  # every bundle that the tests here have left


def test_a_failing_test(runs: Runs) -> None:
    ended = runs("fails")
    record = ended.bundle().record
    assert (ended.code, record.outcome) == (3, "failed")
    assert "two is not one" in (record.runs[0].signature or "")


def test_a_hang_that_ignores_term(runs: Runs) -> None:
    ended = runs("ignores", "--timeout", 2 * PATIENCE)
    record = ended.bundle().record
    assert (ended.code, record.outcome, record.runs[0].signal) == (4, "timed_out", signal.SIGKILL)
    assert record.runs[0].effective_timeout_s == 2.0 * PATIENCE


@pytest.mark.timed
def test_a_fork_bomb(runs: Runs) -> None:
    """Five hundred processes that spin: where two emulated CPUs have to serve them, the supervisor gets no turn."""
    ended = runs("forks", "--timeout", 2 * PATIENCE)
    record = ended.bundle().record
    assert (ended.code, record.outcome) == (4, "timed_out")
    assert 500 <= (record.runs[0].pids_peak or 0) <= 512
    assert "pids_limit" in {warning.code for warning in record.runs[0].warnings}


def test_too_little_memory(runs: Runs) -> None:
    """The test is killed. A supervisor that is itself is in test_endings: `bench run` refuses so low a limit."""
    ended = runs("eats", "--memory", "96MiB")
    record = ended.bundle().record
    assert (ended.code, record.outcome) == (5, "oom_killed")
    assert "killed for memory" in (record.runs[0].signature or "")


def test_a_flood_of_output(runs: Runs) -> None:
    ended = runs("floods")
    bundle = ended.bundle()
    assert (ended.code, bundle.record.outcome) == (0, "passed")
    log = (bundle.path / "logs/pytest.log").read_bytes()
    assert len(log) < 17 * MIB
    assert b"bytes cut" in log
    assert log.index(b"the head\n") < log.index(b"bytes cut") < log.index(b"the tail\n")


def test_output_that_is_not_utf8(runs: Runs) -> None:
    ended = runs("babbles")
    assert (ended.code, ended.bundle().record.outcome) == (0, "passed")
    assert bytes(range(128, 256)) in (ended.bundle().path / "logs/pytest.log").read_bytes()


@pytest.mark.parametrize(("test", "times"), [("waits", 1), ("ignores", 2)])
def test_ctrl_c(runs: Runs, test: str, times: int) -> None:
    with cleaned(runs.start(test)) as started:
        started.until(runs.client, "test_started")  # a sample may come before the test ignores anything
        started.until(runs.client, "sample")
        began = time.monotonic()
        started.process.send_signal(signal.SIGINT)
        if times == 2:
            started.until(runs.client, "stopping")
            started.process.send_signal(signal.SIGINT)
        ended = started.end()
    assert (ended.code, ended.bundle().record.outcome) == (130, "interrupted")
    assert "interrupted" in (ended.bundle().record.runs[0].signature or "")
    assert time.monotonic() - began < 30 * PATIENCE
    assert started.left(runs.client) == []
    runs.nothing_left()


@pytest.mark.parametrize(("test", "code"), [("fails", 3), ("passes", 0)])
def test_a_reader_who_goes_away(runs: Runs, test: str, code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    started = runs.start(test, "--quiet", results=f"unread-{test}", stdout=write, stderr=write)
    os.close(write)
    assert started.process.wait(120 * PATIENCE) == code
    (bundle,) = find_bundles(str(runs.folder / f"unread-{test}"))
    assert bundle.record.outcome == {3: "failed", 0: "passed"}[code]
    assert started.left(runs.client) == []
    runs.nothing_left()


def test_a_killed_command_is_finished_by_the_next(runs: Runs, docker_client: docker.DockerClient) -> None:
    foreign = docker_client.volumes.create(labels={"bench.name": "somebody else's"})
    pause(runs.folder / "project", 3)  # of the first run; the second is killed
    try:
        with cleaned(runs.start("lasts", "--repeat", "3")) as killed:
            killed.until(runs.client, "started", index=0)
            pause(runs.folder / "project", 99)
            killed.until(runs.client, "sample", index=1)
            killed.process.kill()
            killed.process.wait()
            assert killed.left(runs.client) != []
        ended = runs("passes")
        assert ended.code == 0
        assert killed.left(runs.client) == []
        (line,) = (line for line in ended.err.splitlines() if "finished the evidence" in line)
        (bundle,) = (one for one in find_bundles(str(runs.folder / "results")) if str(one.path.name) in line)
        record = bundle.record
        assert [(run.index, run.outcome) for run in record.runs] == [(0, "passed"), (1, "interrupted")]
        assert (record.outcome, record.verdict.reasons[0][:21]) == ("interrupted", "2 of 3 runs were made")
        assert "killed" in (record.runs[1].signature or "")
        assert foreign.id in {one.id for one in docker_client.volumes.list()}
    finally:
        foreign.remove()


@pytest.fixture
def small_disk(runs: Runs) -> Iterator[Path]:
    """A disk with just enough room for a run to begin."""
    folder = runs.folder / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=257m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_before_the_bundle_is_written(runs: Runs, small_disk: Path) -> None:
    pause(runs.folder / "project", 6)
    with cleaned(runs.start("lasts", results=small_disk)) as started:
        started.until(runs.client, "started")
        with (small_disk / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 257 * MIB - 4096 * 4)
        ended = started.end()
    assert ended.code == 6
    bundle = ended.bundle()
    assert bundle.path.is_relative_to(runs.folder / "state/bench/results")
    assert bundle.record.outcome == "passed"
    assert "no room left" in ended.err
    assert started.left(runs.client) == []
    assert list((runs.folder / "state/bench/sessions").iterdir()) == list((runs.folder / "tmp").iterdir()) == []
    bundle.path.rename(runs.folder / "results/moved")
    for parent in list(bundle.path.parents)[:3]:
        parent.rmdir()


@pytest.mark.skipif(
    os.environ.get("BENCH_MAY_SET_CLOCK") != "1",
    reason="sets the machine's clock: BENCH_MAY_SET_CLOCK=1 on a machine that is thrown away afterwards",
)
@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_set_during_a_run(runs: Runs, hours: int) -> None:
    pause(runs.folder / "project", 8)
    began, clock = time.monotonic(), time.time()
    try:
        with cleaned(runs.start("lasts", "--timeout", 90 * PATIENCE)) as started:
            started.until(runs.client, "sample")
            time.clock_settime(time.CLOCK_REALTIME, time.time() + hours * 3600)
            ended = started.end()
        whole = time.monotonic() - began
    finally:
        time.clock_settime(time.CLOCK_REALTIME, clock + time.monotonic() - began)
    record = ended.bundle().record
    (run,) = record.runs
    assert (ended.code, run.outcome) == (0, "passed")
    assert 8 <= (run.wall_s or 0) <= whole
    assert 8 <= (run.tests[0].call_s or 0) <= (run.wall_s or 0)
    times = [float(row.split(",")[0]) for row in (ended.bundle().read_text("artifacts/samples.csv") or "").split()[1:]]
    assert times == sorted(times)
    assert times[-1] <= (run.wall_s or 0) + 1
    assert abs(datetime.fromisoformat(run.started_at or "").timestamp() - clock) <= whole


def test_two_at_once(runs: Runs) -> None:
    said = runs.folder / "second.err"
    with cleaned(runs.start("waits")) as first, said.open("w") as file:
        first.until(runs.client, "started")
        with cleaned(runs.start("passes", stderr=file.fileno())) as second:
            until = time.monotonic() + 60 * PATIENCE
            while (
                f"waiting for another measurement on this host to end (process {first.process.pid}"
                not in said.read_text()
            ):
                assert time.monotonic() < until
                time.sleep(0.1)
            refused = runs.start("passes", "--if-busy", "refuse").end()
            assert (refused.code, json.loads(refused.out)["exit_code"]) == (6, 6)
            assert f"process {first.process.pid}" in refused.err
            assert second.left(runs.client) == []  # it has begun nothing
            first.process.send_signal(signal.SIGINT)
            assert (first.end().code, second.end().code) == (130, 0)
    runs.nothing_left()
