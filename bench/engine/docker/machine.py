"""Which machine an engine is on, from its address and its daemon's report of itself (pure but for asking this one)."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import psutil


def may_be_remote(url: str) -> bool:
    """Return whether the engine at an address may be on another machine; only a socket or a pipe never leads there."""
    return not url.startswith(("unix://", "npipe://"))


def machine_of(url: str, info: Mapping[str, Any], name: str = "docker") -> str:
    """Return what tells an engine's machine from others: its daemon's id, else the host of its URL.

    Podman makes its id anew for each answer: there it is the machine's own name, kernel and memory.

    Empty if it is, as far as its address or its daemon says, this very machine. A tunnel that ends here is taken for it
    too, and only makes a command wait that need not.

    Args:
        url: where the engine is reached.
        info: what its daemon reports of itself; empty if none answered.
        name: the engine's.
    """
    host = urlsplit(url).hostname or url
    said = (info.get("Name"), info.get("KernelVersion"), info.get("MemTotal"))
    here = (platform.node(), platform.release(), psutil.virtual_memory().total)
    if not may_be_remote(url) or host in {"localhost", "::1"} or host.startswith("127.") or said == here:
        return ""
    if name == "podman" and all(said):
        return " ".join(map(str, said))
    return str(info.get("ID") or host) if name != "podman" else host
