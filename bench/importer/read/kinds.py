"""What a file is, by its content whatever it is called; by its name only if the content shows nothing (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from bench.importer.commands import is_exit_code, runs_pytest
from bench.importer.read.short_time import time_part

Kind = Literal["log", "time", "junit", "exit_code", "commands", "torch_env", "system", "disk", "env"]
PLACES: Mapping[Kind, str] = {
    "time": "artifacts/time.txt",
    "log": "logs/pytest.log",
    "junit": "artifacts/pytest.junit.xml",
    "exit_code": "artifacts/exit_code.txt",
    "commands": "artifacts/commands.txt",
    "torch_env": "env/torch_env.txt",
    "system": "env/system_load.txt",
    "disk": "env/disk_usage.txt",
    "env": "env/env.txt",
}
"""Where a bundle has it."""
_NAMES: Mapping[str, Kind] = {
    "time.txt": "time",
    "pytest.log": "log",
    "pytest.junit.xml": "junit",
    "junit.xml": "junit",
    "pytest.xml": "junit",
    "exit_code.txt": "exit_code",
    "commands.txt": "commands",
    "torch_env.txt": "torch_env",
    "system_load.txt": "system",
    "lscpu.txt": "system",
    "cpu_info.txt": "system",
    "disk_usage.txt": "disk",
    "env.txt": "env",
}
_WRITTEN = {".md", ".rst", ".py", ".json", ".toml", ".yaml", ".yml", ".html", ".htm", ".csv", ".ipynb", ".cfg", ".ini"}
"""Suffixes of what people and other programs write, who quote logs in it."""
_LOG = re.compile(
    r"^=+ test session starts =+\s*$"
    r"|^(?:=+ )?(?:no tests ran|\d+ (?:passed|failed|errors?|skipped|xfailed|xpassed|deselected)\b[\d a-z,]*)"
    r" in \d+(?:\.\d+)?(?:s| seconds)(?: \([\d:]+\))?(?: =+)?\s*$"
    r"|^\S{1,300}\.\w{1,6}::\S.{0,1000} (?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b"
    r"|^\[gw\d+\] .{0,40}(?:PASSED|FAILED|ERROR|SKIPPED) \S{1,300}::"
    r"|^(?:\S{1,300}\.py )?[.FEsxX]+ +\[ *\d+%\]\s*$"
    r"|^Results \(\d+\.\d+s.*\):\s*$",
    re.MULTILINE | re.ASCII,
)
_EXIT = re.compile(r"exit|status|(?:^|[^a-z])(?:rc|ret|code)(?:[^a-z]|$)", re.IGNORECASE)
_COMMAND = re.compile(r"comm?and|cmd|invocation", re.IGNORECASE)


def kinds_of(name: str, text: str) -> frozenset[Kind]:
    """Return the kinds that a file is of; a log can be the output of ``time`` too.

    Args:
        name: relative to the tree, ``/`` between its parts.
        text: its content, cleaned.
    """
    base = PurePosixPath(name)
    found = _by_content(base, text)
    known = _NAMES.get(base.name.lower())
    return found or (frozenset((known,)) if known is not None else frozenset())


def _by_content(base: PurePosixPath, text: str) -> frozenset[Kind]:
    begins = text[:4096].lstrip()
    if begins.startswith("<"):
        return frozenset(("junit",)) if "<testsuite" in begins else frozenset()
    if "Collecting environment information" in begins or "PyTorch version:" in begins:
        return frozenset(("torch_env",))
    if base.suffix.lower() in _WRITTEN:
        return frozenset()
    kinds: set[Kind] = set()
    if _LOG.search(text) is not None:
        kinds.add("log")
    if time_part(text) is not None:
        kinds.add("time")
    if kinds:
        return frozenset(kinds)
    if re.search(r"^(?:Model name|CPU\(s\)):\s", text[:65536], re.MULTILINE):
        return frozenset(("system",))
    if len(text) <= 256 and is_exit_code(text, named=_EXIT.search(base.name) is not None):
        return frozenset(("exit_code",))
    if (
        len(text) <= 65536
        and base.name.lower() not in _NAMES
        and runs_pytest(text, named=bool(_COMMAND.search(base.name)))
    ):
        return frozenset(("commands",))
    return frozenset()
