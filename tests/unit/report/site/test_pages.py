"""A site of made-up results: its pages lead to one another, and its feed tells what changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import msgspec
import pytest

from bench.errors import UsageError
from bench.record.schema import Verdict
from bench.report.entry import Entry
from bench.report.html.page import Content
from bench.report.site.feed import changes, check_url
from bench.report.site.pages import FEED, INDEX, PLAIN, site_files
from tests.support.entries import make_entries, stamps, synthetic_record
from tests.support.hostile import hostile_record

ATOM = "{http://www.w3.org/2005/Atom}"


def result(stamp: str, status: str = "ok", name: str = "grad_cpu", **changes: object) -> Entry:
    return Entry(synthetic_record(name, stamp=stamp, runs=3, verdict=Verdict(status, (f"it is {status}",)), **changes))


def feed_of(entries: list[Entry], url: str | None = None) -> ET.Element:
    return ET.fromstring(site_files(Content(entries), url)[FEED])


def texts(feed: ET.Element, tag: str) -> list[str]:
    return [one.findtext(f"{ATOM}{tag}", "") for one in feed.findall(f"{ATOM}entry")]


def test_there_is_a_page_a_diagnostic_and_every_link_leads_somewhere() -> None:
    files = site_files(Content(make_entries(2, sampled=False)))
    assert set(files) == {"bandwidth_cpu.html", "dtype_cpu.html", "grad_cpu.html", "grad_cuda.html", FEED, PLAIN, INDEX}
    ids = {name: set(re.findall(r' id="([^"]+)"', text)) for name, text in files.items()}
    for name, text in files.items():
        links = [link for link in re.findall(r'<a [^>]*href="([^"]+)"', text) if not link.startswith("#status=")]
        for link in links:
            page, _, at = link.partition("#")
            assert (page or name) in files, link
            assert not at or at in ids[page or name], link
    assert "grad_cpu.html#r-" in files[INDEX]
    assert 'id="r-' not in files[INDEX]
    assert '<a href="index.html">' in files["grad_cpu.html"]


def test_a_page_has_its_own_diagnostic_alone() -> None:
    page = site_files(Content(make_entries(2, sampled=False)))["dtype_cpu.html"]
    assert set(re.findall(r'data-diagnostic="([^"]+)"', page)) == {"dtype_cpu"}


def test_results_too_many_to_unfold_are_led_to_as_lines() -> None:
    entries = []
    for at in range(203):
        record = synthetic_record(runs=1, seed=at)
        host = msgspec.structs.replace(record.host, id=f"host-{at:04}")
        entries.append(Entry(msgspec.structs.replace(record, host=host, id=f"host-{at:04}/{record.stamp}")))
    files = site_files(Content(entries))
    ids = set(re.findall(r' id="([^"]+)"', files["grad_cpu.html"]))
    led = re.findall(r'href="grad_cpu\.html#([^"]+)"', files[INDEX])
    assert len(led) == 203
    assert set(led) <= ids


def test_the_feed_has_changes_the_newest_first_and_of_one_moment_the_worst() -> None:
    first, second, third = stamps(3)
    entries = [
        result(first),
        result(second),
        result(third, "over_ceiling"),
        result(first, name="dtype_cpu"),
        result(second, "insufficient_runs", name="dtype_cpu"),
        result(third, "insufficient_runs", name="dtype_cpu"),
        result(second, name="bandwidth_cpu"),
        result(third, "code_regressed", name="bandwidth_cpu"),
    ]
    feed = feed_of(entries)
    assert texts(feed, "title") == [
        "bandwidth_cpu on ryzen9-5950x-1f3a: code regressed, before ok",
        "grad_cpu on ryzen9-5950x-1f3a: over ceiling, before ok",
        "dtype_cpu on ryzen9-5950x-1f3a: too few runs, before ok",
    ]
    assert texts(feed, "updated") == ["2026-10-02T18:00:00Z", "2026-10-02T18:00:00Z", "2026-10-02T00:00:00Z"]
    assert "it is code_regressed" in texts(feed, "summary")[0]
    assert feed.findtext(f"{ATOM}updated") == "2026-10-02T18:00:00Z"


def test_a_time_that_leaves_its_band_is_a_change_once() -> None:
    scales = [*[1.0] * 10, 1.05, 2.0]
    made = [Entry(synthetic_record(stamp=stamp, runs=3, scale=by, noise=0.001, verdict=Verdict("ok")))
            for stamp, by in zip(stamps(12), scales, strict=True)]  # fmt: skip
    (said,) = texts(feed_of(made[:11]), "title")
    assert said.endswith("slower than the results before it led to expect")
    assert texts(feed_of(made), "title") == [said]


def test_a_level_that_changed_is_told_once_with_the_first_result_of_it() -> None:
    made = [
        Entry(synthetic_record("dtype_cpu", stamp=stamp, runs=1, noise=0.003, scale=1.1 if at >= 8 else 1.0))
        for at, stamp in enumerate(stamps(14))
    ]
    told = [change for change in changes(made) if "since then" in change.what]
    assert [change.entry for change in told] == [made[8]]
    assert "worse since then by +" in told[0].what
    assert len({change.entry.record.id for change in changes(made)}) == len(changes(made))
    assert [change for change in changes(made[:8]) if "since then" in change.what] == []


def test_ids_stay_when_newer_results_come() -> None:
    first, second, third = stamps(3)
    before = [result(first), result(second, "over_ceiling")]
    old, new = feed_of(before), feed_of([result(third, "ok"), *before])
    assert texts(old, "id") == texts(new, "id")[1:]
    assert old.findtext(f"{ATOM}id") == new.findtext(f"{ATOM}id")
    assert len({*texts(new, "id"), new.findtext(f"{ATOM}id")}) == 3
    assert all(one.startswith("urn:uuid:") for one in texts(new, "id"))


def test_an_address_is_given_never_made_up() -> None:
    first, second = stamps(2)
    entries = [result(first), result(second, "over_ceiling")]
    links = [one.get("href", "") for one in feed_of(entries).iter(f"{ATOM}link")]
    assert links[0] == INDEX
    assert not any(":" in link for link in links)
    served = [(one.get("rel"), one.get("href")) for one in feed_of(entries, "https://a.example/b/").iter(f"{ATOM}link")]
    assert ("self", "https://a.example/b/feed.xml") in served
    assert all(str(href).startswith("https://a.example/b/") for _, href in served)


@pytest.mark.parametrize("url", ["https://a.example/b", "http://127.0.0.1:8000/", "https://[::1]/x/"])
def test_an_address_of_a_folder_ends_with_a_slash(url: str) -> None:
    assert check_url(url) == url.rstrip("/") + "/"


@pytest.mark.parametrize(
    "url",
    ["", "a.example", "ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/?x", "https://a/#b",
     "https://a.example/<b>", "https://a.example:99999/", "https://[::1/", "javascript:alert(1)", "https://a/\n"],
)  # fmt: skip
def test_what_is_no_address_of_a_folder_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url)


def rename(name: str) -> Callable[[Entry], Entry]:
    def renamed(entry: Entry) -> Entry:
        diagnostic = msgspec.structs.replace(entry.record.diagnostic, name=name)
        return Entry(msgspec.structs.replace(entry.record, id=f"{name}/x", diagnostic=diagnostic))

    return renamed


def test_no_name_of_a_diagnostic_takes_a_page_of_another_or_leaves_the_folder() -> None:
    names = ["index", "feed", "a b", "a-b", "A-B", "../up", ".bench-site", "é", "x" * 300, "a/b"]
    files = site_files(Content([rename(name)(result(stamps(1)[0])) for name in names]))
    pages = [name for name in files if name.endswith(".html")]
    assert len({page.lower() for page in pages}) == len(names) + 1
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.html", page) for page in pages)
    assert "a-b.html" in pages


def test_markup_in_every_field_stays_text() -> None:
    entries = []
    for number, stamp in enumerate(stamps(2)):
        record = hostile_record(stamp=stamp, outcome="passed")
        verdict = msgspec.structs.replace(record.verdict, status="over_ceiling" if number else "ok")
        entries.append(Entry(msgspec.structs.replace(record, id=f"{record.id}{number}", verdict=verdict)))
    files = site_files(Content(entries))
    feed = ET.fromstring(files[FEED])
    assert "<img src=x" in texts(feed, "title")[0]
    assert "\x1b" not in "".join(files.values())
    assert "<img" not in "".join(text for name, text in files.items() if name.endswith(".html"))


def test_nothing_to_show_is_a_site_too() -> None:
    files = site_files(Content([]))
    assert set(files) == {INDEX, FEED, PLAIN}
    assert texts(ET.fromstring(files[FEED]), "id") == []
