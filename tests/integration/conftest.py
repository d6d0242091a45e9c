"""An engine and the images for tests that run real containers.

Where no engine answers, or no image can be had, they skip with the reason; with BENCH_REQUIRE_DOCKER=1 they fail.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import docker
import pytest

from bench.engine.docker.client import connect, find_endpoint
from bench.engine.docker.engine import DockerEngine
from bench.engine.docker.place import image_place
from bench.engine.images.base import base_tag
from bench.engine.images.ensure import ensure_image, has
from bench.engine.images.facts import ImageFacts
from bench.engine.images.options import BuildOptions
from bench.engine.protocol import Place
from bench.errors import BenchError
from tests.integration.private_daemon import PrivateDaemon

os.environ.setdefault("BENCH_WORK", "0")
"""Commands count work only if a test asks for it: one more run each would double what the tests take."""


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the tests are required."""
    if os.environ.get("BENCH_REQUIRE_DOCKER", "") not in ("", "0"):
        pytest.fail(f"required by BENCH_REQUIRE_DOCKER: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """A client of the engine that `bench run` would use."""
    try:
        client, _ = connect(None)
    except BenchError as error:
        missing(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def build_options() -> BuildOptions:
    """How images are built on this machine."""
    return BuildOptions.from_environment(os.environ)


def image(client: docker.DockerClient, kind: str, options: BuildOptions) -> ImageFacts:
    """Find or build an image, printing what the build says (pytest shows it where a test fails)."""
    try:
        return ensure_image(client, kind, options, print)
    except BenchError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def small_image(docker_client: docker.DockerClient, build_options: BuildOptions) -> ImageFacts:
    """The image without torch."""
    return image(docker_client, "small", build_options)


@pytest.fixture(scope="session")
def cpu_image(docker_client: docker.DockerClient, build_options: BuildOptions) -> ImageFacts:
    """The CPU image; building it the first time takes minutes."""
    return image(docker_client, "cpu", build_options)


@pytest.fixture(scope="session")
def engine(docker_client: docker.DockerClient) -> DockerEngine:
    """The engine that `bench run` would use."""
    return DockerEngine(docker_client, find_endpoint(None))


@pytest.fixture(scope="session")
def place(small_image: ImageFacts) -> Place:
    """The image without torch, as a place to run."""
    return image_place(small_image)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder for a run's evidence."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture(
    scope="module"
)  # no longer: to the tests of the supervisor it would be a child of the run's that lives on
def private_daemon(
    tmp_path_factory: pytest.TempPathFactory, small_image: ImageFacts, docker_client: docker.DockerClient
) -> Iterator[PrivateDaemon]:
    """A second daemon that has the image without torch, for tests that stop it."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("a second Docker daemon needs root and dockerd")
    daemon = PrivateDaemon(tmp_path_factory.mktemp("dockerd"))
    try:
        daemon.start()
        bases = [base_tag()] if has(docker_client, base_tag()) else []  # an image's name holds its base's content
        daemon.load(docker_client, small_image.name, *bases)
        yield daemon
    finally:
        daemon.stop(signal.SIGKILL)
        daemon.clean()
