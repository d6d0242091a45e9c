"""Ask a Docker engine what it is, for people who want to know before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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


def ask_docker(host: str | None) -> Answer:
    """Return what the engine at an address, or that of the current context, says of itself."""
    try:
        client_module = load_client()
    except NotMeasured as error:
        return Answer(problem=error.what, fix=error.fix)
    from bench.engine.docker.answers import facts

    try:
        client, _ = client_module.connect(host)
        return Answer(facts(client.info()), facts(client.version()))
    except NotMeasured as error:
        return Answer(problem=str(error))
    except client_module.CALL_ERRORS as error:
        return Answer(problem=client_module.reason(error))
