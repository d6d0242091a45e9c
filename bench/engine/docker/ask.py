"""Ask a Docker engine what it is, for people who want to know before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.engine.docker.info import engine_name
from bench.engine.docker.machine import machine_of
from bench.engine.docker.sdk import load_client
from bench.errors import NotMeasured, UsageError
from bench.record.check import Check, ok, warn

if TYPE_CHECKING:
    from docker import DockerClient

REGISTRY_S = 5
"""Seconds that a registry has for its answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Docker's own ``/info`` and ``/version``, empty if none answers.

    ``problem`` then says why, in one line, and ``fix`` what to do if it is another thing than starting an engine;
    ``named``, whether somebody gave the address, so that nothing stands in for it.
    ``image`` is whether the first run finds an image, or what it has to fetch.
    """

    info: Mapping[str, Any] = field(default_factory=dict)
    version: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    fix: str = ""
    named: bool = False
    elsewhere: bool = False
    """Whether it is on another machine than this command, as far as its address or its daemon tells."""
    image: Check | None = None


def ask_docker(host: str | None) -> Answer:
    """Return what the engine at an address, or that of the current context, reports of itself."""
    try:
        client_module = load_client()
    except NotMeasured as error:
        return Answer(problem=error.what, fix=error.fix)
    from bench.engine.docker.answers import facts

    endpoint = client_module.find_endpoint(host)
    none = Answer(named=endpoint.named, elsewhere=bool(machine_of(endpoint.url, {})))
    try:
        client, endpoint = client_module.connect(host)
        with closing(client):
            info, version = facts(client.info()), facts(client.version())
            there = bool(machine_of(endpoint.url, info, engine_name(version)))
            return Answer(info, version, elsewhere=there, image=_image(client))
    except NotMeasured as error:
        if not endpoint.named:
            return replace(none, problem=str(error))
        return replace(none, problem=": ".join(filter(None, (error.what, error.cause))), fix=error.fix)
    except client_module.CALL_ERRORS as error:
        return replace(none, problem=client_module.reason(error))


def _image(client: DockerClient) -> Check | None:
    """Whether both images are there, else what a first run fetches; it is the engine that asks the registry."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from bench.engine.images.base import base_tag, why_not
    from bench.engine.images.ensure import COSTS, find, has, image_tag
    from bench.engine.images.options import DEFAULT_BASE, BuildOptions

    try:
        options = BuildOptions.from_environment(os.environ)
        made = replace(options, base=base_tag())
        lacks = [
            kind
            for kind in ("small", "cpu")
            if all(find(client, image_tag(client, kind, one)) is None for one in (options, made))
        ]
        if not lacks:
            return ok("image", "both are there, with torch and without: a run downloads nothing")
        first = "; ".join(f"{NAMES[kind]} is built by the first run that needs it: {COSTS[kind]}" for kind in lacks)
        if has(client, options.base) or (options.base == DEFAULT_BASE and has(client, made.base)):
            return ok("image", f"its base is there; {first}")
        client.api.timeout = REGISTRY_S
        try:
            client.images.get_registry_data(options.base)
        except (DockerException, RequestException):
            return without_registry(why_not(client) if options.base == DEFAULT_BASE else "BENCH_BASE is set", first)
        return ok("image", f"the registry answers; {first}")
    except (DockerException, RequestException, UsageError):
        return None  # told where it is used


NAMES = {"small": "the image without torch", "cpu": "that with torch"}
"""What the images are called by whoever looks before a run."""


def without_registry(missing: str | None, first: str) -> Check:
    """Return what a machine without a registry has for a base.

    Args:
        missing: why no base can be made here; ``None`` if one can.
        first: what the first run does once there is one.
    """
    if missing is None:
        return ok(
            "image", f"no registry answers: the base is made from Debian's packages, one to three minutes; {first}"
        )
    fix = "run `nox -s base_image` as root on Debian, or name a base in BENCH_BASE; else --engine auto uses this host"
    return warn("image", f"no registry answers for its base, and none can be made here: {missing}", fix)
