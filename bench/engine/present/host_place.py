"""This host itself as the place of a command: nothing is prepared, its own programs run with the user's own PATH."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from pathlib import Path

from bench.engine.assets import agent_folder, diagnostics_folder
from bench.engine.local.environment import find_preloads
from bench.engine.protocol import Need, Place
from bench.record.schema import Environment

SHELL = "/bin/sh"
MAX_BYTES = 1024**3
"""A program that is larger is told by its size: it would be read for longer than it may run."""
PASSED_ON = ("LD_LIBRARY_PATH", "PYTHONPATH", "CUDA_HOME", "CUDA_PATH", "JAVA_HOME", "CONDA_PREFIX", "VIRTUAL_ENV")
"""Variables by which programs of a host find their parts; what else the user has set reaches no run."""


def is_host(need: Need) -> bool:
    """Return whether a need is met by the host as it is: a command, for which nobody named packages."""
    return need.program is not None and need.kind == "small" and need.requirements is None


def host_place(program: str | None) -> Place:
    """Return this host as a place for a command.

    Its fingerprint tells the program's content, the C library and the machine's architecture; a program of a project
    has none of its own, since it is a part of that project's source.
    """
    path = os.environ.get("PATH") or os.defpath
    found = shutil.which(program, path=path) if program and os.sep not in program else program
    return Place(
        python=sys.executable,
        agent=str(agent_folder()),
        diagnostics=str(diagnostics_folder()),
        handle="",
        environment=Environment(
            python=None,
            torch=None,
            lock_sha256=None,
            fingerprint=_fingerprint(Path(found)) if found else None,
            note="this host's own programs, with nothing prepared",
        ),
        preloads=find_preloads(),
        env=passed_on(),
        path=path,
        has_python=False,
    )


def passed_on() -> dict[str, str]:
    """Return the variables of the user's own that a run needs to find libraries."""
    return {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}


def libc() -> str:
    """Return what C library this host has, as in ``x86_64 glibc-2.39``."""
    return f"{platform.machine()} {'-'.join(platform.libc_ver())}"


def _fingerprint(program: Path) -> str | None:
    """One hash of what decides how a program of the host behaves; ``None`` if it cannot be read."""
    try:
        if not program.is_absolute():  # of the project, or of the folder where it runs
            content = "in the source"
        elif program.stat().st_size > MAX_BYTES:
            content = f"{program.stat().st_size} bytes"
        else:
            content = hashlib.sha256(program.read_bytes()).hexdigest()
    except OSError:
        return None
    deciding = {"libc": libc(), "program": program.name, "content": content}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
