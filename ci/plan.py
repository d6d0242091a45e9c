"""Prints ``matrix=JSON`` for the workflow: ``python3 -m ci.plan >> "$GITHUB_OUTPUT"``."""

from __future__ import annotations

import json
import sys

from ci.matrix import read_matrix


def main() -> None:
    """Print the legs in the form that a workflow's ``strategy.matrix`` takes."""
    rows = [
        {"leg": leg.name, "diagnostic": leg.diagnostic, "runner": leg.runner, "runs_on": list(leg.runs_on)}
        for leg in read_matrix()
    ]
    sys.stdout.write(f"matrix={json.dumps({'include': rows}, separators=(',', ':'))}\n")


if __name__ == "__main__":
    main()
