"""What ran is a part of what is compared: no change is called where other tests ran, or to another end."""

import msgspec
import numpy as np
import pytest

from bench.compare.advice import advice
from bench.compare.comparison import compare
from bench.compare.likeness.what_ran import NAMED, unlike_tests
from bench.compare.reference import like
from bench.compare.verdict import verdict_of
from bench.errors import ExitCode
from bench.record.codec import decode, encode
from bench.record.schema import Run, Session, Source, Warning_
from bench.record.schema import TestResult as Node
from bench.report.entry import Entry
from bench.report.trend import bands, breaks
from tests.support.records import XEON, record, replace

BOTH = {"t.py::a": "passed", "t.py::b": "passed"}


def nodes(ends):
    """Tests by how they ended; a number beside it is the attempt."""
    pairs = {node: end if isinstance(end, tuple) else (end, 1) for node, end in ends.items()}
    return tuple(Node(node, outcome, call_s=0.1, attempts=tried) for node, (outcome, tried) in pairs.items())


def result(*each, level=100.0, count=6, seed=0, run=None, **changes):
    """A record whose runs had these tests, one after the other; ``run`` has further fields of each run."""
    walls = (level * np.random.default_rng(seed).lognormal(0, 0.003, count)).tolist()
    each = each or (BOTH,)
    runs = tuple(
        Run(at, "passed", wall_s=wall, **{"tests": nodes(each[at % len(each)]), **(run or {})})
        for at, wall in enumerate(walls)
    )
    return record(runs=runs, **changes)


def counted(level=100.0, **changes):
    facts = {"tests_counted": changes.pop("counts")}
    source = changes.pop("source", Source("imported"))
    return result({}, level=level, run={"facts": facts}, source=source, **changes)


WHOLE = result(id="a")


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ({"t.py::a": "passed", "t.py::b": "skipped"}, "tests.t.py::b: passed against skipped"),
        ({"t.py::a": "passed"}, "tests.t.py::b: passed against did not run"),
        ({**BOTH, "t.py::c": "passed"}, "tests.t.py::c: did not run against passed"),
        ({"t.py::a": "passed", "t.py::other": "passed"}, "tests.t.py::other: did not run against passed"),
        ({**BOTH, "t.py::b": "unfinished"}, "tests.t.py::b: passed against unfinished"),
        ({**BOTH, "t.py::b": "xfailed"}, "tests.t.py::b: passed against xfailed"),
        ({**BOTH, "t.py::b": ("passed", 3)}, "tests.t.py::b: passed against passed at attempt 3"),
    ],
)
@pytest.mark.parametrize("level", [50.0, 100.0, 200.0])
def test_other_tests_are_named_and_never_a_change(ends, said, level):
    other = result(ends, level=level, seed=1, id="b")
    for made in (compare(WHOLE, other), compare(other, WHOLE)):
        assert (made.status, made.exit_code) == ("tests_differ", ExitCode.NOT_COMPARABLE)
        assert any("says nothing about the code" in reason for reason in made.reasons)
    assert any(reason.startswith(f"{said}, what ran is not the same") for reason in compare(WHOLE, other).reasons)
    for asked in (True, False):
        verdict = verdict_of(other, [WHOLE], asked=asked)
        assert (verdict.status, verdict.baseline.status) == ("tests_differ", "tests_differ")
        assert any(reason.startswith(said) for reason in verdict.reasons)
    assert like(other, [WHOLE]) == ()
    assert (
        compare(WHOLE, other, accept=("tests",)).status
        == {50: "code_improved", 100: "same", 200: "code_regressed"}[level]
    )


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (
            Node("t.py::a", "skipped", 0.1, 2.0, 0.1),
            Node("t.py::a", "skipped", 0.1, None, 0.1),
            ("skipped in its body", "skipped before its body"),
        ),
        (
            Node("t.py::a", "xfailed", 0.1, None, 0.1),
            Node("t.py::a", "xfailed", 0.1, 2.0, 0.1),
            ("xfailed before its body", "xfailed in its body"),
        ),
        (
            Node("t.py::a", "passed", 0.1, 2.0, 0.1, subtests={"passed": 3}),
            Node("t.py::a", "passed", 0.1, 2.0, 0.1, subtests={"skipped": 1, "passed": 2}),
            ("passed with subtests: 3 passed", "passed with subtests: 2 passed, 1 skipped"),
        ),
        (
            Node("t.py::a", "passed", 0.1, 2.0, 0.1, subtests={"passed": 3}),
            Node("t.py::a", "passed", 0.1, 2.0, 0.1),
            ("passed with subtests: 3 passed", "passed"),
        ),
    ],
)
@pytest.mark.parametrize("level", [50.0, 200.0])
def test_tests_that_ended_alike_and_did_not_do_the_same_are_told_apart(one, two, said, level):
    a, b = result(run={"tests": (one,)}, id="a"), result(run={"tests": (two,)}, level=level, seed=1, id="b")
    assert [found[:3] for found in unlike_tests(a, b)] == [("tests.t.py::a", *said)]
    assert compare(a, b).status == "tests_differ"
    assert list(unlike_tests(b, result(run={"tests": (two,)}, seed=2, id="c"))) == []


def test_the_same_tests_in_another_order_are_the_same():
    turned = result(dict(reversed(BOTH.items())), seed=1, id="b")
    assert list(unlike_tests(WHOLE, turned)) == []
    assert compare(WHOLE, turned).status == "same"
    twice = dict.fromkeys(BOTH, ("passed", 2))
    assert compare(result(twice), result(twice, seed=1, id="b")).status == "same"


def test_deselected_is_said():
    session = Session(collected=1, deselected=1, deselected_nodes=("t.py::b",), not_run=0)
    other = result({"t.py::a": "passed"}, run={"session": session}, id="b")
    assert [one[:3] for one in unlike_tests(WHOLE, other)] == [("tests.t.py::b", "passed", "deselected")]


@pytest.mark.parametrize("other", [WHOLE, result(BOTH, {**BOTH, "t.py::b": "skipped"}, level=90.0, id="b")])
def test_runs_of_one_side_that_did_not_run_alike_are_no_measure(other):
    mixed = result(BOTH, {**BOTH, "t.py::b": "skipped"}, id="m")
    said = compare(other, mixed)
    assert said.status == "tests_differ"
    assert any("passed or skipped" in reason for reason in said.reasons)


def test_few_of_many_tests_are_named_and_the_rest_is_counted():
    many = {f"t.py::x{at}": "passed" for at in range(50)}
    skipped = dict.fromkeys(many, "skipped")
    found = list(unlike_tests(result(many), result({**skipped, "t.py::x0": "passed"}, id="b")))
    assert len(found) == NAMED
    assert [more for *_, more in found] == [
        *["what ran is not the same"] * 4,
        "what ran is not the same, nor is that of 44 more tests",
    ]


@pytest.mark.parametrize(
    "other",
    [
        result({}, id="b"),
        result({**BOTH, "t.py::b": "unknown"}, id="b"),
        result(dict.fromkeys(BOTH, ("passed", None)), id="b"),
        result({"t.py::a": "passed"}, run={"warnings": (Warning_("events_lost", "3 lines"),)}, id="b"),
        result({"t.py::a": "passed"}, run={"session": Session(collected=2, not_run=0)}, id="b"),
        result({"t.py::a": "passed"}, run={"facts": {"tests_counted": {"passed": 2}}}, id="b"),
        result({}, run={"facts": {"tests_counted": {"passed": 2, "warnings": 4}}}, id="b"),
        result({}, run={"facts": {"tests_counted": "2 passed"}}, id="b"),
    ],
)
def test_what_is_not_known_is_no_difference(other):
    assert list(unlike_tests(WHOLE, other)) == list(unlike_tests(other, WHOLE)) == []
    assert compare(WHOLE, other).status == "same"


def test_an_unknown_number_of_attempts_beside_repeated_ones_is_no_difference_but_the_warning_is():
    old = result(dict.fromkeys(BOTH, ("passed", None)), id="old")
    assert list(unlike_tests(old, result({**BOTH, "t.py::b": ("passed", 2)}, id="b"))) == []
    named = result({}, run={"warnings": (Warning_("tests_repeated", "1 test"),)}, id="b")
    assert [one[:3] for one in unlike_tests(WHOLE, named)] == [
        ("tests.repeated", "tried again in 0 of 6 runs", "tried again in 6 of 6 runs")
    ]


@pytest.mark.parametrize(
    ("counts", "differs"),
    [
        ({"passed": 2}, False),
        ({"passed": 2, "warnings": 1, "deselected": 4}, False),
        ({"passed": 1, "skipped": 1}, True),
        ({"passed": 3}, True),
        ({"passed": 2, "rerun": 1}, True),
    ],
)
def test_imported_logs_that_name_no_test_are_told_apart_by_their_counts(counts, differs):
    one, two = counted(counts={"passed": 2}, id="a"), counted(level=80.0, counts=counts, seed=1, id="b")
    assert (compare(one, two).status == "tests_differ") == differs
    named = result(source=Source("imported"), id="n")
    assert (compare(named, two).status == "tests_differ") == differs
    assert compare(one, two).status != "code_improved" or not differs


def test_a_junit_report_has_fewer_words():
    imported = {"source": Source("imported")}
    ran = result({**BOTH, "t.py::b": "xfailed"}, **imported)
    assert list(unlike_tests(ran, result({**BOTH, "t.py::b": "skipped"}, **imported, id="b"))) == []
    assert list(unlike_tests(ran, result(BOTH, **imported, id="b"))) != []


def test_a_result_that_tells_nothing_hides_no_difference_of_those_beside_it():
    old = result(id="1", stamp="20250101T000000Z")
    silent = result({}, id="2", stamp="20250102T000000Z")
    other = result({"t.py::a": "passed"}, level=50.0, id="3", stamp="20250103T000000Z")
    assert compare([old, silent], other).status == "tests_differ"
    assert compare([old, other], silent).status == "tests_differ"
    entries = [Entry(replace(one, id=f"{one.id}{at}")) for at, one in enumerate((old, silent, silent, other, other))]
    assert [bool(broken) for broken in breaks(entries)] == [False, False, False, True, False]
    assert bands(entries)[3] is None


def test_another_machine_goes_first():
    assert compare(WHOLE, result({"t.py::a": "passed"}, host_class=XEON, id="b")).status == "host_differs"
    assert compare(WHOLE, result({"t.py::a": "passed"}, cpus=1.0, id="b")).status == "limit_bound"


def test_a_variant_that_runs_other_tests_is_no_remedy():
    said = compare(WHOLE, result({"t.py::a": "passed"}, level=50.0, variant="thp", id="b"), accept=("variant",))
    assert said.status == "tests_differ"
    assert advice({"thp": said}, []).endswith("; thp: other tests ran")


def test_a_new_word_asks_for_the_version_that_knows_it():
    verdict = verdict_of(result({"t.py::a": "passed"}, id="b"), [WHOLE])
    for made, schema in (
        (WHOLE, "bench.record/1"),
        (replace(WHOLE, verdict=verdict), "bench.record/1.1"),
        (replace(WHOLE, verdict=replace(verdict, status="over_ceiling")), "bench.record/1.1"),
    ):
        written = encode(made)
        assert msgspec.json.decode(written)["schema"] == schema
        assert encode(decode(written), written) == written
