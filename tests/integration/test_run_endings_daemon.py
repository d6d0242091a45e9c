"""A Docker daemon that stops and comes back in the middle of a `bench run`: not measured, the evidence kept."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.private_daemon import PrivateDaemon
from tests.integration.private_engine import client_of
from tests.integration.runs import Runs, cleaned, make_project

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_daemon_that_stops_and_comes_back(private_daemon: PrivateDaemon, tmp_path: Path, number: int) -> None:
    make_project(tmp_path / "project")
    with closing(client_of(private_daemon.url)) as client:
        runs = Runs(tmp_path, client)
        with cleaned(runs.start("waits", "--host", private_daemon.url)) as started:
            started.until(client, "sample")
            private_daemon.stop(number)
            private_daemon.start()
            ended = started.end()
    bundle = ended.bundle()
    assert (ended.code, bundle.record.outcome) == (6, "not_measured")
    assert "engine" in (bundle.record.runs[0].signature or "").split(";")[0]
    assert "by the user" not in (bundle.read_text("summary.md") or "")
    assert private_daemon.left() == []
    runs.nothing_left()
