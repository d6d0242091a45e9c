"""The log of a search, in the form of ``git bisect log``: git replays it too, and our figures are comments to it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import platformdirs

from bench.compare.bisection import Answer, Step
from bench.errors import DamagedData, NotMeasured, UsageError

MAX_BYTES = 16 * 1024**2
_OURS = "# bench: "
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_WORDS: dict[Answer, str] = {"good": "good", "bad": "bad", "undecided": "skip", "skipped": "skip"}


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. ``name`` is of a diagnostic, or the node; ``good`` and ``bad`` are whole hashes."""

    form: str = "bench.bisect/1"
    name: str
    good: str
    bad: str
    metric: str
    effect: float
    planned: int


def log_text(search: Search, steps: Sequence[Step], first: Step | None) -> str:
    """Return the log of a search.

    Args:
        search: what is looked for.
        steps: what was tried, in its order.
        first: the first bad commit, once it is known.
    """
    lines = [
        f"{_OURS}{_json(search)}",
        "git bisect start",
        f"# good: [{search.good}]",
        f"git bisect good {search.good}",
    ]
    for step in steps:
        lines += [f"{_OURS}{_json(step)}", f"# {step.answer}: [{step.commit}] {step.subject}"]
        lines += [f"git bisect {_WORDS[step.answer]} {step.commit}"]
    if first is not None:
        lines += [f"# first bad commit: [{first.commit}] {first.subject}"]
    return "\n".join(lines) + "\n"


def parse_log(text: str) -> tuple[Search, list[Step]]:
    """Return what was looked for, and what was tried, in its order.

    Raises:
        DamagedData: it is no such log, or what it has does not fit together.
    """
    ours = [line.removeprefix(_OURS) for line in text.splitlines() if line.startswith(_OURS)]
    if not ours:
        raise DamagedData("this is no log of a search", "it has no line of bench's", "give what 'bench bisect' wrote")
    try:
        search = msgspec.json.decode(ours[0], type=Search)
        steps = [msgspec.json.decode(line, type=Step) for line in ours[1:]]
    except msgspec.DecodeError as error:
        raise DamagedData("the log of the search cannot be read", str(error)) from None
    why = next(_faults(search, steps), None)
    if why is not None:
        raise DamagedData("the log of the search cannot be used", why)
    return search, steps


def _faults(search: Search, steps: Sequence[Step]) -> Iterator[str]:
    if search.form != Search.__struct_defaults__[0]:
        yield f"its form is {search.form!r:.40}"
    if not 1 <= search.planned <= 100 or not 0 < search.effect <= 1:
        yield "its figures make no sense"
    for commit in (search.good, search.bad, *(step.commit for step in steps)):
        if not _COMMIT.fullmatch(commit):
            yield f"{commit!r:.60} is no commit"
    for number, step in enumerate(steps):
        if step.alpha is not None and not 0 < step.alpha < 1:
            yield f"step {number} has an error of {step.alpha}"
        if step.answer == "bad" and not (step.threshold is not None and step.threshold > 0):
            yield f"step {number} is bad, and has no threshold"
        if step.commit != search.bad and not any(
            one.commit == search.bad and one.answer == "bad" for one in steps[:number]
        ):
            yield f"step {number} comes before the bad end"


def read_log(path: Path) -> tuple[Search, list[Step]]:
    """Return :func:`parse_log` of a file.

    Raises:
        UsageError: the file is not there, or cannot be read.
        DamagedData: as there.
    """
    fix = "give the log that 'bench bisect' wrote"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--replay {path} cannot be read", error.strerror or str(error), fix) from None
    if len(content) > MAX_BYTES:
        raise DamagedData(f"{path} is too large for the log of a search", fix=fix)
    return parse_log(content.decode("utf-8", "replace"))


def new_log() -> Path:
    """Return where a new log goes: the user's state, apart from all results."""
    return platformdirs.user_state_path("bench") / "searches" / f"bisect-{secrets.token_hex(4)}.log"


def write_log(path: Path, text: str) -> None:
    """Write a log as a whole, so that it is never half of one.

    Raises:
        NotMeasured: the disk refuses.
    """
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        said = f"{error.filename}: {os.strerror(error.errno or 0)}"
        raise NotMeasured("the log of the search cannot be written", said, "make room, or set XDG_STATE_HOME") from None


def _json(what: Search | Step) -> str:
    return msgspec.json.encode(what).decode()
