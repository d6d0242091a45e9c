"""The environment: by allow-list, its secrets by name (pure)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from bench.record.redact.names import NOT_SECRET, is_secret_pair
from bench.record.redact.scan import mark
from bench.record.redact.text import redact_text

_ALLOWED = re.compile(
    r"(?:CUDA|CUBLAS|CUDNN|NVIDIA|NCCL|KMP|OMP|GOMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR|TORCH|TORCHINDUCTOR|PYTORCH|TRITON|NANOBRAGG"
    r"|MALLOC|MIMALLOC|TCMALLOC|JEMALLOC|THP|PYTHON|PYTEST|BENCH|LC)_\w+|PYTHON[A-Z]+"
    r"|MALLOC_CONF|GLIBC_TUNABLES|LD_PRELOAD|LD_LIBRARY_PATH|PATH|LANG|LANGUAGE|TZ|TERM|COLUMNS|LINES|TMPDIR|CI|VIRTUAL_ENV|CONDA_DEFAULT_ENV"
    r"|SOURCE_DATE_EPOCH|NPROC|NO_COLOR|HYPOTHESIS_PROFILE|DEBIAN_FRONTEND",
    re.ASCII,
)
# Fewer than the names whose values are hidden at their place: SSH_AUTH_SOCK or GIT_AUTHOR_NAME stand in many texts.
_LITERAL_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|COOKIE|AUTH(?!OR(?!I))|(?:^|_)(?:DSN|PAT|JWT|PWD|PW|SAS|WEBHOOK|BEARER|SESSIONID)(?:$|_)"
)
_NO_LITERAL = frozenset(("anonymous", "disabled", "optional", "password", "redacted", "required", "undefined"))
_MIN_LITERAL = 8


def is_allowed_name(name: str, extra: Collection[str] = ()) -> bool:
    """Whether an environment variable may be recorded: it can change what a diagnostic does, or the user set it."""
    return name in extra or _ALLOWED.fullmatch(name) is not None


def allowed_environ(environ: Mapping[str, str], extra: Collection[str] = ()) -> dict[str, str]:
    """The part of an environment that may be recorded, sorted by name, values redacted by name and by shape.

    Args:
        environ: the environment of the measured process.
        extra: names that the user or the catalog set (``--env``).
    """
    kept: dict[str, str] = {}
    for name in sorted(environ):
        if is_allowed_name(name, extra):
            value = environ[name]
            kept[name] = mark("name") if value and is_secret_pair(name, value) else redact_text(value)
    return kept


def secret_values(environ: Mapping[str, str], more: Collection[str] = ()) -> frozenset[str]:
    """Values of secrets, which are replaced wherever they stand; short words and paths are not.

    Args:
        environ: of this process, or what was set for the measured one: of it the values of secret names.
        more: further values that are secret.
    """
    named = [
        value
        for name, value in environ.items()
        if _LITERAL_NAME.search(name.upper()) and name.upper() not in NOT_SECRET
    ]
    return frozenset(value for value in (*named, *more) if _is_literal(value))


def _is_literal(value: str) -> bool:
    """Whether a value is long and rare enough to be replaced wherever it stands."""
    return (
        value.lower() not in _NO_LITERAL
        and len(value) >= _MIN_LITERAL
        and not value.isdigit()
        and not value.startswith(("/", "[redacted"))
    )
