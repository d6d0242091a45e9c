"""The check weight in real engines: every reading that can be had lies within its bound, and a bundle says so."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import bench.cli.verbs.measure.run
from bench.cli import main
from bench.engine.docker.engine import DockerEngine
from bench.engine.images.facts import ImageFacts
from bench.record.storage.verify import verify_bundle
from bench.run.selftest.checks import CHECKS
from bench.run.selftest.run import Checked, self_test
from tests.support.pages import commands

pytestmark = [pytest.mark.integration, pytest.mark.slow]

IN_DOCKER, IN_THE_LOCAL_ENGINE = commands("selftest.md", "bench run selftest")


def run(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """The page's command line, with what it found kept on its way to the terminal."""
    found: list[Checked] = []
    monkeypatch.setattr(
        bench.cli.verbs.measure.run, "self_test", lambda *given: found.append(self_test(*given)) or found[-1]
    )
    monkeypatch.delenv("BENCH_ENGINE", raising=False)
    monkeypatch.setenv("BENCH_LOCK_FOLDER", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    code = main([*shlex.split(command)[1:], "--results", str(folder / "results"), "--no-calibration"])
    (checked,) = found
    assert code == checked.written.exit_code
    return checked


def must_hold(checked: Checked, results: Path) -> None:
    record = checked.written.record
    assert [held.sentence() for held in checked.held if held.outcome == "failed"] == []
    assert record.outcome == "passed"
    assert record.id.split("/")[1] == "selftest"
    assert verify_bundle(checked.written.path) == []
    assert checked.written.path.parent.parent.parent == results


def test_docker_reads_what_is_true(
    engine: DockerEngine, tmp_path: Path, small_image: ImageFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = run(IN_DOCKER, tmp_path, monkeypatch)
    must_hold(checked, tmp_path / "results")
    assert checked.not_made == ()
    assert checked.written.record.image is not None
    assert checked.written.record.image.digest == small_image.digest
    assert len(checked.written.record.runs) == len(CHECKS)


def test_the_local_engine_reads_what_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = run(IN_THE_LOCAL_ENGINE, tmp_path, monkeypatch)
    must_hold(checked, tmp_path / "results")
    # Without a group of its own (no root, no delegation) it cannot apply limits, and says so.
    assert {name for name, _ in checked.not_made} <= {"quota", "balloon"}
