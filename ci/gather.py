"""Gathers the legs, compares each with its baseline and says what that means: ``ci/run -m ci.gather``.

Reads ``legs/*/`` (see ``ci.leg``) and ``baseline/`` (see ``ci.baseline``); writes ``report/``: ``verdict.json``,
``summary.md``, ``comment.md``, ``report.html``, ``report.json``, ``junit.xml`` and for each leg ``compare-<leg>.json``.
A leg that measured nothing, or whose machine was lost, has a row that says so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.report.text import markdown
from ci.baseline import BASELINE, baseline_of, bundles
from ci.junit import render_legs
from ci.leg import LEGS
from ci.matrix import Leg, read_matrix
from ci.pairs import paired_row, record_of, sides_of, worse_side
from ci.summary import Row, render_comment, render_note, render_summary

REPORT = Path("report")
FAILING = frozenset({"over_ceiling", "code_regressed"})
"""The only verdicts that fail the matrix."""

_BY_EXIT_CODE = {
    1: "over the ceiling, or regressed",
    2: "not measured: the command line was refused",
    3: "the diagnostic's own test failed",
    4: "timed out",
    5: "killed for memory",
    6: "not measured",
    8: "damaged or foreign data",
    130: "interrupted",
}


@dataclass(slots=True)
class Gathered:
    """One leg as it was found: its document, its readable bundles, and why there is nothing where there is nothing."""

    leg: Leg
    document: dict[str, Any] = field(default_factory=dict)
    bundles: list[Path] = field(default_factory=list)
    problem: str = ""


def main() -> None:
    """Gather, compare, report; whether to fail is for ``ci.gate``."""
    REPORT.mkdir(exist_ok=True)
    for leg in read_matrix():
        _compared(REPORT, leg.name).unlink(missing_ok=True)
    intact = LEGS.is_dir() and _bench("verify", str(LEGS)).returncode == 0
    found = [read_leg(leg, LEGS, intact=intact) for leg in read_matrix()]
    rows = [row_of(one, REPORT, BASELINE) for one in found]
    compared = [path for row in rows if (path := _compared(REPORT, row.leg)).is_file()]
    results = report([path for one in found for path in one.bundles], REPORT, BASELINE, compared)
    (REPORT / "junit.xml").write_text(render_legs(rows), encoding="utf-8")
    (REPORT / "summary.md").write_text(render_summary(rows, results), encoding="utf-8")
    (REPORT / "comment.md").write_text(render_note(rows), encoding="utf-8")
    failing = [row.leg for row in rows if row.status in FAILING]
    verdict = {"schema": "bench.matrix/1", "failing": failing, "legs": [row.document() for row in rows]}
    (REPORT / "verdict.json").write_text(json.dumps(verdict, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(render_comment(rows))


def read_leg(leg: Leg, legs: Path, *, intact: bool = False) -> Gathered:
    """A leg's folder, wherever the system put it: its document tells which leg it is.

    Args:
        leg: the leg that is looked for.
        legs: the folder of all.
        intact: every bundle below ``legs`` is known to be as it was written, so that this one need not be checked.
    """
    for path in sorted(legs.glob("**/leg.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(document, dict) or document.get("leg") != leg.name:
            continue
        results = path.parent / "results"
        if not results.is_dir():
            return Gathered(leg, document, problem=_why_nothing(document))
        damage = None if intact else _bench("verify", str(results))
        if damage is not None and damage.returncode != 0:
            return Gathered(
                leg, document, problem=f"its result is damaged: {_last_line(damage.stderr or damage.stdout)}"
            )
        return Gathered(leg, document, bundles(results), _why_nothing(document))
    return Gathered(leg, problem="it left nothing: its job was cancelled, or its machine was lost")


def row_of(found: Gathered, out: Path, baseline: Path) -> Row:
    """The row of a leg: its own verdict, then what the comparison with its base, or with its baseline, says."""
    leg, newest = found.leg, (found.bundles[-1] if found.bundles else None)
    if newest is None:
        return Row(leg.name, leg.runner, "not_measured", found.problem or "its job left no bundle")
    sides = sides_of(found.bundles)
    base = record_of(sides[0]) if sides else None
    record = worse_side(base, record_of(sides[1])) if sides and base else record_of(newest)
    verdict, outcome = record["verdict"], record["outcome"]
    row = Row(
        leg.name,
        leg.runner,
        verdict["status"],
        "; ".join(verdict["reasons"]) or found.problem,
        outcome=outcome,
        host=record["host"]["id"],
        wall_s=_median([run["wall_s"] for run in record["runs"] if run["outcome"] == "passed"]),
    )
    if record is base:
        row = replace(row, why=f"of the base: {row.why}")
    if sides and base and outcome == "passed":
        return _held(row, sides, out, lambda comparison: paired_row(row, comparison, base))
    if outcome != "passed" or row.status in FAILING:
        return row
    reference = baseline_of(baseline, leg.name, found.document.get("settings"), row.host, leg.diagnostic)
    if reference is None:
        return row.against("no result of this leg on the default branch yet")
    return _held(
        row,
        (reference, newest),
        out,
        lambda comparison: row.compared(comparison["status"], comparison["reasons"], comparison["ratio"]),
    )


def _held(row: Row, both: tuple[Path, Path], out: Path, told: Callable[[Mapping[str, Any]], Row]) -> Row:
    """The row with what ``bench compare`` says of two results, which is kept for the report."""
    answer = _bench("compare", *map(str, both), "--json")
    try:
        (comparison,) = json.loads(answer.stdout)["comparisons"]
        held = told(comparison)
    except (ValueError, KeyError, TypeError, IndexError):
        return row.against(f"could not be compared: {_last_line(answer.stderr)}")
    _compared(out, row.leg).write_text(answer.stdout, encoding="utf-8")
    return held


def report(paths: Sequence[Path], out: Path, baseline: Path, compared: Sequence[Path] = ()) -> str:
    """The page and JSON over all bundles, and the Markdown; empty where there is no bundle.

    Each leg was compared with its own baseline, and the report takes that up: it knows no legs, and would choose among
    the baselines of all.
    """
    if not paths:
        return ""
    held = [word for path in compared for word in ("--compared", str(path))]
    answer = _bench(
        *("report", *map(str, paths), *held, "--json", "--html", str(out / "report.html")),
        *("--markdown", str(out / "results.md")),
    )
    if answer.returncode != 0:
        return f"The report could not be made: {markdown(_last_line(answer.stderr))}\n"
    (out / "report.json").write_text(answer.stdout, encoding="utf-8")
    # The page's own baseline is the evidence of the comparison: it goes with it.
    if bundles(baseline):
        shutil.copytree(baseline, out / "baseline", dirs_exist_ok=True)
    return (out / "results.md").read_text(encoding="utf-8")


def _compared(out: Path, leg: str) -> Path:
    """Where what ``bench compare`` said of a leg lies; there is no file of a leg that was not compared."""
    return out / f"compare-{leg}.json"


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bench", *arguments], capture_output=True, text=True, check=False)


def _why_nothing(document: dict[str, Any]) -> str:
    code = document.get("exit_code")
    if code == 0:
        return ""
    if code is None:
        return "its job was cut off while it ran"
    said = document.get("said") or ["no word of why"]
    return f"{_BY_EXIT_CODE.get(code, f'ended with {code}')}: {said[-1]}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word of why"])[-1]


def _median(values: Sequence[float | None]) -> float | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2


if __name__ == "__main__":
    main()
