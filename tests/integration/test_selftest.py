"""The check weight in real engines: every reading that can be had lies within its bound, and a bundle says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.catalog.load import builtin, find
from bench.engine.docker import DockerEngine
from bench.engine.images.facts import ImageFacts
from bench.engine.local import LocalEngine
from bench.engine.protocol import Engine
from bench.record.verify import verify_bundle
from bench.run.selftest.checks import CHECKS
from bench.run.selftest.run import Checked, self_test
from bench.run.session import Session

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def run(engine: Engine, results: Path) -> Checked:
    with Session(engine, print, results, calibration=False) as session:
        return self_test(session, find(builtin(), "selftest"))


def must_hold(checked: Checked, results: Path) -> None:
    record = checked.finished.record
    assert [held.sentence() for held in checked.held if held.outcome == "failed"] == []
    assert record.outcome == "passed"
    assert record.id.split("/")[1] == "selftest"
    assert verify_bundle(checked.finished.path) == []
    assert checked.finished.path.parent.parent.parent == results


def test_docker_reads_what_is_true(engine: DockerEngine, tmp_path: Path, small_image: ImageFacts) -> None:
    checked = run(engine, tmp_path)
    must_hold(checked, tmp_path)
    assert checked.not_made == ()
    assert checked.finished.record.image is not None
    assert checked.finished.record.image.digest == small_image.digest
    assert len(checked.finished.record.runs) == len(CHECKS)


def test_the_local_engine_reads_what_is_true(tmp_path: Path) -> None:
    checked = run(LocalEngine(), tmp_path)
    must_hold(checked, tmp_path)
    # Without a group of its own (no root, no delegation) it cannot apply limits, and says so.
    assert {name for name, _ in checked.not_made} <= {"quota", "balloon"}
