"""The small text files of a bundle (pure): what ran, in which environment, how it ended."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.record.redact import allowed_environ
from bench.record.schema import Record, Run


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was run: its words, and the environment set for it."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command of the system said, or why it said nothing."""

    title: str
    text: str | None
    reason: str = ""


def env_txt(environ: Mapping[str, str], extra: Sequence[str] = ()) -> str:
    """The recorded part of an environment, a ``NAME=value`` a line, line breaks in a value escaped.

    Args:
        environ: the whole environment of the measured process; the allow-list is applied here.
        extra: names that the user or the catalog set.
    """
    kept = allowed_environ(environ, extra)
    return "".join(f"{name}={_one_line(value)}\n" for name, value in kept.items())


def commands_txt(commands: Sequence[Command]) -> str:
    """Commands as a shell would take them, one a line; nothing ever runs this text."""
    return "".join(f"{command_line(command)}\n" for command in commands)


def command_line(command: Command) -> str:
    """One command as a shell would take it, on one line."""
    setting = [f"{name}={value}" for name, value in sorted(command.env.items())]
    return _one_line(shlex.join([*(["env", *setting] if setting else []), *command.argv]))


def exit_code_txt(run: Run) -> str:
    """The exit code alone on a line; ``signal 9`` for a process ended by one, ``unknown`` where nobody saw it end."""
    if run.exit_code is not None:
        return f"{run.exit_code}\n"
    return f"signal {run.signal}\n" if run.signal is not None else "unknown\n"


def answers_txt(answers: Sequence[Answer]) -> str:
    """Answers of several commands under one another; a missing one leaves a line saying so."""
    return "\n".join(
        f"# {answer.title}\n{answer.text.rstrip()}\n"
        if answer.text is not None
        else f"# {answer.title}: not available: {answer.reason}\n"
        for answer in answers
    )


def signature(record: Record) -> str | None:
    """How a result failed, as its first failing run says it; ``None`` where nothing failed."""
    for run in record.runs:
        if run.outcome != "passed":
            said = run.signature or ended(run)
            return said if len(record.runs) == 1 else f"run {run.index}: {said}"
    if record.outcome == "passed":
        return None
    reasons = "; ".join(record.verdict.reasons)
    return f"{record.outcome.replace('_', ' ')}: {reasons}" if reasons else record.outcome.replace("_", " ")


def ended(run: Run) -> str:
    """How a run ended, in words."""
    how = run.outcome.replace("_", " ")
    if run.signal is not None:
        return f"{how}, ended by signal {run.signal}"
    return how if run.exit_code is None else f"{how}, exit code {run.exit_code}"


def _one_line(text: str) -> str:
    return (
        text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n") if "\n" in text or "\r" in text else text
    )
