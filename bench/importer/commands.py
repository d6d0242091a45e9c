"""What was run and how it ended, from the text of a command and of an exit code (pure). Nothing here runs the text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from bench.record.storage.manifest import Problem

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w{0,99})=(?P<value>.*)", re.ASCII | re.DOTALL)
_SECONDS = re.compile(r"(?P<n>\d{1,9}(?:\.\d{1,9})?)(?P<unit>[smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PYTEST = re.compile(r"(?:.*/)?(?:pytest|py\.test)(?:-3)?|pytest")
_ENDS = re.compile(r"[|;&<>]|\d?>|tee")
_CODE = re.compile(r"(?P<label>[^\d\n]{0,40}?)(?P<code>\d{1,3})", re.ASCII)
_LABEL = re.compile(r"exit|status|code|\brc\b|\$\?", re.IGNORECASE)
_WITH_VALUE = frozenset(
    (
        *(
            "-k",
            "-m",
            "-o",
            "-p",
            "-c",
            "-n",
            "-W",
            "-r",
            "--junitxml",
            "--junit-xml",
            "--timeout",
            "--durations",
            "--tb",
        ),
        *("--maxfail", "--basetemp", "--rootdir", "--confcutdir", "--ignore", "--deselect", "--log-file", "--color"),
        *("--log-cli-level", "--log-level", "--cov", "--dist", "--count", "--reruns", "--timeout-method", "--capture"),
    )
)


@dataclass(frozen=True, slots=True)
class Commands:
    """What the last command that runs pytest gives: the environment it sets, what it runs, the limit of ``timeout``.

    ``targets`` are the files, folders and nodes that it names, ``chosen`` what of them (``-k``, ``-m``).
    """

    env: dict[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    timeout_s: float | None = None
    chosen: tuple[str, ...] = ()

    @property
    def node(self) -> str | None:
        """The one thing that it runs whole: a node, a file or a folder."""
        return self.targets[0] if len(self.targets) == 1 and not self.chosen else None


def parse_commands(text: str, file: str = "commands.txt") -> tuple[Commands, list[Problem]]:
    """Read commands, one a line (a backslash goes on with the next), as a shell would split them.

    Returns:
        The facts, and what is wrong: a line that no shell could read, or no command at all.
    """
    problems: list[Problem] = []
    found = Commands()
    ran = False
    joined = re.sub(r"\\\n", "  ", text)
    for number, line in enumerate(joined.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            words = shlex.split(line.strip().removeprefix("$ "))
        except ValueError as error:
            problems.append(Problem(file, f"cut off or not a command: {str(error).lower()}", number))
            continue
        command, pytest = _command(words)
        if pytest or not ran:
            found, ran = command, ran or pytest
    if found == Commands() and not ran and not problems:
        problems.append(Problem(file, "holds no command", 1))
    return found, problems


def runs_pytest(text: str, *, named: bool) -> bool:
    """Return whether a text is a few commands of which one runs pytest.

    Args:
        text: the text of a file.
        named: whether its name shows that it holds commands.
    """
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines() if line.strip()]
    if not lines or len(lines) > (200 if named else 20):
        return False
    for line in lines:
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        if words and _command(words)[1] and (named or _begins(words)):
            return True
    return False


def is_exit_code(text: str, *, named: bool) -> bool:
    """Return whether a short text is an exit code: a number if the file's name or a label shows that it is one."""
    match = _CODE.fullmatch(re.sub(r"\s+signal \d{1,2}$", "", text.strip()))
    return match is not None and int(match["code"]) <= 255 and (named or _LABEL.search(match["label"]) is not None)


def parse_exit_code(text: str, file: str = "exit_code.txt") -> tuple[int | None, list[Problem]]:
    """Read an exit code: one whole number from 0 to 255, alone or after a label, or before the signal it stands for."""
    said = re.sub(r"\s+signal \d{1,2}$", "", text.strip())
    if not said:
        return None, [Problem(file, "empty", 1)]
    match = _CODE.fullmatch(said)
    if match is not None and int(match["code"]) <= 255 and (not match["label"] or _LABEL.search(match["label"])):
        return int(match["code"]), []
    return None, [Problem(file, f"not an exit code: {said!r:.40}", 1)]


def _begins(words: list[str]) -> bool:
    """Whether the command begins as commands do, not as prose that speaks of pytest."""
    first = words[0].rpartition("/")[2]
    return (
        bool(_ASSIGNMENT.fullmatch(words[0]))
        or first.startswith("python")
        or first
        in {
            *(
                "pytest",
                "py.test",
                "time",
                "timeout",
                "env",
                "uv",
                "poetry",
                "nohup",
                "taskset",
                "nice",
                "srun",
                "cd",
                "export",
            ),
        }
    )


def _command(words: list[str]) -> tuple[Commands, bool]:
    env: dict[str, str] = {}
    targets: list[str] = []
    chosen: list[str] = []
    timeout: float | None = None
    pytest = False
    skip: str | None = None
    for at, word in enumerate(words):
        if not pytest:
            if (match := _ASSIGNMENT.fullmatch(word)) is not None and not word.startswith("-"):
                env[match["name"]] = match["value"]
            elif timeout is None and word.rpartition("/")[2] == "timeout":
                timeout = _limit(words[at + 1 :])
            pytest = _PYTEST.fullmatch(word) is not None
        elif _ENDS.match(word):
            break
        elif skip is not None:
            chosen += [f"{skip} {word}"] if skip in ("-k", "-m") else []
            skip = None
        elif word in _WITH_VALUE:
            skip = word
        elif not word.startswith("-"):
            targets.append(word.removeprefix("./").removesuffix(";"))
        if pytest and word.endswith(";"):
            break
    return Commands(env, tuple(targets), timeout, tuple(chosen)), pytest


def _limit(words: list[str]) -> float | None:
    """The limit of ``timeout``: its first operand, after its options."""
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = not skip and word in ("-s", "-k", "--signal", "--kill-after")
            continue
        match = _SECONDS.fullmatch(word)
        return float(match["n"]) * _UNITS[match["unit"]] if match else None
    return None
