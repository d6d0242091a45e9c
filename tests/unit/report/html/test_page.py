from __future__ import annotations

import base64
import hashlib
import itertools
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import msgspec
import pytest

from bench.compare.comparison import compare
from bench.compare.explain.difference import explain_difference
from bench.report.entry import Entry
from bench.report.html.page import render_page
from bench.report.html.sections import TIMELINE_POINTS
from bench.report.text import plain
from tests.support.entries import limited, make_entries, make_entry, stamps, synthetic_record
from tests.support.hostile import MARKUP, hostile_page

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, and whether every element is closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif self.open and self.open[-1] == "style":
            self.styles.append(data)
        elif self.open:
            self.text.append(data)

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.elements if attributes.get("id")]

    def drawings(self) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if attributes.get("class") == "plot"]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_page(make_entries(4), now=NOW))


def source_text(source: str, section: str) -> str:
    """The text of one section."""
    start = source.index(f'<section id="{section}"')
    return "".join(Page(source[start : source.index("</section>", start)] + "</section>").text)


def test_every_element_is_closed_and_ids_are_unique(page: Page) -> None:
    assert page.open == []
    ids = page.ids()
    assert len(ids) == len(set(ids))


def test_every_anchor_leads_somewhere(page: Page) -> None:
    ids = set(page.ids())
    links = [str(attributes["href"]) for tag, attributes in page.elements if tag == "a"]
    assert len(links) > 20
    for link in links:
        assert link.startswith("#")
        assert "=" in link or link[1:] in ids


def fleet(count: int, runs: int = 1, **changes: object) -> list[Entry]:
    """A result each on so many hosts."""
    made = []
    for at in range(count):
        record = synthetic_record(runs=runs, seed=at, **changes)
        host = msgspec.structs.replace(record.host, id=f"host-{at:04}")
        made.append(Entry(msgspec.structs.replace(record, host=host, id=f"host-{at:04}/{record.stamp}")))
    return made


def test_links_hold_where_not_every_result_is_unfolded() -> None:
    page = Page(render_page(fleet(230), now=NOW))
    ids = set(page.ids())
    links = [str(attributes["href"])[1:] for tag, attributes in page.elements if tag == "a"]
    assert [link for link in links if "=" not in link and link not in ids] == []
    assert sum(link.startswith("r-") for link in links) == 200
    # The others are lines of the overview that can be led to.
    assert sum(id_.startswith("a-") for id_ in ids) == 30


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert tag not in {"iframe", "object", "embed", "base", "img"}
        if tag == "link":
            assert attributes["href"] == "data:,"


def test_policy_lets_only_the_pages_own_scripts_and_style_work(page: Page) -> None:
    (policy,) = (str(a["content"]) for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert digests(parts["script-src"]) == [digest(text) for _, text in page.scripts]
    (style,) = page.styles
    assert digests(parts["style-src"]) == [digest(style)]
    assert not any("style" in attributes for _, attributes in page.elements)


def digests(sources: str) -> list[str]:
    return re.findall(r"'sha256-([^']+)'", sources)


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_landmarks_headings_and_labels(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    for landmark in ("header", "nav", "main", "footer", "search"):
        assert tags.count(landmark) == 1
    assert tags.count("h1") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert tags.count("caption") == tags.count("table")
    for tag, attributes in page.elements:
        if tag == "th":
            assert attributes.get("scope") in {"col", "row"}
        if attributes.get("role") == "img":
            assert len(str(attributes["aria-label"])) > 20
        if tag == "nav" or attributes.get("role") in {"group", "search"}:
            assert attributes.get("aria-label")


def test_each_figure_has_its_table(page: Page) -> None:
    figures = [attributes for tag, attributes in page.elements if tag == "figure"]
    tables = [
        attributes for tag, attributes in page.elements if tag == "details" and attributes.get("class") == "figures"
    ]
    assert len(figures) == len(tables) == len(page.drawings()) > 20
    assert sum(tag == "svg" for tag, _ in page.elements) > len(figures)


def test_filter_offers_what_there_is(page: Page) -> None:
    values = [attributes.get("value") for tag, attributes in page.elements if tag == "option"]
    for wanted in ("grad_cpu", "ryzen9-5950x-1f3a", "over_ceiling", "not_measured"):
        assert wanted in values
    assert "same" not in values


def test_hosts_show_only_what_differs(page: Page) -> None:
    source = render_page(make_entries(1, sampled=False), now=NOW)
    hosts = source[source.index('id="hosts"') : source.index('id="all"')]
    table, shared = hosts.split("What all hosts share")
    assert "microcode" in table
    assert "governor" not in table
    assert "schedutil" in shared


def test_no_results() -> None:
    page = Page(render_page([], now=NOW))
    assert any("There are no results" in text for text in page.text)


def test_what_could_not_be_read_is_listed_with_its_reason() -> None:
    reasons = ["a/record.json is not JSON: <b>", "b/record.json is missing"]
    page = Page(render_page(make_entries(1, sampled=False), unreadable=reasons, now=NOW))
    assert set(reasons) <= set(page.text)
    assert "2 could not be read" in page.text
    assert "unreadable" in page.ids()
    assert "unreadable" not in Page(render_page([], now=NOW)).ids()


def test_one_result_without_samples_says_so() -> None:
    page = Page(render_page([make_entry(runs=1, sampled=False)], now=NOW))
    assert any("No samples of run 0" in text for text in page.text)


def test_damaged_samples_stop_nothing() -> None:
    entry = make_entry(runs=1, sampled=False)
    broken = Entry(entry.record, entry.origin, {0: "t_s,cpu_total_s\n1,<b>\n2,2\n"})
    page = Page(render_page([broken], now=NOW))
    assert any("samples.csv holds" in text for text in page.text)
    short = Page(render_page([Entry(entry.record, "", {0: "t_s,cpu_total_s\n1,1\n"})], now=NOW))
    assert any("before its second sample" in text for text in short.text)


def test_the_host_during_the_runs_is_shown_or_said_not_to_be_known() -> None:
    entry = make_entry(runs=1, sampled=False)
    source = render_page([entry], now=NOW)
    assert "The host during the runs" in Page(source).text
    assert "slowed by heat, times: the record does not say why" in source
    run = msgspec.structs.replace(entry.record.runs[0], host_during={})
    reasons = {"runs[0].host_during": "it is <elsewhere>"}
    page = Page(render_page([Entry(msgspec.structs.replace(entry.record, runs=(run,), unavailable=reasons))], now=NOW))
    assert "The host during the runs. Not known: it is <elsewhere>." in page.text


def test_comparisons_and_differences_have_their_part() -> None:
    first = synthetic_record(runs=6)
    slower = synthetic_record(runs=6, scale=1.1, stamp="20261103T080000Z")
    other = limited(synthetic_record(host="xeon-8488c-77be", runs=6), cpus=4)
    single = synthetic_record(runs=1, stamp="20261104T080000Z")
    source = render_page(
        [Entry(first), Entry(slower)],
        comparisons=[compare(first, other), compare(first, slower), compare(first, single)],
        differences=[explain_difference(first, other)],
        now=NOW,
    )
    page = Page(source)
    assert "comparisons" in page.ids()
    part = source[source.index('id="comparisons"') : source.index("</section>", source.index('id="comparisons"'))]
    assert part.index("code regressed") < part.index("host differs")
    assert "Why 8" in part
    assert "limits.cpus" in part


def test_comparisons_are_filtered_by_the_group_of_what_they_judge() -> None:
    first = synthetic_record(runs=6)
    smoke = msgspec.structs.replace(
        synthetic_record(runs=6, stamp="20261103T080000Z"),
        diagnostic=msgspec.structs.replace(first.diagnostic, profile="smoke"),
    )
    source = render_page(
        [Entry(first), Entry(smoke)],
        comparisons=[compare(first, smoke)],
        differences=[explain_difference(first, smoke)],
        now=NOW,
    )
    part = Page(source[source.index('id="comparisons"') : source.index("</section>", source.index('id="comparisons"'))])
    rows = [a for t, a in part.elements if t == "tr" and "data-diagnostic" in a]
    assert {row["data-diagnostic"] for row in rows} == {"grad_cpu (smoke)"}
    assert {row["data-state"] for row in rows} == {"build_differs"}
    (why,) = (a for t, a in part.elements if t == "figure" and "data-host" in a)
    assert why["data-diagnostic"] == "grad_cpu (smoke)"


def test_comparison_that_was_not_measured_is_a_table_only() -> None:
    nothing = synthetic_record(runs=0, stamp="20261103T080000Z")
    page = Page(render_page([], comparisons=[compare(synthetic_record(), nothing)], now=NOW))
    assert "comparisons" in page.ids()
    assert page.drawings() == []


def test_markup_in_every_field_stays_text() -> None:
    source = hostile_page()
    page = Page(source)
    assert page.open == []
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"img", "iframe"}
    assert len(page.scripts) == 2
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        if tag == "a":
            assert str(attributes["href"]).startswith("#")
    shown = "".join(page.text)
    assert plain(MARKUP) in shown
    assert plain(MARKUP) in source_text(source, "unreadable")
    assert "49" not in re.findall(r"javascript:pwn\(\)>(\S{0,4})", shown)
    assert "\x1b" not in source


def test_markup_in_every_field_stays_text_in_drawings() -> None:
    source = hostile_page()
    drawn = [part.split('<details class="figures">')[0] for part in source.split('<div class="plot"')[1:]]
    assert len(drawn) >= 4
    for part in drawn:
        page = Page(f'<div class="plot"{part}')
        shapes = {"svg", "g", "rect", "circle", "line", "path", "text", "title"}
        assert {tag for tag, _ in page.elements} <= shapes | {"div", "span", "br", "p"}
        for _, attributes in page.elements:
            assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert plain(MARKUP) in "".join(Page(f'<div class="plot"{drawn[0]}').text)


def test_many_timelines_get_fewer_steps_each() -> None:
    def steps(count: int) -> int:
        entries = []
        for at in range(count):
            entry = make_entry(runs=1, step_s=0.5 if at == 0 else 400.0)
            host = msgspec.structs.replace(entry.record.host, id=f"host-{at:03}")
            entries.append(Entry(msgspec.structs.replace(entry.record, host=host, id=f"r{at}"), "", entry.samples))
        elements = Page(render_page(entries, now=NOW)).elements
        return round(max(float(str(about["viewbox"]).split()[2]) for _, about in elements if "viewbox" in about))

    assert steps(1) == 240
    assert steps(30) == TIMELINE_POINTS // 30
    assert steps(190) == 40


def test_what_does_not_fit_is_said() -> None:
    entries = []
    for at in range(205):
        for stamp in stamps(2):
            record = synthetic_record(runs=1, stamp=stamp)
            host = msgspec.structs.replace(record.host, id=f"host-{at:03}")
            entries.append(Entry(msgspec.structs.replace(record, host=host, id=f"{at}{stamp}")))
    text = "".join(Page(render_page(entries, now=NOW)).text)
    assert "5 more results are only in the table" in text
    assert "145 more hosts have a history" in text


@pytest.mark.parametrize("outcome", ["passed", "failed"])
@pytest.mark.parametrize("wall_s", [-1.0, 0.0, 1e-9, 1e-3, 1e12, float("nan"), float("inf"), None])
def test_no_time_is_too_odd_for_a_page(outcome: str, wall_s: float | None) -> None:
    """A damaged record is shown as far as it goes; `verify` is what names the damage."""
    entries = []
    for stamp in stamps(3):
        entry = make_entry(runs=1, stamp=stamp, step_s=300.0)
        run = msgspec.structs.replace(entry.record.runs[0], wall_s=wall_s, outcome=outcome)
        entries.append(Entry(msgspec.structs.replace(entry.record, runs=(run,)), "", entry.samples))
    page = Page(render_page(entries, now=NOW))
    assert page.open == []
    places = [value for _, about in page.elements for name, value in about.items() if name in {"x", "y", "cx", "width"}]
    assert not [value for value in places if value and ("nan" in value or "inf" in value or value.startswith("-."))]
