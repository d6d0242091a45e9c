"""Shapes of secrets: what the keys of well-known services look like (pure data).

Each shape has literals of which at least one occurs wherever the shape does; searching for these first keeps a log of
some megabytes fast. The forms are those that the services publish for secret scanners.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of secret. Group ``secret`` of the pattern is replaced, or the whole match where it has none."""

    kind: str
    hints: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


def _shape(kind: str, hints: str, pattern: str, flags: int = 0) -> Shape:
    return Shape(kind, tuple(hint.encode() for hint in hints.split()), re.compile(pattern.encode(), flags))


# Not in the middle of a word; the n of a line feed that JSON escaped is no word's.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"

# An argument of a command line, quoted or not.
_ARGUMENT = r"[\"']?(?P<secret>(?:(?<=\")[^\"\r\n]+|(?<=')[^'\r\n]+|(?<![\"'])[^\s\"'-][^\s\"']*))"

SHAPES: tuple[Shape, ...] = (
    _shape(
        "aws", "AKIA ASIA AGPA AIDA AROA ANPA ABIA ACCA", _START + r"A(?:KIA|SIA|GPA|IDA|ROA|NPA|BIA|CCA)[A-Z0-9]{16}"
    ),
    _shape("github", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{20,}"),
    _shape("github", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
    _shape(
        "gitlab",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glrtr-",
        _START + r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|rtr)-[A-Za-z0-9_.-]{16,}",
    ),
    _shape("slack", "xox xapp-", r"xox[a-z](?:\.[a-z]+)?-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}"),
    _shape("slack", "hooks.slack.com", r"hooks\.slack\.com/(?P<secret>[A-Za-z0-9/_+-]{16,})"),
    _shape("discord", "/api/webhooks/", r"/api/webhooks/(?P<secret>[0-9]+/[A-Za-z0-9_-]{16,})"),
    _shape("telegram", ":AA", r"(?<![0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    _shape("google", "AIza", r"AIza[A-Za-z0-9_-]{30,}"),
    _shape(
        "google", "ya29. GOCSPX- 1//0", r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,}"
    ),
    _shape("openai", "sk-", _START + r"sk-[A-Za-z0-9_-]{16,}"),
    _shape("huggingface", "hf_ api_org_", _START + r"(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    _shape("npm", "npm_", _START + r"npm_[A-Za-z0-9]{30,}"),
    _shape("pypi", "pypi-", _START + r"pypi-[A-Za-z0-9_-]{16,}"),
    _shape("stripe", "_live_ _test_", _START + r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}"),
    _shape("stripe", "whsec_", r"whsec_[A-Za-z0-9+/=]{16,}"),
    _shape("jwt", "eyJ", _START + r"eyJ[A-Za-z0-9_=-]{8,}(?:\.[A-Za-z0-9_=+/-]*){1,4}"),
    _shape("sendgrid", "SG.", _START + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _shape("twilio", "SK AC", _START + r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])"),
    _shape("mailgun", "key-", _START + r"key-[0-9a-zA-Z]{32}"),
    _shape("mailchimp", "-us", r"(?<![0-9a-f])[0-9a-f]{32}-us[0-9]{1,2}"),
    _shape("shopify", "shpat_ shpca_ shppa_ shpss_ shpua_", _START + r"shp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}"),
    _shape("digitalocean", "_v1_", _START + r"do[oprt]_v1_[a-f0-9]{32,}"),
    _shape("square", "sq0 EAAA", _START + r"(?:sq0[a-z]{3}-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{40,})"),
    _shape("databricks", "dapi", _START + r"dapi[a-f0-9]{32}"),
    _shape("docker", "dckr_", r"dckr_[a-z]{2,4}_[A-Za-z0-9_-]{16,}"),
    _shape("vault", "hvs. hvb. hvr.", _START + r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _shape("terraform", ".atlasv1.", _START + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    _shape("atlassian", "ATATT ATCTT ATBB", r"AT(?:ATT|CTT)3x[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9_=.-]{24,}"),
    _shape("grafana", "glc_ glsa_", _START + r"gl(?:c|sa)_[A-Za-z0-9_+/=]{20,}"),
    _shape("groq", "gsk_ xai- pplx- r8_", _START + r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{24,}"),
    _shape("linear", "lin_", _START + r"lin_(?:api|oauth)_[A-Za-z0-9]{24,}"),
    _shape("notion", "ntn_ secret_", _START + r"(?:ntn_|secret_)[A-Za-z0-9]{30,}"),
    _shape("newrelic", "NRAK- NRJS-", _START + r"NR(?:AK|JS|II|RA)-[A-Za-z0-9_-]{16,}"),
    _shape("sentry", "sntry", r"sntry[a-z]_[A-Za-z0-9_=+/-]{24,}"),
    _shape(
        "cloud",
        "sbp_ pscale_ dp.pt. FlyV1 fo1_",
        r"(?:sbp_|pscale_\w+_|dp\.pt\.|FlyV1 (?:fm\d_)?|fo1_)[A-Za-z0-9_.,=+/-]{24,}",
    ),
    _shape("age", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{16,}"),
    _shape("azure", "AccountKey= SharedAccessKey=", r"(?:Account|SharedAccess)Key=(?P<secret>[A-Za-z0-9+/=]{16,})"),
    _shape(
        "signature",
        "sig= ignature=",
        r"[?&;](?:sig|X-(?:Amz|Goog)-Signature|Signature)=(?P<secret>[A-Za-z0-9%+/=_-]{16,})",
    ),
    _shape("url", "://", r"://(?P<secret>(?!git@)[^\s/?#\"'<>\\]{1,300})@"),
    _shape("url", "://", r"://(?P<secret>[^\s/?#\"'<>@:\\]{0,100}:[^\s?#\"'<>@\\]{1,200})@"),
    _shape("curl", "-u --user", r"(?:\s-u|--user)[ =]?[\"']?(?P<secret>(?!\d+:\d+(?!\S))[^\s:\"'/]{1,100}:[^\s\"']+)"),
    _shape("netrc", "password", r"login\s{1,9}\S{1,200}\s{1,9}password\s{1,9}(?P<secret>\S+)"),
    _shape(
        "option",
        "--pass --token --secret --api -password -token -secret -key -passwd -passphrase -pass --pw",
        r"(?<![\w-])--(?!no-)[\w-]{0,40}?(?:password|passwd|passphrase|token|secret|api-?key|-pass|-pw|(?<=--)pw|(?<=--)pass)(?![a-z])[\w-]{0,40}(?:\s+|=)"
        + _ARGUMENT,
    ),
    _shape("option", "sshpass", r"\bsshpass\s{1,9}(?:-[a-zA-Z]\s{1,9}){0,3}-p\s{0,9}" + _ARGUMENT),
    _shape(
        "option",
        "login upload",
        r"\b(?:docker|podman|buildah|skopeo|nerdctl|helm|oras|twine)\s[^\r\n|;]{0,60}?"
        r"\b(?:login|upload)\b[^\r\n|;]{0,200}?\s-p[ =]{0,9}" + _ARGUMENT,
    ),
    _shape(
        "option",
        "mysql mariadb",
        r"\b(?:mysql|mariadb)(?:-?(?:dump|admin|import|show|check|sh))?\s(?:[^\r\n|;]{0,200}?\s)??-p" + _ARGUMENT,
    ),
    _shape(
        "option",
        "redis-cli ldap",
        r"\b(?:redis-cli\s[^\r\n|;]{0,200}?-a|ldap[a-z]{3,9}\s[^\r\n|;]{0,200}?-w)\s{1,9}" + _ARGUMENT,
    ),
    _shape("option", "pass:", r"-pass(?:in|out)?\s{1,9}[\"']?pass:(?P<secret>[^\s\"']+)"),
    _shape("sql", "dentified IDENTIFIED", r"(?i:identified\s{1,9}by)\s{1,9}" + _ARGUMENT),
    _shape(
        "said",
        "assw ecret oken key KEY Key assphrase",
        r"(?=[aAsSpPtTkK])(?i:\b(?:api|access|secret|private)[ _-]?key|\b(?:password|passphrase|secret|token|key))"
        r"(?i:\s{1,3}(?:is|was))?[ \t:]{1,3}[\"'`]?"
        r"(?P<secret>(?i:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}))",
    ),
    _shape("header", "earer asic", r"\b(?:Bearer|Basic|bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=-]{12,})"),
    _shape("header", "oken", r"(?i:authorization)\S{0,3}\s*(?i:token)\s+(?P<secret>[^\s\"']{6,})"),
    _shape(
        "header",
        "uthorization UTHORIZATION",
        r"(?i:authorization)\\{0,7}(?:[\"']|&quot;)?[ \t]{0,9}[:=][ \t]{0,9}"
        r"(?:[A-Za-z][\w-]{0,20}[ \t]{1,3})?(?P<secret>[^\s\"'<>&][^\r\n\"'<>&]{3,})",
    ),
    _shape("cookie", "ookie", r"(?i:cookie)[\"']?\s*:\s*[\"']?(?P<secret>(?:[^\r\n\"'\\]|\\[^nr\"]){6,})"),
)
"""All shapes, in the order in which they are tried."""

PRIVATE_KEY = re.compile(rb"-----BEGIN[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
"""Where a private key begins (OpenSSH, PKCS, EC, PGP)."""
PRIVATE_KEY_END = re.compile(rb"-----END[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
PRIVATE_KEY_BODY = re.compile(rb"(?:[A-Za-z0-9+/=\s>|]|\\[nr]|[A-Za-z-]+: [^\r\n]*)*")
"""What may follow the beginning of a key whose end was cut off."""
