"""How often does a history see a change that is none, and how often one that is? Beside asv's and Otava's detection.

    python benchmarks/statistics/changes.py [--quick | --glance] [--markdown FILE]

Target: at most 1 % of series without a change are said to have one. Needs asv (``asv.step_detect``) and apache-otava
for the columns beside ours, each with its own defaults; a tool that is not installed has no column.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import noises
import numpy as np
from noises import Floats
from tables import Rows, markdown, percent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.compare.stats import changes

SEED = 20251015
CHANGE = 1.05
NEAR = 2
"""Results that a border may be off by and still count as found."""
Detector = Callable[[Sequence[float]], list[int]]
"""The places at which a level begins, the first level's left out."""
Layout = tuple[int, ...]
LAYOUTS: tuple[Layout, ...] = ((15, 5), (27, 3), (15, 15), (12, 6, 12), (90, 10), (50, 50))


def ours(series: Sequence[float]) -> list[int]:
    """What ``bench history`` does."""
    return [step.at for step in changes.find(series).steps]


def others() -> dict[str, Detector]:
    """The detectors of the libraries that are installed here, by name."""
    found: dict[str, Detector] = {}
    for name, make in {"asv": _asv, "otava": _otava}.items():
        with contextlib.suppress(ImportError):
            found[name] = make()
    return found


def _asv() -> Detector:
    from asv.step_detect import detect_steps

    return lambda series: [int(left) for left, *_ in detect_steps(list(series))][1:]


def _otava() -> Detector:
    from otava.analysis import compute_change_points

    def places(series: Sequence[float]) -> list[int]:
        found, _ = compute_change_points(list(series), window_len=50, max_pvalue=0.001, min_magnitude=0.0)
        return [int(point.index) for point in found]

    return places


def stepped(layout: Layout, change: float) -> Floats:
    """Factors that lift every second level."""
    return np.concatenate([np.full(size, change if at % 2 else 1.0) for at, size in enumerate(layout)])


def seen(places: Sequence[int], layout: Layout) -> bool:
    """Whether every border was found, and no other."""
    borders = np.cumsum(layout)[:-1]
    return len(places) == len(borders) and all(
        abs(place - border) <= NEAR for place, border in zip(sorted(places), borders, strict=True)
    )


def false_alarms(sizes: dict[int, int], few: int) -> tuple[Rows, float]:
    """Series without a change that are said to have one, and the worst rate of ours."""
    rows, worst = [], 0.0
    for kind, make in noises.EXCHANGEABLE.items():
        for size, many in sizes.items():
            draw = np.random.default_rng([SEED, size, len(kind)])
            series = [make(draw, size, 1)[0].tolist() for _ in range(many)]
            own = float(np.mean([bool(ours(one)) for one in series]))
            worst = max(worst, own)
            beside = [percent(float(np.mean([bool(tool(one)) for one in series[:few]]))) for tool in others().values()]
            rows.append([kind, str(size), percent(own), *beside])
    return rows, worst


def power(many: int) -> Rows:
    """Series with levels 5 % apart whose borders are found, and no other."""
    rows = []
    for kind in ("normal", "with outliers"):
        for layout in LAYOUTS:
            draw = np.random.default_rng([SEED, len(kind), *layout])
            lift = stepped(layout, CHANGE)
            series = [(noises.EXCHANGEABLE[kind](draw, lift.size, 1)[0] * lift).tolist() for _ in range(many)]
            cells = [
                percent(float(np.mean([seen(tool(one), layout) for one in series])))
                for tool in (ours, *others().values())
            ]
            rows.append([kind, " + ".join(map(str, layout)), *cells])
    return rows


def recorded(many: int) -> Rows:
    """The medians of recorded A/A sessions: in any order, then twice as slow in the second half, then as they came."""
    rows = []
    for name, sessions in noises.recorded():
        medians = np.array([float(np.median(one)) for one in sessions])
        layout = (medians.size - medians.size // 2, medians.size // 2)
        draw = np.random.default_rng(SEED)
        orders = [draw.permutation(medians) for _ in range(many)]
        for tool_name, tool in {"ours": ours, **others()}.items():
            shuffled = float(np.mean([bool(tool(one.tolist())) for one in orders]))
            lift = stepped(layout, 2.0)
            found = float(np.mean([seen(tool((one * lift).tolist()), layout) for one in orders[: max(many // 4, 1)]]))
            rows.append([name, tool_name, percent(shuffled), percent(found), str(len(tool(medians.tolist())))])
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_const", const=5, dest="scale", help="a fifth of the series")
    parser.add_argument("--glance", action="store_const", const=100, dest="scale", help="whether it works at all")
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    parser.set_defaults(scale=1)
    options = parser.parse_args(arguments)
    scale = options.scale
    begin = time.monotonic()
    tools = ["ours", *others()]
    sizes = {size: max(many // scale, 1) for size, many in {12: 1500, 30: 1000, 100: 300}.items()}
    false, worst = false_alarms(sizes, max(250 // scale, 1))
    parts = [
        ("A series without a change is said to have one", ["noise (2 %)", "results", *tools], false),
        (
            "Levels 5 % apart: all borders are found, and no other",
            ["noise (2 %)", "levels", *tools],
            power(max(100 // scale, 1)),
        ),
        (
            "Medians of 40 recorded A/A sessions",
            ["machine, load", "tool", "shuffled: said to change", "2x slower half way: found", "as they came: changes"],
            recorded(max(200 // scale, 1)),
        ),
    ]
    text = "\n".join(markdown(title, head, rows) for title, head, rows in parts)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    # A rate above the target by less than three times its own error is not one above the target.
    most = 0.01 + 3 * (0.01 * 0.99 / min(sizes.values())) ** 0.5
    print(f"worst rate of ours {percent(worst)} (target 1 %, its error included {percent(most)}), ", end="")
    print(f"{time.monotonic() - begin:.0f} s")
    return int(worst > most)


if __name__ == "__main__":
    sys.exit(main())
