"""Makes virtual environments and installs locked packages into them: with uv, or with pip if there is no uv."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.engine.images.options import BuildOptions
from bench.errors import NotMeasured

TIMEOUT_S = 3600.0
TORCH_INDEX_TIMEOUT_S = 15
_QUIET = {
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


class InstallError(Exception):
    """The last lines of what the installer said, without addresses that were given."""


@dataclass(frozen=True, slots=True)
class Installer:
    """How packages are installed on this host. ``uv`` is its path, or ``None`` for pip."""

    uv: str | None
    options: BuildOptions

    def make_venv(self, python: str, folder: Path) -> Path:
        """Make an empty environment; returns its Python. Raises InstallError."""
        if self.uv is not None:
            self._run([self.uv, "venv", "--quiet", "--no-project", "--python", python, str(folder)])
        else:
            self._run([python, "-I", "-m", "venv", str(folder)])
        return folder / "bin" / "python"

    def install(
        self,
        python: Path,
        requirements: Path,
        *,
        hashes: bool = True,
        torch_backend: str | None = None,
        where: Path | None = None,
    ) -> None:
        """Install a requirements file. Raises InstallError.

        Args:
            python: the environment's.
            requirements: the file.
            hashes: whether every package must have the hash that the file gives.
            torch_backend: where torch's own build comes from (``cpu``), or ``None`` for the usual index.
            where: the folder that paths in the file are relative to.
        """
        env: dict[str, str] = {}
        if self.uv is not None:  # compiled now, since a run writes no bytecode and would compile torch each time
            command = [self.uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        else:
            command = [str(python), "-I", "-m", "pip", "install", "--quiet"]
        if hashes:
            command.append("--require-hashes")
        if where is not None and self.uv is not None:
            command.append("--refresh")  # uv knows a folder again by its dates, not by its content
        if self.options.wheels is not None:  # a closed network: no index is asked, and what is not there fails at once
            self._run(
                [*command, "--no-index", "--find-links", str(self.options.wheels), "-r", str(requirements)], where=where
            )
            return
        if self.options.python_index is not None:
            command += ["--index-url", self.options.python_index]
        if torch_backend is not None:
            if self.options.torch_index is not None:
                command += ["--extra-index-url", self.options.torch_index]
            elif self.uv is None:
                raise InstallError("pip knows no index for torch's builds")
            else:
                command += ["--torch-backend", torch_backend]
            # An index that a closed network drops packets for must not cost minutes.
            env = {"UV_HTTP_TIMEOUT": str(TORCH_INDEX_TIMEOUT_S), "UV_HTTP_RETRIES": "1"}
        self._run([*command, "-r", str(requirements)], env, where)

    def _run(self, command: Sequence[str], env: Mapping[str, str] | None = None, where: Path | None = None) -> None:
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                env={**os.environ, **_QUIET, **(env or {})},
                check=False,
                cwd=where,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InstallError(self.options.redact(str(error))) from error
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            raise InstallError(self.options.redact(" / ".join(lines[-4:])) or f"status {done.returncode}")


def find_uv() -> str | None:
    """Uv on the path or beside the running Python, if it starts."""
    for path in filter(None, (shutil.which("uv"), _bundled_uv())):
        try:
            done = subprocess.run([path, "--version"], capture_output=True, timeout=15, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return path
    return None


def _bundled_uv() -> str | None:
    """The uv that was installed as a Python package, if its folder is not on the path."""
    try:
        return str(importlib.import_module("uv").find_uv_bin())
    except (ImportError, AttributeError, FileNotFoundError):
        return None


def check_room(folder: Path, need_bytes: int) -> None:
    """Refuse if the disk has no room.

    Raises:
        NotMeasured: says how much is missing.
    """
    free = shutil.disk_usage(folder).free
    if free < need_bytes:
        raise NotMeasured(
            f"the environment needs {need_bytes / 1e9:.0f} GB and {folder} has {free / 1e9:.1f} GB left",
            fix="free some room, or set XDG_CACHE_HOME to a larger disk",
        )
