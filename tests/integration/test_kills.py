"""A command that is killed at any moment leaves whole bundles, and after the next command nothing of its own."""

from __future__ import annotations

import random
from pathlib import Path

import docker
import pytest

from bench.engine.images.facts import ImageFacts
from tests.integration.kills import Kills

pytestmark = pytest.mark.integration


def test_local(tmp_path: Path) -> None:
    """`python -m tests.integration.kills` does it fifty times, with either engine."""
    kills = Kills(tmp_path, "local")
    lasts = kills.whole()
    assert [kills.once(random.uniform(0, lasts)) for _ in range(2)] == [[], []]


def test_docker(tmp_path: Path, docker_client: docker.DockerClient, small_image: ImageFacts) -> None:
    kills = Kills(tmp_path, "docker")
    assert kills.once(random.uniform(0.3, 1.0) * kills.whole()) == []
