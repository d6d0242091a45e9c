"""One self-contained page for any number of results: no request leaves it, and no text in it can act (pure)."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.compare.comparison import Comparison
from bench.compare.explain.difference import DeltaExplanation
from bench.report.entry import Entry, timeline_entries
from bench.report.html.cells import attributes, rows_html, shape
from bench.report.html.comparison import (
    comparison_table,
    difference_figure,
    figures_table,
    intervals,
    work_comparison,
)
from bench.report.html.hosts import host_table
from bench.report.html.model import anchor
from bench.report.html.overview.lines import Line, overview_lines
from bench.report.html.overview.table import Place, overview
from bench.report.html.sections import groups, older_table
from bench.report.status import STATES, State
from bench.report.text import plain

_FEW = 8
"""Lines of an overview up to which a page's only diagnostic is unfolded."""
_SCRIPTS = ("filter.js", "lines.js", "page.js")


@dataclass(frozen=True, slots=True)
class _Asset:
    """A script or a style, and the hash by which the page's policy lets it work."""

    body: Markup
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a page shows, and where it stands: alone, or as one of a site (:mod:`bench.report.site`).

    ``pages`` are the addresses of the pages that unfold each group, if this one does not; ``home`` leads to the page of
    all diagnostics, ``feed`` to the changes.
    """

    entries: Sequence[Entry]
    comparisons: Sequence[Comparison] = ()
    differences: Sequence[DeltaExplanation] = ()
    unreadable: Sequence[str] = ()
    title: str = "Benchmark report"
    now: datetime | None = None
    pages: Mapping[str, str] | None = None
    home: str | None = None
    feed: str | None = None


def render_page(
    entries: Sequence[Entry],
    *,
    comparisons: Sequence[Comparison] = (),
    differences: Sequence[DeltaExplanation] = (),
    unreadable: Sequence[str] = (),
    title: str = "Benchmark report",
    now: datetime | None = None,
) -> str:
    """Return a page of its own as HTML.

    Args:
        entries: the results, any number and in any order; samples are read only of ``timeline_entries(entries)``.
        comparisons: what was compared, each a line with its interval.
        differences: why results differ, each a drawing of its terms.
        unreadable: sentences on what is left out, since it cannot be read.
        title: the page's heading.
        now: when it was made, for its foot; the current time if it is not given.
    """
    return render(Content(entries, comparisons, differences, unreadable, title, now))


def render(content: Content) -> str:
    """Return a page as HTML."""
    entries, comparisons = content.entries, content.comparisons
    lines = overview_lines(entries)
    counts = Counter(line.entry.state.code for line in lines)
    hosts, shared = host_table(entries)
    results = {entry.record.id: entry for entry in entries}
    known = {id_: entry.group for id_, entry in results.items()}
    used = {entry.state.code for entry in entries} | {one.status for one in comparisons}
    style, theme, own = _asset_of("report.css"), _asset_of("theme.js"), _asset_of(*_SCRIPTS)
    parts = groups(entries, lines) if content.pages is None else ()
    told = {line.entry.record.id for line in lines}
    context: dict[str, Any] = {
        "title": content.title,
        "made": (content.now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        "policy": _policy(style, theme, own),
        "style": style.body,
        "scripts": {"theme": theme.body, "own": own.body},
        "home": content.home,
        "feed": content.feed,
        "results": sum(entry.results for entry in entries),
        "unreadable": content.unreadable,
        "tiles": [(_named(state, lines), counts[code]) for code, state in STATES.items() if counts[code]],
        "overview": overview(lines, place_in(entries, content.pages)),
        "older": older_table(entries) if content.pages is None else None,
        "compared": comparison_table(comparisons, known, told) if comparisons else None,
        "figures": figures_table(comparisons, known),
        "work": work_comparison(comparisons, known),
        "intervals": intervals(comparisons, known, told),
        "differences": [difference_figure(difference, results) for difference in content.differences],
        "groups": parts,
        "opened": len(parts) == 1 and len(lines) <= _FEW,
        "alone": len(lines) == 1,
        "pages": _pages(lines, content.pages or {}),
        "hosts": hosts,
        "shared": shared,
        "host_names": sorted({entry.record.host.id for entry in entries}),
        "diagnostics": len({entry.record.diagnostic.name for entry in entries}),
        "group_names": sorted({entry.group for entry in entries}),
        "states": [_named(state, lines) for code, state in STATES.items() if code in used],
    }
    return _environment().get_template("page.html.j2").render(context)


def place_in(entries: Sequence[Entry], pages: Mapping[str, str] | None) -> Place:
    """Return where each line of an overview leads: to its result unfolded, on this page or on that of its group.

    Args:
        entries: all results.
        pages: the page of each group; ``None`` if there is this page alone, whose other lines lead nowhere.
    """
    if pages is not None:
        place = places(entries, pages)
        return lambda line: place(line.entry)
    unfolded = {id(entry) for entry in timeline_entries(entries)}
    return lambda line: f"#{anchor('r', line.entry.record.id)}" if id(line.entry) in unfolded else None


def places(entries: Sequence[Entry], pages: Mapping[str, str]) -> Callable[[Entry], str]:
    """Return where each result is on the pages of a site: unfolded, or a line of a table.

    Args:
        entries: all results.
        pages: the page of each group.
    """
    by_page: dict[str, list[Entry]] = {}
    for entry in entries:
        by_page.setdefault(pages[entry.group], []).append(entry)
    unfolded = {id(entry) for members in by_page.values() for entry in timeline_entries(members)}
    return lambda entry: f"{pages[entry.group]}#{anchor('r' if id(entry) in unfolded else 'a', entry.record.id)}"


def _named(state: State, lines: Sequence[Line]) -> State:
    """A state as results of this page have it: an experiment is undecided, others have too few runs."""
    labels = {line.entry.state.label for line in lines if line.entry.state.code == state.code}
    return replace(state, label=" or ".join(sorted(labels or {state.label})))


def _pages(lines: Sequence[Line], pages: Mapping[str, str]) -> list[tuple[str, str, int, State]]:
    """The groups, those with the worst newest result first: name, page, lines, and that result's state."""
    if not pages:
        return []
    sizes = Counter(line.entry.group for line in lines)
    worst: dict[str, State] = {}
    for line in lines:
        worst.setdefault(line.entry.group, line.entry.state)
    return [(name, pages[name], sizes[name], state) for name, state in worst.items()]


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
