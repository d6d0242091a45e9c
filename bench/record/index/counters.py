"""What a counting run counted, as rows of the table ``work`` (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bench.record.work import Work

Counter = tuple[str, str, Any, bool | None]
"""Part (``total``, ``operator`` or ``module``), name, value, and whether it repeats, if two runs are known."""


def counters(counted: Work | msgspec.UnsetType | None) -> Iterator[Counter]:
    """Yield one row a counter; none of a run that counted nothing."""
    if not counted:
        return
    work = msgspec.to_builtins(counted)
    torch, python, cuda = work["torch"] or {}, work["python"] or {}, work["cuda"] or {}
    totals = {f"torch.{name}": torch.get(name) for name in ("elements", "bytes", "flops")}
    totals |= {"torch.calls": sum(torch["calls"].values()) if torch else None, "python.calls": python.get("calls")}
    totals |= {f"cuda.{name}": value for name, value in cuda.items()}
    totals |= {f"kernel.{name}": value for name, value in work["kernel"].items()}
    totals |= {name: work[name] for name in ("instructions", "branches")}
    parts = (
        ("total", "", totals),
        ("operator", "torch.calls.", torch.get("calls", {})),
        ("module", "python.modules.", python.get("modules", {})),
    )
    for part, path, found in parts:
        for name, value in found.items():
            known = work["counted"] > 1 and value is not None
            repeats = not any(one == path + name or one.startswith(f"{path}{name}.") for one in work["varies"])
            yield part, name, value, repeats if known else None
