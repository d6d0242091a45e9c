"""One older run's evidence: all that the parsers found in its files (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bench.importer.commands import Commands, parse_commands, parse_exit_code
from bench.importer.junit import Junit, parse_junit
from bench.importer.machine import Lscpu, TorchEnv, parse_lscpu, parse_torch_env
from bench.importer.pytestlog import PytestLog, parse_pytest_log
from bench.importer.read.kinds import PLACES, Kind
from bench.importer.timefile import TimeFile, parse_time
from bench.record.storage.manifest import Problem

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or the part of one, that is evidence: its name, and its text without colours."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What older evidence holds. ``files`` maps a place in a bundle to the file's name."""

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


def evidence_of(pieces: Mapping[Kind, Piece]) -> Evidence:
    """Return what the files of one run hold."""
    problems: list[Problem] = []

    def parse(kind: Kind, parser: Callable[[str, str], tuple[_Parsed, list[Problem]]]) -> _Parsed | None:
        if kind not in pieces:
            return None
        found, said = parser(pieces[kind].text, pieces[kind].name)
        problems.extend(said)
        return found

    time = parse("time", parse_time)
    commands = parse("commands", parse_commands)
    torch_cpu: Lscpu | None = None
    if "torch_env" in pieces:
        # Only some versions of collect_env print lscpu's lines; a text without them is no fault.
        torch_cpu, said = parse_lscpu(pieces["torch_env"].text, pieces["torch_env"].name)
        problems += said if torch_cpu != Lscpu() else []
    return Evidence(
        time=time,
        log=parse("log", parse_pytest_log),
        junit=parse("junit", parse_junit),
        exit_code=parse("exit_code", parse_exit_code),
        commands=commands if commands is not None else _timed_command(time),
        torch=parse("torch_env", parse_torch_env),
        torch_cpu=torch_cpu,
        lscpu=parse("system", parse_lscpu),
        files={PLACES[kind]: piece.name for kind, piece in pieces.items()},
        texts={PLACES[kind]: piece.text for kind, piece in pieces.items()},
        problems=tuple(dict.fromkeys(problems)),
    )


def _timed_command(time: TimeFile | None) -> Commands | None:
    """The command that GNU time names. It joins words by spaces alone, so a value that held one is not certain."""
    if time is None or time.command is None:
        return None
    found, problems = parse_commands(time.command)
    if problems:
        return None
    env = {name: value for name, value in found.env.items() if name != "PYTEST_ADDOPTS"}
    certain = not found.chosen and all(target.count("[") == target.count("]") for target in found.targets)
    return Commands(env, found.targets if certain else (), found.timeout_s)
