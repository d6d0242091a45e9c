"""What all runs share is written once and is each run's own in memory."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest

from bench.errors import DamagedData
from bench.record.codec import decode, encode
from bench.record.layout import WIDTH, laid_out
from bench.record.schema import Session
from bench.record.unavailable import with_reasons
from tests.support.records import make_record, make_run


def record(count: int = 5) -> Any:
    return with_reasons(make_record(runs=tuple(run(at) for at in range(count))))


def run(at: int) -> Any:
    name = f"bench-{at:06}"
    return make_run(
        at,
        sources={"cpu.user_s": "cgroup v1", "pids_peak": f"cgroup v1, largest of {at} samples"},
        cgroup={"version": 1, "paths": {"cpu": f"/sys/cpu/{name}", "memory": f"/sys/memory/x/{name}"}},
        session=Session(collected=2, deselected=0, not_run=at),
        host_during={"load_max": None, "steal_ratio": 0.0, "others_cpus": at / 3},
    )


def test_it_is_the_same_record() -> None:
    made = record()
    document = json.loads(encode(made))
    assert document["every_run"]["sources"] == {
        "cpu.user_s": "cgroup v1",
        "pids_peak": "cgroup v1, largest of {} samples",
    }
    assert document["every_run"]["cgroup"]["paths"]["cpu"] == "/sys/cpu/{group}"
    assert document["runs"][3]["sources"] == {"pids_peak": "3"}
    assert "supervisor" not in document["every_run"]
    assert document["runs"][3]["session"] == {"not_run": 3}
    assert "cgroup" in document["runs"][3]
    assert decode(encode(made)) == made
    assert decode(encode(decode(encode(made)), encode(made))) == made
    assert encode(decode(encode(made)), encode(made)) == encode(made)  # nothing is written twice


def test_one_run_is_written_as_ever() -> None:
    document = json.loads(encode(record(1)))
    assert "every_run" not in document
    assert document["runs"][0]["sources"]["cpu.user_s"] == "cgroup v1"
    assert document["runs"][0]["cgroup"]["paths"]["cpu"] == "/sys/cpu/bench-000000"


def test_a_record_as_it_was_written_before_is_the_same_record() -> None:
    made = record()
    assert decode(msgspec.json.encode(made)) == made


def test_five_runs_take_a_third_of_what_they_took() -> None:
    made = record()
    before = msgspec.json.format(msgspec.json.encode(made), indent=2)
    assert len(encode(made)) < min(15_000, len(before) / 2)


@pytest.mark.parametrize(
    ("texts", "shared", "own"),
    [
        (("own 0.0051", "own 0.0052"), "own {}", ["0.0051", "0.0052"]),
        (("own 1", "own 1e-05"), "own {}", ["1", "1e-05"]),
        (("10 of v1", "9 of v1"), "{} of v1", ["10", "9"]),
        (("of 5, 6 more", "of 7, 6 more"), "of {}, 6 more", ["5", "7"]),
        (("of 5, 6 more", "of 7, 8 more"), None, ["of 5, 6 more", "of 7, 8 more"]),
        (("cgroup v1", "cgroup v1, less 3"), None, ["cgroup v1", "cgroup v1, less 3"]),
        (("of {} 5", "of {} 6"), None, ["of {} 5", "of {} 6"]),
        (("of {}", "of {}"), "of {}", [None, None]),
        (("wait4", "procfs"), None, ["wait4", "procfs"]),
        (("of 5", None), None, ["of 5", None]),
    ],
)
def test_texts_that_differ_in_one_word_share_the_rest(texts: Any, shared: Any, own: Any) -> None:
    sources = [{} if text is None else {"io.read_bytes": text} for text in texts]
    made = with_reasons(make_record(runs=tuple(make_run(at, sources=one) for at, one in enumerate(sources))))
    document = json.loads(encode(made))
    assert document.get("every_run", {}).get("sources", {}).get("io.read_bytes") == shared
    assert [run.get("sources", {}).get("io.read_bytes") for run in document["runs"]] == own
    assert [run.sources for run in decode(encode(made)).runs] == sources


@pytest.mark.parametrize(("one", "two"), [(0.0, -0.0), (None, 0.0), (1.0, math.nextafter(1, 2))], ids=repr)
def test_values_that_only_seem_equal_stay_apart(one: Any, two: Any) -> None:
    made = make_record(runs=(make_run(0, host_during={"x": one}), make_run(1, host_during={"x": two})))
    assert [repr(run.host_during["x"]) for run in decode(encode(made)).runs] == [repr(one), repr(two)]


def test_a_part_of_another_type_is_named() -> None:
    document = json.loads(encode(record()))
    document["every_run"]["sources"] = {"cpu.user_s": 7}
    assert decode(json.dumps(document)).runs[0].sources["pids_peak"]
    document["every_run"]["session"] = {"collected": "many"}
    with pytest.raises(DamagedData, match="does not fit"):
        decode(json.dumps(document))


def test_lines_are_no_wider_than_a_page_and_mean_the_same() -> None:
    document = {
        "a": list(range(200)),
        "b": {"c": {f"k{n}": "x" * n for n in range(50)}, "d": []},
        "e": "y" * 300,
        "f": {},
    }
    text = laid_out(document)
    assert json.loads(text) == document
    assert max(len(line) for line in text.splitlines() if "yyy" not in line) <= WIDTH
