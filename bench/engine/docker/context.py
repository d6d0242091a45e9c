"""The contexts of the ``docker`` command: which one is current, and where its engine is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from docker.tls import TLSConfig

from bench.errors import UsageError
from bench.files import read_plain

DEFAULT = "default"
_SEE = "see 'docker context ls'"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Context:
    """A context's name, the address of its engine as it stands there, and its certificates."""

    name: str
    host: str | None
    tls: TLSConfig | None = None


def read_context(environ: Mapping[str, str] = os.environ) -> Context | None:
    """Return the context that ``DOCKER_CONTEXT`` names, else the current one; ``None`` for the default.

    Raises:
        UsageError: it is not there, or cannot be read.
    """
    folder = config_folder(environ)
    named = environ.get("DOCKER_CONTEXT")
    name = named or _current(folder / "config.json")
    if name == DEFAULT:
        return None
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    file = folder / "contexts" / "meta" / key / "meta.json"
    try:
        about = json.loads(read_plain(file, _MAX_BYTES))
        endpoint = about["Endpoints"].get("docker", {})
        host = endpoint.get("Host") or None
        if not isinstance(host, str | None):
            raise TypeError("its host is no text")
    except FileNotFoundError:
        who = "DOCKER_CONTEXT names it" if named else f"{folder / 'config.json'} names it as the current one"
        raise UsageError(f"there is no Docker context '{name}'", who, _SEE) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("the Docker context cannot be read", f"{file}: {error}", _SEE) from None
    tls = _tls(folder / "contexts" / "tls" / key / "docker", skip_verify=endpoint.get("SkipTLSVerify") is True)
    return Context(name, host, tls)


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return where the ``docker`` command keeps its configuration, also if it has written none yet."""
    named = environ.get("DOCKER_CONFIG") or os.environ.get("DOCKER_CONFIG")
    return Path(named) if named else Path.home() / ".docker"


def _current(file: Path) -> str:
    """The current context; the default one if the file is not there or is damaged, as for the ``docker`` command."""
    try:
        config: Any = json.loads(read_plain(file, _MAX_BYTES))
        name = config.get("currentContext")
    except (OSError, ValueError, AttributeError, RecursionError):
        return DEFAULT
    return name if isinstance(name, str) and name else DEFAULT


def _tls(folder: Path, *, skip_verify: bool) -> TLSConfig | None:
    """The certificates in a context's folder; ``None`` if it has none, for an engine that is asked in the clear."""
    found = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key") if (folder / f"{name}.pem").is_file()}
    if not found:
        return None
    pair = (str(found["cert"]), str(found["key"])) if {"cert", "key"} <= found.keys() else None
    try:
        return TLSConfig(client_cert=pair, ca_cert=str(found["ca"]) if "ca" in found else None, verify=not skip_verify)
    except DockerException as error:
        raise UsageError(f"the engine's certificates cannot be read from {folder}", str(error)) from error
