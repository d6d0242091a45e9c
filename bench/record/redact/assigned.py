"""Values of secret names: ``name = value`` in shells, JSON, TOML, YAML, Python and XML (pure)."""

from __future__ import annotations

import re

from bench.record.redact.markup import MARKS, QUOTATION, QUOTED
from bench.record.redact.names import HINTS, PASSES, Kind, is_secret_pair, kind_of_name
from bench.record.redact.scan import Rule, mark

_MARK = mark("name").encode()
_HARMLESS_VALUE = re.compile(
    rb"(?i)(?:none|null|nil|true|false|yes|no|str|string|int|bytes|bool|float|object|any|optional|required|missing|unset|value|[0-9]"
    rb"|hidden|masked|undefined|not|the|your|this|\W?\*+|x{3,}|\.{2,}|<[\w .-]*>|\[redacted[^\]]*\]?"
    # What a shell, a template or a format will put there.
    rb"|\$\w+|\$?\{{1,2}[\w .:!-]*\}{0,2}|%s|%\(\w+\)s)"
)
# An upper-case assignment, as a shell, an env file or printenv writes it: the rest of the line is the value.
_ENV_LINE = re.compile(
    rb"(?m)(?:^|(?<=>)|(?<=&#10;))(?P<name>[ \t]*(?:export |ENV |set |declare -x |\+ )?(?P<bare>[A-Z][A-Z0-9_]*)=)"
    rb"(?P<value>(?:[^\r\n<&]|<(?!/|!\[|br)|&(?!#10;|quot;|lt;/)|(?<==)&quot;)++)",
)
# The same inside a string of JSON.
_ENV_ESCAPED = re.compile(
    rb"(?P<name>(?<=\\n)(?P<bare>[A-Z][A-Z0-9_]{0,99})=)(?P<value>(?:[^\r\n\\\"]|\\[^n\r\n])+)",
)
_BLANK = rb"(?:[ \t]|%20)"
_SIGN = (
    rb"=[ \t]{0,3}lambda:|=>|[=!]=|:=|[:=]|--?>|\xe2\x86\x92|\xe2\x87\x92"  # the last are arrows
    rb"|%3[ad]|\\u003[ad]|\\x3[ad]|&#61;|&#58;|&#x3[ad];"
)
# A word of a secret's name, the rest of the name, and `=` or `:`, in a line made lower-case: that is searched faster.
_NAMED = re.compile(
    rb"(?:" + b"|".join(HINTS) + rb")[\w.-]{0,40}+(?:\\{0,7}(?:" + MARKS + rb"))?\]?" + _BLANK + rb"{0,200}+"
    rb"(?P<sign>" + _SIGN + rb")" + _BLANK + rb"{0,200}+"
    # The tag and the anchor of YAML.
    rb"(?:(?:!!?[a-z]{1,20}|&[a-z0-9_]{1,20})[ \t]{1,9}+){0,2}"
)
_NAME = re.compile(rb"[\w.-]+")
_BEFORE = 40
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
# What follows a comma or an ampersand if it ends a value: another name, or nothing.
_CONTINUED = rb"[\w.-]{1,40}+[=:]"
_ENTITY = rb"(?:(?:quot|apos|#\d{1,4}|#x[0-9a-fA-F]{1,4});|[lg]t;(?![A-Za-z0-9]))"
_VALUE = re.compile(
    rb"(?P<list>[(\[](?!redacted:)(?:[^()\[\]\r\n]|\[redacted:[a-z-]{1,20}\]){1,4000}+[)\]])|"
    + QUOTED
    + rb"|(?P<bare>(?!\{)(?:[^\s\"'`,;&<>)\]}]|[\"')\]}>](?=[A-Za-z0-9])|[,;](?!"
    + _CONTINUED
    + rb"|[\s\"'(\[{]|$)|&(?!(?:amp;)?"
    + _CONTINUED
    + rb"|[&\s]|$|"
    + _ENTITY
    + rb"))++)"
)
_NUMBER = re.compile(rb"[-+]?[0-9]{1,7}(?:\.[0-9]*)?(?:[a-z]{1,3})?")
_VARIABLE = re.compile(rb"[A-Za-z_]+(?:\.[A-Za-z_]+)*|[a-z]{1,9}\d{0,2}")
_TYPE = re.compile(rb"[A-Z][A-Za-z]+|[A-Za-z_]+(?:\.[A-Za-z_]+)+")
_LETTER = re.compile(rb"[0-9A-Za-z\x80-\xff]|[^\s0-9A-Za-z\x80-\xff]{4}")
_MARKED = 12
_CALL = re.compile(rb"[A-Za-z_][\w.]{0,60}+[(\[]")
_ATTRIBUTE = re.compile(rb"(?:self|cls|args|kwargs|config|cfg|settings|options|opts|params|request|os)\.[A-Za-z_.]+")
# What pytest and our own headings say of a test or a diagnostic that is called like a secret: how it ended.
_NODE = re.compile(rb"\.py(?:::\w{1,200})?::$")
_ENDED = re.compile(
    rb"[A-Za-z_][\w.]{0,100}(?:Error|Exception|Warning):(?=\s|$)"
    rb"|(?:passed|failed|timed[ _]out|out of memory|oom[ _]killed|interrupted|not[ _]measured|started)(?=[\s,;]|$)"
)
# `("X-Api-Key", "…")`: a pair of a list, also of bytes.
_PAIR = re.compile(
    rb"[(\[][ \t]{0,3}[bu]?\\{0,7}(?:" + MARKS + rb")(?P<name>[\w.:-]{1,60}+)\\{0,7}(?:" + MARKS + rb"),[ \t]{0,3}"
)
# What stands before `pass` if it is what somebody does, not a name: `forward pass: 12`, `Running pass: inline`.
_DOES = re.compile(rb"[A-Za-z]{2,}ing[ \t]$|\b(?i:" + b"|".join(word.encode() for word in sorted(PASSES)) + rb")[ \t]$")
# `password = url_user_password` of a program; `:param password: The one of the user.` of its documentation.
_BOUND = re.compile(rb"[A-Za-z]+(?:[_.][A-Za-z]+)+,?")
_DOCUMENTED = re.compile(rb":(?:param|type|return|returns|raises|arg)\b[^:]{0,60}$")
_VERSION = re.compile(rb"\d{1,9}(?:\.[\w*+!-]{1,40}){1,6}[,;]?")
_NEXT = re.compile(rb"(?P<close>\\{0,7}[\"'])?,[ \t]{0,3}" + QUOTED)

_STRONG_HINTS = (
    rb"passw|passp|passc|secret|cred|pw|pswd|auth|dsn|cookie|sess|jwt|bearer|connection|kennwort|geheim|contrase|clave"
    rb"|mdp|motde|mot_de"
)
_KEYED = (
    rb"api|access|private|signing|auth|encryption|decryption|account|license|ssh|pgp|gpg|master|session|shared|service"
    rb"|deploy|aes|hmac|client|consumer|webhook|subscription|storage"
)
_CLOSE = rb"(?:\\{0,7}(?:" + MARKS + rb"))?\]?(?:[ \t]|%20){0,200}"
_GATE = (
    # Whatever the value is; any but a number; variables of an environment; a pair of a list.
    rb"(?i:(?:" + _STRONG_HINTS + rb")[\w.-]{0,40}" + _CLOSE + rb"(?:" + _SIGN + rb"))"
    rb"|(?i:(?:pass|pat|(?:" + _KEYED + rb")[._-]?keys?)" + _CLOSE + rb"(?:" + _SIGN + rb"))"
    rb"|(?i:(?:key|token)[\w.-]{0,40}" + _CLOSE + rb"(?:" + _SIGN + rb")=?[ \t]{0,200}[-+0-9.]{0,20}[^-+0-9.\s,;)\]}])"
    rb"|(?:KEY|TOKEN|SECRET|PASS|PW|CRED|AUTH|PRIVATE|COOKIE|SESSION|BEARER|DSN|WEBHOOK|SIGNATURE|PAT|SAS|JWT|CERT)[A-Z0-9_]{0,99}="
    rb"|(?i:" + b"|".join(HINTS) + rb")[\w.:-]{0,60}\\{0,7}(?:" + MARKS + rb"),"
)


def _redact_assigned(data: bytes) -> bytes:
    """``data`` without the values of secret names, line by line."""
    if b"=" in data:
        data = _ENV_ESCAPED.sub(_env_line, _ENV_LINE.sub(_env_line, data))
    return b"".join(map(_redact_line, data.splitlines(keepends=True)))


def _env_line(match: re.Match[bytes]) -> bytes:
    value = match["value"].decode("utf-8", "replace")
    if not is_secret_pair(match["bare"].decode("ascii"), value) or value.startswith("[redacted"):
        return match[0]
    return match["name"] + _MARK


def _redact_line(line: bytes) -> bytes:
    lower = line.lower()
    parts: list[bytes] = []
    position = done = 0
    while (found := _NAMED.search(lower, position)) is not None:
        kind = kind_of_name(_whole_name(line, found))
        if kind is None or (kind == "pass" and _DOES.search(line, max(0, found.start() - _BEFORE), found.start())):
            made, position = None, found.start("sign")
        elif (end := _end_of_a_test(line, found)) is not None:
            made, position = None, end
        else:
            made, position = _redact_value(line, found, kind)
        if made is not None:
            parts += [line[done : found.end()], made]
            done = position
            if _whole_name(line, found).lower().endswith("auth") and (other := _NEXT.match(line, done)) is not None:
                parts += [line[done : other.start("quoted")], _MARK]
                position = done = other.end()
    line = line if not parts else b"".join([*parts, line[done:]])
    return _redact_pairs(line) if b"," in line else line


def _end_of_a_test(line: bytes, found: re.Match[bytes]) -> int | None:
    """Where to go on if the name is a test's or how a test or a diagnostic ended follows; ``None`` if neither."""
    if found["sign"] != b":":
        return None
    ended = _ENDED.match(line, found.end())
    if ended is not None:
        return ended.end()
    before = line[max(0, found.start() - 4 * _BEFORE) : found.start()]
    return found.end() if _NODE.search(before.rstrip(_LETTERS)) else None


def _whole_name(line: bytes, found: re.Match[bytes]) -> str:
    """The name of which a word was found, with what stands before that word."""
    before = line[max(0, found.start() - _BEFORE) : found.start()]
    start = len(before.rstrip(_LETTERS))
    name = _NAME.match(line, found.start())
    return (before[start:] + (name[0] if name else b"")).decode("ascii", "replace")


def _redact_value(line: bytes, found: re.Match[bytes], kind: Kind) -> tuple[bytes | None, int]:
    """What stands for the value (``None`` if it stays), and where to go on."""
    if _is_call(line, found.end()):
        return None, found.end()
    value = _VALUE.match(line, found.end())
    if value is None:
        return None, found.end()
    if value["list"] is not None:
        made = None if b"[redacted:" in value["list"] else _redact_list(value["list"], kind)
        return made, value.end() if made is not None else found.end() + 1
    text = value["quoted"] if value["quoted"] is not None else value["bare"]
    if not text or _HARMLESS_VALUE.fullmatch(text) or b"[redacted:" in text[:_MARKED] or not _LETTER.search(text):
        return None, max(value.end(), found.end())
    if value["bare"] is not None and _is_code(line, found, text, kind):
        return None, value.end()
    start = value.start("quoted" if value["quoted"] is not None else "bare")
    return line[found.end() : start] + _MARK, value.end()


def _is_call(line: bytes, position: int) -> bool:
    """Whether ``next(stream)`` or ``os.environ["X"]`` stands there."""
    call = _CALL.match(line, position)
    if call is None:
        return False
    # Closed in this line, or further below.
    closed = line.find(b")" if call[0].endswith(b"(") else b"]", call.end(), call.end() + 2000) >= 0
    return closed or not line[call.end() :].strip()


def _is_code(line: bytes, found: re.Match[bytes], value: bytes, kind: Kind) -> bool:
    """Whether an unquoted value is an expression of a program, a type or a count."""
    name = _NAME.match(line, found.start())
    if _ATTRIBUTE.fullmatch(value) or (name is not None and value == name[0]):
        return True
    if _BOUND.fullmatch(value) and line[found.end("sign") : found.end()].startswith(b" ") and _is_named(value):
        return True
    if found["sign"] == b":" and _DOCUMENTED.search(line, max(0, found.start() - 2 * _BEFORE), found.start()):
        return True
    if found["sign"] == b"==" and _VERSION.fullmatch(value):  # of a package: `detect-secrets==1.5.0`
        return True
    if kind == "pass":
        return _NUMBER.fullmatch(value) is not None or (found["sign"] == b":" and _TYPE.fullmatch(value) is not None)
    if kind == "strong":
        plural = name is not None and name[0].lower().endswith(b"s")
        return plural and _NUMBER.fullmatch(value) is not None
    if _NUMBER.fullmatch(value):
        return True
    return (_TYPE if found["sign"] == b":" else _VARIABLE).fullmatch(value) is not None


def _is_named(value: bytes) -> bool:
    return kind_of_name(value.decode("ascii", "replace")) is not None


def _redact_list(value: bytes, kind: Kind) -> bytes | None:
    """A bracket without the quotations in it, or without its content if a secret's name has no quotation."""
    parts: list[bytes] = []
    done = 0
    position = 1
    while (found := QUOTATION.search(value, position, len(value) - 1)) is not None:
        text = found["quoted"]
        position = found.end() + len(found["escape"] or b"") + len(found["mark"])
        if text and not _HARMLESS_VALUE.fullmatch(text) and (kind != "weak" or _is_odd(text)):
            parts += [value[done : found.start("quoted")], _MARK]
            done = found.end()
    if parts:
        return b"".join([*parts, value[done:]])
    inner = value[1:-1].strip()
    if kind == "weak" or QUOTATION.search(inner) or _is_expression(inner):
        return None
    return value[:1] + _MARK + value[-1:]


def _is_odd(text: bytes) -> bool:
    """Whether text is none of the words that a tokenizer or a mapping lists."""
    return len(text) >= 6 and (len(text) >= 16 or re.search(rb"[0-9]", text) is not None)


def _is_expression(text: bytes) -> bool:
    return all(_NUMBER.fullmatch(part.strip()) or not part.strip() for part in text.split(b","))


def _redact_pairs(line: bytes) -> bytes:
    parts: list[bytes] = []
    position = done = 0
    while (found := _PAIR.search(line, position)) is not None:
        position = found.end()
        if kind_of_name(found["name"].decode("ascii", "replace")) is None:
            continue
        value = QUOTATION.match(line, position)
        if value is None or not value["quoted"] or value["quoted"].startswith(b"[redacted"):
            continue
        closed = line[value.end() :].removeprefix(value["escape"] or b"").removeprefix(value["mark"]).lstrip(b" \t")
        if closed.startswith((b")", b"]")):
            parts += [line[done : value.start("quoted")], _MARK]
            position = done = value.end()
    return line if not parts else b"".join([*parts, line[done:]])


ASSIGNED = (Rule(_GATE, _redact_assigned),)
"""Values after a secret's name."""
