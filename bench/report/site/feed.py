"""What changed from one result to the next, as an Atom feed (RFC 4287): newest first, then the worst (pure)."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from bench import units
from bench.errors import UsageError
from bench.names import stamp_time
from bench.report.changes import range_text, shown_series, size_text, word_of
from bench.report.entry import Entry
from bench.report.presentation import decided_by, reasons, time_text
from bench.report.text import plain
from bench.report.trend import Band, bands

MOST = 100
"""Changes that a feed has; older ones are on the pages."""
_OURS = uuid.UUID("5b3c7a52-6a57-4c1e-9b0e-4d6f0e8a9c21")
"""The namespace of this tool's ids: the same result has the same id in every feed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A result that is not as the one before it on the same host was: ``what`` is what changed."""

    entry: Entry
    what: str


def changes(entries: Sequence[Entry]) -> list[Changed]:
    """Return the results whose verdict is another than that of the one before them, whose time left its band, or with
    which the level of the wall time changed, which later results have shown.

    Args:
        entries: all results; the first of a diagnostic on a host is no change, and every experiment is news.
    """
    by_key: dict[tuple[str, str], list[Entry]] = {}
    found: list[Changed] = []
    for entry in sorted(entries, key=lambda entry: entry.record.stamp):
        if entry.base is not None:
            found.append(Changed(entry, f"{entry.state.label}: {entry.decision}"))
        else:
            by_key.setdefault(entry.key, []).append(entry)
    found += [change for members in by_key.values() for change in _told(members)]
    found.sort(key=lambda change: (change.entry.state.rank, change.entry.key))
    return sorted(found, key=lambda change: change.entry.record.stamp, reverse=True)


def _told(members: Sequence[Entry]) -> list[Changed]:
    """The changes of one host: one a result, in which the change of level is the last word."""
    by_id = {entry.record.id: entry for entry in members}
    found = {change.entry.record.id: change for change in _of_host(members)}
    for change in (change for one in shown_series([entry.record for entry in members]) for change in one.changes):
        id_, level = change.after.id, f"{word_of(change)} since then by {size_text(change)} ({range_text(change)})"
        what = f"{found[id_].what}; {level}" if id_ in found else level
        found[id_] = Changed(by_id[id_], what)
    return list(found.values())


def _of_host(members: Sequence[Entry]) -> Iterator[Changed]:
    measured = [entry for entry in members if entry.wall_s is not None]
    sides = {id(entry): _side(entry, band) for entry, band in zip(measured, bands(measured), strict=True)}
    for before, entry in itertools.pairwise(members):
        side = sides.get(id(entry), "")
        if entry.state != before.state:
            yield Changed(entry, f"{entry.state.label}, before {before.state.label}")
        elif side and side != sides.get(id(before), ""):
            yield Changed(entry, f"{side} than the results before it led to expect")


def _side(entry: Entry, band: Band | None) -> str:
    wall_s = entry.wall_s or 0.0
    if band is None or band.low_s <= wall_s <= band.high_s:
        return ""
    return "slower" if wall_s > band.high_s else "faster"


def render_feed(entries: Sequence[Entry], title: str, place: Callable[[Entry], str], url: str | None = None) -> str:
    """Return the feed as XML. Ids are of the results, so a feed that is made anew tells nobody the same twice.

    Args:
        entries: all results of the site.
        title: the site's.
        place: the address of each result, relative to the feed.
        url: where the site is served, with a slash at its end; without it the links are relative to the feed.
    """
    found = changes(entries)[:MOST]
    oldest = min((entry.record.id for entry in entries if entry.record.stamp == _oldest(entries)), default=title)
    feed = ET.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    ET.SubElement(feed, "title").text = f"{plain(title)}: changes"
    ET.SubElement(feed, "id").text = _id(f"feed of {url or oldest}")
    newest = max((entry.record.stamp for entry in entries), default="")
    ET.SubElement(feed, "updated").text = _time(found[0].entry.record.stamp if found else newest)
    author = ET.SubElement(feed, "author")
    ET.SubElement(author, "name").text = "bench"
    base = url or ""
    ET.SubElement(feed, "link", rel="alternate", type="text/html", href=f"{base}index.html")
    if url is not None:
        ET.SubElement(feed, "link", rel="self", type="application/atom+xml", href=f"{base}feed.xml")
    for change in found:
        feed.append(_entry(change, f"{base}{place(change.entry)}"))
    ET.indent(feed)
    return ET.tostring(feed, encoding="unicode", xml_declaration=True) + "\n"


def _entry(change: Changed, address: str) -> ET.Element:
    record = change.entry.record
    made = ET.Element("entry")
    name, host = plain(change.entry.group, 120), plain(record.host.id, 120)
    ET.SubElement(made, "title").text = f"{name} on {host}: {change.what}"
    ET.SubElement(made, "id").text = _id(record.id)
    when = _time(record.stamp)
    ET.SubElement(made, "updated").text = when
    ET.SubElement(made, "published").text = when
    ET.SubElement(made, "link", rel="alternate", type="text/html", href=address)
    said = [f"result {plain(record.id)}", *(plain(reason) for reason in reasons(change.entry, 3))]
    if decided_by(change.entry) is not None:
        said.insert(0, time_text(change.entry))
    elif change.entry.wall_s is not None:
        said.insert(0, f"median wall time {units.seconds(change.entry.wall_s)}")
    ET.SubElement(made, "summary").text = "; ".join(said)
    return made


def check_url(url: str) -> str:
    """Return the address of a site with a slash at its end.

    Raises:
        UsageError: it is no plain address of a folder on the web.
    """
    fix = "give where index.html will be served, as in https://example.org/bench/"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"'{url}' is no address", str(error), fix) from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise UsageError(f"'{url}' is no address of the web", fix=fix)
    if parts.username is not None or parts.password is not None:
        raise UsageError("the address of a site holds a user or a password", "the feed would publish them", fix)
    if parts.query or parts.fragment or any(not one.isprintable() or one in ' "<>' for one in url):
        raise UsageError(f"'{url}' is no address of a folder", fix=fix)
    return url if url.endswith("/") else f"{url}/"


def _oldest(entries: Sequence[Entry]) -> str:
    return min(entry.record.stamp for entry in entries)


def _id(text: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_OURS, text.encode(errors='replace').decode())}"


def _time(stamp: str) -> str:
    """A stamp as RFC 3339 has it; what is no stamp is of the year 1970."""
    return (stamp_time(stamp) or datetime(1970, 1, 1, tzinfo=UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
