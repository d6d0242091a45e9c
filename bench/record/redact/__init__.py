"""No secret in a bundle: the environment by allow-list, text redacted by name and by shape (pure).

A bundle is meant to be shown to others, and tests print what they please. So every text file and every string of the
record passes here on its way into a bundle. The rules err towards redacting; what belongs to a result (digests,
commits, numbers, flags of a CPU) is recognised by its place and kept.
"""

from bench.record.redact.environ import allowed_environ, is_allowed_name, secret_values
from bench.record.redact.names import is_secret_name
from bench.record.redact.text import hidden_strings, redact_bytes, redact_record, redact_text, redact_words

__all__ = [
    "allowed_environ",
    "hidden_strings",
    "is_allowed_name",
    "is_secret_name",
    "redact_bytes",
    "redact_record",
    "redact_text",
    "redact_words",
    "secret_values",
]
