"""Ask a Docker engine what it is, for people who want to know before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.engine.docker.info import engine_name
from bench.engine.docker.machine import machine_of
from bench.engine.docker.sdk import load_client
from bench.errors import NotMeasured


@dataclass(frozen=True, slots=True)
class Answer:
    """Docker's own ``/info`` and ``/version``, empty if none answers.

    ``problem`` then says why, in one line, and ``fix`` what to do if it is another thing than starting an engine.
    """

    info: Mapping[str, Any] = field(default_factory=dict)
    version: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    fix: str = ""
    elsewhere: bool = False
    """Whether it is on another machine than this command, as far as its address or its daemon tells."""


def ask_docker(host: str | None) -> Answer:
    """Return what the engine at an address, or that of the current context, says of itself."""
    try:
        client_module = load_client()
    except NotMeasured as error:
        return Answer(problem=error.what, fix=error.fix)
    from bench.engine.docker.answers import facts

    try:
        client, endpoint = client_module.connect(host)
        info, version = facts(client.info()), facts(client.version())
        return Answer(info, version, elsewhere=bool(machine_of(endpoint.url, info, engine_name(version))))
    except NotMeasured as error:
        return Answer(problem=str(error))
    except client_module.CALL_ERRORS as error:
        return Answer(problem=client_module.reason(error))
