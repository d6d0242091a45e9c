"""What a record from anywhere can do to memory, to a query, and to who verifies it: nothing."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from bench.errors import DamagedData
from bench.record.codec import MOST_VALUES, decode, encode
from bench.record.consistency import contradictions
from bench.record.duplicates import duplicate_keys
from bench.record.schema import Cpu, Io, Outer
from tests.support.records import make_record, make_run, replace


@pytest.mark.parametrize("piece", ["[],", '{"a":1},', "1,", '"",'])
def test_a_record_of_too_many_values_is_refused_before_any_is_made(piece: str) -> None:
    document = encode(make_record()).decode().rstrip().rstrip("}")
    hostile = f'{document}, "more": [{piece * MOST_VALUES}1]}}'.encode()
    tracemalloc.start()
    with pytest.raises(DamagedData, match="more values than a record can"):
        decode(hostile)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_a_record_of_a_large_suite_is_read() -> None:
    record = make_record(runs=(make_run(tests=make_run().tests * 10_000),))
    assert len(decode(encode(record)).runs[0].tests) == 10_000


@pytest.mark.parametrize(
    ("run", "path"),
    [
        (make_run(cpu=Cpu(user_s=-1.0)), "runs[0].cpu.user_s"),
        (make_run(io=Io(read_bytes=-1)), "runs[0].io.read_bytes"),
        (make_run(pytest_s=-0.5), "runs[0].pytest_s"),
        (make_run(tests=(replace(make_run().tests[0], call_s=-3.0),)), "runs[0].tests[0].call_s"),
        (make_run(host_during={"stolen_s": -1.0}), "runs[0].host_during.stolen_s"),
        (make_run(wall_s=-1.0), "runs[0].wall_s"),
    ],
)
def test_a_negative_time_is_named(run: object, path: str) -> None:
    found = contradictions(make_record(runs=(run,)))
    assert len(found) == 1
    assert found[0].startswith(path)


def test_what_may_be_negative_is_none_of_it() -> None:
    engine = replace(make_record().engine, outer=Outer(nice=-5))
    record = replace(make_record(runs=(make_run(exit_code=-3),)), engine=engine)
    assert contradictions(record) == []


def test_keys_that_stand_twice_are_named() -> None:
    text = encode(make_record()).decode()
    assert duplicate_keys(text.encode()) == []
    twice = text.replace('"wall_s": 10.5', '"wall_s": 10.5, "wall_s": 1.5')
    assert json.loads(twice)["runs"][0]["wall_s"] == 1.5
    assert duplicate_keys(twice.encode()) == ["wall_s"]


def test_verify_refuses_them(tmp_path: Path) -> None:
    from bench.record.storage.bundle import write_bundle
    from bench.record.storage.verify import verify_bundle

    folder = write_bundle(tmp_path, make_record(), {})
    path = folder / "record.json"
    path.write_text(path.read_text().replace('"wall_s": 10.5', '"wall_s": 10.5, "wall_s": 1.5'))
    said = [problem.reason for problem in verify_bundle(folder)]
    assert any("stands twice" in one for one in said)
