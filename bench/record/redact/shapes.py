"""Shapes of secrets: what the keys of well-known services look like (pure data).

The forms are those that the services publish for secret scanners.
"""

from __future__ import annotations

import re

from bench.record.redact.scan import Rule, rule


def _shape(kind: str, hints: str, pattern: str) -> Rule:
    """A shape with the literals of which one occurs wherever it does."""
    return rule(kind, [hint.encode() for hint in hints.split()], pattern.encode())


# Not in the middle of a word; the n of a line feed that JSON escaped is no word's.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"

SHAPES: tuple[Rule, ...] = (
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
    rule("openai", rb"sk-[A-Za-z0-9_-]{16}", _START.encode() + rb"sk-[A-Za-z0-9_-]{16,}"),
    _shape("huggingface", "hf_ api_org_", _START + r"(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    _shape("npm", "npm_", _START + r"npm_[A-Za-z0-9]{30,}"),
    _shape("pypi", "pypi-", _START + r"pypi-[A-Za-z0-9_-]{16,}"),
    _shape(
        "stripe",
        "sk_live_ rk_live_ pk_live_ sk_test_ rk_test_ pk_test_",
        _START + r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,}",
    ),
    _shape("stripe", "whsec_", r"whsec_[A-Za-z0-9+/=]{16,}"),
    _shape("jwt", "eyJ", _START + r"eyJ[A-Za-z0-9_=-]{8,}(?:\.[A-Za-z0-9_=+/-]*){1,4}"),
    _shape("sendgrid", "SG.", _START + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    rule("twilio", rb"(?:SK|AC)[0-9a-f]{32}", _START.encode() + rb"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])"),
    rule("mailgun", rb"key-[0-9a-zA-Z]{32}", _START.encode() + rb"key-[0-9a-zA-Z]{32}"),
    rule("mailchimp", rb"[0-9a-f]{32}-us[0-9]", rb"(?<![0-9a-f])[0-9a-f]{32}-us[0-9]{1,2}"),
    _shape("shopify", "shpat_ shpca_ shppa_ shpss_ shpua_", _START + r"shp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}"),
    _shape("digitalocean", "doo_v1_ dop_v1_ dor_v1_ dot_v1_", _START + r"do[oprt]_v1_[a-f0-9]{32,}"),
    _shape("square", "sq0 EAAA", _START + r"(?:sq0[a-z]{3}-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{40,})"),
    _shape("databricks", "dapi", _START + r"dapi[a-f0-9]{32}"),
    _shape("docker", "dckr_", r"dckr_[a-z]{2,4}_[A-Za-z0-9_-]{16,}"),
    _shape("vault", "hvs. hvb. hvr.", _START + r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _shape("terraform", ".atlasv1.", _START + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    _shape("atlassian", "ATATT ATCTT ATBB", r"AT(?:ATT|CTT)3x[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9_=.-]{24,}"),
    _shape("grafana", "glc_ glsa_", _START + r"gl(?:c|sa)_[A-Za-z0-9_+/=]{20,}"),
    _shape("groq", "gsk_ xai- pplx- r8_", _START + r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{24,}"),
    _shape("linear", "lin_api_ lin_oauth_", _START + r"lin_(?:api|oauth)_[A-Za-z0-9]{24,}"),
    _shape("notion", "ntn_ secret_", _START + r"(?:ntn_|secret_)[A-Za-z0-9]{30,}"),
    _shape("newrelic", "NRAK- NRJS- NRII- NRRA-", _START + r"NR(?:AK|JS|II|RA)-[A-Za-z0-9_-]{16,}"),
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
    # Hashes of passwords, as htpasswd, shadow(5) and web frameworks keep them.
    rule(
        "hash",
        rb"\$(?:2[abxy]?|apr1|[1567y]|gy|sha1|md5|argon2i?d?|scrypt|pbkdf2[a-z0-9-]*|bcrypt-sha256)\$[^\s$]",
        rb"\$(?:2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}|(?:apr1|[1567]|sha1|md5)\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,32}\$[./A-Za-z0-9]{20,90}"
        rb"|g?y\$[./A-Za-z0-9]{1,20}\$[./A-Za-z0-9]{1,90}\$[./A-Za-z0-9]{40,90}"
        rb"|(?:argon2i?d?|scrypt|pbkdf2[a-z0-9-]{0,20}|bcrypt-sha256)(?:\$[./A-Za-z0-9=,+-]{1,120}){2,6})",
    ),
    rule("hash", rb"\{S?SHA[0-9]*\}[A-Za-z0-9+/]{20}", rb"\{S?SHA[0-9]{0,3}\}(?P<secret>[A-Za-z0-9+/]{20,200}={0,2})"),
    rule(
        "hash",
        rb"(?:pbkdf2[:_]sha[0-9]+|scrypt|bcrypt_sha256|argon2)[:$][^\s$]+\$",
        rb"\b(?:pbkdf2[:_]sha[0-9]{1,3}|scrypt|bcrypt_sha256|argon2)[:$0-9]{1,40}(?P<secret>[./A-Za-z0-9]{4,64}\$[A-Za-z0-9+/=]{20,200})",
    ),
)
"""All shapes, in the order in which they are tried."""

PRIVATE_KEY = re.compile(rb"-----BEGIN[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
"""Where a private key begins (OpenSSH, PKCS, EC, PGP)."""
PRIVATE_KEY_END = re.compile(rb"-----END[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
PRIVATE_KEY_BODY = re.compile(rb"(?:[A-Za-z0-9+/=\s>|]|\\[nr]|[A-Za-z-]+: [^\r\n]*)*")
"""What may follow the beginning of a key whose end was cut off."""
