"""Long strings that look random: secrets whose form nobody published (pure).

Entropy alone cannot tell a key of 32 characters from ``TestPropertyBasedGradients``. Pairs of neighbouring letters can:
in words about three in four are among the commonest pairs of English, in random text about one in six (Shannon,
"Prediction and Entropy of Printed English", 1951, for why).
"""

from __future__ import annotations

import math
import re
from collections import Counter

# The n of a line feed that JSON escaped is not the token's.
_TOKEN = re.compile(rb"(?:(?<=\\)[nrt])?(?P<token>[A-Za-z0-9+/_-]{20,}={0,2})")
_SEPARATOR = re.compile(rb"[+/_=-]+")
_HEX = re.compile(rb"[0-9a-f]{32,}|[0-9A-F]{32,}")
_DIGIT = re.compile(rb"[0-9]")
_LETTERS = re.compile(rb"[a-z]{2,}")
# A result's stamp is no part of a secret.
_STAMP = re.compile(rb"(?<![A-Za-z0-9])\d{8}T\d{6}Z(?![A-Za-z0-9])")
_HEX_PART = re.compile(rb"(?<![A-Za-z0-9])(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?![A-Za-z0-9])")
# Places in which a hash belongs: said by the word in front of it on the same line.
_HASH_PLACE = re.compile(
    rb"(?i)(?:sha-?\d{1,3}|md5|blake\w*|digest|commit|fingerprint|revision|checksum|hash|tree|head|container|docker|cgroup|overlay2?|layers?|blob|raw"
    rb"|image|build[- ]?id|\bid)[^\r\n]{0,24}$",
)
_LOOK_BACK = 56
_COMMON = (
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me "
    "de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot "
    "il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai "
    "sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op ex ke fr "
)
_PAIRS = frozenset(_COMMON.encode("ascii").split())


def redact_random(data: bytes, mark: bytes) -> bytes:
    """``data`` with every long random-looking string replaced by ``mark``; hashes in their places stay."""

    def replace(match: re.Match[bytes]) -> bytes:
        token = match["token"]
        if not _is_suspect(_STAMP.sub(b"", token)):
            return match[0]
        hashes = [part.span() for part in _HEX_PART.finditer(token)]
        if hashes:
            line = data[max(0, match.start("token") - _LOOK_BACK) : match.start("token")].rpartition(b"\n")[2]
            if all(_HASH_PLACE.search(line + token[:start]) for start, _ in hashes):
                return match[0]
        return match[0][: match.start("token") - match.start()] + mark

    return _TOKEN.sub(replace, data)


def _is_suspect(token: bytes) -> bool:
    if b"_ZN" in token or not _DIGIT.search(token):
        # A mangled C++ symbol, or no digit: only a long run of mixed case without English pairs is suspect then.
        return b"_ZN" not in token and any(
            len(part) >= 24 and _mixed(part) and _pairs(part) < 0.3 for part in _SEPARATOR.split(token)
        )
    parts = [part for part in _SEPARATOR.split(token) if part]
    if any(_HEX.fullmatch(part) and _entropy(part) > 2.8 and not part.isdigit() for part in parts):
        return True
    if any(len(part) >= 20 and _is_random(part) for part in parts):
        return True
    whole = b"".join(parts)
    return len(whole) >= 32 and max(map(len, parts)) >= 10 and _mixed(whole) and _is_random(whole)


def _is_random(text: bytes) -> bool:
    digits = len(_DIGIT.findall(text))
    if digits == len(text) or text.startswith(b"0x"):
        return False
    if _HEX.fullmatch(text) is None and re.fullmatch(rb"[0-9a-fA-F]+", text):
        return False
    return digits >= 2 and _pairs(text) < 0.45 and _entropy(text) > 3.2


def _mixed(text: bytes) -> bool:
    return text.upper() != text and text.lower() != text


def _pairs(text: bytes) -> float:
    """Share of the pairs of neighbouring letters that are common in English; 0 where there is no pair."""
    runs = _LETTERS.findall(text.lower())
    total = sum(len(run) - 1 for run in runs)
    common = sum(run[at : at + 2] in _PAIRS for run in runs for at in range(len(run) - 1))
    return common / total if total else 0.0


def _entropy(text: bytes) -> float:
    """Shannon entropy in bits per character."""
    length = len(text)
    return -sum(n / length * math.log2(n / length) for n in Counter(text).values())
