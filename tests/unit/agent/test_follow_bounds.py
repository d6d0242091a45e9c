"""Whatever a test writes to the plugin's file or says through pytest: the result is whole, bounded and readable."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.agent.events import Events
from bench.agent.follow import TestLog
from bench.agent.follow.result import early_end, read_told
from bench.agent.result import encode
from bench.record.schema import Run
from bench.run.result.supervisor import Result
from tests.support.inner_pytest import INNER_PYTEST

from .conftest import Done


@pytest.fixture
def log(tmp_path: Path):
    """A log, and what writes lines or bytes to its file."""
    path = tmp_path / "tests.jsonl"
    made = TestLog(str(path), Events(os.open(os.devnull, os.O_WRONLY)))

    def put(*lines: object) -> None:
        with path.open("ab") as file:
            for line in lines:
                file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")

    return made, put


def told(log: TestLog) -> dict[str, Any]:
    """What the result takes from a log, as the host reads it."""
    log.close()
    part = read_told(log, {})
    early_end(log)
    whole = {
        "state": "ended", **part.fields, "unavailable": part.unavailable, "warnings": part.warnings + log.warnings,
    }  # fmt: skip
    written = encode(whole)
    assert len(written) < 16 * 1024**2
    read = msgspec.json.decode(written, type=Result)
    Run(0, "passed", **{name: getattr(read, name) for name in ("tests", "metrics", "facts", "warnings", "session")})
    return msgspec.json.decode(written)


BAD = [
    {"type": "collected", "tests": 10**400}, {"type": "collected", "tests": True}, {"type": "collected", "tests": -1},
    {"type": "nodes", "nodes": "abc"}, {"type": "nodes", "nodes": [1, None]}, {"type": "nodes"},
    {"type": "test", "node": 5, "outcome": "passed"}, {"type": "test", "node": "a", "outcome": ["passed"]},
    {"type": "test", "node": "a", "outcome": "splendid"}, {"type": "test_started", "node": {}},
    {"type": "failure", "node": "a", "message": 5}, {"type": "stopped", "reason": 5}, {"type": "threads"},
    {"type": ["test"]}, {"type": {}}, {"type": None}, [], 5, "text", None, {"type": "finished", "pytest_s": None},
    {"type": "warning", "code": "x"}, {"type": "asked", "node": "a"}, {"type": "only", "option": 5},
    {"type": "deselected", "tests": 1, "nodes": 5}, {"type": "benchmarks", "metrics": 5, "x": 1}, {"type": "unheard"},
    b"\xff\xfe", b"{", b"[" * 50_000, b'{"type": "test", "node": ' + b"9" * 5000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_a_line_of_a_wrong_type_costs_itself(log, line: object) -> None:
    follow, put = log
    put({"type": "loaded"}, line, {"type": "test", "node": "good", "outcome": "passed"})
    result = told(follow)
    assert [test["node"] for test in result["tests"]] == ["good"]
    assert result["pytest_s"] is None


def test_values_of_a_wrong_type_are_null(log) -> None:
    follow, put = log
    put(
        {
            "type": "test", "node": "a\ud800", "outcome": "passed", "setup_s": "1", "call_s": -1, "teardown_s": 1e300,
            "marker_timeout_s": [1], "attempts": "many", "monotonic_s": {}, "metrics": {"m": {"value": True, "unit": 5}},
            "facts": {"f\udc80": "v\ud801"},
        },
        b'{"type": "test", "node": "b", "outcome": "passed", "call_s": 1e999, "metrics": {"n": {"value": NaN}},'
        b' "facts": {"x": [1e999], "y": NaN, "z": 100000000000000000000000}}',
        {"type": "warning", "code": "c", "message": "m\ud800", "value": 10**400, "unit": [5]},
        {"type": "threads", "torch": 10**400, "openmp": {"a": 1}},
    )  # fmt: skip
    result = told(follow)
    first, second = result["tests"]
    assert (first["node"], first["attempts"], second["call_s"]) == ("a\\ud800", 1, None)
    assert [first[key] for key in ("setup_s", "call_s", "teardown_s", "marker_timeout_s", "started_s")] == [None] * 5
    assert result["metrics"]["m"] == {"value": None, "unit": "", "better": "none"}
    assert result["facts"] == {"f\\udc80": "v\\ud801"}
    assert {"metrics.m", "metrics.n"} <= set(result["unavailable"])
    left_out = [warning["message"] for warning in result["warnings"] if warning["code"] == "fact_left_out"]
    assert [name in message for name, message in zip("xyz", left_out, strict=True)] == [True] * 3
    assert result["threads_used"] == {"torch": None, "openmp": None}


def test_deep_facts_are_left_out_with_the_reason(log) -> None:
    follow, put = log
    for depth in (100, 900, 5000):
        put(b'{"type": "test", "node": "a", "outcome": "passed", "facts": {"d": ' + b"[" * depth + b"]" * depth + b"}}")
    result = told(follow)
    assert result["facts"] == {}
    assert {"fact_left_out", "events_unreadable"} >= {warning["code"] for warning in result["warnings"]} - {
        "tests_repeated"
    }
    assert any("nested" in warning["message"] for warning in result["warnings"])


def test_a_flood_is_bounded_in_time_and_memory_and_its_end_is_read(log) -> None:
    follow, put = log
    flood = b'{"type": "progress", "done": 1, "of": 2, "label": "' + b"x" * 50 + b'"}\n'
    with Path(follow._path).open("ab") as file:
        file.writelines(flood * 12_000 for _ in range(150))  # 150 MB
    put(b'{"type": "test", "node": "' + b"n" * (2 << 20) + b'", "outcome": "failed"}')
    put({"type": "test", "node": "last", "outcome": "passed"}, {"type": "finished", "pytest_s": 1.0, "outcomes": {}})
    began = time.process_time()
    follow.poll()
    assert time.process_time() - began < 2.0
    result = told(follow)
    assert time.process_time() - began < 20.0
    assert result["pytest_s"] == 1.0
    assert [test["node"] for test in result["tests"]] == ["last"]
    assert "events_cut" in [warning["code"] for warning in result["warnings"]]
    assert follow.session.collected is None


def test_of_a_flood_before_the_first_look_the_beginning_is_read_too(log) -> None:
    follow, put = log
    put({"type": "loaded"}, {"type": "collected", "tests": 3}, {"type": "test", "node": "first", "outcome": "passed"})
    put({"type": "test_started", "node": "floods"})  # its end comes amid what it writes
    with Path(follow._path).open("ab") as file:
        file.writelines(b'{"type": "progress", "done": 1}\n' * 32_000 for _ in range(30))
    put({"type": "test", "node": "last", "outcome": "passed"})
    put({"type": "finished", "pytest_s": 1.0, "outcomes": {"passed": 3}})
    result = told(follow)
    assert follow.loaded
    assert follow.session.collected == 3
    assert follow.outcomes == ("passed",)
    assert [test["node"] for test in result["tests"]] == ["first", "last"]
    assert "events_cut" in [warning["code"] for warning in result["warnings"]]


def test_very_many_tests_facts_metrics_and_warnings_are_bounded(log) -> None:
    follow, put = log
    put(*({"type": "test", "node": f"n{at}", "outcome": "failed", "message": "x" * 500} for at in range(21_000)))
    put(*({"type": "warning", "code": "c", "message": "m" * 5000} for _ in range(300)))
    put(
        *({"type": "test", "node": "n", "outcome": "passed", "metrics": {f"m{at}": {"value": 1}}} for at in range(2100))
    )
    for _ in range(20):
        follow.poll()
    result = told(follow)
    assert len(result["tests"]) == 20_000
    found = {warning["code"]: warning["value"] for warning in result["warnings"]}
    assert found["tests_left_out"] > 0
    assert found["metric_left_out"] == 100
    assert found["warnings_left_out"] == 100
    assert "failed" in follow.outcomes


def test_lost_lines_leave_it_open_what_never_began(log) -> None:
    follow, put = log
    put(
        {"type": "collected", "tests": 2},
        {"type": "nodes", "nodes": ["a", "b"]},
        {"type": "test", "node": "a", "outcome": "passed"},
    )
    put({"type": "finished", "pytest_s": 1.0, "outcomes": {"passed": 2}, "lost": 2})
    result = told(follow)
    assert result["session"]["not_run"] is None
    assert result["session"]["ended_early"] is None
    assert "no room" in result["unavailable"]["session.not_run"]
    assert early_end(follow) is None


@pytest.mark.parametrize("put", ["fifo", "folder", "link"])
def test_something_else_in_the_file_s_place_holds_nobody_up(tmp_path: Path, put: str) -> None:
    path = tmp_path / "tests.jsonl"
    if put == "fifo":
        os.mkfifo(path)
    elif put == "folder":
        path.mkdir()
    else:
        path.symlink_to("/etc/passwd")
    follow = TestLog(str(path), Events(os.open(os.devnull, os.O_WRONLY)))
    follow.poll()
    assert told(follow)["tests"] == []


def test_a_file_that_is_renamed_is_read_to_its_end(log) -> None:
    follow, put = log
    put({"type": "test", "node": "a", "outcome": "passed"})
    Path(follow._path).rename(f"{follow._path}.away")
    assert [test["node"] for test in told(follow)["tests"]] == ["a"]


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(categories=["Cs"]))
    | st.sampled_from([10**400, 1e308, "passed", "failed", "a", "b"])
)  # fmt: skip
KEYS = st.sampled_from(
    ["node", "nodes", "outcome", "message", "tests", "metrics", "facts", "missing", "reason", "torch", "openmp", "lost",
     "pytest_s", "outcomes", "code", "value", "unit", "attempts", "call_s", "marker_timeout_s", "monotonic_s", "why"]
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text() | KEYS, inner), max_leaves=8)
KINDS = st.sampled_from(
    ["loaded", "collected", "nodes", "deselected", "test_started", "test", "asked", "progress", "failure", "warning",
     "benchmarks", "finished", "stopped", "only", "threads"]
)  # fmt: skip
LINES = st.lists(
    st.binary(max_size=50)
    | st.builds(lambda kind, more: json.dumps({**more, "type": kind}).encode(), KINDS, st.dictionaries(KEYS, VALUES)),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.binary(max_size=30))
def test_any_lines_give_a_result_that_the_host_reads(tmp_path: Path, lines: list[bytes], rest: bytes) -> None:
    path = tmp_path / "any.jsonl"
    path.unlink(missing_ok=True)
    follow = TestLog(str(path), Events(os.open(os.devnull, os.O_WRONLY)))
    path.write_bytes(b"\n".join([*lines, rest]))
    follow.begin(time.monotonic())
    follow.poll()
    told(follow)


def test_the_result_is_valid_json_whatever_got_so_far() -> None:
    nan, lone = float("nan"), "\ud800"
    deep: dict[str, Any] = {}
    for _ in range(3000):
        deep = {"a": deep}
    read = msgspec.json.decode(encode({"a": nan, "b": [lone, float("inf")], lone: 1, "c": deep, "d": "😀"}))
    assert (read["a"], read["b"], read["\\ud800"], read["d"]) == (None, ["\\ud800", None], 1, "😀")


# From here on: real tests, as the supervisor starts them.


@pytest.fixture
def run(supervise, tmp_path: Path):
    def go(code: str, *options: str, **changes: Any) -> Done:
        path = tmp_path / "test_it.py"
        path.write_text(code)
        command = (*INNER_PYTEST, str(path), *options)
        return supervise(*command, plugin=True, **changes)

    return go


def outcomes(done: Done) -> list[str]:
    msgspec.json.decode((done.out / "result.json").read_bytes(), type=Result)
    return [test["outcome"] for test in done.result["tests"]]


def test_numbers_of_any_size_do_not_break_pytest(run) -> None:
    done = run(
        "import math\n"
        "def test_states(record_property): record_property('states', math.factorial(200))\n"
        "def test_fact(record_property): record_property('fact:n', math.factorial(3000))\n"
        "def test_metric(record_property): record_property('metric:n', '{\"value\": 1' + '0' * 6000 + '}')\n"
        "def test_after(): pass\n"
    )
    assert done.result["outcome"] == "passed", done.log
    assert outcomes(done) == ["passed"] * 4
    assert b"INTERNALERROR" not in done.log
    assert done.result["metrics"]["states"]["value"] is None
    assert "larger than a floating-point number" in done.result["unavailable"]["metrics.states"]
    assert any("'states'" in warning["message"] for warning in done.result["warnings"])


def test_values_that_raise_or_wait_are_passed_over(run) -> None:
    done = run(
        "import time\n"
        "class Hang:\n    def __str__(self): time.sleep(60)\n    __repr__ = __eq__ = __str__\n"
        "class Raise:\n    def __getattribute__(self, name): raise SystemExit(name)\n"
        "    def __str__(self): raise SystemExit\n    __repr__ = __str__\n"
        "def test_a(record_property):\n"
        "    for value in Hang(), Raise():\n"
        "        record_property('metric:m', value)\n        record_property('fact:f', value)\n"
        "        record_property('bare', value)\n"
        "    record_property('metric:after', 1)\n"
    )
    assert done.result["outcome"] == "passed", done.log
    assert done.result["metrics"]["after"]["value"] == 1
    assert done.result["wall_s"] < 25


def test_pytest_s_own_report_is_written_whatever_names_a_test_gives(run, tmp_path: Path) -> None:
    done = run(
        "import math\n"
        "class Mute:\n    def __str__(self): raise SystemExit('no')\n"
        "def test_a(record_property, record_xml_attribute):\n"
        "    record_property('a\\udc80b', 3)\n    record_property('bell\\x07', 'x\\udc80')\n"
        "    record_property('mute', Mute())\n    record_property('long', math.factorial(3000))\n"
        "    record_xml_attribute('at\\udc80 <', 'v\\ud800')\n"
        "def test_b(record_testsuite_property):\n"
        "    record_testsuite_property('s\\udc80', 'v\\ud800')\n",
        f"--junitxml={tmp_path / 'junit.xml'}",
        "-o",
        "junit_family=xunit1",
    )
    assert outcomes(done) == ["passed", "passed"], done.log
    assert done.result["outcome"] == "passed", done.log
    assert done.result["metrics"]["a\\udc80b"]["value"] == 3
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties == {
        "s#xDC80": "v#xD800",
        "a#xDC80b": "3",
        "bell#x07": "x#xDC80",
        "mute": "(no text of it: SystemExit)",
        "long": "(no text of it: ValueError)",
    }
    assert [one.get("at___") for one in suite.iter("testcase")] == ["v#xD800", None]
    assert [each["value"] for each in done.result["warnings"] if each["code"] == "junit_escaped"] == [6]


def test_what_is_appended_to_the_properties_and_is_none_costs_itself(run, tmp_path: Path) -> None:
    done = run(
        "class Lies(str):\n    def __str__(self): raise RuntimeError\n    __repr__ = __len__ = __eq__ = __str__\n"
        "    def encode(self, *_): raise RuntimeError\n    __hash__ = str.__hash__\n"
        "class Mute:\n    def __repr__(self): raise SystemExit\n"
        "class Pair:\n    def __iter__(self): raise SystemExit\n"
        "def test_a(request):\n"
        "    for each in 'x', 1, None, (), (1, 2, 3), type, Pair(), (Lies('name'), Lies('value')), (Mute(), 1):\n"
        "        request.node.user_properties.append(each)\n"
        "    request.node.user_properties.append(('metric:after', 1))\n",
        f"--junitxml={tmp_path / 'junit.xml'}",
    )
    assert (done.result["outcome"], outcomes(done)) == ("passed", ["passed"]), done.log
    assert done.result["metrics"]["after"]["value"] == 1
    assert b"INTERNALERROR" not in done.log
    properties = [(one.get("name"), one.get("value")) for one in ET.parse(tmp_path / "junit.xml").iter("property")]
    assert properties == [("name", "value"), ("(no text of it: SystemExit)", "1"), ("metric:after", "1")]
    assert [each["value"] for each in done.result["warnings"] if each["code"] == "junit_escaped"] == [8]


def test_a_file_s_name_that_is_no_text_costs_nothing(supervise, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/test_\xff.py"))
    path.write_text("def test_a(): pass\n")
    done = supervise(*INNER_PYTEST, f"--junitxml={tmp_path / 'junit.xml'}", str(tmp_path), plugin=True)
    assert done.result["outcome"] == "passed", done.log
    assert outcomes(done) == ["passed"]


def test_lone_surrogates_everywhere(run) -> None:
    done = run(
        "import pytest\n"
        "@pytest.mark.parametrize('x', [1], ids=['\\ud800'])\n"
        "def test_a(x, record_property):\n"
        "    record_property('metric:m\\udc80', 1)\n    record_property('fact:f', 'v\\ud800')\n"
        "    raise ValueError('why \\ud800')\n",
    )
    assert outcomes(done) == ["failed"]
    assert done.result["outcome"] == "failed"


def test_markers_and_clocks_that_say_nonsense(run) -> None:
    done = run(
        "import pytest, time\n"
        "time.clock_gettime = time.perf_counter = time.monotonic = lambda *_: float('nan')\n"
        "@pytest.mark.timeout(float('nan'))\ndef test_nan(): pass\n"
        "@pytest.mark.timeout(float('inf'))\ndef test_inf(): pass\n"
        "@pytest.mark.timeout(10**400)\ndef test_huge(): pass\n"
        "@pytest.mark.timeout('soon')\ndef test_text(): pass\n"
    )
    assert done.result["outcome"] == "passed", done.log
    assert outcomes(done) == ["passed"] * 4
    assert all(test["marker_timeout_s"] is None and test["started_s"] > 0 for test in done.result["tests"])
    assert done.result["pytest_s"] > 0
    reasons = [done.result["unavailable"][f"tests[{at}].marker_timeout_s"] for at in range(4)]
    assert [word in reason for word, reason in zip(("finite", "finite", "larger", "number"), reasons, strict=True)] == [
        True
    ] * 4


def test_what_a_test_writes_to_the_plugin_s_file_changes_nothing_but_its_own_outcome(run) -> None:
    done = run(
        "import os\n"
        "def test_a():\n"
        "    with open(os.environ['BENCH_EVENTS'], 'ab') as file:\n"
        '        file.write(b\'{"type": "test", "node": "x", "outcome": 1e999}\\n\\xff\\n{"type": "coll\')\n'
        "def test_b(): pass\n"
    )
    assert done.result["outcome"] == "passed", done.log
    assert outcomes(done) == ["passed", "passed"]
    assert "events_unreadable" in [warning["code"] for warning in done.result["warnings"]]


def test_a_descriptor_that_a_test_closes_costs_nothing(run, tmp_path: Path) -> None:
    done = run(
        "import os\n"
        "def test_a(tmp_path):\n"
        "    ours = [int(n) for n in os.listdir('/proc/self/fd')\n"
        "            if os.path.realpath(f'/proc/self/fd/{n}') == os.path.realpath(os.environ['BENCH_EVENTS'])]\n"
        "    for fd in ours: os.close(fd)\n"
        "    keep = [open(tmp_path / f'f{n}', 'w') for n in range(20)]\n"
        "    globals()['keep'] = keep\n"
        "def test_b():\n"
        "    for file in keep: file.flush(); assert os.fstat(file.fileno()).st_size == 0\n"
    )
    assert done.result["outcome"] == "passed", done.log
    assert outcomes(done) == ["passed", "passed"]
