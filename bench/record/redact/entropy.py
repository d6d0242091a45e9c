"""Long strings that look random: secrets whose form nobody published (pure).

Entropy alone cannot tell a key of 32 characters from ``TestPropertyBasedGradients``. Pairs of neighbouring characters
can: in names the common pairs of English prevail, and case and digits change seldom. So the pairs' log-likelihood
ratios are added up over the part of a token where the sum is greatest.

The ratios: how much more likely each pair of neighbouring characters is in random text than in a program's names.
Counted over the 370 thousand different strings of 20 characters and more in the sources of torch, numpy, scipy and the
standard library, in the headers and paths of a Linux system and among the symbols of torch: names as
``TestPropertyBasedGradients`` and ``usr/local/lib/python3``. Natural logarithms of the ratio, rounded.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise, product
from typing import Any

from bench.record.redact.scan import automaton, chunks

# Pairs of letters, case aside: of those in names, the first hundred are seven in ten, the second two in ten.
_FIRST = (
    "ac ad ag al am an ap ar as at ca ce ch ck cl co ct da de di dk ec ed el en er es et ex fo ge gl go ha he ib ic il "
    "in io is it la le li lo lu ma me mp na nc nd ne ng ns nt od og ol om on oo op or ou pa pe pl po pr py ra rc re ri "
    "ro rt sd se sh si sr ss st su ta te th ti to tr ts ty ud un ur us ut ve "
)
_SECOND = (
    "ab ai au ba be bi bl bo bu cc ci cr cu do ds du ea ee ef eg em ep ev fa fi fu gc gi gn gr gs hi ho ia id ie ig im "
    "ip ir iv ka ke ll lp ls lt mb mi mm mo ms nf ni nn no nu nv oc os ot ph pi pp ps pt pu rd rf rm rr rs ru ry sa sc "
    "sl so sp sy tc tf tl tt tu ub ue ul um up va vi vm wa wi xt yc ym yp yt "
)
_THIRD = (
    "ak av ax ay bj br bs cb cm cp cs cy db dd dg dl dn dp dr dt dw eb ei eo eq ew ey fe ff fl fn fr ft ga gh hr hs ht "
    "if ix iz je ki ks kw lc ld lg lv ly md ml mu nk nl np oa ob of oi ov ow pc pd pf pk pm qu rg rk rl rn rp rv sf sk "
    "sm sn sq td tg tm tp tw ua uc uf ug ui ux we wo wr xc xe xm xp yn ys ze "
)
_FOURTH = (
    "aa ae af aw bc bd bm bp bt by cd cf cn cx dc df dh dm dv dy eu fc fm fs fy gg gm gp gt gu hl hm hu hy iu ja ji jo "
    "js kc kf kl km kn ku lb lf lm lr lx mc mt mv nm nr nz ok ox oy pb pg pn ql rb rw sb sg sv sw sz tb tk tn tx vc vk "
    "vl vo vp vs vt vv vx wh wn ws xa xi xs xx ya yd ye yg yl yo yr za zo zs "
)
_PAIRS = {
    pair: weight
    for pairs, weight in ((_FIRST, -1.5), (_SECOND, -0.3), (_THIRD, 0.8), (_FOURTH, 1.8))
    for pair in pairs.split()
}
_RARE = 2.6
# Lower-case letter, upper-case letter, digit: what follows what.
_KINDS = {"ll": -1.2, "lu": 2.4, "ul": 2.2, "uu": 0.6, "dd": 0.0, "dl": 3.0, "du": 3.4, "ld": 2.2, "ud": 3.2}
_SEPARATED = -0.8
_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-="


def _kind(character: str) -> str:
    return "d" if character.isdigit() else "u" if character.isupper() else "l"


def _weight(one: str, two: str) -> float:
    if not (one + two).isalnum():
        return _SEPARATED
    kind = _KINDS[_kind(one) + _kind(two)]
    return kind + _PAIRS.get((one + two).lower(), _RARE) if (one + two).isalpha() else kind


# Two bytes of a token to the logarithm of that ratio.
_WEIGHTS = {(ord(one), ord(two)): _weight(one, two) for one, two in product(_CHARACTERS, repeat=2)}
# The same without what speaks against randomness: their sum bounds what any part of a token can reach.
_GAINS = {pair: max(weight, 0.0) for pair, weight in _WEIGHTS.items()}

_LEAST = 20
_LONG = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % _LEAST)
_FEW = 4
_ESCAPED = (b"n", b"r", b"t")
_PASTED = re.compile(rb"@reproduce_failure\('[0-9.]{1,20}', b'$")
_SEPARATOR = re.compile(rb"[+/_=-]+")
_HEX = re.compile(rb"[0-9a-f]{32,}|[0-9A-F]{32,}")
_HEX_OF_ANY_CASE = re.compile(rb"[0-9a-fA-F]*")
# What names do not hold: a digit, or two capitals with at most a letter between.
_MIXED = re.compile(rb"[0-9]|[A-Z][a-z]?[A-Z]")
_DIGIT = re.compile(rb"[0-9]")
# A C++ symbol.
_MANGLED = re.compile(rb"(?<![A-Za-z0-9+-])_{1,3}Z[A-Z]{0,4}\d")
# What is no part of a secret: a result's stamp, a UUID (of a GPU, a disk), a number in hexadecimal digits.
_PLAIN = re.compile(
    rb"(?<![A-Za-z0-9])(?:\d{8}T\d{6}Z|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|0x[0-9a-fA-F]{1,16}[uUlL]{0,3})(?![A-Za-z0-9])"
)
_HEX_PART = re.compile(rb"(?<![A-Za-z0-9])(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?![A-Za-z0-9])")
# Places in which a hash belongs: said by the word in front of it on the same line, unless a secret's is nearer.
_HASH_PLACE = re.compile(
    rb"(?:(?<![A-Za-z])(?:(?i:sha-?\d{1,3}|md5|blake[23]?[bs]?|digests?|commit(?:s|ted)?|fingerprints?|revisions?|checksums?"
    rb"|hash(?:es)?|containers?|docker|libpod|crio|cgroups?|overlay2?|layers?|blob|build[-_ ]?id)|HEAD)(?![A-Za-z])"
    rb"|githubusercontent\.com|/(?:tree|raw)/|(?:/[0-9a-f]{1,2}){2,5}(?=/))"
    rb"(?P<gap>[^\r\n]{0,24}+)$",
)
_SECRET = re.compile(rb"(?i)key|token|secret|pass|auth|credential|bearer|cookie|login")
_LOOK_BACK = 56
# Of the 370 thousand names 1 in 590 is suspect with these, of random base62 strings of 20 characters 99 in 100.
_MIXED_CASE = 22.0
_SINGLE_CASE = 12.0


def redact_random(data: bytes, mark: bytes) -> bytes:
    """``data`` with every long random-looking string replaced by ``mark``; hashes in their places stay."""
    parts: list[bytes | memoryview] = []
    done, view = 0, memoryview(data)
    for since, end in _tokens(data):
        if _MIXED.search(data, since, end) is None:
            continue
        # The n of a line feed that JSON escaped is not the token's.
        escaped = data[since : since + 1] in _ESCAPED and data[since - 1 : since] == b"\\" and end - since > _LEAST
        start = since + escaped
        token = data[start:end]
        if _is_suspect(token) and not _is_kept(data, start, token):
            parts += [view[done:start], mark]
            done = end + (data[end : end + 1] == b"=") + (data[end : end + 2] == b"==")
    return data if not parts else b"".join([*parts, view[done:]])


def _tokens(data: bytes) -> Iterator[tuple[int, int]]:
    """What is long enough; by RE2, which is the faster if it is seldom, or by `re`, which is it if it is often.

    No more is asked for: an automaton that also looks for a digit somewhere within has a state of its own for each
    place of the digits, and in random strings they stand anywhere.
    """
    for start, end, sampled in chunks(data):
        often = len(_LONG.findall(data, start, sampled)) > _FEW
        for found in (_LONG if often else _seldom()).finditer(data, start, end):
            yield found.span()


@cache
def _seldom() -> Any:
    return automaton(_LONG.pattern)


def _is_kept(data: bytes, start: int, token: bytes) -> bool:
    """Whether a token stands where a hash belongs, or in a line that Hypothesis prints to be pasted."""
    line = data[max(0, start - _LOOK_BACK) : start].rpartition(b"\n")[2]
    if _PASTED.search(line):
        return True
    hashes = [part.start() for part in _HEX_PART.finditer(token)]
    return bool(hashes) and all(_is_hash_place(line + token[:at]) for at in hashes)


def _is_hash_place(before: bytes) -> bool:
    place = _HASH_PLACE.search(before)
    return place is not None and not _SECRET.search(place["gap"])


def _is_hex(token: bytes) -> bool:
    return _HEX.fullmatch(token) is not None and not token.isdigit() and _entropy(token) > 2.8


@lru_cache(maxsize=1 << 15)
def _is_suspect(token: bytes) -> bool:
    if not _MIXED.search(token) or _MANGLED.search(token):  # asked again: without the escaped letter before it
        return False
    if _is_hex(token):
        return True
    token = _PLAIN.sub(b"", token)
    parts = [part for part in _SEPARATOR.split(token) if part]
    if any(map(_is_hex, parts)):
        return True
    if sum(map(_GAINS.__getitem__, pairwise(token))) < _SINGLE_CASE:
        return False
    # Letters of one case and digits: names of kernels look like it, so it must stand without a separator.
    if any(_is_single_case(part) and _segment(part)[0] >= _SINGLE_CASE and _entropy(part) > 3.2 for part in parts):
        return True
    weight, segment = _segment(token)
    return (
        weight >= _MIXED_CASE
        and len(segment) >= 12
        and _entropy(segment) >= 3
        and not _HEX_OF_ANY_CASE.fullmatch(segment)
    )


def _is_single_case(part: bytes) -> bool:
    if len(part) < 20 or _HEX_OF_ANY_CASE.fullmatch(part):
        return False
    return (part.islower() or part.isupper()) and len(_DIGIT.findall(part)) >= 2


def _segment(token: bytes) -> tuple[float, bytes]:
    """The weight of the part of a token that looks the most random, and that part."""
    best, span, weight, start = 0.0, (0, 0), 0.0, 0
    for at, pair in enumerate(pairwise(token)):
        weight += _WEIGHTS[pair]
        if weight <= 0:
            weight, start = 0.0, at + 1
        elif weight > best:
            best, span = weight, (start, at + 2)
    return best, token[slice(*span)]


def _entropy(text: bytes) -> float:
    """Shannon entropy in bits per character."""
    length = len(text)
    return -sum(n / length * math.log2(n / length) for n in Counter(text).values())
