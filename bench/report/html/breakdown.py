"""Where the wall time went, host beside host: stacked bars of the terms that ``bench.compare`` worked out (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench import units
from bench.compare.explain.breakdown import MEANING, NAMES, Budget
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import TERMS
from bench.report.html.plot import axis, hosts_axis, label, layout, rounded
from bench.report.status import spoken
from bench.report.text import plain
from bench.report.trend import time_spent


def breakdown(group: str, newest: Sequence[Entry], hosts: Sequence[str]) -> Figure | None:
    """The newest result of each host; ``None`` where no run passed anywhere.

    Args:
        group: what they are results of.
        newest: one entry a host.
        hosts: the order of the bars.
    """
    spent = [(entry, found) for entry in newest if (found := time_spent(entry)) is not None]
    if not spent:
        return None
    used = [name for name in NAMES if any(found.seconds(name) > 0 for _, found in spent)]
    spec = {
        "data": [_trace(name, spent) for name in used],
        "layout": layout(
            barmode="stack",
            bargap=0.42,
            xaxis=axis("wall time, s", rangemode="tozero"),
            yaxis=hosts_axis() | {"categoryorder": "array", "categoryarray": [label(host) for host in hosts]},
            uniformtext={"minsize": 11, "mode": "hide"},
            hovermode="closest",
        ),
    }
    return Figure(
        key=anchor("f-went", group),
        title="Where the wall time went",
        alt=_alt(spent),
        spec=spec,
        table=_table(group, spent),
        height=96,
        per_row=38,
        legend=tuple((spoken(name), TERMS[name]) for name in used),
        note="The newest measured result of each host, mean of its passed runs. Waiting overlaps and is bounded, not "
        "measured: the table's last column is what no counter explains.",
    )


def _trace(name: str, spent: Sequence[tuple[Entry, Budget]]) -> dict[str, Any]:
    seconds = [found.seconds(name) for _, found in spent]
    shares = [found.seconds(name) / found.wall_s if found.wall_s else 0.0 for _, found in spent]
    return {
        "type": "bar",
        "orientation": "h",
        "name": spoken(name),
        "x": rounded(seconds),
        "y": [label(entry.record.host.id) for entry, _ in spent],
        "marker": {"color": TERMS[name]},
        "text": [units.percent(share, 0) if share >= 0.04 else "" for share in shares],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "hovertext": [
            f"{units.seconds(value)}, {units.percent(share)}" for value, share in zip(seconds, shares, strict=True)
        ],
        "hovertemplate": f"{spoken(name)}: %{{hovertext}}<br>{MEANING[name]}<extra></extra>",
        "meta": {
            "host": [plain(entry.record.host.id) for entry, _ in spent],
            "state": [entry.state.code for entry, _ in spent],
        },
    }


def _table(group: str, spent: Sequence[tuple[Entry, Budget]]) -> Table:
    heads = columns("host", ">wall", ">efficiency", *(f">{spoken(name)}" for name in NAMES))
    rows = []
    for entry, found in spent:
        cells = [Cell(entry.record.host.id), Cell(units.seconds(found.wall_s), found.wall_s)]
        cells.append(Cell(units.percent(found.efficiency, 0), found.efficiency))
        for name in NAMES:
            unknown = name in found.unknown
            seconds = found.seconds(name)
            cells.append(Cell(units.NOT_KNOWN if unknown else units.seconds(seconds), None if unknown else seconds))
        rows.append(Row(tuple(cells), entry.record.host.id, group, entry.state.code))
    note = "Efficiency is CPU time over wall time times the CPUs given. – was not measured and is in another term."
    return Table("Where the wall time went", heads, tuple(rows), note)


def _alt(spent: Sequence[tuple[Entry, Budget]]) -> str:
    said = []
    for entry, found in spent[:6]:
        largest = sorted(found.terms, key=lambda term: -term.seconds)[:2]
        parts = " and ".join(
            f"{spoken(term.name)} {units.percent(term.seconds / found.wall_s if found.wall_s else None, 0)}"
            for term in largest
        )
        said.append(f"{entry.record.host.id}: {parts} of {units.seconds(found.wall_s)}.")
    if len(spent) > len(said):
        said.append(f"{len(spent) - len(said)} more hosts are in the table.")
    return " ".join(said)
