"""What an engine says of itself, for ``doctor``; that none answers is an answer too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.errors import NotMeasured


@dataclass(frozen=True, slots=True)
class Answer:
    """Docker's own ``/info`` and ``/version``, empty where none answers; ``problem`` then says why, in one line."""

    info: Mapping[str, Any] = field(default_factory=dict)
    version: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def ask_docker(host: str | None) -> Answer:
    """Ask the engine at an address, or that of the current context."""
    from bench.engine.docker_client import CALL_ERRORS, connect, reason  # docker's client is slow to import

    try:
        client, _ = connect(host)
        return Answer(client.info(), client.version())
    except NotMeasured as error:
        return Answer(problem=str(error))
    except CALL_ERRORS as error:
        return Answer(problem=reason(error))
