"""Docker's SDK for Python: read when an engine is asked for, since it is slow to import, and may not be installed."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from bench.errors import NotMeasured

if TYPE_CHECKING:
    from docker import DockerClient

    from bench.engine.docker.client import Endpoint

_PARTS = frozenset({"docker", "requests", "urllib3"})
INSTALL_IT = "install it with 'pip install docker', or use --engine local"


def load_client() -> ModuleType:
    """Return the module :mod:`bench.engine.docker.client`, which imports the SDK.

    Raises:
        NotMeasured: the SDK is not installed, or cannot be imported.
    """
    try:
        from bench.engine.docker import client
    except ImportError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _PARTS:
            raise
        missing = isinstance(error, ModuleNotFoundError)
        what = "Docker's SDK for Python is not installed" if missing else "Docker's SDK for Python cannot be imported"
        raise NotMeasured(what, "" if missing else str(error), INSTALL_IT) from None
    return client


def connect(host: str | None, *, podman: bool = False) -> tuple[DockerClient, Endpoint]:
    """Return a client of the engine that is meant; see :func:`bench.engine.docker.client.connect`."""
    client: tuple[DockerClient, Endpoint] = load_client().connect(host, podman=podman)
    return client
