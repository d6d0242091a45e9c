"""Secrets that command lines, addresses and headers of requests hold (pure data)."""

from __future__ import annotations

import re

from bench.record.redact.scan import rule

# Between two arguments of a command line, also one shown as a list: `['mysql', '-p', 'x']`.
_GAP = rb"(?:[ \t]{1,9}|[\"'],[ \t]{0,3}[\"'])"
# An argument, quoted or not.
_ARGUMENT = rb"[\"']?(?P<secret>(?:(?<=\")[^\"\r\n]+|(?<=')[^'\r\n]+|(?<![\"'])[^\s\"'-][^\s\"']*))"
_REST = rb"[^\r\n|;]{0,200}?"
_LONG = rb"password|passwd|passphrase|token|secret|api-?key|storepass|keypass"
_LOGINS = rb"(?:docker|podman|buildah|skopeo|nerdctl|helm|oras|twine|az|oc|cf|ibmcloud|rancher)"
# Programs by the option that takes a password; of some, only what logs in does.
_PROGRAMS = (
    (rb"-p", _LOGINS, _LOGINS + rb"\b" + _REST + rb"\b(?:login|upload)"),
    (rb"-p", rb"(?:mongo[a-z]{0,7}|cqlsh|sshpass|rabbitmqadmin|arangosh|cypher-shell)", b""),
    (rb"-P", rb"(?:sqlcmd|bcp|osql|isql|mosquitto_(?:pub|sub)|(?:un)?zip|ipmitool|zipcloak)", b""),
    (rb"-w", rb"ldap[a-z]{3,9}", b""),
    (rb"-a", rb"redis-(?:cli|benchmark)", b""),
    (rb"-k", rb"openssl[ \t]{1,3}enc", b""),
)
_MYSQL = rb"(?:mysql|mariadb)(?:-?(?:dump|admin|import|show|check|sh))?"
_QUERY = (
    rb"[?&;](?i:(?:(?:api|access|auth|subscription|app|client|security|x-functions)[-_]?)?(?:key|pass|pwd|pw|token|secret)"
    rb"|sig|signature|code|auth|sid|session(?:id)?|hash|ticket|otp)="
)

# What stands behind an option in a sentence, and behind `Basic` in one.
_PROSE = re.compile(
    rb"(?i:options?|flags?|arguments?|parameters?|is|are|was|and|or|to|for|in|of|the|not|if|can|must|with)"
)
_WORD = re.compile(rb"[A-Za-z]?[a-z]+[.,;:]?")
_NO_SECRET = re.compile(rb"-(?:fd|file|path|stdin|prompt|env|command|cmd|length|name|id|type)\b")


def _is_argument(match: re.Match[bytes]) -> bool:
    before = match[0][: match.start("secret") - match.start()]
    return not _PROSE.fullmatch(match["secret"]) and not _NO_SECRET.search(before)


def _is_no_word(match: re.Match[bytes]) -> bool:
    return not _WORD.fullmatch(match["secret"])


def _is_statement(match: re.Match[bytes]) -> bool:
    """Whether it is SQL, and no sentence: `nodes identified by this label`."""
    return match[0][:1] == b"I" or match[0][: match.start("secret") - match.start()].endswith((b"'", b'"'))


COMMANDS = (
    # `--db-password x`, `-password x`, `--pw=x`.
    rule(
        "option",
        rb"-(?i:pw|pass|[\w-]{0,40}(?:" + _LONG + rb"|-pass|-pw))[\w-]{0,40}[\"']?[,\s=]",
        rb"(?<![\w-])--?(?!no-)(?:(?<=--)[\w-]{0,40}?(?:"
        + _LONG
        + rb"|-pass|-pw|(?<=--)pw|(?<=--)pass)(?![a-z])[\w-]{0,40}"
        rb"|(?:" + _LONG + rb"|pass))(?:" + _GAP + rb"|=)" + _ARGUMENT,
        _is_argument,
    ),
    *(
        rule(
            "option",
            rb"\b" + program + rb"[\"'\s]",
            rb"(?<![\w.-])"
            + (asked or program)
            + rb"[\"']?(?=[\s\"',])"
            + _REST
            + _GAP
            + option
            + rb"(?:"
            + _GAP
            + rb"|=|(?<=-p))"
            + _ARGUMENT,
        )
        for option, program, asked in _PROGRAMS
    ),
    rule("option", rb"(?:mysql|mariadb)", rb"(?<![\w.-])" + _MYSQL + rb"\s(?:" + _REST + rb"\s)??-p" + _ARGUMENT),
    rule(
        "option",
        rb"(?:mysql|mariadb)",
        rb"(?<![\w.-])" + _MYSQL + rb"[\"']?" + _REST + _GAP + rb"-p" + _GAP + _ARGUMENT,
    ),
    rule(
        "option",
        rb"\b(?:7za?|7zr|rar|unrar)\s",
        rb"(?<![\w.-])(?:7za?|7zr|rar|unrar)\s(?:" + _REST + rb"\s)??-p(?P<secret>[^\s\"'-]\S*)",
    ),
    rule("option", rb"-pass(?:in|out)?\s{1,9}[\"']?pass:", rb"-pass(?:in|out)?\s{1,9}[\"']?pass:(?P<secret>[^\s\"']+)"),
    rule(
        "option",
        rb"\b(?:smbclient|rpcclient|winexe)\s",
        rb"\b(?:smbclient|rpcclient|winexe)\s" + _REST + rb"(?:-U|--user)[ =]{0,3}[^\s%]{1,80}%(?P<secret>[^\s\"']+)",
    ),
    rule(
        "curl",
        rb"(?:\s-u|--user)[ =]?[\"']?[^\s:\"'/]{1,100}:[^\s\"']",
        rb"(?:\s-u|--user)[ =]?[\"']?(?P<secret>(?!\d+:\d+(?!\S))[^\s:\"'/]{1,100}:[^\s\"']+)",
    ),
    rule(
        "sql",
        rb"(?i:identified\s{1,9}by)",
        rb"(?i:identified\s{1,9}by)\s{1,9}(?:(?i:password)\s{1,9})?" + _ARGUMENT,
        _is_statement,
    ),
    rule(
        "sql",
        rb"(?i:password)\s{1,9}(?:'|=)",
        rb"(?i:\b(?:user|role|login)\b[^\r\n;]{0,200}?\bpassword)\s{1,9}(?:=\s{0,3})?'(?P<secret>[^'\r\n]+)",
    ),
    # Addresses.
    rule(
        "url",
        rb"://[^\s/?#\"'<>\\:@]{0,300}[@:]",
        rb"(?<!ssh)(?<!sftp)://(?P<secret>(?!git@|\[)[^\s/?#\"'<>\\]{1,300})@",
    ),
    rule(
        "url",
        rb"://[^\s/?#\"'<>@:\\]{0,100}:",
        rb"://(?P<secret>(?!\[)[^\s/?#\"'<>@:\\]{0,100}:[^\s?#\"'<>@\\]{1,200})@",
    ),
    rule(
        # With a quote or a bracket in the password: one that ends an address is followed by something else.
        "url",
        rb"://[^\s/?#\"'<>@:\\]{0,100}:",
        rb"://(?P<secret>(?!\[)[^\s/?#\"'<>@:\\]{0,100}:(?!\d{1,5}[\"'<>/?#\\,])"
        rb"(?:[^\s@\"'<>\\]|[\"'<>](?![\s,:;)\]}>])|\\(?=[\"'])){1,200})@(?=[\w\[])",
    ),
    rule(
        "url",
        rb"%3[aA]%2[fF]%2[fF]",
        rb"%3[aA]%2[fF]%2[fF](?P<secret>(?:[^\s\"'<>%&]|%(?!2[fF]|3[aA]|40)){1,200}%3[aA](?:[^\s\"'<>%&]|%(?!2[fF]|40)){1,200})%40",
    ),
    rule("url", [b"jdbc:oracle:"], rb"jdbc:oracle:[a-z]{2,9}:[^\s/@]{1,100}/(?P<secret>[^\s@]{1,200})@"),
    rule(
        "name",
        _QUERY,
        # No number, no word that a program reads, no template.
        _QUERY + rb"(?P<secret>(?![0-9]{1,9}(?:[&\s\"'<>#]|$)|[<{%$*]"
        rb"|(?i:name|id|value|true|false|none|null|asc|desc)(?:[&\s\"'<>#]|$))"
        rb"[^\s&\"'<>#\]})]{4,2000})",
    ),
    # Headers.
    rule(
        "header",
        rb"\b(?i:bearer|basic)\s{1,9}[A-Za-z0-9._~+/=-]{12}",
        rb"\b(?:Bearer|Basic|bearer|basic)\s{1,9}(?P<secret>[A-Za-z0-9._~+/=-]{12,})",
        _is_no_word,
    ),
    rule(
        "header", rb"(?i:authorization)", rb"(?i:authorization)\S{0,3}\s{0,9}(?i:token)\s{1,9}(?P<secret>[^\s\"']{6,})"
    ),
    rule(
        "header",
        rb"(?i:authorization)",
        rb"(?i:authorization)\\{0,7}(?:[\"']|&quot;)?[ \t]{0,9}[:=][ \t]{0,9}"
        rb"(?:[A-Za-z][\w-]{0,20}[ \t]{1,3})?(?P<secret>[^\s\"'<>&][^\r\n\"'<>&]{3,})",
    ),
    rule(
        "cookie",
        rb"(?i:cookie)[\"']?[ \t]{0,9}:",
        rb"(?i:cookie)[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?(?P<secret>(?:[^\r\n\"'\\]|\\[^nr\"]){6,})",
    ),
)
"""All of them, in the order in which they are tried."""
