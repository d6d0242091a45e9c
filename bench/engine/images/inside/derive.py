"""Install a project's own requirements into an image's environment, and leave a list of what is installed then."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import sys
from pathlib import Path

from .bootstrap import bootstrap
from .install import VENV, read_facts
from .sources import Sources, StepFailed, finish, must, read_sources, run, uv_command

DERIVED = Path("/opt/bench/derived.json")


def install_project(sources: Sources, venv: Path, requirements: Path, *, hash_locked: bool) -> list[str]:
    """Install `requirements` and return the frozen list of all packages, sorted.

    What is installed already and fits stays as it is.

    Raises:
        StepFailed: a package cannot be had, or is not what its hash says.
    """
    command = uv_command(sources, venv / "bin/python", requirements)
    # A project may depend on a package that has no wheel; our own locks may not.
    command.remove("--no-build")
    if not hash_locked:
        command.remove("--require-hashes")
    must(command, sources, "the project's requirements cannot be installed")
    frozen = run([command[0], "pip", "freeze", "--python", str(venv / "bin/python")], sources)
    if frozen.returncode != 0:
        raise StepFailed("the installed packages cannot be listed")
    return sorted(line.strip() for line in frozen.stdout.splitlines() if "==" in line or " @ " in line)


def compile_new(site: Path, epoch: int) -> None:
    """Compile modules that have no bytecode yet, and give new files the image's date; others stay untouched."""
    for path in sorted(site.rglob("*.py")):
        if not Path(importlib.util.cache_from_source(str(path))).exists():
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            # Silent about templates that are no valid Python.
            py_compile.compile(str(path), invalidation_mode=mode, quiet=2)
    for parent, folders, files in os.walk(site, topdown=False):
        for name in (*folders, *files):
            path = Path(parent, name)
            if int(path.lstat().st_mtime) != epoch:
                os.utime(path, (epoch, epoch), follow_symlinks=False)


def main(build: Path, venv: Path = VENV, derived: Path = DERIVED) -> None:
    """Do the whole step: arguments come as a file, since a container's environment would stay in the image."""
    arguments = json.loads((build / "arguments.json").read_text(encoding="utf-8"))
    os.environ.update(arguments["environ"])
    sources = read_sources(os.environ, build)
    bootstrap(sources)
    lock = build / "requirements.txt"
    frozen = install_project(sources, venv, lock, hash_locked=arguments["hash_locked"])
    site = next((venv / "lib").glob("python3*/site-packages"))
    compile_new(site, arguments["epoch"])
    facts = read_facts(lock, site)
    derived.write_text(json.dumps({**facts, "frozen": frozen}, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    finish(lambda: main(Path(sys.argv[1])))
