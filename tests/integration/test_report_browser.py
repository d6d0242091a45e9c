"""The page in a real Chromium: no console error, nothing fetched, filters, themes, keyboard, a phone's width, paper."""

from __future__ import annotations

import base64
import importlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

# ruff: noqa: E402, selenium may not be there
from bench.compare.comparison import compare
from bench.compare.explain.difference import explain_difference
from bench.record.work import PythonWork, Work
from bench.report.entry import Entry
from bench.report.experiments import with_experiments
from bench.report.html.page import render_page
from benchmarks.report.page import fleet
from tests.support.entries import bad_entries, limited, make_entries, make_entry, stamps, synthetic_record, with_tests
from tests.support.hostile import hostile_page
from tests.unit.compare.test_experiment import BASE, HEAD

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
REQUIRED = os.environ.get("BENCH_REQUIRE_BROWSER") == "1"
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER) and not REQUIRED,
        reason="no chromium and chromedriver here (Debian has both packages)",
    ),
]
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
    "--force-prefers-reduced-motion",
)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    assert CHROMIUM, "BENCH_REQUIRE_BROWSER is set and there is no chromium"
    assert DRIVER, "BENCH_REQUIRE_BROWSER is set and there is no chromedriver"
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield made
    finally:
        made.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    first, other = synthetic_record(runs=6), synthetic_record(host="xeon-8488c-77be", runs=6)
    source = render_page(
        make_entries(4), comparisons=[compare(first, other)], differences=[explain_difference(first, other)]
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(source, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def browser(driver: Any, address: str) -> Iterator[Any]:
    """A fresh page; whatever a test did, the console must have stayed silent."""
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get("about:blank")
    driver.get(address)
    yield driver
    assert driver.get_log("browser") == []


def until(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What ``found`` gives once it is true."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return value


def click(browser: Any, element: Any) -> None:
    """Click what may lie in a part of the page that scrolls by itself."""
    browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", element)
    element.click()


def visible_rows(browser: Any, section: str = "verdicts") -> list[dict[str, str]]:
    script = """return [...document.querySelectorAll(`#${arguments[0]} tbody tr:not(.why)`)].filter((row) => !row.hidden)
        .map((row) => ({...row.dataset}))"""
    return list(browser.execute_script(script, section))


def choose(browser: Any, name: str, value: str) -> None:
    Select(browser.find_element(By.NAME, name)).select_by_value(value)


def test_draws_everything_and_asks_nobody(browser: Any) -> None:
    click(browser, browser.find_element(By.ID, "expand"))
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('.plot svg')].map((svg) => svg.getBoundingClientRect())"
        ".filter((box) => box.top || box.left).map((box) => Math.min(box.width, box.height))"
    )
    assert len(sizes) > 100
    assert min(sizes) >= 1
    asked = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
    ]
    assert asked
    assert {url.split(":")[0] for url in asked} <= {"file", "data", "about"}


def test_filters_rows_drawings_and_address(browser: Any) -> None:
    everything = visible_rows(browser)
    choose(browser, "host", "xeon-8488c-77be")
    assert {row["host"] for row in visible_rows(browser)} == {"xeon-8488c-77be"}
    assert "host=xeon-8488c-77be" in browser.current_url
    count = browser.find_element(By.ID, "count").text
    assert count == f"3 of {len(everything)} newest results"
    lines = "return [...document.querySelectorAll('figure[id^=f-runs-grad] .line:not([hidden])')].map((line) => line.textContent)"
    (line,) = browser.execute_script(lines)
    assert line.startswith("xeon-8488c-77be")
    choose(browser, "status", "failed")
    assert [row["state"] for row in visible_rows(browser)] == ["failed"]
    sections = "return [...document.querySelectorAll('details.group')].filter((s) => !s.hidden).length"
    assert browser.execute_script(sections) == 1
    click(browser, browser.find_element(By.CSS_SELECTOR, "#filter button[type=reset]"))
    until(lambda: visible_rows(browser) == everything)
    assert "#" not in browser.current_url


HIDDEN = """return [...document.querySelectorAll(arguments[0])].filter((one) => one.closest('[hidden]')).map(
    (one) => one.dataset.host || one.textContent.trim())"""
SHOWN = HIDDEN.replace("=> one.closest", "=> !one.closest", 1)


def test_filters_reach_comparisons_histories_hosts_and_contents(browser: Any) -> None:
    """One diagnostic, one verdict: nothing that has none of it is left, and no link leads to what is gone."""
    compared = "#comparisons figure, #comparisons tbody tr"
    assert browser.execute_script(SHOWN, compared)
    choose(browser, "diagnostic", "dtype_cpu")
    assert browser.execute_script(SHOWN, compared) == []
    assert browser.execute_script(SHOWN, ".contents li") == [
        "Verdicts", "Diagnostics", "Hosts", "Older results", "What the verdicts mean"
    ]  # fmt: skip
    assert browser.execute_script(SHOWN, "details.group > summary > h3") == ["dtype_cpu"]
    choose(browser, "diagnostic", "")
    choose(browser, "status", "over_ceiling")
    assert [row for row in visible_rows(browser, "comparisons") if row] == []
    left = [*visible_rows(browser, "all"), *visible_rows(browser)]
    over = {row["host"] for row in left if row["diagnostic"] == "grad_cpu"}
    assert 0 < len(over) < 4
    assert set(browser.execute_script(SHOWN, "details[data-diagnostic=grad_cpu] .multiples figure")) == over
    assert {row["host"] for row in visible_rows(browser, "hosts")} == {row["host"] for row in left}
    assert "grad_cuda" in browser.execute_script(HIDDEN, "details.group > summary > h3")
    choose(browser, "status", "host_differs")
    assert {row["state"] for row in visible_rows(browser, "comparisons") if row} == {"host_differs"}


def test_a_filter_leaves_the_dots_of_its_verdict_and_no_box_of_others(browser: Any) -> None:
    shown = """return [...document.querySelectorAll('[id^=f-runs-grad] .line')].filter((line) => !line.hidden).map((line) =>
      [line.dataset.host, line.querySelectorAll('g[data-state]:not([hidden]) :is(circle, .cross)').length,
       line.querySelectorAll('.box:not([hidden])').length])"""
    before = browser.execute_script(shown)
    assert ["m-laptop-90d2", 13, 1] in before
    choose(browser, "status", "timed_out")
    assert browser.execute_script(shown) == [["m-laptop-90d2", 1, 0]]
    choose(browser, "status", "")
    assert browser.execute_script(shown) == before


def test_a_filter_that_nothing_matches_says_so(browser: Any) -> None:
    note = browser.find_element(By.ID, "nothing")
    assert not note.is_displayed()
    choose(browser, "diagnostic", "dtype_cpu")
    choose(browser, "status", "timed_out")
    assert note.text == "No result matches the filter."
    assert not browser.find_element(By.CSS_SELECTOR, "#verdicts .overview").is_displayed()
    click(browser, browser.find_element(By.CSS_SELECTOR, "#filter button[type=reset]"))
    until(lambda: not note.is_displayed())


def test_a_filtered_drawing_is_called_so(browser: Any) -> None:
    name = "return document.querySelector('figure[id^=f-runs-grad] .plot').getAttribute('aria-label')"
    before = browser.execute_script(name)
    choose(browser, "host", "xeon-8488c-77be")
    filtered = browser.execute_script(name)
    assert filtered == f"Runs per host, filtered to host xeon-8488c-77be. Without the filter: {before}"
    choose(browser, "host", "")
    assert browser.execute_script(name) == before


def test_an_address_brings_its_filter_back(browser: Any, address: str) -> None:
    browser.get("about:blank")
    browser.get(f"{address}#diagnostic=dtype_cpu&status=ok&at=hosts")
    rows = visible_rows(browser)
    assert rows
    assert {(row["diagnostic"], row["state"]) for row in rows} == {("dtype_cpu", "ok")}
    assert browser.execute_script("return document.activeElement.id") == "hosts"
    browser.get(f"{address}#status=nonsense")
    browser.refresh()
    assert len(visible_rows(browser)) == 13


def test_links_keep_the_filter_and_go_back(browser: Any) -> None:
    choose(browser, "diagnostic", "grad_cpu")
    click(browser, browser.find_element(By.CSS_SELECTOR, '.contents a[href="#hosts"]'))
    assert "diagnostic=grad_cpu" in browser.current_url
    assert browser.current_url.endswith("at=hosts")
    click(browser, browser.find_element(By.CSS_SELECTOR, ".tile[data-status=timed_out]"))
    assert {row["state"] for row in visible_rows(browser)} == {"timed_out"}
    tile = browser.find_element(By.CSS_SELECTOR, ".tile[data-status=timed_out]")
    assert tile.get_attribute("aria-current") == "true"
    browser.back()
    until(lambda: len(visible_rows(browser)) == 4)


def test_a_link_to_a_result_unfolds_it(browser: Any) -> None:
    link = browser.find_elements(By.CSS_SELECTOR, "#verdicts .lines-of tbody a[href^='#r-']")[0]
    target = link.get_attribute("href").split("#")[1]
    closed = browser.find_element(By.ID, target)
    assert closed.get_attribute("open") is None
    click(browser, link)
    assert closed.get_attribute("open") is not None
    assert closed.find_element(By.CSS_SELECTOR, ".plot svg").is_displayed()


@pytest.mark.parametrize("how", ["link", "address"])
def test_a_part_that_is_folded_away_unfolds_when_led_to(browser: Any, address: str, how: str) -> None:
    if how == "link":
        click(browser, browser.find_element(By.CSS_SELECTOR, '.contents a[href="#all"]'))
    else:
        browser.get("about:blank")
        browser.get(f"{address}#at=all")
    assert browser.find_element(By.CSS_SELECTOR, "#all tbody tr").is_displayed()
    assert browser.execute_script("return document.activeElement.id") == "all"


def test_sorting_by_keyboard_keeps_what_is_not_known_last(browser: Any) -> None:
    click(browser, browser.find_element(By.CSS_SELECTOR, "#fine > summary"))
    button = browser.find_element(By.CSS_SELECTOR, "#fine thead .c-cpu button")
    shown = "return [...document.querySelectorAll('#fine tbody .c-cpu')].map((cell) => cell.textContent)"
    for direction in ("ascending", "descending"):
        button.send_keys(Keys.ENTER)
        head = browser.find_element(By.CSS_SELECTOR, "#fine thead .c-cpu")
        assert head.get_attribute("aria-sort") == direction
        texts = browser.execute_script(shown)
        known = [float(text.split()[0]) for text in texts if text != "–"]
        assert known == sorted(known, reverse=direction == "descending")
        assert texts[len(known) :] == ["–"] * (len(texts) - len(known))


def test_a_reason_stays_below_its_line_when_lines_are_sorted(browser: Any) -> None:
    pairs = """return [...document.querySelectorAll('#verdicts > .lines-of tr.why')].map((why) =>
        [why.previousElementSibling.dataset.host, why.previousElementSibling.dataset.state, why.textContent])"""
    before = browser.execute_script(pairs)
    browser.find_element(By.CSS_SELECTOR, "#verdicts > .lines-of thead .c-what button").send_keys(Keys.ENTER)
    after = browser.execute_script(pairs)
    assert before != after
    assert sorted(before) == sorted(after)


def test_keyboard_reaches_everything_and_focus_shows(browser: Any) -> None:
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    assert browser.switch_to.active_element.rect["x"] >= 0
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.execute_script("return document.activeElement.id") == "main"
    folded = browser.find_element(By.CSS_SELECTOR, "details.group > summary")
    folded.send_keys(Keys.ENTER)
    table = browser.find_element(By.CSS_SELECTOR, "details.group figure details.figures summary")
    table.send_keys(Keys.ENTER)
    assert table.find_element(By.XPATH, "..").get_attribute("open") is not None
    assert browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_themes(browser: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    ink = "return getComputedStyle(document.querySelector('.plot text')).fill"

    def prefer(scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    try:
        prefer("dark")
        dark = browser.execute_script(ground), browser.execute_script(ink)
        button = browser.find_element(By.ID, "theme")
        click(browser, button)
        assert button.text == "Theme: light"
        light = browser.execute_script(ground), browser.execute_script(ink)
        assert light[0] != dark[0]
        assert light[1] != dark[1]
        click(browser, button)
        assert button.text == "Theme: dark"
        browser.refresh()
        prefer("light")
        assert (browser.execute_script(ground)) == dark[0]
        click(browser, browser.find_element(By.ID, "theme"))
        assert browser.find_element(By.ID, "theme").text == "Theme: auto"
        assert browser.execute_script(ground) == light[0]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


OVERLAPS = """const boxes = [...document.querySelectorAll('figure[id^=f-time] .plot :is(text, .panel-title)')]
    .filter((text) => getComputedStyle(text).display !== 'none')
    .map((text) => { const range = document.createRange(); range.selectNodeContents(text);
      return [text.textContent, range.getBoundingClientRect()]; }).filter(([, box]) => box.width > 1);
  const found = [];
  for (const [a, p] of boxes) for (const [b, q] of boxes)
    if (p !== q && p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1)
      found.push([a, b]);
  return [boxes.map((box) => box[0]), found];"""


def test_labels_of_a_timeline_never_meet_and_what_is_pointed_at_is_named(driver: Any, tmp_path: Path) -> None:
    entry = make_entry(runs=1)
    nodes = [f"test_grad.py::test_gradient_stability[cell-{at:02}-of-25]" for at in range(1, 26)]
    record = limited(entry.record, cpus=13.0, threads=13)
    record = msgspec.structs.replace(record, runs=(with_tests(nodes, uneven=True),))
    path = tmp_path / "timeline.html"
    path.write_text(render_page([Entry(record, "", entry.samples)]), encoding="utf-8")
    for width in (320, 390, 1280):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(path.as_uri())
        names, overlaps = driver.execute_script(OVERLAPS)
        assert {"Tests", "CPUs in use", "limit 13", "limit 12 GiB"} <= set(names)
        assert overlaps == []
        # The labels of tests stand where there is room for them, whole.
        assert not any("…" in name for name in names)
        assert ("cell-07" in names) == (width == 1280)
    bars = driver.find_elements(By.CSS_SELECTOR, "figure[id^=f-time] .bar")
    assert len(bars) == 25
    assert "test_gradient_stability[cell-13-of-25], " in pointed_at(driver, bars[12])
    # A text in a bar does not stand before it, nor a line before the part of the run that it goes through.
    names = driver.find_elements(
        By.CSS_SELECTOR, "figure[id^=f-time] .inside.fits1100, figure[id^=f-time] .inside.fits900"
    )
    assert any("cell-07-of-25" in pointed_at(driver, name) for name in names if name.text == "cell-07")
    part = driver.find_elements(By.CSS_SELECTOR, "figure[id^=f-time] .parts rect")[7]
    told = pointed_at(driver, part)
    row = driver.find_elements(By.CSS_SELECTOR, "figure[id^=f-time] tbody tr")[7]
    cells = [cell.get_attribute("textContent") for cell in row.find_elements(By.CSS_SELECTOR, "th, td")]
    assert told.startswith(f"from {cells[0]}, system {cells[1]}, user {cells[2]}, memory {cells[3]}")


def pointed_at(driver: Any, element: Any) -> str:
    """What a reader sees who points at the middle of an element: the title of what lies uppermost there."""
    script = """arguments[0].scrollIntoView({behavior: 'instant', block: 'center'});
      const box = arguments[0].getBoundingClientRect();
      for (let at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2); at; at = at.parentElement) {
        const title = at.querySelector(':scope > title');
        if (title) return title.textContent;
      }
      return ''"""
    return str(driver.execute_script(script, element))


def test_every_mark_can_be_pointed_at(browser: Any) -> None:
    """Nothing lies before the dots, bars, signs and bands that tell something."""
    click(browser, browser.find_element(By.ID, "expand"))
    for marks in ("#comparisons .mark", "#comparisons .bar", "[id^=f-runs-grad] circle", "[id^=f-went] .bar", ".mark"):
        found = [one for one in browser.find_elements(By.CSS_SELECTOR, marks) if one.is_displayed()]
        assert found, marks
        assert all(pointed_at(browser, mark) for mark in found[:5])


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_phone_needs_no_sideways_scroll(browser: Any, width: int) -> None:
    metrics = {"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.refresh()
    click(browser, browser.find_element(By.ID, "expand"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert (
        browser.execute_script("return Math.max(...[...document.querySelectorAll('.plot')].map((p) => p.scrollWidth))")
        <= width
    )


@pytest.mark.parametrize(("width", "height", "most"), [(1280, 900, 4.0), (390, 844, 6.0)])
def test_forty_results_are_few_screens_and_the_first_shows_results(
    driver: Any, tmp_path: Path, width: int, height: int, most: float
) -> None:
    path = tmp_path / "forty.html"
    for at, entries in enumerate((make_entries(3, sampled=False), fleet(40))):
        path.write_text(render_page(entries), encoding="utf-8")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(f"{path.as_uri()}?{at}")
        tall, wide, shown = driver.execute_script(
            "return [document.documentElement.scrollHeight, document.documentElement.scrollWidth,"
            " [...document.querySelectorAll('#verdicts tbody tr[data-host]')].map((row) => row.getBoundingClientRect())"
            " .filter((box) => box.height && box.bottom <= innerHeight).length]"
        )
        assert len(entries) == 40
        assert tall <= most * height
        assert wide <= width
        assert shown >= 3


BROKEN = """const found = [];
for (const cell of document.querySelectorAll(arguments[0])) {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) for (const word of walker.currentNode.data.matchAll(/[^ -]+/g)) {
    const range = document.createRange();
    range.setStart(walker.currentNode, word.index);
    range.setEnd(walker.currentNode, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) found.push(word[0]);
  }
}
return found;"""


def test_words_of_the_verdicts_stay_whole(browser: Any) -> None:
    metrics = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert (
        browser.execute_script(BROKEN, "#verdicts :is(thead th, tbody th, td:nth-child(-n+3), .c-time, .c-when)") == []
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    metrics["width"] = 660
    try:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        assert browser.execute_script(BROKEN, "#verdicts :is(thead th, tbody th, .c-when)") == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("width", [719, 1024, 1280])
def test_with_every_column_names_and_headings_have_room(driver: Any, tmp_path: Path, width: int) -> None:
    entries = make_entries(3, sampled=False)
    first = entries[2].record
    counted = msgspec.structs.replace(first.runs[0], work=Work(1, python=PythonWork(17785, {"solve": 17785})))
    entries[2] = Entry(msgspec.structs.replace(first, runs=(counted, *first.runs[1:])), "results/counted")
    entries += with_experiments([Entry(BASE), Entry(HEAD)])
    path = tmp_path / "columns.html"
    path.write_text(render_page(entries), encoding="utf-8")
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(path.as_uri())
    click(driver, driver.find_element(By.ID, "expand"))
    assert driver.execute_script("return document.querySelectorAll('#verdicts thead:first-of-type th').length") >= 20
    assert driver.execute_script(BROKEN, "#verdicts :is(thead th, tbody th, .c-what, .c-host)") == []
    meeting = driver.execute_script(
        "const boxes = [...document.querySelectorAll('#verdicts thead th')].map((cell) => {"
        " const range = document.createRange(); range.selectNodeContents(cell); return range.getBoundingClientRect(); });"
        "return boxes.slice(1).filter((box, at) => box.top === boxes[at].top && box.left < boxes[at].right - 1).length"
    )
    assert meeting == 0 or width < 1152, "headings of a table lie upon each other"
    experiments = driver.find_elements(By.CSS_SELECTOR, '#verdicts tr[data-state="code_regressed"]')
    assert ["base → head" in row.text and "+10" in row.text for row in experiments] == [True]


@pytest.mark.parametrize("width", [390, 1280])
def test_words_of_all_headings_of_tables_stay_whole(browser: Any, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    click(browser, browser.find_element(By.ID, "expand"))
    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert len(browser.find_elements(By.CSS_SELECTOR, "thead th")) > 200
    assert browser.execute_script(BROKEN, "thead th") == []


def test_a_phone_keeps_the_host_in_sight(browser: Any) -> None:
    metrics = {"width": 390, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_script("document.querySelector('#hosts .scroll').scrollLeft = 200")
    host = browser.find_element(By.CSS_SELECTOR, "#hosts tbody th").rect
    assert 0 <= host["x"] < 40
    assert host["width"] < 195


def test_paper(browser: Any) -> None:
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert printed.startswith(b"%PDF")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    metrics = {"width": 660, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    try:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        widths = (
            "return [...document.querySelectorAll('.plot > * > svg')].map((svg) => svg.getBoundingClientRect().width)"
        )
        drawn = [width for width in browser.execute_script(widths) if width]
        assert len(drawn) > 20
        assert min(drawn) > 250
        assert max(drawn) <= 660
        assert not browser.find_element(By.ID, "filter").is_displayed()
        assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_drawings_need_no_script(driver: Any, address: str) -> None:
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get("about:blank")
        driver.get(address)
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert driver.execute_script("return document.documentElement.classList.contains('scripted')") is False
    assert not driver.find_element(By.ID, "filter").is_displayed()
    assert driver.find_element(By.CSS_SELECTOR, "#verdicts tbody tr").is_displayed()
    assert not driver.find_element(By.CSS_SELECTOR, "#fine tbody tr").is_displayed()
    for folded in ("#fine", "details.group"):
        click(driver, driver.find_element(By.CSS_SELECTOR, f"{folded} > summary"))
    assert driver.find_element(By.CSS_SELECTOR, "#fine tbody tr").is_displayed()
    dots = driver.find_elements(By.CSS_SELECTOR, "[id^=f-runs-grad] circle")
    assert dots
    assert all(dot.is_displayed() for dot in dots)


def _axe() -> Any:
    """The rules of axe, which are not passed over where a browser is required."""
    if REQUIRED:
        return importlib.import_module("axe_core_python.selenium")
    return pytest.importorskip("axe_core_python.selenium", reason="axe-core-python is not installed")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility_rules_of_axe(driver: Any, tmp_path: Path, theme: str) -> None:
    """A small page that has each part of a large one, since the rules take a time for every element."""
    axe = _axe()
    first, other = synthetic_record(runs=6), synthetic_record(host="xeon-8488c-77be", runs=6)
    entries = [make_entry(stamp=stamp, runs=2, sampled=at == 4) for at, stamp in enumerate(stamps(5))]
    source = render_page(
        [*entries, *bad_entries()],
        comparisons=[compare(first, other)],
        differences=[explain_difference(first, other)],
    )
    path = tmp_path / "small.html"
    path.write_text(source, encoding="utf-8")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get(path.as_uri())
    driver.set_script_timeout(110)
    click(driver, driver.find_element(By.ID, "expand"))
    driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
    found = axe.Axe().run(driver, options={"runOnly": rules, "resultTypes": ["violations"]})
    assert [(one["id"], one["help"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20


def test_markup_in_every_field_does_nothing(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(hostile_page(), encoding="utf-8")
    driver.get_log("browser")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get(path.as_uri())
    driver.execute_script("window.pwned = 0; window.pwn = () => { window.pwned += 1; };")
    click(driver, driver.find_element(By.ID, "expand"))
    assert driver.execute_script("return window.pwned") == 0
    assert driver.find_elements(By.CSS_SELECTOR, "img, .plot a, main script:not([type])") == []
    drawn = driver.execute_script(
        "return [...document.querySelectorAll('.plot :is(text, span, title)')].map((t) => t.textContent).join()"
    )
    assert "<img src=x" in drawn
    # A host that is all markup can be chosen like any other.
    Select(driver.find_element(By.NAME, "host")).select_by_index(1)
    assert visible_rows(driver)
    assert driver.get_log("browser") == []


def test_scripts_of_others_are_stopped_by_the_policy(driver: Any, address: str, tmp_path: Path) -> None:
    """Even if markup got through, it could not run: the policy names the page's own scripts."""
    path = tmp_path / "injected.html"
    source = Path(address.removeprefix("file://")).read_text(encoding="utf-8")
    path.write_text(source.replace("<main ", "<script>window.pwned = 1</script><main ", 1), encoding="utf-8")
    driver.get(path.as_uri())
    assert driver.execute_script("return window.pwned") is None
    assert any("Content Security Policy" in entry["message"] for entry in driver.get_log("browser"))
