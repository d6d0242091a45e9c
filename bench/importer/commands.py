"""``commands.txt`` and ``exit_code.txt``: what was run and how it ended (pure). Nothing here ever runs the text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from bench.record.storage.manifest import Problem

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w{0,99})=(?P<value>.*)", re.ASCII | re.DOTALL)
_NODE = re.compile(r"[^\s:]+\.py::\S+")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?s?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Commands:
    """What the last command that runs pytest says: the environment it sets, the node, the limit of ``timeout``."""

    env: dict[str, str] = field(default_factory=dict)
    node: str | None = None
    timeout_s: float | None = None


def parse_commands(text: str, file: str = "commands.txt") -> tuple[Commands, list[Problem]]:
    """Read commands, one a line, as a shell would split them.

    Returns:
        The facts, and what is wrong: a line that no shell could read, or no command at all.
    """
    problems: list[Problem] = []
    found = Commands()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            words = shlex.split(line)
        except ValueError as error:
            problems.append(Problem(file, f"cut off or not a command: {str(error).lower()}", number))
            continue
        command = _command(words)
        if command.node is not None or found.node is None:
            found = command
    if found == Commands() and not problems:
        problems.append(Problem(file, "holds no command", 1))
    return found, problems


def parse_exit_code(text: str, file: str = "exit_code.txt") -> tuple[int | None, list[Problem]]:
    """Read an exit code: one whole number from 0 to 255, alone, or before the signal that it stands for."""
    said = re.sub(r"\s+signal \d{1,2}$", "", text.strip())
    if not said:
        return None, [Problem(file, "empty", 1)]
    if re.fullmatch(r"\d{1,3}", said, re.ASCII) and int(said) <= 255:
        return int(said), []
    return None, [Problem(file, f"not an exit code: {said!r:.40}", 1)]


def _command(words: list[str]) -> Commands:
    env: dict[str, str] = {}
    node = timeout = None
    for at, word in enumerate(words):
        if (match := _ASSIGNMENT.fullmatch(word)) is not None and node is None and not word.startswith("-"):
            env[match["name"]] = match["value"]
        elif node is None and _NODE.fullmatch(word):
            node = word
        elif timeout is None and word == "timeout" and at + 1 < len(words) and _SECONDS.fullmatch(words[at + 1]):
            timeout = float(words[at + 1].removesuffix("s"))
    return Commands(env, node, timeout)
