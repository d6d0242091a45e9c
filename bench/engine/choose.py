"""A container engine that answers and can have an image, else this host itself, with one line that names it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace

from bench.engine.docker.sdk import connect, load_client
from bench.engine.local.engine import LocalEngine
from bench.engine.protocol import Engine, Need, Notify, Place
from bench.errors import NoBase, NotMeasured, UsageError

NAMES = ("auto", "docker", "podman", "local")
CONTAINERS = frozenset({"docker", "podman"})
"""Engines that are reached by Docker's API. ``docker`` takes whichever answers where Docker is looked for."""


def choose(name: str | None, host: str | None, notify: Notify) -> Engine:
    """Return the engine that is asked for.

    Args:
        name: ``auto``, ``docker``, ``podman`` or ``local``; BENCH_ENGINE or ``auto`` if it is not given.
        host: the engine's address; the current Docker context, or Podman's own socket, if it is not given.
        notify: takes the line that names it.

    Raises:
        NotMeasured: an engine is asked for and none answers, or it is another one. So it is where DOCKER_HOST or a
            context names one that does not answer, unless ``auto`` was asked for by name.
        UsageError: no such engine, or an address for the local one.
    """
    said = name or os.environ.get("BENCH_ENGINE") or None
    name = said or "auto"
    if name not in NAMES:
        raise UsageError(f"'{name}' is no engine", fix="choose auto, docker, podman or local")
    if name == "local":
        if host:
            raise UsageError("--host goes with the Docker engine", fix="leave --engine local away")
        return LocalEngine()
    try:
        client, endpoint = connect(host, podman=True) if name == "podman" else connect(host)
        from bench.engine.docker.engine import DockerEngine  # here: it needs Docker's SDK

        engine = DockerEngine(
            client, endpoint, preferred=name == "auto" and not host and (said is not None or not _named())
        )
    except NotMeasured as error:
        if name in CONTAINERS or host:  # an address is no guess: whoever gives one means that engine
            raise
        if said is None and _named():
            fix = "mend the address, or allow this host itself with --engine auto or --engine local"
            raise NotMeasured(error.what, error.cause, fix) from None
        notify(f"measuring on this host itself, without a container: {error.what}")
        return LocalEngine()
    if name == "podman" and engine.name != name:
        raise NotMeasured(
            f"the engine at {engine.address} is not Podman", f"Docker {engine.version} answers", "use --engine docker"
        )
    if name == "auto":
        where = f" at {engine.address}" if engine.remote else ""
        notify(f"measuring in a container of the {engine.name.capitalize()} engine {engine.version}{where}")
    return engine


def _named() -> bool:
    """Whether somebody named an engine's address: in DOCKER_HOST, or as the current Docker context."""
    with suppress(NotMeasured):
        return bool(load_client().find_endpoint(None, os.environ).named)
    return bool(os.environ.get("DOCKER_HOST"))


def prepare_or_stand_in(engine: Engine, need: Need, notify: Notify) -> tuple[Engine, Place | None]:
    """Return the engine to measure with, and the place prepared in it if that had to be tried.

    An engine that ``auto`` took and that has nothing to run in is no reason to measure nothing: this host itself stands
    in, and each run's warnings name why. An engine that was named, or is on another machine, stays.

    Args:
        engine: the engine that was chosen.
        need: what the first place must offer.
        notify: takes each line for the person who waits.

    Raises:
        NotMeasured: neither has a place.
    """
    if not getattr(engine, "preferred", False) or engine.remote:
        return engine, None
    try:
        return engine, engine.prepare(need, notify)
    except NoBase as error:
        why = f"measured on this host itself, without a container: {error.what}: {error.cause}"
        notify(why.replace("measured", "measuring", 1))
        local = LocalEngine()
        place = local.prepare(need, notify)
        return local, replace(place, warnings=(*place.warnings, why))
