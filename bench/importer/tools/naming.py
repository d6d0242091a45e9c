"""What another tool's benchmark is called here (pure)."""

from __future__ import annotations

import hashlib
import re

from bench.names import is_diagnostic_name
from bench.record.redact import redact_text

_LONGEST = 80


def name_of_benchmark(name: str) -> str:
    """Return the diagnostic's name of a tool's benchmark: its own if that can be a folder's.

    Any other is spelled with dashes and ends in a hash of all, so that two names that are spelled alike stay apart, in
    whatever files they stand. A command can hold a password; the name does not.
    """
    if is_diagnostic_name(name) and len(name) <= _LONGEST and redact_text(name) == name:
        return name
    spelled = re.sub(r"[^A-Za-z0-9._+-]+", "-", redact_text(name)).strip("._+-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{spelled[:_LONGEST].strip('._+-') or 'benchmark'}-{digest}"
