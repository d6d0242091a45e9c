"""Which build of torch the CPU image takes: PyTorch's own CPU build, or PyPI's where that index cannot be reached."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .sources import BUILD, Sources, StepFailed, finish, read_sources, run, say, uv_command

CPU_LOCK, PYPI_LOCK = "image-cpu.txt", "image-pypi.txt"

# uv's words where an index does not answer, or where a proxy answers in its place.
_UNREACHABLE = (
    "error sending request",
    "dns error",
    "tcp connect error",
    "connection refused",
    "timed out",
    "network is unreachable",
    "403 forbidden",
    "407 proxy authentication required",
    "server error (5",
)


def is_unreachable(said: str) -> bool:
    """Say whether uv failed because the index cannot be reached, rather than for what it answered.

    A hash that does not match, or a version that is not there, is never "unreachable".
    """
    text = said.lower()
    if "hash mismatch" in text or "invalid peer certificate" in text:
        return False
    return any(words in text for words in _UNREACHABLE)


def torch_wheel(wheels: Path) -> str | None:
    """Return the lock that fits the torch wheel in a folder of wheels, or None where the folder holds none."""
    names = [path.name for path in wheels.glob("torch-*.whl")]
    if not names:
        return None
    return CPU_LOCK if any("+cpu" in name or "%2Bcpu" in name for name in names) else PYPI_LOCK


def choose(sources: Sources) -> tuple[str, str]:
    """Return the name of the lock to install and why, in words that hold no address.

    Raises:
        StepFailed: the index answers, but not with what the lock asks for.
    """
    if sources.offline:
        lock = torch_wheel(sources.wheels)
        if lock is None:
            raise StepFailed("the folder of wheels holds no torch")
        return lock, "the folder of wheels holds it"
    lock_file = sources.build / "locks" / CPU_LOCK
    python = sources.build / "uv/bin/python"
    done = run([*uv_command(sources, python, lock_file, torch_cpu=True), "--dry-run"], sources)
    if done.returncode == 0:
        return CPU_LOCK, "PyTorch's CPU index answers"
    if is_unreachable(done.stdout):
        return PYPI_LOCK, "PyTorch's CPU index cannot be reached"
    last = done.stdout.strip().splitlines()[-1:] or ["no message"]
    raise StepFailed(f"PyTorch's CPU index answers, but torch cannot be had by its lock: {last[0].strip()}")


def write_choice(sources: Sources, folder: Path, note: Path) -> None:
    """Copy the chosen lock to `folder`, alone, and write why to `note`.

    The folder's content decides whether the environment's layer is shared with the CUDA image.
    """
    lock, why = choose(sources)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "requirements.txt"
    shutil.copyfile(sources.build / "locks" / lock, target)
    target.chmod(0o644)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"lock": lock, "why": why}, sort_keys=True) + "\n", encoding="utf-8")
    if lock == PYPI_LOCK:
        say(f"*** torch is PyPI's build, not 2.7.1+cpu: {why}. The image is larger; the record says which it is.\n")
    else:
        say(f"*** torch is 2.7.1+cpu: {why}.\n")


if __name__ == "__main__":
    finish(lambda: write_choice(read_sources(), BUILD / "choice", BUILD / "note/choice.json"))
