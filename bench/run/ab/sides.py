"""What the words of ``--base`` and ``--head`` ask for (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import UsageError
from bench.run.plan import parse_env

_HOW = "write a revision, and rev= variant= requirements= env.K= threads= image= with commas between"


@dataclass(frozen=True, slots=True)
class Side:
    """One side: what is not as the command has it otherwise. Without a ``rev`` it is the working tree."""

    words: str = ""
    rev: str | None = None
    variant: str | None = None
    requirements: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    threads: int | None = None
    image: str | None = None


def parse_side(option: str, text: str) -> Side:
    """Return the side that words ask for.

    Args:
        option: what they were given to, for the complaint.
        text: a revision as a bare word, and ``KEY=VALUE``, comma between.

    Raises:
        UsageError: an unknown key, one that stands twice, or a value that makes no sense.
    """
    found: dict[str, str] = {}
    for word in (part.strip() for part in text.split(",")):
        key, value = _parted(word)
        if not value and not key.startswith("env."):
            raise UsageError(f"{option} '{text}': '{word}' has no value", fix=_HOW)
        if key not in {"rev", "variant", "requirements", "threads", "image"} and not key.startswith("env."):
            raise UsageError(f"{option} '{text}': there is no '{key}'", fix=_HOW)
        if key in found:
            raise UsageError(f"{option} '{text}' has '{key}' twice", fix="give each once")
        found[key] = value
    rev, image = found.get("rev"), found.get("image")
    env = [f"{key.removeprefix('env.')}={value}" for key, value in found.items() if key.startswith("env.")]
    if rev is not None and rev.startswith("-"):
        raise UsageError(f"{option} '{rev}' is no revision", fix="name a branch, a tag or a commit")
    return Side(
        words=text,
        rev=rev,
        variant=found.get("variant"),
        requirements=Path(found["requirements"]) if "requirements" in found else None,
        env=parse_env(env),
        threads=_threads(option, found["threads"]) if "threads" in found else None,
        image=image,
    )


def _parted(word: str) -> tuple[str, str]:
    """Key and value; a word without an equals sign is a revision. A variable may be empty."""
    key, equals, value = word.partition("=")
    return (key, value) if equals else ("rev", word)


def _threads(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 100_000):
        raise UsageError(f"{option} threads={text} is no number of threads", fix="give 1 or more")
    return int(text)
