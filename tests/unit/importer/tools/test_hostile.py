"""Whatever stands in a tool's file, a parser answers with what it found or with the place of what is wrong."""

import copy
import json
import re
from collections.abc import Collection, Iterator

import msgspec
import pytest

from bench.importer.convert import Given
from bench.importer.tools.convert import record_of, stamp_of
from bench.importer.tools.fields import Unreadable
from bench.importer.tools.known import recognise
from bench.importer.tools.model import Content, ToolBenchmark
from tests.support.tool_files import CRITERION, DATA_JS, FILES, JMH

JSON_FILES = {
    path.name: json.loads(path.read_text()) for path in sorted(FILES.glob("*.json")) if "perf" not in path.name
}
DOCUMENTS = {
    **JSON_FILES,
    "asv": json.loads((FILES / "asv-0.6.6/host/a7c50185-existing-py.json").read_text()),
    "jmh": JMH,
    "sample": json.loads((CRITERION / "flat/sleep/new/sample.json").read_text()),
}
TEXTS = {
    **{path.name: path.read_text() for path in sorted(FILES.glob("*")) if path.suffix in (".txt", ".csv", ".xml")},
    **{path.name: path.read_text() for path in sorted(FILES.glob("perf*.json"))},
    "data.js": DATA_JS,
}
BAD = (None, "x", -1, 1e400, [], {}, True, 10**400, [[]], 1e300, 2**64, "\ud800", "9999-12-31T23:59:59-14:00")


def places(value, path=()) -> Iterator[tuple]:
    """Each place of a document, of a list the first and the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for at in sorted({0, len(value) - 1}) if value else ():
            yield from places(value[at], (*path, at))


def changed(document, path, value):
    made = copy.deepcopy(document)
    here = made
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return made


def read(text: str, as_before: Collection[ToolBenchmark] = ()) -> Collection[ToolBenchmark]:
    """Read a text as far as it goes; what it holds beside what was read before has to fit into a record."""
    try:
        known = recognise(Content("f", text))
        found = known.parse(known.content) if known is not None else None
    except Unreadable:
        return ()
    for benchmark in found.benchmarks if found is not None else ():
        assert benchmark.runs
        if benchmark in as_before:
            continue
        record = record_of(benchmark, found, stamp_of(benchmark, found.tool, 0.0, None), Given())
        msgspec.json.encode(record)
        json.dumps(benchmark.original).encode()
        for run in benchmark.runs:
            for series in run.metrics.values():
                assert series.value is None or abs(series.value) < 1e308
                assert series.value is not None or series.why
    return found.benchmarks if found is not None else ()


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_any_value_in_any_place_is_read_or_named(name):
    document = DOCUMENTS[name]
    known = read(json.dumps(document))
    assert known
    for at, path in enumerate(places(document)):
        for step in (0, 5):
            read(json.dumps(changed(document, path, BAD[(at + step) % len(BAD)])), known)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_text_that_is_cut_off_anywhere_is_read_or_named(name):
    text = TEXTS[name]
    for end in range(0, len(text), max(1, len(text) // 120)):
        read(text[:end])


@pytest.mark.parametrize(
    "text",
    [
        '{"benchmarks": [{"runs": ' + "[" * 100_000,
        '{"results": [], "commit_hash":' + '{"x":' * 50_000,
        '{"results": [{"command": "x", "times": [1',
        '{"results": [{"command": "x", "times": [1], "parameters": ' + "[" * 200 + "]" * 200 + "}]}",
    ],
)
def test_what_is_nested_too_deep_or_cut_off_is_named(text):
    with pytest.raises(Unreadable):
        recognise(Content("f", text))


def test_an_entity_is_refused():
    text = (FILES / "benchexec-3.35.xml").read_text()
    begin = text.index("<!DOCTYPE")
    end = text.index(">", begin)
    bad = text[:end] + ' [<!ENTITY a "b">]' + text[end:]
    known = recognise(Content("f", bad.replace("DummyTool", "&a;")))
    assert known is not None
    with pytest.raises(Unreadable, match="entity"):
        known.parse(known.content)


@pytest.mark.parametrize("value", ["1e999s", "1e200B", "1e30B", "9" * 400])
def test_a_figure_that_is_too_large_costs_its_run_alone(value):
    text = (FILES / "benchexec-3.35.xml").read_text()
    runs = text.count("<run ")
    for title in ("walltime", "memory"):
        bad = re.sub(rf'(title="{title}" value=")[^"]*', rf"\g<1>{value}", text, count=1)
        bad = re.sub(rf'(value=")[^"]*(" title="{title}")', rf"\g<1>{value}\g<2>", bad, count=1)
        assert bad != text
        known = recognise(Content("f", bad))
        found = known.parse(known.content)
        read(bad)
        assert len(found.benchmarks) in (runs, runs - 1)
