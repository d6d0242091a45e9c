"""What a person may set about building: another base, other indexes, certificates, a network, wheels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import UsageError

DEFAULT_BASE = "python:3.13.5-slim-bookworm@sha256:4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How images are built on this machine. Addresses may hold a password, so no repr shows them.

    Attributes:
        base: the image to start from, with Python 3.13.
        python_index: another index than PyPI, or None.
        torch_index: another index that has torch's CPU build, or None.
        extra_ca: a PEM file of certificates to trust while building, or None; it does not stay in the image.
        network: the engine's network for building ("host", "none"), or None for the engine's default.
        wheels: a folder with every wheel of the locks, for builds that ask no index, or None.
        no_cache: build every step anew, even if the image is there.
        proxies: the environment's proxy settings.
    """

    base: str = DEFAULT_BASE
    python_index: str | None = field(default=None, repr=False)
    torch_index: str | None = field(default=None, repr=False)
    extra_ca: Path | None = None
    network: str | None = None
    wheels: Path | None = None
    no_cache: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> BuildOptions:
        """Read BENCH_BASE, BENCH_PYTHON_INDEX, BENCH_TORCH_INDEX, BENCH_EXTRA_CA, BENCH_BUILD_NETWORK, BENCH_WHEELS.

        Where a variable is not set, what the machine's own Python tools use serves: UV_DEFAULT_INDEX or PIP_INDEX_URL,
        and the certificates of SSL_CERT_FILE, PIP_CERT or REQUESTS_CA_BUNDLE. BENCH_BUILD_NO_CACHE=1 builds anew.

        Raises:
            UsageError: a file or folder named is not there.
        """
        wheels = _path(environ, "BENCH_WHEELS")
        if wheels is not None and not wheels.is_dir():
            raise UsageError(
                f"BENCH_WHEELS={wheels} cannot be used", "no such folder", "fill it, or unset the variable"
            )
        return cls(
            base=environ.get("BENCH_BASE") or DEFAULT_BASE,
            python_index=_first(environ, "BENCH_PYTHON_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"),
            torch_index=_first(environ, "BENCH_TORCH_INDEX"),
            extra_ca=_certificates(environ),
            network=_first(environ, "BENCH_BUILD_NETWORK"),
            wheels=wheels,
            no_cache=environ.get("BENCH_BUILD_NO_CACHE", "") not in ("", "0"),
            proxies={key: value for key, value in environ.items() if key.upper() in _PROXIES},
        )

    def build_arguments(self) -> dict[str, str]:
        """Return the Dockerfiles' build arguments, the base apart."""
        given = {"PYTHON_INDEX": self.python_index, "TORCH_INDEX": self.torch_index}
        return {key: value for key, value in given.items() if value} | dict(self.proxies)

    def redact(self, text: str) -> str:
        """Return `text` without the addresses given, which may hold a password."""
        for address in filter(None, (self.python_index, self.torch_index, *self.proxies.values())):
            text = text.replace(address, "***")
        return text


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]).expanduser() if environ.get(name) else None


def _certificates(environ: Mapping[str, str]) -> Path | None:
    named = _path(environ, "BENCH_EXTRA_CA")
    if named is not None:
        if not named.is_file():
            raise UsageError(f"BENCH_EXTRA_CA={named} cannot be used", "no such file", "name a file in PEM format")
        return named
    # What this machine's own tools trust: if they need it to reach the index, the build needs it too.
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        path = _path(environ, name)
        if path is not None and path.is_file():
            return path
    return None
