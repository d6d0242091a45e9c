"""Any command as a diagnostic: its words, what it has around it, and the name of its results (pure)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from bench.catalog.model import DEFAULT_TIMEOUT_S, SELFTEST, Command, Device, Diagnostic, Profile, label_of
from bench.errors import UsageError
from bench.names import NAMES, is_diagnostic_name

KINDS = ("cpu", "cuda", "small")
"""The images of ours; what else a command runs in is an image of somebody else's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks of a command beside its words.

    ``image`` is an image of any name, ``torch`` asks for ours with torch; without both it runs in our small one.
    """

    name: str | None = None
    image: str | None = None
    torch: bool = False
    device: Device = "cpu"
    shell: bool = False
    prepare: str | None = None
    input: Path | None = None
    expect_exit: int = 0


NOTHING = Asked()


def of_command(words: Sequence[str], asked: Asked = NOTHING, taken: Sequence[str] = ()) -> Diagnostic:
    """Return the diagnostic that a command is.

    Args:
        words: the command and its arguments; with ``shell`` one word, which is the pipeline.
        asked: what else the command line asks of it.
        taken: names of other diagnostics, under which no command's results may go.

    Raises:
        UsageError: no words, a name that cannot be had, or options that do not go together.
    """
    if not words or not words[0].strip():
        raise UsageError("no command was given", fix="put it behind --, as in: bench run -- sleep 1")
    if asked.shell and len(words) > 1:
        raise UsageError("--shell takes one word", f"{len(words)} were given", "quote the pipeline: --shell -- 'a | b'")
    if asked.image is not None and not asked.image.strip():
        raise UsageError("--image is empty", fix="name an image, or leave --image away")
    if asked.image is not None and asked.torch:
        raise UsageError("--torch goes with our own images", fix="leave --torch or --image away")
    if asked.input is not None and not asked.input.is_file():
        raise UsageError(f"--input {asked.input} is not a file", fix="give the file that the command reads")
    if not 0 <= asked.expect_exit <= 255:
        raise UsageError(f"--expect-exit {asked.expect_exit} is no exit code", fix="give 0 to 255")
    if any("\0" in word for word in (*words, asked.prepare or "")):
        raise UsageError("a command holds a NUL", "no process can be given one")
    given = None if asked.input is None else asked.input.absolute()  # not one of that name in the project
    kind = "cuda" if asked.device == "cuda" else "cpu" if asked.torch else "small"
    return Diagnostic(
        name=_name(words, asked, taken),
        about=shlex.join(words),
        node=None,
        device=asked.device,
        ceiling_s=None,
        timeout_s=DEFAULT_TIMEOUT_S,
        env={"CUDA_VISIBLE_DEVICES": "-1"} if asked.device == "cpu" and asked.torch else {},
        profiles=tuple(Profile(name, {"BENCH_PROFILE": name}) for name in ("full", "smoke")),
        image=asked.image or kind,
        command=Command(tuple(words), asked.shell, asked.prepare or None, given, asked.expect_exit),
    )


def default_name(words: Sequence[str], *, shell: bool = False) -> str:
    """Return the name of a command's results if nobody gave one: that of its program, without the folders before it."""
    first = words[0]
    if shell:
        try:
            first = (shlex.split(first) or [first])[0]
        except ValueError:  # quotes that a shell will complain of
            first = first.split()[0]
    name = PurePath(first).name or first
    return label_of(name) if re.search(r"[A-Za-z0-9]", name) else "command"


def _name(words: Sequence[str], asked: Asked, taken: Sequence[str]) -> str:
    if asked.name is None:
        name = default_name(words, shell=asked.shell)
        return f"command-{name}" if name in taken or not is_diagnostic_name(name) else name
    if asked.name in (*taken, SELFTEST):
        raise UsageError(f"--name {asked.name}: a diagnostic has that name", fix="choose another")
    if not is_diagnostic_name(asked.name):
        raise UsageError(f"--name {asked.name!r:.150} cannot name a folder of results", NAMES, "choose another")
    return asked.name
