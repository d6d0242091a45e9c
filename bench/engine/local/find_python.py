"""The Python that diagnostics run on: 3.13 if one can be found or installed, else the nearest that can run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.engine.protocol import Notify
from bench.errors import NotMeasured

WANTED = (3, 13)
NEAREST = ((3, 12), (3, 11))
"""What else torch 2.7.1 has wheels for and the diagnostics can run on."""
_ASK = "import json, sys; print(json.dumps([list(sys.version_info[:3]), sys.version, sys.prefix]))"
_ASK_TIMEOUT_S = 15.0
_INSTALL_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter that has answered. ``version`` is ``sys.version``; ``note`` says that it is not the wanted one."""

    path: str
    numbers: tuple[int, int, int]
    version: str
    note: str | None = None


def find_python(
    notify: Notify, uv: str | None, environ: Mapping[str, str] = os.environ, *, may_install: bool = True
) -> Python:
    """Return Python 3.13, found or installed by uv, else the nearest with a note.

    Args:
        notify: takes each line for the person who waits.
        uv: the path of uv, or ``None``.
        environ: the environment's variables.
        may_install: whether uv may install one.

    Raises:
        NotMeasured: nothing that would do.
    """
    found = present(uv, environ)
    if found is not None:
        return found
    nearest = next(filter(None, (first(wanted, environ, uv) for wanted in NEAREST)), None)
    if may_install and uv is not None:
        notify("no Python 3.13 on this host; asking uv to install one")
        installed = install(uv)
        if installed is not None:
            return installed
    if nearest is None:
        raise NotMeasured(
            "no Python for the diagnostics was found",
            "looked for 3.13, 3.12 and 3.11 on the path, with uv and with pyenv",
            "install one ('uv python install 3.13')",
        )
    short = ".".join(map(str, nearest.numbers))
    note = f"Python {short} stands in for 3.13, which was not found and could not be installed"
    notify(note)
    return Python(nearest.path, nearest.numbers, nearest.version, note)


def present(uv: str | None, environ: Mapping[str, str] = os.environ) -> Python | None:
    """Return the Python 3.13 that is on this host already, or ``None``; nothing is installed."""
    return first(WANTED, environ, uv)


def stand_in(uv: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of what serves if there is no Python 3.13, or ``None``."""
    found = next(filter(None, (first(wanted, environ, uv) for wanted in NEAREST)), None)
    return None if found is None else found.path


def first(wanted: tuple[int, int], environ: Mapping[str, str], uv: str | None) -> Python | None:
    """Return the first interpreter of that version that answers, or ``None``.

    Args:
        wanted: major and minor version.
        environ: the environment's variables.
        uv: the path of uv, or ``None``.
    """
    seen: set[str] = set()
    for path in candidates(wanted, environ, uv):
        if path not in seen:
            seen.add(path)
            python = ask(path)
            if python is not None and python.numbers[:2] == wanted:
                return python
    return None


def candidates(wanted: tuple[int, int], environ: Mapping[str, str], uv: str | None) -> Iterator[str]:
    """Yield where such an interpreter may be, the cheapest places first.

    Args:
        wanted: major and minor version.
        environ: the environment's variables.
        uv: the path of uv, or ``None``.
    """
    if sys.version_info[:2] == wanted:
        yield getattr(sys, "_base_executable", None) or sys.executable  # outlives the environment we run in
    name = f"python{wanted[0]}.{wanted[1]}"
    path = environ.get("PATH", os.defpath)
    named = [found for found in (shutil.which(name, path=path), shutil.which("python3", path=path)) if found]
    yield from (found for found in named if not _is_shim(found))
    yield from pyenv_versions(wanted, environ)
    yield from filter(_is_shim, named)
    if uv is not None:
        yield from _uv_finds(uv, wanted)


def pyenv_versions(wanted: tuple[int, int], environ: Mapping[str, str]) -> list[str]:
    """What pyenv has installed, the newest first. Its own command on the path answers only for versions switched on."""
    roots = [environ.get("PYENV_ROOT"), str(Path(environ.get("HOME") or Path.home(), ".pyenv"))]
    prefix = f"{wanted[0]}.{wanted[1]}."
    folders = [folder for root in roots if root for folder in Path(root, "versions").glob(f"{prefix}*")]
    return [str(folder / "bin" / "python") for folder in sorted(folders, key=_patch, reverse=True)]


def _is_shim(path: str) -> bool:
    """Whether a version manager (pyenv, asdf, mise) chooses what a command starts, in a tenth of a second or more."""
    return Path(path).parent.name == "shims"


def _patch(folder: Path) -> int:
    digits = folder.name.rpartition(".")[2]
    return int(digits) if digits.isdecimal() else -1


def _uv_finds(uv: str, wanted: tuple[int, int]) -> Iterable[str]:
    command = [uv, "python", "find", "--no-project", "--no-python-downloads", f"{wanted[0]}.{wanted[1]}"]
    text = _output(command, _ASK_TIMEOUT_S)
    return [text.strip()] if text and text.strip() else []


def install(uv: str) -> Python | None:
    """Have uv install Python 3.13; ``None`` if it cannot (no network)."""
    name = f"{WANTED[0]}.{WANTED[1]}"
    if _output([uv, "python", "install", "--quiet", name], _INSTALL_TIMEOUT_S) is None:
        return None
    paths = _output([uv, "python", "find", "--no-project", "--managed-python", name], _ASK_TIMEOUT_S)
    python = ask(paths.strip()) if paths else None
    return python if python is not None and python.numbers[:2] == WANTED else None


def ask(path: str) -> Python | None:
    """What an interpreter reports of itself; ``None`` if it does not start (as pyenv's commands for other versions)."""
    text = _output([path, "-I", "-S", "-c", _ASK], _ASK_TIMEOUT_S)
    return parse_answer(path, text or "")


def parse_answer(path: str, text: str) -> Python | None:
    """The interpreter that gave this answer, or ``None``."""
    try:
        numbers, version, _ = json.loads(text)
        major, minor, patch = numbers
    except (ValueError, TypeError):
        return None
    return Python(path, (major, minor, patch), str(version))


def _output(command: list[str], timeout_s: float) -> str | None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
