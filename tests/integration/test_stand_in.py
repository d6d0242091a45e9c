"""An engine that answers and has no image, no registry and no Debian archive: this host itself measures, and says why."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.engine.local.engine import LocalEngine
from bench.engine.protocol import Need
from bench.errors import NotMeasured
from tests.integration.command import Command
from tests.integration.private_daemon import PrivateDaemon

pytestmark = pytest.mark.integration
NOBODY = "http://127.0.0.1:9/debian"
"""Where no archive answers."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateDaemon]:
    """A daemon without any image; it has no network."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("a second Docker daemon needs root and dockerd")
    daemon = PrivateDaemon(tmp_path_factory.mktemp("bare"))
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop(signal.SIGKILL)
        daemon.clean()


def test_a_run_ends_with_a_result_and_its_record_says_where_and_why(bare: PrivateDaemon, tmp_path: Path) -> None:
    try:
        LocalEngine().prepare(Need("small"), print)
    except NotMeasured as error:
        pytest.skip(str(error))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "test_x.py").write_text("def test_x():\n    assert sum(range(9)) == 36\n")
    toml = '[diagnostic.quick]\nnode = "test_x.py"\nimage = "small"\ndevices = []\n'
    (tmp_path / "project" / "bench.toml").write_text(toml)
    words = ("run", "quick", "--project", "project", "--no-work", "--no-calibration", "--json")
    there = {"DOCKER_HOST": bare.url, "BENCH_DEBIAN_MIRROR": NOBODY, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = Command(tmp_path)(*words, "--engine", "auto", **there)
    assert done.code == 0, done.err
    record = done.record()
    (warning,) = [one for one in record["runs"][0]["warnings"] if one["code"] == "environment"]
    assert (record["outcome"], record["engine"]["name"], record["image"]) == ("passed", "local", None)
    assert warning["message"].startswith("measured on this host itself, without a container: the base image python:")
    assert "cannot be pulled" in warning["message"]
    assert "none can be made here" in warning["message"]
    (line,) = [line for line in done.err.splitlines() if line.startswith("measuring on this host itself")]
    assert line.replace("measuring", "measured", 1) == warning["message"]
    named = Command(tmp_path)(*words, "--engine", "docker", **there)
    assert (named.code, named.record()["outcome"]) == (6, "not_measured")
    assert "none can be made here" in named.complaint
    assert bare.left() == []
