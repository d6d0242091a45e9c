"""The lock files under requirements/: which there are, and the commands that make them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError

# torch 2.7.1+cpu for CPython 3.13, as recorded in two independent public lock files.
TORCH_CPU_VERSION = "2.7.1+cpu"
TORCH_CPU_HASHES = {
    "x86_64": "84ea1f6a1d15663037d01b121d6e33bb9da3c90af8e069e5072c30f413455a57",
    "aarch64": "eb17646792ac4374ffc87e42369f45d21eff17c790868963b90483ef0b6db4ef",
}


@dataclass(frozen=True, slots=True)
class Lock:
    """One environment: `requirements/<name>.in` becomes `requirements/<name>.txt`.

    Attributes:
        name: the environment's name.
        python: the lowest Python that the lock has to serve.
        append: lines that uv cannot write itself, added at the end.
    """

    name: str
    python: str
    append: str = ""


def torch_cpu_lines() -> str:
    """Return the locked requirement of torch's CPU build, with exactly the two hashes on record."""
    hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(TORCH_CPU_HASHES.values()))
    return f"torch=={TORCH_CPU_VERSION} \\\n{hashes}\n    # from PyTorch's CPU index\n"


# In the order in which they constrain one another.
LOCKS = (
    Lock("host", "3.11"),
    Lock("unit", "3.11"),
    Lock("fleet", "3.11"),
    Lock("tests", "3.11"),
    Lock("lint", "3.11"),
    Lock("docs", "3.11"),
    Lock("nox", "3.11"),
    Lock("build", "3.11"),
    Lock("image-small", "3.13"),
    Lock("image-pypi", "3.13"),
    Lock("image-cpu", "3.13", append=torch_cpu_lines()),
)


def lock_command(lock: Lock, upgrade: bool = False) -> list[str]:
    """Return the uv command that makes one lock, to be run inside requirements/.

    No index, no find-links and no path of the machine is written into the file.
    """
    command = ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--universal", "--python-version", lock.python]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "nox -s lock"]
    if upgrade:
        command.append("--upgrade")
    return [*command, f"{lock.name}.in", "--output-file", f"{lock.name}.txt"]


def make_locks(
    root: Path, upgrade: bool = False, run: Callable[[list[str], Path], None] | None = None
) -> tuple[Path, ...]:
    """Make every lock file of the checkout at `root` anew and return their paths.

    Pins that are there already stay, unless `upgrade` is set. `run` executes one command in a folder.

    Args:
        root: the checkout.
        upgrade: whether newer versions are taken.
        run: runs a command.

    Raises:
        UsageError: uv is missing or could not resolve an environment.
    """
    folder = root / "requirements"
    written = []
    for lock in LOCKS:
        (run or _run)(lock_command(lock, upgrade), folder)
        path = folder / f"{lock.name}.txt"
        text = path.read_text(encoding="utf-8")
        if lock.append and lock.append not in text:
            path.write_text(text + lock.append, encoding="utf-8")
        written.append(path)
    return tuple(written)


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UsageError("the locks cannot be made", "uv is not installed", "pip install uv") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise UsageError(f"uv could not lock {command[-1]}", " ".join(line.strip() for line in lines[-6:]))
