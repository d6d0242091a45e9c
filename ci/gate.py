"""Fails where a leg is over its ceiling or its code got slower, and on nothing else: ``ci/run -m ci.gate``."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """0, or 1 with the legs that fail."""
    verdict = json.loads(Path("report/verdict.json").read_text(encoding="utf-8"))
    for row in verdict["legs"]:
        sign = "FAILS" if row["leg"] in verdict["failing"] else "     "
        sys.stdout.write(f"{sign} {row['leg']}: {row['status']}: {row['why']}\n")
    return 1 if verdict["failing"] else 0


if __name__ == "__main__":
    sys.exit(main())
