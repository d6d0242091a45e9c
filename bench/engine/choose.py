"""Docker if an engine answers, else this host itself, with one plain line that says which."""

from __future__ import annotations

import os

from bench.engine.docker.sdk import connect
from bench.engine.local.engine import LocalEngine
from bench.engine.protocol import Engine, Notify
from bench.errors import NotMeasured, UsageError

NAMES = ("auto", "docker", "local")


def choose(name: str | None, host: str | None, notify: Notify) -> Engine:
    """Return the engine that is asked for.

    Args:
        name: ``auto``, ``docker`` or ``local``; BENCH_ENGINE or ``auto`` if it is not given.
        host: the Docker engine's address; the current Docker context if it is not given.
        notify: takes the line that says which it is.

    Raises:
        NotMeasured: Docker is asked for and no engine answers.
        UsageError: no such engine, or an address for the local one.
    """
    name = name or os.environ.get("BENCH_ENGINE") or "auto"
    if name not in NAMES:
        raise UsageError(f"'{name}' is no engine", fix="choose auto, docker or local")
    if name == "local":
        if host:
            raise UsageError("--host goes with the Docker engine", fix="leave --engine local away")
        return LocalEngine()
    try:
        client, endpoint = connect(host)
        from bench.engine.docker.engine import DockerEngine  # here: it needs Docker's SDK

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
