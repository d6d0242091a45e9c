"""Runs one leg of the matrix and keeps what it left, whatever it was: ``ci/run -m ci.leg``.

Reads BENCH_DIAGNOSTIC and BENCH_RUNNER (the leg), BENCH_PROFILE and BENCH_REPEAT. With BENCH_BASE_REV, a revision, it
measures that and the checkout in pairs until the answer is certain, or BENCH_BUDGET is spent. Writes ``legs/<leg>/``:
``leg.json``, the log, and ``results/`` with the bundle, or both sides'. Ends with 0 whenever that folder tells what
happened: whether the matrix fails is decided once, by the last job.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from ci.matrix import Leg, find_leg, read_matrix, settings

SCHEMA = "bench.leg/1"
LEGS = Path("legs")
BUDGET = "45min"
"""How long pairs go on that do not decide, unless BENCH_BUDGET says otherwise."""
RUN_ONLY = ("--repeat", "--baseline")
"""What only ``bench run`` takes: pairs are repeated until the answer is certain, and are compared with one another."""
SAID_LINES = 12
"""How much of the log goes into the summary."""


def main() -> None:
    """Run the leg that the environment names."""
    leg = find_leg(read_matrix(), os.environ["BENCH_DIAGNOSTIC"], os.environ["BENCH_RUNNER"])
    run_leg(leg, os.environ.get("BENCH_PROFILE", "smoke"), os.environ.get("BENCH_REPEAT", "3"), LEGS / leg.name)


def run_leg(leg: Leg, profile: str, repeat: str, out: Path) -> dict[str, Any]:
    """Run a leg into ``out`` and return what ``leg.json`` holds."""
    base = os.environ.get("BENCH_BASE_REV") or None
    out.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "leg": leg.name,
        "diagnostic": leg.diagnostic,
        "runner": leg.runner,
        "settings": settings(leg, profile, repeat),
        "base": base,
        "commit": os.environ.get("GITHUB_SHA") or os.environ.get("CI_COMMIT_SHA"),
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "exit_code": None,
        "said": [],
    }
    # Written first as well, so that a leg whose machine is taken away has left its name.
    _write(out / "leg.json", document)
    command = [sys.executable, "-m", "bench", *_verb(leg, repeat, base), "--profile", profile]
    command += ["--results", str(out / "results"), *(for_pairs(leg.arguments) if base else leg.arguments)]
    with Relay() as relay:
        document["exit_code"] = _follow(command, out / "run.log", relay)
        log = (out / "run.log").read_text(encoding="utf-8", errors="replace")
        document["said"] = [line.rstrip() for line in log.splitlines() if line.strip()][-SAID_LINES:]
        _write(out / "leg.json", document)
    return document


def _verb(leg: Leg, repeat: str, base: str | None) -> list[str]:
    """What is asked of bench: runs, or pairs with a base."""
    if base is None:
        return ["run", leg.diagnostic, "--repeat", repeat]
    return ["ab", leg.diagnostic, "--base", f"rev={base}", "--budget", os.environ.get("BENCH_BUDGET") or BUDGET]


def for_pairs(arguments: Sequence[str]) -> list[str]:
    """A leg's arguments without those that only ``bench run`` takes."""
    kept, rest = [], list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if name not in RUN_ONLY:
            kept.append(word)
        elif not equals and rest:
            rest.pop(0)
    return kept


class Relay:
    """Passes signals on to a child, which ends in order; they take nothing from us that is not written yet."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def to(self, child: subprocess.Popen[bytes]) -> None:
        """From now on to this child, which gets what came before it too."""
        self._child = child
        if self._early:
            child.send_signal(signal.SIGINT)

    def _pass_on(self, *_: object) -> None:
        if self._child is None:
            self._early = True
        else:
            self._child.send_signal(signal.SIGINT)


def _follow(command: Sequence[str], log: Path, relay: Relay) -> int:
    """Run a command, its output to the log and to ours."""
    with log.open("wb") as kept, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        relay.to(child)
        for line in child.stdout or ():
            kept.write(line)
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        return child.wait()


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
