"""Through which proxy an engine is reached: as for the ``docker`` command, which leaves that to Go's library (pure).

Only ``HTTP_PROXY`` and ``HTTPS_PROXY`` count, never ``ALL_PROXY``; this machine itself is never reached through one
(https://pkg.go.dev/golang.org/x/net/http/httpproxy).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_of(url: str, environ: Mapping[str, str], *, tls: bool) -> str | None:
    """The proxy for an engine's address; ``None`` if it is reached directly."""
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
    """Whether a host's name or address is that of this machine to itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _first(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether an entry of ``NO_PROXY`` stands for a host: ``*``, a network, an address, a domain, some with a port."""
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
