"""What the supervisor is asked to do: one JSON text, read and checked."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

MIN_LOG_BYTES = 4096
MAX_SAMPLE_HZ = 100.0


class SpecError(ValueError):
    """The specification is not one: the message names the key."""


class GroupSpec(NamedTuple):
    """A control group that the engine made for the child. ``paths`` maps a v1 controller (v2: the empty name) to its
    folder.
    """

    version: int
    paths: dict[str, str]


class Spec(NamedTuple):
    """One life of the child.

    ``timeout_s`` counts from the child's start on the monotonic clock; ``grace_s`` is the time from TERM to KILL;
    ``sample_hz`` 0 turns sampling off. With ``group`` the child is put into that group and the supervisor stays
    outside; without one, the supervisor's own group is measured where nothing else lives in it. ``ask`` is the
    environment in which the place is asked about itself after the run, ``None`` where that is known already; ``torch``
    whether torch is asked, too.

    ``prepare`` is a command that runs before the child, in its group and unmeasured; ``stdin`` the file that the child
    reads; ``expect_exit`` the exit code of a child that passed. Without ``facts`` our own interpreter is no part of the
    place and is not described.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    out: str
    timeout_s: float
    grace_s: float = 10.0
    sample_hz: float = 1.0
    log_limit_bytes: int = 16 * 1024 * 1024
    ask: dict[str, str] | None = None
    torch: bool = False
    plugin: bool = False
    group: GroupSpec | None = None
    prepare: tuple[str, ...] = ()
    stdin: str | None = None
    expect_exit: int = 0
    facts: bool = True


def read_spec(argument: str) -> Spec:
    """The specification from the command line: a JSON text, or ``@FILE`` that holds one. Raises SpecError."""
    if argument.startswith("@"):
        try:
            with open(argument[1:], encoding="utf-8") as file:
                argument = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"cannot read the specification: {error}") from error
    return parse_spec(argument)


def parse_spec(text: str) -> Spec:
    """Check a JSON text and return the specification. Raises SpecError."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SpecError(f"the specification is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise SpecError("the specification is not a JSON object")
    argv = _words(data, "argv")
    if not argv:
        raise SpecError("argv: a list of one or more strings is needed")
    return Spec(
        argv=argv,
        env=_strings(data, "env"),
        cwd=_text(data, "cwd"),
        out=os.path.abspath(_text(data, "out")),
        timeout_s=_number(data, "timeout_s", None, least=0.001),
        grace_s=_number(data, "grace_s", 10.0),
        sample_hz=_number(data, "sample_hz", 1.0, most=MAX_SAMPLE_HZ),
        log_limit_bytes=int(_number(data, "log_limit_bytes", 16 * 1024 * 1024, least=MIN_LOG_BYTES)),
        ask=None if data.get("ask") is None else _strings(data, "ask"),
        torch=bool(data.get("torch", False)),
        plugin=bool(data.get("plugin", False)),
        group=_group(data.get("cgroup")),
        prepare=_words(data, "prepare"),
        stdin=None if data.get("stdin") is None else _text(data, "stdin"),
        expect_exit=int(_number(data, "expect_exit", 0, most=255)),
        facts=bool(data.get("facts", True)),
    )


def _strings(data: dict[str, Any], key: str) -> dict[str, str]:
    value = data.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise SpecError(f"{key}: an object of strings is needed")
    return dict(value)


def _words(data: dict[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise SpecError(f"{key}: a list of one or more strings is needed")
    return tuple(value)


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise SpecError(f"{key}: a path is needed")
    return value


def _number(
    data: dict[str, Any], key: str, default: float | None, least: float = 0.0, most: float = float("inf")
) -> float:
    value = data.get(key, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
        raise SpecError(f"{key}: a number from {least} to {most} is needed, not {value!r}")
    return float(value)


def _group(value: object) -> GroupSpec | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("version") not in (1, 2):
        raise SpecError("cgroup: null, or an object with version 1 or 2 is needed")
    paths = {"": value.get("path")} if value["version"] == 2 else value.get("paths")
    if not isinstance(paths, dict) or not paths or not all(isinstance(path, str) and path for path in paths.values()):
        raise SpecError("cgroup: version 1 needs paths (controller to folder), version 2 needs path")
    return GroupSpec(value["version"], dict(paths))
