"""An older evidence folder, read: its files by what they are, in either layout, and all that their parsers found."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.errors import DamagedData, UsageError
from bench.importer.commands import Commands, parse_commands, parse_exit_code
from bench.importer.junit import Junit, parse_junit
from bench.importer.machine import Lscpu, TorchEnv, parse_lscpu, parse_torch_env
from bench.importer.pytestlog import PytestLog, parse_pytest_log
from bench.importer.timefile import TimeFile, parse_time
from bench.record.storage.manifest import Problem

MAX_FILE_BYTES = 64 * 1024**2
MAX_FILES = 1000
_Parsed = TypeVar("_Parsed")

NAMES: Mapping[str, tuple[str, ...]] = {
    "artifacts/time.txt": ("time.txt",),
    "logs/pytest.log": ("pytest.log",),
    "artifacts/pytest.junit.xml": ("pytest.junit.xml", "junit.xml", "pytest.xml"),
    "artifacts/exit_code.txt": ("exit_code.txt",),
    "artifacts/commands.txt": ("commands.txt",),
    "env/torch_env.txt": ("torch_env.txt",),
    "env/system_load.txt": ("system_load.txt", "lscpu.txt", "cpu_info.txt"),
    "env/disk_usage.txt": ("disk_usage.txt",),
    "env/env.txt": ("env.txt",),
}
"""Place in a bundle, and the names that older folders have for it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an older folder says. ``files`` maps a place in a bundle to the path in that folder."""

    time: TimeFile | None
    log: PytestLog | None
    junit: Junit | None
    exit_code: int | None
    commands: Commands | None
    torch: TorchEnv | None
    torch_cpu: Lscpu | None
    lscpu: Lscpu | None
    files: Mapping[str, str]
    texts: Mapping[str, str]
    problems: tuple[Problem, ...]


def read_files(folder: Path) -> tuple[dict[str, bytes], list[Problem], float]:
    """Plain files of a folder by relative name, at most two levels deep, links never followed.

    Returns:
        The contents, what was left out and why, and the newest modification time (seconds since 1970).

    Raises:
        UsageError: it cannot be read, or holds too many files to be one run's evidence.
    """
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    newest = 0.0
    try:
        for here, subfolders, names in os.walk(folder):
            depth = len(Path(here).relative_to(folder).parts)
            subfolders[:] = sorted(name for name in subfolders if depth < 2 and not name.startswith("."))
            for name in sorted(names):
                path = Path(here, name)
                relative = path.relative_to(folder).as_posix()
                about = path.lstat()
                if not stat.S_ISREG(about.st_mode):
                    problems.append(Problem(relative, "not a plain file; left out"))
                elif about.st_size > MAX_FILE_BYTES:
                    problems.append(Problem(relative, f"larger than {MAX_FILE_BYTES} bytes; left out"))
                else:
                    contents[relative] = path.read_bytes()
                    newest = max(newest, about.st_mtime)
                if len(contents) > MAX_FILES:
                    raise UsageError(f"{folder} holds over {MAX_FILES} files", "it is not one run's evidence")
    except OSError as error:
        raise UsageError(f"{folder} cannot be read", str(error)) from None
    return contents, problems, newest


def parse_files(contents: Mapping[str, bytes]) -> Evidence:
    """What the files say (pure).

    Raises:
        DamagedData: none of them is a file of an evidence folder.
    """
    files, problems = _placed(contents)
    if not any(place in files for place in ("artifacts/time.txt", "logs/pytest.log", "artifacts/pytest.junit.xml")):
        raise DamagedData(
            "the folder is no evidence of a run",
            "it has neither time.txt nor pytest.log nor JUnit XML",
            "give the folder that holds them, or its env/ logs/ artifacts/",
        )
    texts: dict[str, str] = {}
    for place, name in files.items():
        texts[place], bad = _text(contents[name], name)
        problems += bad

    def parse(place: str, parser: Callable[[str, str], tuple[_Parsed, list[Problem]]]) -> _Parsed | None:
        if place not in texts:
            return None
        found, said = parser(texts[place], files[place])
        problems.extend(said)
        return found

    time = parse("artifacts/time.txt", parse_time)
    commands = parse("artifacts/commands.txt", parse_commands)
    torch_cpu: Lscpu | None = None
    if "env/torch_env.txt" in texts:
        # Only some versions of collect_env print lscpu's lines; a text without them is no fault.
        torch_cpu, said = parse_lscpu(texts["env/torch_env.txt"], files["env/torch_env.txt"])
        problems += said if torch_cpu != Lscpu() else []
    return Evidence(
        time=time,
        log=parse("logs/pytest.log", parse_pytest_log),
        junit=parse("artifacts/pytest.junit.xml", parse_junit),
        exit_code=parse("artifacts/exit_code.txt", parse_exit_code),
        commands=commands if commands is not None else _timed_command(time),
        torch=parse("env/torch_env.txt", parse_torch_env),
        torch_cpu=torch_cpu,
        lscpu=parse("env/system_load.txt", parse_lscpu),
        files=files,
        texts=texts,
        problems=tuple(dict.fromkeys(problems)),
    )


def _placed(contents: Mapping[str, bytes]) -> tuple[dict[str, str], list[Problem]]:
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for place, names in NAMES.items():
        folder = place.partition("/")[0]
        candidates = [where for name in names for where in (f"{folder}/{name}", name) if where in contents]
        if candidates:
            files[place] = candidates[0]
        problems += [
            Problem(other, f"not read: {candidates[0]} is there too and differs")
            for other in candidates[1:]
            if contents[other] != contents[candidates[0]]
        ]
    return files, problems


def _text(data: bytes, name: str) -> tuple[str, list[Problem]]:
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("utf-8", "replace"), [Problem(name, "not UTF-8; the bad bytes are marked", line)]


def _timed_command(time: TimeFile | None) -> Commands | None:
    """The command that GNU time names. It joins words by spaces alone, so a value that held one is not certain."""
    if time is None or time.command is None:
        return None
    found, problems = parse_commands(time.command)
    env = {name: value for name, value in found.env.items() if name != "PYTEST_ADDOPTS"}
    return None if problems else Commands(env, found.node, found.timeout_s)
