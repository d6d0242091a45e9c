"""One self-contained page for any number of results: no request leaves it, and no text in it can act (pure)."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.compare.comparison import Comparison
from bench.compare.explain.difference import DeltaExplanation
from bench.report.entry import Entry, newest_per_key, timeline_entries
from bench.report.html.cells import attributes, rows_html, shape
from bench.report.html.comparison import (
    comparison_table,
    difference_figure,
    figures_table,
    intervals,
    work_comparison,
)
from bench.report.html.hosts import host_table
from bench.report.html.sections import groups, verdict_table
from bench.report.status import STATES
from bench.report.text import plain

_SCRIPTS = ("filter.js", "lines.js", "page.js")


@dataclass(frozen=True, slots=True)
class _Asset:
    """A script or a style, and the hash by which the page's policy lets it work."""

    body: Markup
    digest: str


def render_page(
    entries: Sequence[Entry],
    *,
    comparisons: Sequence[Comparison] = (),
    differences: Sequence[DeltaExplanation] = (),
    unreadable: Sequence[str] = (),
    title: str = "Benchmark report",
    now: datetime | None = None,
) -> str:
    """Return the page as HTML.

    Args:
        entries: the results, any number and in any order; samples are read only of ``timeline_entries(entries)``.
        comparisons: what was compared, each a line with its interval.
        differences: why results differ, each a drawing of its terms.
        unreadable: sentences on what is left out, since it cannot be read.
        title: the page's heading.
        now: when it was made, for its foot; the current time if it is not given.
    """
    shown = newest_per_key(entries)
    counts = Counter(entry.state.code for entry in shown)
    hosts, shared = host_table(entries)
    results = {entry.record.id: entry for entry in entries}
    known = {id_: entry.group for id_, entry in results.items()}
    used = {entry.state.code for entry in entries} | {one.status for one in comparisons}
    style, theme, own = _asset_of("report.css"), _asset_of("theme.js"), _asset_of(*_SCRIPTS)
    context: dict[str, Any] = {
        "title": title,
        "made": (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        "policy": _policy(style, theme, own),
        "style": style.body,
        "scripts": {"theme": theme.body, "own": own.body},
        "results": len(entries),
        "unreadable": unreadable,
        "tiles": [(state, counts[code]) for code, state in STATES.items() if counts[code]],
        "verdicts": verdict_table(
            shown,
            "The newest result of each diagnostic on each host, the worst first",
            {entry.record.id for entry in timeline_entries(entries)},
        ),
        "everything": verdict_table(entries, "All results, the worst first"),
        "compared": comparison_table(comparisons, known) if comparisons else None,
        "figures": figures_table(comparisons, known),
        "work": work_comparison(comparisons, known),
        "intervals": intervals(comparisons, known),
        "differences": [difference_figure(difference, results) for difference in differences],
        "groups": groups(entries),
        "hosts": hosts,
        "shared": shared,
        "host_names": sorted({entry.record.host.id for entry in entries}),
        "group_names": sorted({entry.group for entry in entries}),
        "states": [state for code, state in STATES.items() if code in used],
    }
    return _environment().get_template("page.html.j2").render(context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bench.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["rows"] = rows_html
    environment.filters["shape"] = shape
    environment.globals["filtered"] = attributes
    return environment


def _shown(value: object) -> object:
    """Every text of a template goes through here, before it is escaped; those of tables are in ``cells``."""
    if isinstance(value, float):
        return f"{value:.7g}"
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _asset_of(*names: str) -> _Asset:
    """An element's body. Line ends are as a browser's parser leaves them, since it hashes what it parsed."""
    body = "\n".join(map(_asset, names)).replace("\r\n", "\n").replace("\r", "\n")
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return _Asset(Markup(body), f"'sha256-{digest}'")  # noqa: S704 - our own file


def _policy(style: _Asset, *scripts: _Asset) -> str:
    """Only these scripts run, only this style is applied, nothing is fetched."""
    allowed = " ".join(script.digest for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {style.digest}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
