"""An engine's address: whether it is one, and how it may be shown (pure)."""

from __future__ import annotations

from urllib.parse import urlsplit

from bench.errors import UsageError

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
SCHEMES = ("unix://", "tcp://", "http://", "https://", "ssh://", "npipe://")
_LONGEST_SOCKET = 107
"""Bytes of a socket's path (unix(7))."""
_FIX = "write it as in unix:///var/run/docker.sock, tcp://host:2376 or ssh://me@host"


def shown(url: str) -> str:
    """An address for a person, a log or a record: without the password that may stand in it."""
    scheme, mark, rest = url.rpartition("://") if url.count("://") == 1 else ("", "", url)
    user, at, place = rest.rpartition("@")
    if not at:
        return url
    name, colon, _ = user.partition(":")
    return f"{scheme}{mark}{name}{':[redacted]' if colon else ''}@{place}"


def checked(url: str) -> str:
    """The address itself.

    Raises:
        UsageError: it is none.
    """
    problem = _problem(url)
    if problem is not None:
        raise UsageError(f"'{shown(url)!s:.200}' is not an engine's address", problem, _FIX)
    return url


def _problem(url: str) -> str | None:
    if not url.startswith(SCHEMES):
        return "it begins with no scheme that is known"
    if not url.isprintable() or " " in url:
        return "it holds a blank or a control character"
    scheme, _, rest = url.partition("://")
    if scheme in ("unix", "npipe"):
        if not rest.strip("/"):
            return "it names no socket"
        return "its path is too long for a socket" if len(rest.encode()) > _LONGEST_SOCKET else None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        if host:
            host.encode("idna")
    except (ValueError, UnicodeError):
        return "its host or its port is none"
    if not host or host.startswith("-"):
        return "it names no host"
    if scheme != "ssh" and "@" in rest:
        return "an address of this kind names no user"
    if scheme != "ssh" and (parts.query or parts.fragment):
        return "an engine's address ends with its path"
    return None
