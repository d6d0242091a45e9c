"""No writer of Markdown lets a name act: neither as markup nor as what GitHub and GitLab link after rendering."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest
from markdown_it import MarkdownIt

from bench.compare.ceiling_review import timeout_decision
from bench.compare.comparison import compare
from bench.errors import NotComparable
from bench.report.entry import Entry
from bench.report.export.pull_request import render_markdown
from bench.report.files.ceiling_review import timeout_decision_text
from bench.report.files.summary import Operator, render_summary
from bench.report.text import plain
from bench.run.result.files import _decision
from ci import gather
from ci.summary import Row, render_note
from ci.summary import render_summary as render_matrix
from tests.support.hostile import NAMES, hostile_record

LINKED = re.compile(
    r"@\w|#\d|(?i:\bgh-\d)|[!~$%&]\d|\w://|(?i:www\.)|(?i:mailto:|xmpp:)",
)
"""What GitHub or GitLab would look for in the text of the page."""
OURS = {"h1", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong", "code", "pre"}


class Shown(HTMLParser):
    """The elements of a page and its pieces of text, those in code apart; a comment parts two pieces."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.pieces: list[str] = []
        self.code: list[str] = []
        self._depth = 0
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._depth += tag in {"code", "pre"}

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag in {"code", "pre"}

    def handle_data(self, data: str) -> None:
        (self.code if self._depth else self.pieces).append(data)


def summary(name: str) -> str:
    record = hostile_record(text=name)
    return render_summary(record, findings=[name], operators=[Operator(name, 1.0)])


def failed_summary(name: str) -> str:
    record = hostile_record(text=name, outcome="failed")
    runs = tuple(msgspec.structs.replace(run, outcome="failed") for run in record.runs)
    return render_summary(msgspec.structs.replace(record, runs=runs))


def decision(name: str) -> str:
    made = timeout_decision(hostile_record(text=name))
    return timeout_decision_text(msgspec.structs.replace(made, reasons=(name, name), against=(name,)))


def no_decision(name: str) -> str:
    def fails(*_: object) -> None:
        raise NotComparable(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.run.result.files.timeout_decision", fails)
        return _decision(())(hostile_record(text=name))


def pull_request(name: str) -> str:
    record = hostile_record(text=name, profiler=False)
    compared = compare(record, msgspec.structs.replace(record, variant=f"{name}1"))
    entries = [Entry(record, name, comparison=compared)]
    return render_markdown(entries, [compared], unreadable=[name], title=name)


def comment(name: str) -> str:
    return render_note([Row(name, name, "over_ceiling", name, outcome="passed", host=name, baseline=name, ratio=1.5)])


def matrix(name: str) -> str:
    answer = subprocess.CompletedProcess([], 8, "", name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gather, "_bench", lambda *_: answer)
        results = gather.report([gather.REPORT], gather.REPORT, gather.REPORT)
    return render_matrix([Row(name, name, "ok", name)], results)


WRITERS: tuple[Callable[[str], str], ...] = (
    summary,
    failed_summary,
    decision,
    no_decision,
    pull_request,
    comment,
    matrix,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("writer", WRITERS)
def test_a_name_is_shown_and_does_nothing(writer: Callable[[str], str], name: str) -> None:
    page, usual = Shown(writer(name)), Shown(writer("usual"))
    assert set(page.tags) <= OURS
    assert [piece for piece in page.pieces if LINKED.search(piece)] == []
    # The last line alone of what a command tells is shown.
    assert plain(name.splitlines()[-1] if writer is matrix else name) in "".join(page.pieces)
    assert page.tags == usual.tags, "a part of the page is another than with a harmless name"
