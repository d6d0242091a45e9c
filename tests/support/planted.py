"""Secrets to plant. They are made when asked for, so that no scanner finds a key in this file."""

from __future__ import annotations

import base64
import random
import string

ALNUM = string.ascii_letters + string.digits


def planted(seed: int = 7) -> dict[str, str]:
    """Kind to a line that holds a secret; the secret itself is what :func:`needle` cuts out between the marks."""
    rng = random.Random(seed)

    def text(length: int, alphabet: str = ALNUM) -> str:
        return "".join(rng.choice(alphabet) for _ in range(length))

    def hexa(length: int) -> str:
        return text(length, "0123456789abcdef")

    def b64(length: int) -> str:
        return base64.b64encode(rng.randbytes(length)).decode()

    upper = string.ascii_uppercase + string.digits
    body = "\n".join(b64(48) for _ in range(5))
    jwt = ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"HS256"}', b'{"sub":"12345"}', rng.randbytes(32))
    )
    return {
        "aws-id": f"using <<{'AK' + 'IA'}{text(16, upper)}>> now",
        "aws-secret": f"aws_secret_access_key = <<{b64(30)}>>",
        "github": f"cloned with <<{'gh' + 'p_'}{text(36)}>>",
        "github-fine": f"<<{'github' + '_pat_'}{text(22)}_{text(59)}>>",
        "gitlab": f"found <<{'gl' + 'pat-'}{text(20)}>>",
        "slack": f"<<{'xo' + 'xb-'}{text(12, string.digits)}-{text(24)}>>",
        "slack-hook": f"POST https://hooks.slack.com/services/<<T{text(8, upper)}/B{text(8, upper)}/{text(24)}>>",
        "google": f"maps?x=<<{'AI' + 'za'}{text(35)}>>",
        "google-oauth": f"refresh <<{'ya' + '29.'}{text(60)}>>",
        "openai": f"client(<<{'s' + 'k-'}{text(48)}>>)",
        "anthropic": f"client(<<{'s' + 'k-ant-api03-'}{text(80)}>>)",
        "huggingface": f"login <<{'h' + 'f_'}{text(34, string.ascii_letters)}>>",
        "npm": f"npm login <<{'np' + 'm_'}{text(36)}>>",
        "pypi": f"twine -p <<{'py' + 'pi-AgE'}{text(60)}>>",
        "stripe": f"charge <<{'sk' + '_live_'}{text(24)}>>",
        "jwt": f"cookie value <<{jwt}>>",
        "sendgrid": f"<<{'S' + 'G.'}{text(22)}.{text(43)}>>",
        "twilio": f"sid <<{'S' + 'K'}{hexa(32)}>>",
        "digitalocean": f"<<{'do' + 'p_v1_'}{hexa(64)}>>",
        "telegram": f"bot <<{text(9, string.digits)}:{'A' + 'A'}{text(33)}>>",
        "databricks": f"<<{'da' + 'pi'}{hexa(32)}>>",
        "azure": f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey=<<{b64(64)}>>;EndpointSuffix=y",
        "ssh-key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n<<{body}>>\n-----END OPENSSH PRIVATE KEY-----",
        "pgp-key": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n<<{body[::-1].strip()}>>\n-----END PGP PRIVATE KEY BLOCK-----",
        "cut-key": f"-----BEGIN RSA PRIVATE KEY-----\n<<{body.swapcase()}>>",
        "url": f"git clone https://bob:<<hunter2-{text(4)}>>@example.org/x.git",
        "url-token": f"fetch https://<<{text(20)}>>@example.org/simple",
        "env": f"DEPLOY_PASSWORD=<<correct horse battery {text(4)}>>",
        "env-short": f"X_API_KEY=<<zq{text(4)}>>",
        "json": f'{{"client_secret": "<<open-{text(6)}>>", "n": 1}}',
        "yaml": f"  password: <<sesame{text(3)}>>",
        "option": f"tool --token <<tik{text(5)}>> --verbose",
        "bearer": f"Authorization: Bearer <<{text(20)}>>",
        "basic": f"authorization: Basic <<{b64(18)}>>",
        "cookie": f"Set-Cookie: <<sid={text(12)}; Path=/>>",
        "netrc": f"machine example.org login bob password <<pw{text(6)}>>",
        "curl": f"curl -u <<bob:{text(9)}>> https://example.org",
        "random-base64": f"seen <<{b64(33)}>> there",
        "random-hex": f"seen <<{hexa(40)}>> there",
        "random-alnum": f"seen <<{text(44)}>> there",
    }


def line(marked: str) -> str:
    """The line as it would be found."""
    return marked.replace("<<", "").replace(">>", "")


def needles(marked: str) -> list[str]:
    """What must not remain of it: the secret, or each of its lines."""
    secret = marked.partition("<<")[2].partition(">>")[0]
    return [part for part in secret.splitlines() if part]
