"""The files of a site: pages that lead to one another by their names, at whatever address they are (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from bench.report.html.page import Content, places, render
from bench.report.site.feed import render_feed
from bench.report.text import plain, slug

INDEX, FEED, PLAIN = "index.html", "feed.xml", ".nojekyll"
"""The page of all diagnostics, the changes, and the file that asks GitHub Pages to serve the folder as it is."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,79}", re.ASCII)


def site_files(content: Content, url: str | None = None) -> dict[str, str]:
    """Return the text of each file by its name.

    Args:
        content: all that the site shows.
        url: where it will be served, for the feed's links; without it they are relative.
    """
    files = _file_names({entry.record.diagnostic.name for entry in content.entries})
    pages = {entry.group: files[entry.record.diagnostic.name] for entry in content.entries}
    made: dict[str, str] = {}
    for name, file in files.items():
        members = [entry for entry in content.entries if entry.record.diagnostic.name == name]
        made[file] = render(
            replace(
                content,
                entries=members,
                comparisons=[one for one in content.comparisons if one.diagnostic == name],
                differences=[one for one in content.differences if one.b.diagnostic == name],
                unreadable=(),
                title=f"{content.title}: {plain(name)}",
                home=INDEX,
                feed=FEED,
            )
        )
    made[FEED] = render_feed(content.entries, content.title, places(content.entries, pages), url)
    made[PLAIN] = ""
    made[INDEX] = render(replace(content, comparisons=(), differences=(), pages=pages, feed=FEED))
    return made


def _file_names(names: Iterable[str]) -> dict[str, str]:
    """A file for each diagnostic, that stays the same whatever else there is: its name, if that is a plain one."""
    return {name: f"{_plain_name(name)}.html" for name in sorted(names)}


def _plain_name(name: str) -> str:
    # A file system may take names that differ in case alone for one.
    if _NAME.fullmatch(name) and name == name.lower() and name not in ("index", "feed"):
        return name
    return f"{slug(name)[:60]}-{sha256(name.encode(errors='replace')).hexdigest()[:8]}"
