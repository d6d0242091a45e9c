"""An engine's address: whether it is one, how it may be shown, and through which proxy it is reached (pure).

The proxy is that of the ``docker`` command, which leaves it to Go's library: ``HTTP_PROXY`` and ``HTTPS_PROXY`` count,
never ``ALL_PROXY``, and this machine is reached through none (https://pkg.go.dev/golang.org/x/net/http/httpproxy).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
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


def proxy_of(url: str, environ: Mapping[str, str], *, tls: bool) -> str | None:
    """Return the proxy for an engine's address, by the rules of Go's client; ``None`` if it is reached directly.

    Args:
        url: where the engine is.
        environ: the variables that may name a proxy, and what is reached without one.
        tls: whether the connection is encrypted whatever the address begins with.
    """
    if not url.startswith(("tcp://", "http://", "https://")):
        return None
    secure = tls or url.startswith("https://")
    if not secure and environ.get("REQUEST_METHOD"):
        return None  # a CGI program, whose HTTP_PROXY a stranger may have set
    proxy = _first(environ, "HTTPS_PROXY" if secure else "HTTP_PROXY")
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if not proxy or is_loopback(host):
        return None
    port = parts.port or (443 if secure else 80)
    if any(_matches(one.strip().lower(), host, port) for one in _first(environ, "NO_PROXY").split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address is that of this machine to itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _first(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of ``NO_PROXY`` means a host: ``*``, a network, address or domain, maybe with a port."""
    if entry == "*":
        return True
    if not entry:
        return False
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.endswith("]")):
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # one of them is a name
        domain = entry.removeprefix("*")
    return host.endswith(domain) if domain.startswith(".") else host == domain or host.endswith(f".{domain}")
