"""Checks what a release is made of: ``python -m ci.dist [--tag vX.Y.Z]``, after both files were built into ``dist/``.

One wheel and one source distribution of the version that ``bench`` has, a changelog that names it, and a wheel that
works where nothing else of the checkout is: installed into a fresh environment from the locked requirements, both
commands and pytest's option answer.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import bench

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = (
    (("bench-reproducer", "--version"), f"bench {bench.__version__}"),
    (("bench", "--version"), f"bench {bench.__version__}"),
    (("bench-reproducer", "list"), "grad_cpu"),
    (("python", "-P", "-c", "import bench; print(bench.load)"), "load"),
    (("python", "-P", "-m", "pytest", "--help"), "--bench="),
)
"""Commands of the fresh environment, and what they print among the rest."""


def main(words: Sequence[str] | None = None) -> int:
    """Check what lies in ``dist``; a line for each thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist")
    asked = parser.parse_args(words)
    wrong = [*named(asked.folder, bench.__version__), *told((ROOT / "CHANGELOG.md").read_text("utf-8"), asked.tag)]
    if not wrong:
        (wheel,) = asked.folder.glob("*.whl")
        wrong = [*held(wheel), *answers(wheel)]
    for line in wrong:
        sys.stdout.write(f"{line}\n")
    return int(bool(wrong))


def named(folder: Path, version: str) -> Iterator[str]:
    """Yield what is wrong with the files by their names."""
    wanted = {f"bench_reproducer-{version}-py3-none-any.whl", f"bench_reproducer-{version}.tar.gz"}
    there = {path.name for path in folder.glob("*") if not path.name.startswith(".")}
    yield from (f"{folder.name}/{name} is missing" for name in sorted(wanted - there))
    yield from (f"{folder.name}/{name} is not part of version {version}" for name in sorted(there - wanted))


def told(changelog: str, tag: str | None) -> Iterator[str]:
    """Yield what is wrong with a tag; without one nothing is to be published."""
    if tag is None:
        return
    if tag != f"v{bench.__version__}":
        yield f"the tag {tag} is not that of version {bench.__version__}, as bench/__init__.py has it"
    if not re.search(rf"^## \[?{re.escape(bench.__version__)}\]?(\s|$)", changelog, re.MULTILINE):
        yield f"CHANGELOG.md has no part for {bench.__version__}"


def held(wheel: Path) -> Iterator[str]:
    """Yield what is missing in a wheel, or in it and should not be."""
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    wanted = {"bench/py.typed", "bench/_assets/Dockerfile", "bench/diagnostics/pytest.ini"}
    yield from (f"the wheel has no {name}" for name in sorted(wanted - names))
    tops = {name.partition("/")[0] for name in names}
    own = {"bench", f"bench_reproducer-{bench.__version__}.dist-info"}
    yield from (f"the wheel holds {name}" for name in sorted(tops - own))


def answers(wheel: Path) -> Iterator[str]:
    """Install a wheel into a fresh environment and yield what does not answer there."""
    with tempfile.TemporaryDirectory(prefix="bench-dist-") as folder:
        home = Path(folder) / "venv"
        venv.create(home, with_pip=True)
        pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements/host.txt")], check=True)
        subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
        for command, wanted in ANSWERS:
            line = [str(home / "bin" / command[0]), *command[1:]]
            # bench does not bring pytest: it is the one that this runs beside.
            env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib") if "pytest" in command else ""}
            done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=False)
            if done.returncode != 0 or wanted not in done.stdout:
                yield f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}"


if __name__ == "__main__":
    sys.exit(main())
