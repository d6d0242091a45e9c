"""Which names say that their value is a secret (pure)."""

from __future__ import annotations

import re

_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|PASS(?:$|_)|(?:^|_)PWD?$|CREDENTIAL|AUTH(?!OR(?!I))|PRIVATE|COOKIE|SESSION|BEARER|_DSN$|WEBHOOK"
    r"|SIGNATURE|(?:^|_)PAT$|(?:^|_)SAS(?:$|_)|(?:^|_)JWT(?:$|_)|CERT$",
)
NOT_SECRET = frozenset(("PWD", "OLDPWD"))
"""Names of variables that only look like a secret's."""


def is_secret_name(name: str) -> bool:
    """Whether the value of an environment variable or a setting of that name is to be hidden."""
    upper = name.upper()
    return upper not in NOT_SECRET and _SECRET_NAME.search(upper) is not None
