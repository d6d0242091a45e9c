"""The JSON Schema takes records and refuses what is none."""

import json
from pathlib import Path

import jsonschema
import pytest

from bench.record.codec import encode
from bench.record.jsonschema import DIALECT, json_schema
from tests.support.records import make_record

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
SCHEMA = json_schema()
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def document():
    return json.loads(encode(make_record()))


def test_it_is_a_schema_of_a_named_dialect():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT


def test_records_fit_it_with_keys_of_later_versions_too():
    CHECK.validate({**document(), "schema": "bench.record/1.2", "later": 1})
    found = sorted(REFERENCE.rglob("record.json"))
    assert len(found) >= 6
    for path in found:
        CHECK.validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "bench.record/2"),
        (("stamp",), "yesterday"),
        (("id",), "somewhere"),
        (("outcome",), "great"),
        (("runs", 0, "wall_s"), -1),
        (("runs", 0, "memory", "peak_bytes"), -1),
        (("runs", 0, "faults", "minor"), 1.5),
        (("host", "class", "threads"), -2),
    ],
)
def test_what_no_record_holds_is_refused(path, value):
    made = document()
    part = made
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert [list(error.absolute_path) for error in CHECK.iter_errors(made)] == [list(path)]


@pytest.mark.parametrize("key", ["schema", "id", "stamp", "outcome", "unavailable", "image", "calibration", "runs"])
def test_the_fixed_keys_are_required(key):
    made = document()
    del made[key]
    assert not CHECK.is_valid(made)
    made = document()
    del made["runs"][0]["cpu"]
    assert not CHECK.is_valid(made)


def test_a_margin_may_be_negative():
    made = document()
    made["verdict"]["ceiling_margin_s"] = -1.0
    CHECK.validate(made)
