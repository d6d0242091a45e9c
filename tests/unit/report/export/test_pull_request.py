from __future__ import annotations

import msgspec
import pytest
from markdown_it import MarkdownIt

from bench.compare.comparison import compare
from bench.record.schema import Verdict
from bench.report.entry import Entry
from bench.report.export.pull_request import render_markdown
from tests.support.entries import make_entries, make_entry, synthetic_record


def rendered(source: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(source)


def test_worst_first_with_counts() -> None:
    text = render_markdown(make_entries(2, sampled=False))
    assert "❌ 2 over ceiling" in text
    assert "⬜ 1 not measured" in text
    signs = [line[2] for line in text.splitlines() if line.startswith(("| ❌", "| ⬜", "| ✅"))]
    assert signs == sorted(signs, key="❌⬜✅".index)


def test_comparisons_stand_before_results() -> None:
    first, slower = synthetic_record(runs=6), synthetic_record(runs=6, scale=1.1, stamp="20261103T080000Z")
    text = render_markdown([make_entry(sampled=False)], [compare(first, slower)])
    assert text.index("Against the baseline") < text.index("Newest results")
    assert "❌ code regressed" in text
    assert rendered(text).count("<table>") == 2


@pytest.mark.parametrize("limit", [65_000, 4_000, 1_500])
def test_never_longer_than_the_limit_and_says_what_is_missing(limit: int) -> None:
    entries = [
        Entry(
            msgspec.structs.replace(entry.record, host=msgspec.structs.replace(entry.record.host, id=f"host-{at}" * 4))
        )
        for at in range(400)
        for entry in [make_entry(runs=1, sampled=False)]
    ]
    first = synthetic_record(runs=6)
    comparisons = [compare(first, synthetic_record(runs=6, scale=1.1, stamp="20261103T080000Z"))] * 200
    text = render_markdown(entries, comparisons, limit=limit)
    assert len(text.encode()) <= limit
    assert "more rows do not fit here" in text
    shown = sum(line.startswith("| ✅") for line in text.splitlines())
    left = sum(int(line.split()[0]) for line in text.splitlines() if "more rows do not fit" in line)
    compared = sum(line.startswith("| ❌") for line in text.splitlines())
    assert shown + compared + left == 600


def test_no_results_is_said() -> None:
    assert "There are no results." in render_markdown([])


def test_text_of_a_record_is_not_markup() -> None:
    bad = "<img src=x> [a](http://b) | @user #1 `x`"
    record = synthetic_record()
    record = msgspec.structs.replace(
        record, verdict=Verdict("ok", (bad,)), host=msgspec.structs.replace(record.host, id=bad)
    )
    html = rendered(render_markdown([Entry(record)]))
    assert "<img" not in html
    assert "<a " not in html
    assert html.count("<td") == 7


def test_what_could_not_be_read_is_named_and_bounded() -> None:
    text = render_markdown(make_entries(1, sampled=False), unreadable=["a/record.json: <b> *x*"] * 12)
    part = text[: text.index("### Newest results")]
    assert "12 could not be read" in part
    assert part.count("&lt;b\\> \\*x\\*") == 10
    assert "- and 2 more" in part
