"""The schema in the documentation is that of the code."""

import re
from pathlib import Path

import msgspec

from bench.record.jsonschema import schema_markdown
from tests.support.records import make_record

PAGE = Path(__file__).parents[3] / "docs" / "record.md"
BEGIN, END = "<!-- bench schema --markdown -->\n", "<!-- end -->"


def tables():
    """Keys of each section of the tables, by the section's paths."""
    parts = re.split(r"^### ", schema_markdown(), flags=re.MULTILINE)[1:]
    found = {}
    for part in parts:
        title, _, body = part.partition("\n")
        for path in title.replace("`", "").split(", "):
            found[path] = re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE)
    return found


def test_the_page_holds_what_the_code_says():
    """If this fails, put the output of ``bench schema --markdown`` between the page's two marks."""
    held = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert held.strip() == schema_markdown().strip()


def test_every_part_of_a_record_has_a_table_with_its_keys():
    known = tables()
    document = msgspec.to_builtins(make_record())
    assert known["The record"] == [*document, "experiment", "every_run"]  # of a side alone, and of what all runs share
    assert known["engine.limits"] == list(document["engine"]["limits"])
    assert known["host.class"] == list(document["host"]["class"])
    assert known["host.before"] == known["host.after"] == list(document["host"]["before"])
    assert known["runs[].memory"] == list(document["runs"][0]["memory"])
    assert known["runs[].metrics{}"] == ["value", "unit", "better", "values"]
    assert {"runs[].tests[]", "runs[].warnings[]"} <= set(known)


def test_types_are_said_in_words():
    text = schema_markdown()
    assert "| `memory_bytes` | integer or null |" in text
    assert "| `dirty` | boolean or null |" in text
    assert "| `better` | `lower`, `higher`, `none` |" in text
    assert "| `before` | object of number or null |" in text
