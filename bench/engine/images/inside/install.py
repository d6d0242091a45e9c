"""Make the image's environment from one lock: the same files, dates and bytecode from every build."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

from .sources import BUILD, Sources, finish, must, read_sources, run, uv_command

VENV = Path("/opt/bench/venv")
FACTS = Path("/opt/bench/image.json")


def install(sources: Sources, lock: Path, venv: Path) -> None:
    """Create `venv` and install `lock` into it, verified by hash.

    Raises:
        StepFailed: a package cannot be had, or is not what the lock says.
    """
    must([sys.executable, "-m", "venv", "--without-pip", str(venv)], sources, "no environment can be made")
    torch_cpu = "torch==2.7.1+cpu" in lock.read_text(encoding="utf-8")
    command = uv_command(sources, venv / "bin/python", lock, torch_cpu=torch_cpu)
    must(command, sources, "the locked packages cannot be installed")


def compile_bytecode(sources: Sources, python: Path, folder: Path) -> None:
    """Compile every module below `folder`, without a date in the bytecode.

    One process with a fixed hash seed, so that the bytes are the same each time. Files that are no valid Python
    (packages ship templates) are left out.
    """
    command = [str(python), "-m", "compileall", "-q", "-q", "-f", "--invalidation-mode", "unchecked-hash", str(folder)]
    # The exit status says only whether some file could not be compiled.
    run(command, sources)


def clamp(folder: Path, epoch: int) -> None:
    """Give everything below `folder`, and the folder, the same date."""
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.utime(Path(parent, name), (epoch, epoch), follow_symlinks=False)
    os.utime(folder, (epoch, epoch))


def read_facts(lock: Path, site: Path) -> dict[str, Any]:
    """Return what decides the environment's behaviour: the lock, Python's build, torch's build (None without torch)."""
    version = site / "torch/version.py"
    torch = None
    if version.exists():
        found = runpy.run_path(str(version))
        torch = {"version": str(found["__version__"]), "git": str(found["git_version"])}
    return {"lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest(), "python": sys.version, "torch": torch}


def main(sources: Sources, lock: Path, venv: Path = VENV, facts: Path = FACTS) -> None:
    """Install, compile, describe and date the environment."""
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    install(sources, lock, venv)
    site = next((venv / "lib").glob("python3*/site-packages"))
    compile_bytecode(sources, venv / "bin/python", site)
    facts.write_text(json.dumps(read_facts(lock, site), sort_keys=True) + "\n", encoding="utf-8")
    clamp(venv, epoch)
    os.utime(facts, (epoch, epoch))


if __name__ == "__main__":
    finish(lambda: main(read_sources(), BUILD / "choice/requirements.txt"))
