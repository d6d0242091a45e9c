"""Which names say that their value is a secret (pure)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

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


def is_secret_pair(name: str, value: str) -> bool:
    """:func:`is_secret_name`, unless the value is a number and the name counts something: ``MAX_TOKENS=512``."""
    counts = name.upper().endswith("S") or kind_of_name(name) is None
    return is_secret_name(name) and not (counts and _NUMBER.fullmatch(value))


_NUMBER = re.compile(r"[-+]?\d{1,9}(?:\.\d*)?")

Kind = Literal["strong", "weak", "pass"]
"""How surely a name in a text is a secret's.

With a weak one an expression of a program or a number is kept; with ``pass`` alone, which is also what a test or a
compiler does, a number and a type.
"""

HINTS = tuple(
    b"pass secret cred pw pswd token key auth dsn cookie sess jwt pat bearer connection".split()
    + b"kennwort geheimnis contrase clave mdp".split()
)
"""Lower-case words of which one is in every name that :func:`kind_of_name` knows."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_STRONG = re.compile(
    r"passwor[dt]s?|passwd|pswd|passphrase|passcode|kennwort|geheimnis|motdepasse|contrasena|clavesecreta"
    r"|secret(?!ar)|credential|authori[sz]ation|authtoken|connectionstring"
    r"|(?:api|access|private|signing|auth|encryption|decryption|account|license|ssh|pgp|gpg|master|session|shared|service|deploy"
    r"|aes|hmac|client|consumer|webhook|subscription|storage)keys?(?!board|word|point|error|frame)|sessionid|sessid"
)
_STRONG_ANYWHERE = frozenset(("pwd", "pw", "cred", "creds", "dsn", "jwt", "bearer"))
_STRONG_LAST = frozenset(("auth", "cookie", "cookies"))
_AFTER_TOKEN = frozenset(("value", "data", "string", "str", "base", "secret"))
_COUNTED = frozenset(
    ("count", "counts", "length", "len", "size", "min", "max", "ttl", "timeout", "index", "number", "limit")
)
# What stands before `pass` or `key` if it is no secret.
_PASSES = """
forward backward fwd bwd first second third one two single multi last next each per grad joint graph fx dispatch render
inference low high compiler optimizer fusion pre post test tests did must will by custom
"""
_KEYS = """
sort sorted cache primary foreign dict group index partition lookup row map public hot arrow shape kernel dispatch
record registry query state param node config metric column field object json sub per any num no missing unknown
unexpected duplicate extra expected invalid python c cpu cuda autograd backend functorch boxed op parent event attention
"""
PASSES = frozenset(_PASSES.split())
"""Words before `pass` if it is a pass of a compiler or what a test did."""
_NO_KEY = frozenset(_KEYS.split())


@lru_cache(maxsize=1 << 12)
def kind_of_name(name: str) -> Kind | None:
    """What a name before ``=`` or ``:`` in a text means for the value, ``None`` if it is no secret's.

    Args:
        name: with the words before it, as ``self.db_password``, ``X-Api-Key`` or ``clientSecret``.
    """
    if name in NOT_SECRET:
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _COUNTED:
        return None
    if _STRONG.search("".join(words)) or _STRONG_ANYWHERE.intersection(words) or words[-1] in _STRONG_LAST:
        return "strong"
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "pat" and before:
        return "strong"
    if last == "pass" and not before and name.islower():
        return "pass"
    if last.endswith("pass") and last not in {"bypass", "compass", "trespass"}:
        return "strong" if last != "pass" or ((before or name.isupper()) and before not in PASSES) else None
    if last in {"mdp", "clave"} or last.endswith(("token", "tokens")) or (before == "token" and last in _AFTER_TOKEN):
        return "weak"
    if last in {"key", "keys"} and before not in _NO_KEY:
        return "weak" if before or name == "KEY" else None
    return None
