"""Random values right behind a name that is surely a secret's, hidden in one pass: lines are alike then (pure).

A log with another random key in each line would be looked at line by line. What is taken here is what the rules for
assigned values hide in the same way: a name in small letters, ``:`` or ``=``, and one word of letters and digits up to
the next blank, or all that stands in double quotes. Whatever begins like a service's key is left to its own rule.
"""

from __future__ import annotations

import re

from bench.record.redact.scan import LARGE, chunks, mark

_NAMES = (
    rb"(?:api|access|secret|private|client|auth|encryption|signing|session)[_-]?(?:key|token|secret)|password|passwd"
    rb"|passphrase|secret|credential|token|jwt"
)
_KEY = rb"A[A-Z]{2}A|AT[ACB][A-Z]|EAAA|AIza|ya29|eyJ|dapi|S[KG]|AC|GOCSPX|hf|npm|sk|gh|gl|ATBB"
_PATTERN = re.compile(
    rb"((?<![\w.:-])(?<!:param )(?:" + _NAMES + rb")(?:[:=][ ]?(?=\w+\s)|\"?[:=][ ]?\"(?=\w+\")))"
    rb"(?!" + _KEY + rb")(?=[A-Za-z]{0,40}[0-9])(?=[0-9]{0,40}[A-Za-z])[A-Za-z0-9]{20,400}+(?=[\s\"])"
)
_HIDDEN = rb"\1" + mark("name").encode()


def redact_values(data: bytes) -> bytes:
    """``data`` without such values where a look at its beginning finds one; the same object if none is found."""
    if len(data) < LARGE:
        return data
    made = bytearray()
    done = 0
    for start, end, sampled in chunks(data):
        if _PATTERN.search(data, start, sampled) is not None:
            made += data[done:start]
            made += _PATTERN.sub(_HIDDEN, data[start:end])
            done = end
    return bytes(made) + data[done:] if done else data
