"""The words of an experiment, kept in the user's state so that it can be gone on with without giving them again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
import platformdirs

from bench.errors import UsageError
from bench.files import read_plain
from bench.names import is_part

MAX_BYTES = 1024**2


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked. Paths are absolute; nothing of this goes into a bundle.

    ``command`` are the words behind ``--``; ``called`` to ``python`` go with it.
    """

    name: str | None = None
    base: str
    head: str = ""
    project: str | None = None
    node: str | None = None
    device: str = "cpu"
    requirements: str | None = None
    engine: str | None = None
    host: str | None = None
    profile: str = "full"
    cpus: float | None = None
    cpuset: str | None = None
    memory: str | None = None
    threads: int | None = None
    timeout: str | None = None
    ceiling: str | None = None
    env: tuple[str, ...] = ()
    duet: bool = False
    command: tuple[str, ...] | None = None
    called: str | None = None
    image: str | None = None
    torch: bool = False
    shell: bool = False
    prepare: str | None = None
    input: str | None = None
    expect_exit: int = 0
    warmup: int | None = None
    python: str | None = None
    results: str
    where: str
    """The folder that the command ran in, to which paths within the sides are relative."""


def keep_words(experiment: str, words: Words) -> None:
    """Keep the words of an experiment; a disk that refuses costs that they must be given again."""
    path = _path(experiment)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # variables may be secrets
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(words))
        fresh.replace(path)


def kept_words(experiment: str) -> Words:
    """Return the words of an experiment that began on this machine.

    Raises:
        UsageError: they are not here, or cannot be read.
    """
    fix = "give the words of the first command again, beside --resume"
    if not is_part(experiment):
        raise UsageError(f"{experiment!r:.80} names no experiment", fix="name one that 'bench ab' began")
    path = _path(experiment)
    try:
        return msgspec.json.decode(read_plain(path, MAX_BYTES), type=Words)
    except FileNotFoundError:
        raise UsageError(f"what {experiment} was asked is not kept on this machine", fix=fix) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"what {experiment} was asked cannot be read", str(error), fix) from None


def newest_words(what: str | None, results: Path) -> tuple[str, Words] | None:
    """Return the experiment that began last on this machine with this folder of results, and its words.

    Args:
        what: its id, or the name of a diagnostic; ``None`` for any.
        results: the results folder.
    """
    found: list[tuple[float, str, Words]] = []
    for path in _path("ab-*").parent.glob("ab-*.json"):
        with contextlib.suppress(OSError, UsageError):  # one that cannot be read is none to go on with
            words = kept_words(path.stem)
            if Path(words.results) == results.absolute() and what in (None, path.stem, words.name):
                found.append((path.stat().st_mtime, path.stem, words))
    newest = max(found, key=lambda one: one[:2], default=None)
    return None if newest is None else (newest[1], newest[2])


def _path(experiment: str) -> Path:
    return platformdirs.user_state_path("bench") / "experiments" / f"{experiment}.json"
