"""The results of the default branch, by leg and settings: ``ci/run -m ci.baseline [--accept]`` adds what was gathered.

``baseline/<leg>/<settings>/<host>/<diagnostic>/<stamp>/``. Only what passed and is neither over its ceiling nor slower
than the baseline is added, so that a regression does not become the baseline by being measured often. To accept a new
level, ``--accept`` starts each leg's baseline afresh from this run.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from bench.record.storage.bundle import RECORD
from bench.record.storage.find import bundle_folders

BASELINE = Path("baseline")
KEEP = 20
"""Results a leg and host: enough for a history's interval, few enough for a cache."""


def main() -> None:
    """Add the gathered legs to the baseline, as ``report/verdict.json`` judged them."""
    accept = "--accept" in sys.argv[1:]
    verdict = json.loads(Path("report/verdict.json").read_text(encoding="utf-8"))
    status = {row["leg"]: row for row in verdict["legs"]}
    for path in sorted(Path("legs").glob("**/leg.json")):
        leg = json.loads(path.read_text(encoding="utf-8"))
        row = status.get(leg["leg"], {})
        good = row.get("outcome") == "passed" and row.get("status") != "over_ceiling"
        if good and (accept or row["status"] != "code_regressed"):
            sys.stdout.write(f"{leg['leg']}: {add(path.parent / 'results', BASELINE, leg, accept=accept)}\n")


def add(results: Path, baseline: Path, leg: dict[str, str], *, accept: bool = False) -> str:
    """Copy a leg's bundles into the baseline and keep the newest; says in a few words what was done."""
    home = baseline / leg["leg"] / leg["settings"]
    if accept:
        shutil.rmtree(baseline / leg["leg"], ignore_errors=True)
    added = bundles(results)
    for bundle in added:
        target = home / bundle.relative_to(results)
        if not target.exists():
            shutil.copytree(bundle, target)
    for folder in {bundle.parent for bundle in bundles(home)}:
        own = [bundle for bundle in bundles(folder) if bundle.parent == folder and not bundle.is_symlink()]
        for old in own[:-KEEP]:
            shutil.rmtree(old)
    return f"{len(added)} added, {len(bundles(home))} kept"


def baseline_of(baseline: Path, leg: str, settings: str | None, host: str, diagnostic: str) -> Path | None:
    """What a leg's result is compared with: this host's results, else the newest of another; ``None`` without any."""
    home = baseline / leg / (settings or "-")
    own = home / host / diagnostic
    if bundles(own):
        return own
    others = sorted(bundles(home), key=lambda bundle: bundle.name)
    return others[-1] if others else None


def bundles(folder: Path) -> list[Path]:
    """The bundles below a folder, oldest first."""
    found = bundle_folders(folder) if folder.is_dir() else []
    return sorted((path for path in found if (path / RECORD).is_file()), key=lambda bundle: (bundle.name, str(bundle)))


if __name__ == "__main__":
    main()
