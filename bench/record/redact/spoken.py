"""Secrets that a sentence, a table or the line above names (pure)."""

from __future__ import annotations

import re

from bench.record.redact.names import kind_of_name
from bench.record.redact.scan import Rule, mark, rule

# The words of English, German, French and Spanish; ñ and ü as UTF-8, Latin-1, JSON and addresses write them.
_PASSWORD = (
    rb"(?:pass[ _-]?(?:word|wort|phrase|code|wd|key)|pswd|kennwort|zugangscode|mot[ _-]?de[ _-]?passe"
    rb"|contrase(?:\xc3\xb1|\xf1|\\u00f1|%c3%b1|n)a)"
)
_WORDS = (
    rb"(?:"
    + _PASSWORD
    + rb"|geheimnis|schl(?:\xc3\xbc|\xfc|\\u00fc|%c3%bc|ue)ssel|clave(?:[ _]secreta)?|(?:client[ _-])?secret"
    rb"|(?:api|access|secret|private|auth|bearer|refresh|license|session|encryption|signing)[ _-]?(?:key|token))"
)
_BLANK = rb"(?:[ \t]|\xc2\xa0)"
# `for admin`, `(change it)`.
_WHOSE = (
    rb"(?:"
    + _BLANK
    + rb"(?i:for|of|to|from|on|at|in|f\xc3\xbcr|f\xfcr|fuer|von|pour|de|du|para|del|by)"
    + _BLANK
    + rb"[^\s:=|<>\"']{1,60}(?:"
    + _BLANK
    + rb"[^\s:=|<>\"']{1,60}){0,2}?)?(?:"
    + _BLANK
    + rb"?\([^()\r\n]{1,40}\))?"
)
_IS = rb"(?i:is|was|are|ist|lautet|war|est|es|era|set to|to|equals)"
_VALUE = (
    rb"(?:(?P<quote>[\"'`])(?P<quoted>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n]){1,400}+)(?P=quote)"
    rb"|(?P<bare>[^\s\"'`<>|]{1,400}+))"
)
_SIGN = rb":|=|--?>|=>|\xe2\x86\x92|\xe2\x87\x92"
_SAID = re.compile(
    rb"(?<![\w.-])(?P<word>(?i:" + _WORDS + rb"s?))[\"']?(?P<whose>" + _WHOSE + rb")"
    rb"(?:" + _BLANK + rb"{0,9}+(?P<sign>" + _SIGN + rb")" + _BLANK + rb"{0,200}+"
    rb"|" + _BLANK + rb"{1,9}+(?P<verb>" + _IS + rb")[ \t]{0,3}:?" + _BLANK + rb"{1,9}+)" + _VALUE
)
# `with password "…"`, and `using password x9y8`.
_WITH = re.compile(
    rb"(?<![A-Za-z0-9])(?:(?i:" + _PASSWORD + rb")" + _BLANK + rb"{1,3}(?=[\"'`])|"
    rb"(?i:with|using|generated|set|temporary|initial|new|default|the|your|use|as)"
    + _BLANK
    + rb"(?:\w{1,20}"
    + _BLANK
    + rb")?(?i:"
    + _PASSWORD
    + rb")"
    + _BLANK
    + rb"{1,3})"
    + _VALUE
)
_PIN = (
    rb"\b(?:PIN(?:[ -]?(?i:code))?|[Pp]in[ -]?[Cc]ode)[ \t]{0,3}(?:[:=]|is)[ \t]{0,9}(?P<secret>[0-9]{4,8})(?![0-9.])"
)

# What follows the word in a sentence that gives none away.
_STOP = frozenset(
    b"""
    a an the no not none null too so very set unset required missing invalid valid incorrect correct wrong right
    empty optional needed expected unknown undefined different same equal identical identity longer shorter long
    short weak strong secure insecure safe unsafe visible hidden public private absent present available
    unavailable static dynamic plain clear text in on at of or and if when for from by with without to as be
    been being it its this that your our my his their any all each only also now still already never always
    again here there where which what who how must should shall may can could would will has have had does did
    do is are was were leer falsch richtig nicht ein eine der die das zu und oder fehlt pas vide incorrecte
    correcte le la les un une vacia incorrecta correcta el una los stored sent read kept shown given taken asked
    passed failed ok error enter please change check use using type string str int bool bytes object value name
    key user username login email admin default true false yes
    """.split()
)
_ENDS = re.compile(rb"(?:ed|ing|able|ible|ory|ful|ous)$")
_END = re.compile(rb"[ \t]*(?:[.,;!?)\]\"'}][ \t]*)*(?:\r?\n|$|<|\\n|&)")
_FORMAT = re.compile(rb"\*+|\.{2,}|<.*|\[.*|\{.*\}|%\(?\w.*|\$\{?\w.*|[(\[{].*|/.*|-+|_+|\\.*|[A-Za-z_][\w.]*\(.*")


# A name that a program gives: what follows its sign is not looked at here.
_SIMPLE = re.compile(rb"[\w.-]+")
_NO_WORD = re.compile(rb"[0-9]+|[\W_]+")


def _odd(value: bytes) -> bool:
    """Whether no word and no number looks like it: letters with digits or signs."""
    letters = re.search(rb"[A-Za-z]", value) is not None
    return letters and (
        re.search(rb"[0-9]", value) is not None
        or re.search(rb"[!@#$%^&*+~?=]|[a-z][A-Z][a-z]*[A-Z0-9]", value) is not None
        or re.search(rb"[a-z][-_][a-z]*[0-9]", value) is not None
    )


def _replace_said(match: re.Match[bytes]) -> bytes:
    value, bare = _value(match)
    plain = match["sign"] is not None and not match["whose"] and _SIMPLE.fullmatch(match["word"])
    if plain or not value or (bare and (match["sign"] is None or match["whose"]) and not _is_said(match, value)):
        return match[0]
    return _without(match, value)


def _replace_with(match: re.Match[bytes]) -> bytes:
    value, bare = _value(match)
    return match[0] if not value or (bare and not _odd(value)) else _without(match, value)


def _value(match: re.Match[bytes]) -> tuple[bytes, bool]:
    """What a sentence gives as the secret, empty if it can be none; and whether it stands without quotes."""
    bare = match["quoted"] is None
    value = match["bare"].rstrip(b".,;:!?)]}") if bare else match["quoted"]
    if b"[redacted" in match[0] or _FORMAT.fullmatch(value) or value.lower() in _STOP:
        return b"", bare
    return (b"" if bare and _NO_WORD.fullmatch(value) else value), bare


def _without(match: re.Match[bytes], value: bytes) -> bytes:
    start = match.start("bare" if match["quoted"] is None else "quoted") - match.start()
    return match[0][:start] + mark("said").encode() + match[0][start + len(value) :]


def _is_said(match: re.Match[bytes], value: bytes) -> bool:
    """Whether what follows `the password is` is one: no word of a sentence that goes on."""
    if _odd(value):
        return True
    if match["verb"] in (b"to", b"es") or _ENDS.search(value.lower()):
        return False
    return len(value) >= 5 and _END.match(match.string, match.end()) is not None


# A name that may stand alone in a cell or before a value below it.
_NAME = rb"(?P<name>[A-Za-z][\w.-]{1,60}|(?i:" + _WORDS + rb"))"
_BAR = rb"(?:\||\xe2\x94\x82|\xe2\x94\x83|\xe2\x95\x91)"


def _names_one(name: bytes) -> bool:
    return (
        kind_of_name(name.decode("ascii", "replace")) in {"strong", "pass"}
        or re.fullmatch(rb"(?i:" + _WORDS + rb"s?)", name) is not None
    )


def _is_cell(match: re.Match[bytes]) -> bool:
    value = match["secret"].strip()
    return (
        _names_one(match["name"])
        and not _names_one(value)
        and value.lower() not in _STOP
        and not _FORMAT.fullmatch(value)
    )


def _is_odd_cell(match: re.Match[bytes]) -> bool:
    return _is_cell(match) and _odd(match["secret"]) and not re.fullmatch(rb"v?\d+(?:\.\w+)+\S*", match["secret"])


_HEADER = re.compile(
    rb"(?m)^(?P<head>[^\n|]{0,20}\|[^\n]{1,400})\n"
    rb"(?P<line>[^\n|]{0,20}\|?[ \t]*:?-{2,}[-:|+ \t]*)\r?\n"
    rb"(?P<rows>(?:[^\n|]{0,20}\|[^\n]{0,400}(?:\n|$)){1,400})"
)


def _redact_columns(text: bytes) -> bytes:
    """``text`` without the columns of tables of Markdown whose head is a secret's name."""

    def replace(match: re.Match[bytes]) -> bytes:
        heads = [cell.strip(b" \t\r`*\"'") for cell in match["head"].split(b"|")]
        columns = [at for at, cell in enumerate(heads) if at and _names_one(cell)]
        rows = match["rows"].split(b"\n")
        for number, row in enumerate(rows):
            cells = row.split(b"|")
            for at in columns:
                if at < len(cells) and cells[at].strip() and not cells[at].strip().startswith(b"[redacted"):
                    cells[at] = b" " + mark("table").encode() + b" "
            rows[number] = b"|".join(cells)
        return match["head"] + b"\n" + match["line"] + b"\n" + b"\n".join(rows)

    return _HEADER.sub(replace, text)


_KEY = rb"(?m)^(?P<lead>(?:E(?=[ \t]))?[ \t]*+)(?:- )?[\"']?" + _NAME + rb"[\"']?[ \t]{0,200}+[:=][ \t]{0,9}"
_BLOCK = (
    _KEY + rb"(?:!!\w{1,20}[ \t]{1,3})?[|>][-+]?[0-9]?[ \t]{0,9}\r?\n"
    rb"(?P=lead)[ \t]+(?P<secret>\S[^\r\n]*"
    rb"(?:\r?\n(?:(?P=lead)[ \t]+\S[^\r\n]*|[ \t]*(?=\r?\n(?P=lead)[ \t]+\S))){0,400}+)"
)
_BELOW = (
    _KEY + rb"[(\[]?[ \t]{0,9}\r?\n(?:(?P=lead)(?=[ \t]*[\"'])|(?P=lead)[ \t]{1,40}+(?![-#\"']))[ \t]{0,40}+[\"']?"
    rb"(?P<secret>(?<=[\"'])[^\"'\r\n]{1,400}"
    rb"|(?<![\"'])[^\s:\"'\[({][^\s\"']{0,400}(?<!:))[\"']?,?[ \t]{0,9}(?=\r?\n|$)"
)


_HINT = (
    rb"(?i:pass[wpc]|pass\b|pswd|secret|cred(?:ential)?s?|pwd?|dsn"
    rb"|(?:api|access|private|secret|auth)[._ -]?(?:key|token)"
    rb"|kennwort|geheim|contrase|clave|mot.de.passe|mdp)"
)

SPOKEN = (
    # Where the line below the head of a table is.
    Rule(rb"\n[^\n|]{0,20}\|?[ \t]{0,9}:?-{2,}[-: \t]{0,99}\|", _redact_columns),
    rule(
        "table",
        _HINT + rb"[\w.-]{0,40}[ \t`*]{0,80}" + _BAR,
        _BAR
        + rb"[ \t`*]{0,80}"
        + _NAME
        + rb"[ \t`*]{0,80}"
        + _BAR
        + rb"[ \t`*]{0,80}(?P<secret>[^|\s\xe2`](?:[^|\r\n\xe2`]{0,400}[^|\s\xe2`])?)[ \t`*]{0,200}"
        + _BAR
        # The head of a table is no row of it.
        + rb"(?![^\n]{0,400}\n[^\n|]{0,20}\|?[ \t]*:?-{2})",
        _is_cell,
    ),
    rule(
        "table",
        _HINT + rb"[\w.-]{0,40} ?\t",
        rb"(?<![\w.-])" + _NAME + rb"[ ]?\t{1,20}(?P<secret>[^\t\r\n]{1,400})(?=\r?\n|$)",
        _is_cell,
    ),
    rule(
        "table",
        _HINT + rb"[\w.-]{0,40}(?: {2}| ?\t)",
        rb"(?m)(?<![\w.-])" + _NAME + rb"(?:[ ]{2,200}|[ ]?\t{1,20})(?P<secret>\S{4,400})(?=[ \t]*\r?$|\t)",
        _is_odd_cell,
    ),
    rule(
        "name",
        _HINT + rb"[\w.-]{0,40}[\"']?[ \t]{0,9}[:=]\s{1,9}(?:!!\w{1,20}\s{1,9})?[|>][-+0-9]{0,2}[ \t]{0,9}\r?\n",
        _BLOCK,
        _is_cell,
    ),
    rule("name", _HINT + rb"[\w.-]{0,40}[\"']?[ \t]{0,200}[:=][ \t]{0,9}[(\[]?[ \t]{0,9}\r?\n", _BELOW, _is_cell),
    Rule(rb"(?i:" + _WORDS + rb")", lambda text: _SAID.sub(_replace_said, text)),
    Rule(rb"(?i:" + _PASSWORD + rb")[ \t]", lambda text: _WITH.sub(_replace_with, text)),
    rule("pin", rb"(?:PIN|[Pp]in[ -]?[Cc]ode)(?i:[ -]?code)?[ \t]{0,3}(?:[:=]|is)[ \t]{0,9}[0-9]{4}", _PIN),
)
"""All of them, in the order in which they are tried."""
