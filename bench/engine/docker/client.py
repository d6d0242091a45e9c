"""A Docker engine that answers: which address is meant, and a client for it that never hangs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.errors import DockerException
from docker.tls import TLSConfig
from requests.exceptions import RequestException

from bench.engine.docker.address import DEFAULT_SOCKET, checked, proxy_of, shown
from bench.engine.docker.answers import BoundedClient, understood
from bench.engine.docker.context import read_context
from bench.engine.reach.ssh import socket_of
from bench.errors import NotMeasured, UsageError

CONNECT_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_SSH_S = 20.0
CALL_TIMEOUT_S = 120
START_IT = (
    "start one ('sudo systemctl start docker', or Docker Desktop), name one with --host URL, or use --engine local"
)
START_PODMAN = (
    "start its service ('sudo systemctl start podman.socket', or 'systemctl --user start podman.socket' for your own), "
    "name one with --host URL, or use --engine docker or local"
)

PODMAN_SOCKET = "/run/podman/podman.sock"

CALL_ERRORS = (DockerException, RequestException, OSError)
"""What a call to an engine can raise: its refusal, or a connection that broke."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine is. ``origin`` is who named it, for messages; ``named``: somebody did, and means that one."""

    url: str
    origin: str
    tls: TLSConfig | None = None
    named: bool = field(default=False, compare=False)

    @property
    def shown(self) -> str:
        """Its URL without a password."""
        return shown(self.url)

    def proxy(self, environ: Mapping[str, str]) -> str | None:
        """The proxy through which it is reached, if there is one."""
        return proxy_of(self.url, environ, tls=self.tls is not None)


def find_endpoint(host: str | None, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The engine that is meant: ``--host``, ``DOCKER_HOST``, the current Docker context, or the default socket.

    The order is the ``docker`` command's own, so that both mean the same engine.

    Raises:
        UsageError: the address is none, or the context is not there.
    """
    if host:
        return Endpoint(checked(host), "--host", _env_tls(environ, host), named=True)
    if named := environ.get("DOCKER_HOST"):
        return Endpoint(checked(named), "DOCKER_HOST", _env_tls(environ, named), named=True)
    context = read_context(environ)
    if context is None:
        return _default_endpoint(environ)
    url = (context.host or DEFAULT_SOCKET).replace("http+unix://", "unix://")
    return Endpoint(checked(url), f"Docker context '{context.name}'", context.tls, named=True)


def find_podman(host: str | None, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The Podman that is meant: as for Docker if an address is named, else CONTAINER_HOST or Podman's own socket.

    Raises:
        UsageError: the address is none, or the context is not there.
    """
    if host or environ.get("DOCKER_HOST"):
        return find_endpoint(host, environ)
    if named := environ.get("CONTAINER_HOST"):
        return Endpoint(checked(named), "CONTAINER_HOST", named=True)
    sockets = podman_sockets(environ)
    return Endpoint(next((url for url in sockets if Path(url.removeprefix("unix://")).exists()), sockets[0]), "Podman")


def podman_sockets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Where Podman's own sockets are, that of a user's Podman first."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    own = (f"unix://{runtime}/podman/podman.sock",) if runtime else ()
    return (*own, f"unix://{PODMAN_SOCKET}")


def _default_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """The default socket; a rootless engine's or Podman's if only that is there."""
    if os.name == "nt":
        return Endpoint("npipe:////./pipe/docker_engine", "default")
    runtime = environ.get("XDG_RUNTIME_DIR")
    rootless = Path(runtime, "docker.sock") if runtime else None
    if Path(DEFAULT_SOCKET.removeprefix("unix://")).exists():
        return Endpoint(DEFAULT_SOCKET, "default")
    if rootless and rootless.exists():
        return Endpoint(f"unix://{rootless}", "rootless socket")
    podman = next((url for url in podman_sockets(environ) if Path(url.removeprefix("unix://")).exists()), None)
    return Endpoint(podman, "Podman's socket") if podman else Endpoint(DEFAULT_SOCKET, "default")


def _env_tls(environ: Mapping[str, str], url: str) -> TLSConfig | None:
    """TLS as the ``docker`` command takes it from the environment, for TCP alone."""
    if not url.startswith(("tcp://", "https://")):
        return None
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    folder = Path(environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    if not verify and not environ.get("DOCKER_CERT_PATH"):
        return None
    try:
        return TLSConfig(
            client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
            ca_cert=str(folder / "ca.pem"),
            verify=verify,
        )
    except DockerException as error:
        raise UsageError(f"the engine's certificates cannot be read from {folder}", str(error)) from error


def open_client(endpoint: Endpoint, timeout_s: float, environ: Mapping[str, str] = os.environ) -> docker.DockerClient:
    """Return a client of an endpoint; asks the engine for its API version.

    Args:
        endpoint: where the engine is.
        timeout_s: how long one call may take, in seconds.
        environ: the variables that may name a proxy.

    Raises:
        NotMeasured: SSH is asked for and does not reach the machine.
        DockerException, RequestException, OSError: nothing answers.
    """
    arguments: dict[str, Any] = {"base_url": endpoint.url, "timeout": timeout_s, "version": "auto"}
    proxy = endpoint.proxy(environ)
    if proxy is not None:
        arguments["proxies"] = {"http": proxy, "https": proxy}
    if endpoint.tls is not None:
        arguments["tls"] = endpoint.tls
    if endpoint.url.startswith("ssh://"):
        arguments["base_url"] = socket_of(endpoint.url)  # by the user's own ssh: configuration, keys and agent
    return BoundedClient(**arguments)


def connect(
    host: str | None, environ: Mapping[str, str] = os.environ, *, podman: bool = False
) -> tuple[docker.DockerClient, Endpoint]:
    """Return a client of the engine that is meant, after it has answered.

    Args:
        host: the address that was given; that of the environment or the default one if it is ``None``.
        environ: the variables that may name one.
        podman: whether it is Podman that is asked for.

    Raises:
        NotMeasured: no engine answers; says what was looked for.
        UsageError: the address is no address.
    """
    endpoint = find_podman(host, environ) if podman else find_endpoint(host, environ)
    proxy = endpoint.proxy(environ)
    patience = CONNECT_TIMEOUT_SSH_S if endpoint.url.startswith("ssh://") else CONNECT_TIMEOUT_S
    try:
        if proxy is None:
            probe(endpoint.url)
        with understood():
            open_client(endpoint, patience, environ).close()
            return open_client(endpoint, CALL_TIMEOUT_S, environ), endpoint
    except CALL_ERRORS as error:
        cause = reason(error).replace(endpoint.url, endpoint.shown)
        if proxy is not None:
            cause = f"{cause.replace(proxy, shown(proxy))} (asked through the proxy {shown(proxy)})"
        what, fix = ("Podman", START_PODMAN) if podman else ("Docker engine", START_IT)
        raise NotMeasured(f"no {what} answers at {endpoint.shown} ({endpoint.origin})", cause, fix) from None


def probe(url: str) -> None:
    """See whether anything listens: at once if nothing does, and within seconds if packets are dropped.

    Raises:
        OSError: nothing does.
    """
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(CONNECT_TIMEOUT_S)
            line.connect(url.removeprefix("unix://"))
    elif url.startswith(("tcp://", "http://", "https://")):
        address = urlsplit(url)
        port = address.port or (2376 if url.startswith("https://") else 2375)
        socket.create_connection((address.hostname or "localhost", port), CONNECT_TIMEOUT_S).close()


def reason(error: BaseException) -> str:
    """What a failed call means, in a few words, without the layers of libraries that it came through."""
    text = str(getattr(error, "explanation", None) or error)
    known = {
        "FileNotFoundError": "there is no such socket",
        "No such file or directory": "there is no such socket",
        "ConnectionRefusedError": "nothing listens there",
        "Connection refused": "nothing listens there",
        "Permission denied": "this user may not open the socket; is the user in the group 'docker'?",
        "PermissionError": "this user may not open the socket; is the user in the group 'docker'?",
        "timed out": "it did not answer in time",
        "Connection aborted": "the connection broke",
    }
    for sign, meaning in known.items():
        if sign in text:
            return meaning
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return first[:300]
