"""What an image is made of, and the fingerprint that is equal wherever the same thing was built."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

FACTS_LABEL = "bench.facts"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The keys of record.image.

    Attributes:
        name: the image's tag in the engine.
        digest: the engine's id of the image; differs between two builds of the same thing.
        base: the base image's name, and the digest of its content.
        lock_sha256: the hash of the lock that was installed.
        fingerprint: equal on two machines that built the same thing.
        python: Python's version with its build, as sys.version.
        torch: torch's version with its build ("2.7.1+cpu", "2.7.1+cu126"), or None for an image without torch.
    """

    name: str
    digest: str
    base: str
    lock_sha256: str
    fingerprint: str
    python: str
    torch: str | None


def fingerprint(
    *,
    base_digest: str,
    lock_sha256: str,
    python: str,
    torch: str | None,
    torch_git: str | None,
    diagnostics_sha256: str,
) -> str:
    """Return the sha256 over canonical JSON of what decides an image's behaviour.

    Args:
        base_digest: the hash of the base's content (see `content_digest`).
        lock_sha256: the hash of the installed lock; for a derived image, of both locks.
        python: sys.version, with the compiler and the day of its build.
        torch: torch's version, or None.
        torch_git: the commit that torch was built from, or None.
        diagnostics_sha256: the hash of the shipped diagnostics' content.
    """
    deciding = {
        "base": base_digest,
        "lock": lock_sha256,
        "python": python,
        "torch": torch,
        "torch_git": torch_git,
        "diagnostics": diagnostics_sha256,
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def content_digest(layers: Sequence[str]) -> str:
    """Return one digest for an image's content, from the digests of its uncompressed layers.

    Unlike a registry's digest or the engine's id it holds no date, name or compression: a mirrored, a pulled and a
    locally made image with the same files have the same one. That of a single layer is the layer's own.
    """
    if len(layers) == 1:
        return layers[0]
    return "sha256:" + hashlib.sha256("\n".join(layers).encode()).hexdigest()


def parse_inside(text: str) -> dict[str, Any]:
    """Return the facts that the build left in the image (/opt/bench/image.json).

    Raises:
        ValueError: a key is missing, or the text is no JSON object.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("image.json holds no object")  # noqa: TRY004 (one kind of error for damaged text)
    if missing := {"lock_sha256", "python", "torch"} - found.keys():
        raise ValueError(f"image.json lacks {', '.join(sorted(missing))}")
    return found


def facts_to_label(facts: ImageFacts, extra: Mapping[str, Any]) -> str:
    """Return the label's text: everything but the id, which the label itself changes."""
    return json.dumps({**asdict(facts), "digest": None, **extra}, sort_keys=True)


def facts_from_label(text: str, name: str, digest: str) -> tuple[ImageFacts, dict[str, Any]] | None:
    """Return the facts of a label and what else it holds, or None if the label is not ours.

    Args:
        text: the label's text.
        name: the image's name.
        digest: the engine's id of the image.
    """
    try:
        found = json.loads(text)
        values = {key: found.pop(key) for key in ("base", "lock_sha256", "fingerprint", "python", "torch")}
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return ImageFacts(name=name, digest=digest, **values), found


_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


def without_password(text: str) -> str:
    """Return `text` with the user and password of every address in it left out."""
    return _PASSWORD.sub("", text)
