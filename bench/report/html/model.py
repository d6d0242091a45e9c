"""The parts of a page: tables and figures as data (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from markupsafe import Markup

from bench.compare.explain.findings import Finding
from bench.report.text import plain, slug


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; ``figures`` are right-aligned."""

    label: str
    figures: bool = False


def columns(*names: str) -> tuple[Column, ...]:
    """Return headings; one that starts with ``>`` is a column of figures."""
    return tuple(Column(name.removeprefix(">"), name.startswith(">")) for name in names)


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a table, with what orders it, the level that colours it and the anchor that it leads to."""

    text: str
    order: float | str | None = None
    level: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``host``, ``group`` and ``state`` are what the page filters by; ``None`` stays visible."""

    cells: tuple[Cell, ...]
    host: str | None = None
    group: str | None = None
    state: str | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption. The first cell of a line is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as HTML and SVG in ``body``, which needs no script.

    Parts of ``body`` name their host, diagnostic and state; the page filters by them. ``alt`` says in words what the
    drawing shows. ``legend`` has names and colours; it stands in the page, where it wraps and prints.
    """

    key: str
    title: str
    alt: str
    body: Markup
    table: Table
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    host: str | None = None
    group: str | None = None
    state: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether a filter leaves out some of what is drawn."""
        # Text has no quotes: they are escaped.
        return ' data-host="' in self.body or ' data-state="' in self.body


@dataclass(frozen=True, slots=True)
class Detail:
    """One result unfolded: its facts, those of its reasons that the overview has not, where its time went over the run,
    what the host did meanwhile, and what it warned of.
    """

    anchor: str
    host: str
    group: str
    state: str
    heading: str
    verdict: Cell
    facts: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    commands: tuple[str, ...] = ()
    timeline: Figure | None = None
    no_timeline: str = ""
    meanwhile: Table | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Everything of one diagnostic: ``name`` says too in what way it ran.

    ``summary`` and the worst ``verdict`` of its newest results are what is seen of it while it is folded.
    """

    name: str
    anchor: str
    summary: str
    verdict: Cell
    about: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    runs: Table | None = None
    histories: tuple[Figure, ...] = ()
    histories_note: str = ""
    changes: Table | None = None
    details: tuple[Detail, ...] = field(default=())
    details_note: str = ""


def anchor(prefix: str, name: str) -> str:
    """Return an id that stays the same from page to page, whatever else is on it."""
    short = slug(name)
    if short != plain(name) or len(short) > 60:
        short = f"{short[:60]}-{sha256(name.encode(errors='replace')).hexdigest()[:6]}"
    return f"{prefix}-{short}"
