"""The JSON Schema of a record: what the types say, with what they leave open (pure)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bench.record.schema import SCHEMA, Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STAMP = r"[0-9]{8}T[0-9]{6}Z"
_PATTERNS = {
    ("Record", "schema"): rf"^{re.escape(SCHEMA)}(\.[0-9]+)?$",
    ("Record", "stamp"): f"^{_STAMP}$",
    ("Record", "id"): f"^[^/ ]+/[^/ ]+/{_STAMP}$",
}
_FIXED = {
    "Record": "schema id stamp outcome unavailable diagnostic image engine host calibration runs verdict",
    "Engine": "name version cgroup_version security limits",
    "Run": "index outcome exit_code signal started_at wall_s effective_timeout_s cpu memory faults context_switches io "
    "pids_peak tests metrics gpu warnings",
    "Cpu": "user_s system_s total_s periods throttled_periods throttled_s pressure_some_s pressure_full_s",
    "Memory": "peak_bytes anon_peak_bytes max_rss_bytes swap_peak_bytes limit_bytes oom_kills pressure_some_s",
    "Faults": "minor major",
    "ContextSwitches": "voluntary involuntary",
    "Io": "read_bytes write_bytes",
    "Verdict": "status reasons ceiling_margin_s baseline",
}
"""Keys of major version 1 that every record has; later minor versions add to them."""
_SIGNED = {"temperature_c", "ceiling_margin_s", "value", "exit_code"}
"""Numbers that may be less than 0: an exit status is one of Windows', too."""


def json_schema() -> dict[str, Any]:
    """The schema, of draft 2020-12; keys that it does not name are allowed."""
    made = msgspec.json.schema(Record)
    for name, part in made["$defs"].items():
        properties = part.get("properties", {})
        for key, value in properties.items():
            if (pattern := _PATTERNS.get((name, key))) is not None:
                value["pattern"] = pattern
            elif key not in _SIGNED:
                _bound(value)
        fixed = _FIXED.get(name, "").split()
        required = {*part.get("required", ()), *fixed}
        if required:
            part["required"] = [key for key in properties if key in required]
    return {"$schema": DIALECT, "title": SCHEMA, **made}


def _bound(value: dict[str, Any]) -> None:
    """No less than 0, for what counts or measures."""
    for one in (value, *value.get("anyOf", ())):
        if one.get("type") in ("number", "integer"):
            one.setdefault("minimum", 0)
