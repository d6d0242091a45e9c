"""Which machine was it? A name for a host class that a person can read and two machines of a kind share (pure)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from bench.record.schema import HostClass

HASH_DIGITS = 6
MODEL_LENGTH = 40
_NOISE = re.compile(
    r"\((?:r|tm|c)\)|®|™|\bcpu\b|\bprocessor\b|\b(?:\d+|quad|dual|six|eight)-core\b|@\s*[\d.]+\s*[gm]hz|\bwith\b.*$",
    re.IGNORECASE,
)


def host_id(host: HostClass) -> str:
    """Return a readable slug and a hash of the class alone, as in ``amd-ryzen-9-5950x-32t-125g-3f2a91``.

    ASCII without spaces, the same on every Python and in every process. Fields that are not known do not enter the
    hash, so a field that a later version adds leaves the ids of older records as they are.
    """
    parts = [_model(host.cpu_model)]
    if host.threads is not None:
        parts.append(f"{host.threads}t")
    if host.memory_bytes is not None:
        parts.append(f"{round(host.memory_bytes / 1024**3)}g")
    return "-".join([*parts, class_hash(host)[:HASH_DIGITS]])


def class_hash(host: HostClass | Mapping[str, Any]) -> str:
    """Return SHA-256 of the class as canonical JSON: known fields only, keys sorted, no spaces. 64 hexadecimal digits.

    A class as it stands in JSON may have fields that only a later version knows; they count.
    """
    known = {key: value for key, value in msgspec.to_builtins(host).items() if value is not None}
    return hashlib.sha256(msgspec.json.encode(known, order="sorted")).hexdigest()


def is_id_of(name: str, host: HostClass | Mapping[str, Any]) -> bool:
    """Return whether an id ends in the hash of this class. How the part before it is spelled is for people alone."""
    slug, _, digits = name.rpartition("-")
    return bool(slug) and digits == class_hash(host)[:HASH_DIGITS]


def _model(text: str | None) -> str:
    plain = unicodedata.normalize("NFKD", _NOISE.sub(" ", text or "")).encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return slug[:MODEL_LENGTH].strip("-") or "unknown"
