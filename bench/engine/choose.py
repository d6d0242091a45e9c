"""Docker where an engine answers, else this host itself: said in one plain line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.engine.protocol import Engine, Notify
from bench.errors import NotMeasured, UsageError

if TYPE_CHECKING:
    from docker import DockerClient

    from bench.engine.docker.client import Endpoint

NAMES = ("auto", "docker", "local")


def connect(host: str | None) -> tuple[DockerClient, Endpoint]:
    """See :func:`bench.engine.docker.client.connect`; read only now, since docker's client is slow to import."""
    from bench.engine.docker import client as docker_client

    return docker_client.connect(host)


def choose(name: str | None, host: str | None, notify: Notify) -> Engine:
    """The engine that is asked for.

    Args:
        name: ``auto``, ``docker`` or ``local``; BENCH_ENGINE or ``auto`` where it is not given.
        host: the Docker engine's address; the current Docker context where it is not given.
        notify: takes the line that says which it is.

    Raises:
        NotMeasured: Docker is asked for and no engine answers.
        UsageError: no such engine, or an address for the local one.
    """
    name = name or os.environ.get("BENCH_ENGINE") or "auto"
    if name not in NAMES:
        raise UsageError(f"'{name}' is no engine", fix="choose auto, docker or local")
    from bench.engine.docker.engine import DockerEngine  # as slow to import as docker's client
    from bench.engine.local.engine import LocalEngine

    if name == "local":
        if host:
            raise UsageError("--host goes with the Docker engine", fix="leave --engine local away")
        return LocalEngine()
    try:
        client, endpoint = connect(host)
        engine = DockerEngine(client, endpoint)
    except NotMeasured as error:
        if name == "docker" or host:  # an address is no guess: whoever gives one means that engine
            raise
        notify(f"measuring on this host itself, without a container: {error.what}")
        return LocalEngine()
    if name == "auto":
        where = f" at {engine.address}" if engine.remote else ""
        notify(f"measuring in a container of the Docker engine {engine.version}{where}")
    return engine
