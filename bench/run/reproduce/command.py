"""A command from a bundle, as the diagnostic that it was (pure but for the hash of its input)."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.catalog.command import Asked, of_command
from bench.catalog.model import Device, Diagnostic
from bench.errors import DamagedData, NotComparable, UsageError
from bench.record.schema import Record
from bench.record.storage.manifest import hash_file

_REDACTED = "[redacted"


def command_of(record: Record, given: Path | None) -> Diagnostic | None:
    """Return the command that a record was made of; ``None`` if it was a test.

    Args:
        record: what was done there.
        given: the file here that the command is to read, or ``None``.

    Raises:
        DamagedData: its words, or what it has around it, are not of a command.
        NotComparable: a secret was taken out of it, or it reads a file that is not here, or another.
    """
    words, params = record.diagnostic.command, record.diagnostic.params
    if words is msgspec.UNSET:
        return None
    shell, prepare, code = params.get("shell", False), params.get("prepare"), params.get("expect_exit", 0)
    image = params.get("image", "small")
    if not (
        isinstance(shell, bool)
        and (prepare is None or isinstance(prepare, str))
        and isinstance(code, int)
        and isinstance(image, str)
        and not image.startswith("-")
    ):
        raise DamagedData(f"the command of {record.id} does not fit", fix="fetch the bundle again from its source")
    if any(_REDACTED in word for word in (*words, prepare or "")):
        what = f"the command of {record.id} cannot be run again"
        raise NotComparable(what, "secrets were taken out of it", "run it yourself, with 'bench run --'")
    _check_input(record, given)
    device: Device = "cuda" if record.diagnostic.device == "cuda" else "cpu"
    asked = Asked(record.diagnostic.name, image, False, device, shell, prepare, given, code)
    try:
        made = of_command(words, asked)
    except UsageError as error:
        raise DamagedData(f"the command of {record.id} does not fit", str(error)) from None
    env = {name: "-1" for name in ("CUDA_VISIBLE_DEVICES",) if record.environ.get(name) == "-1"}
    return replace(made, env=env)


def line_of(record: Record) -> str:
    """Return a record's command as a person would write it, with what runs before it."""
    words, params = record.diagnostic.command, record.diagnostic.params
    line = "" if words is msgspec.UNSET else words[0] if params.get("shell") is True and words else shlex.join(words)
    return f"{params['prepare']} (before each run); {line}" if params.get("prepare") else line


def _check_input(record: Record, given: Path | None) -> None:
    wanted = record.diagnostic.params.get("input_sha256")
    if (wanted is None) == (given is None) and wanted is None:
        return
    what = f"the command of {record.id} "
    if wanted is None:
        raise UsageError(f"{what}reads no file", fix="leave --input away")
    if given is None:
        raise NotComparable(f"{what}reads a file that no bundle holds", fix="give it with --input FILE")
    try:
        same = hash_file(given) == wanted
    except OSError as error:
        raise UsageError(f"--input {given} cannot be read", error.strerror or str(error)) from None
    if not same:
        raise NotComparable(f"{what}read another file than {given}", "its content has another hash", "give that file")
