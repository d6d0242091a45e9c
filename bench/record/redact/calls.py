"""Secrets among the arguments of calls that a traceback shows, and in the lines of password files (pure)."""

from __future__ import annotations

import re

from bench.record.redact.scan import Rule, mark, rule

_STRING = rb"[bBrRuUfF]{0,2}(?P<quote%d>[\"'])(?:(?!(?P=quote%d))[^\\\r\n]|\\[^\r\n]){0,400}+(?P=quote%d)"
_WORD = rb"(?:password|passwd|passphrase|passwort|pass|pswd|secret|credential|token|api_?key|private_?key)"


def _string(number: int) -> bytes:
    return _STRING.replace(b"%d", str(number).encode())


_SECRET = rb"[bBrRuUfF]{0,2}(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n]){1,400}+)(?P=quote)"
_ARGUMENT = rb"(?:[^\s\"'(),]{1,80}|" + _string(1) + rb")"
_COMMA = rb"\s{0,9},\s{0,9}"

CALLS = (
    # `HTTPBasicAuth('bob', '…')`, `smtp.login(user, '…')`.
    rule(
        "call",
        rb"(?:Auth|[lL]ogin|[aA]uthenticate|log_?in|sign_?in|[cC]redentials?)\(",
        rb"(?:Auth|[lL]ogin|[aA]uthenticate|log_?in|sign_?in|[cC]redentials?)\(\s{0,9}"
        + _ARGUMENT
        + _COMMA
        + _SECRET
        + rb"(?=\s{0,9}[,)])",
    ),
    # `connect('host', 'user', '…')`.
    rule(
        "call",
        rb"[cC]onnect(?:ion)?\(",
        rb"[cC]onnect(?:ion)?\(\s{0,9}"
        + _ARGUMENT
        + _COMMA
        + _ARGUMENT.replace(b"quote1", b"quote2")
        + _COMMA
        + _SECRET
        + rb"(?=\s{0,9}[,)])",
    ),
    # `set_password('…')`, `keyring.set_password('service', 'user', '…')`: the last string.
    rule(
        "call",
        rb"(?i:" + _WORD + rb")\w{0,20}\(",
        rb"(?i:(?:set|check|verify|hash|encrypt|change|reset|validate|make|with|unlock)_?\w{0,20}?"
        + _WORD
        + rb")\w{0,20}\("
        rb"(?:" + _ARGUMENT + _COMMA + rb"){0,2}?" + _SECRET + rb"(?!" + _COMMA + rb"[bru]?[\"'])",
    ),
    # `config.set('section', 'password', '…')`, `assertEqual(password, '…')`.
    rule(
        "call",
        rb"(?i:" + _WORD + rb")[\"']?\s{0,9},\s{0,9}[bru]?[\"']",
        rb"\b(?:set|put|assert)\w{0,20}\([^()\r\n]{0,80}?(?i:"
        + _WORD
        + rb")[\"']?"
        + _COMMA
        + _SECRET
        + rb"(?=\s{0,9}[,)])",
    ),
    # `assert '…' == password`.
    rule(
        "call",
        rb"[\"']\s{0,3}[!=]=\s{0,3}(?i:[\w.]{0,60}" + _WORD + rb")",
        _SECRET + rb"\s{0,3}[!=]=\s{0,3}(?i:[\w.]{0,60}" + _WORD + rb")(?![\w.(])",
    ),
)
"""Strings that a call's name says are secret, by their place."""


def _netrc(match: re.Match[bytes]) -> bytes:
    return _NETRC_SECRET.sub(
        lambda found: found[1] + mark("netrc").encode() if not found[2].startswith(b"[redacted") else found[0], match[0]
    )


_NETRC = re.compile(
    rb"\b(?:(?:machine\s{1,9}[^\s\"'{}()=,:]{1,200}|default|login\s{1,9}[^\s\"'{}()=,]{1,200})"
    rb"(?:[ \t]{1,9}|[ \t]{0,9}\r?\n[ \t]{0,40}(?:E[ \t]{1,9})?))"
    rb"(?:(?:login|user|account|password)\s{1,9}\S{1,200}\s{0,40}){1,4}+"
)
_NETRC_SECRET = re.compile(rb"((?<!\S)(?:password|account)\s{1,9})(\S{1,200})")

FILES = (
    Rule(
        rb"(?:machine\s{1,9}\S{1,100}|default|login\s{1,9}\S{1,100})\s{1,40}(?:login|account|password|user)\s"
        rb"(?:\s{0,9}\S{1,100}\s{1,40}(?:login|account|password|user)\s{1,9}){0,3}",
        lambda text: _NETRC.sub(_netrc, text),
    ),
    # `.pgpass`: host, port, database and user.
    rule(
        "pgpass",
        rb":(?:[0-9]{3,5}|\*):[^:\s]{1,80}:[^:\s]{1,80}:[^\s]",
        rb"(?m)(?<![^\s\"'>])(?:[A-Za-z0-9_.-]{1,200}|\*):(?:[0-9]{3,5}|\*):[^:\s/]{1,80}:(?=[^:\s]{0,80}[A-Za-z*])[^:\s/]{1,80}:(?P<secret>[^\s\"'/][^\s\"']{0,200})(?=[\s\"'<]|$)",
    ),
)
"""Lines of files in which programs keep passwords."""
