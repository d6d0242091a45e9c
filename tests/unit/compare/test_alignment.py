import pytest

from bench.compare.alignment import align
from tests.support.records import XEON, record, replace


def ids(aligned):
    return [[one.id for one in group] for group in aligned.groups]


def test_a_history_is_of_one_kind_and_the_rest_is_named():
    history = [record(id="a"), record(id="s", profile="smoke"), record(id="j", variant="jemalloc")]
    (aligned,) = align([history, [record(id="b")]])
    assert ids(aligned) == [["a"], ["b"]]
    assert aligned.left_out == {
        "s": "it is of another kind, profile smoke",
        "j": "it is of another kind, profile full, variant jemalloc",
    }


def test_each_kind_that_all_have_is_a_comparison_of_its_own_the_usual_first():
    def host(name):
        return [record(id=f"{name}-s", profile="smoke"), record(id=name), record(id=f"{name}-j", variant="jemalloc")]

    made = align([host("a"), host("b")])
    assert [ids(one) for one in made] == [[["a"], ["b"]], [["a-j"], ["b-j"]], [["a-s"], ["b-s"]]]
    assert [one.left_out for one in made] == [{}, {}, {}]


def test_each_host_that_all_have_is_a_comparison_of_its_own():
    def folder(name):
        return [record(id=f"{name}-x", host_class=XEON), record(id=name), record(id=f"{name}-s", profile="smoke")]

    made = align([folder("a"), folder("b")])
    assert [ids(one) for one in made] == [[["a"], ["b"]], [["a-s"], ["b-s"]], [["a-x"], ["b-x"]]]
    assert [one.left_out for one in made] == [{}, {}, {}]


def test_a_host_that_not_all_have_is_passed_over_where_another_is_in_all():
    xeon = record(id="x", host_class=XEON)
    (aligned,) = align([[record(id="a"), xeon], [record(id="b")]])
    assert ids(aligned) == [["a"], ["b"]]
    assert aligned.left_out == {"x": f"it ran on another host, {xeon.host.id}"}


def test_a_host_without_a_kind_in_common_is_passed_over_where_another_has_one():
    first = [record(id="a"), record(id="x", host_class=XEON, profile="smoke")]
    (aligned,) = align([first, [record(id="b"), record(id="y", host_class=XEON)]])
    assert ids(aligned) == [["a"], ["b"]]
    assert aligned.left_out == {"x": "it is of another kind, profile smoke", "y": "it is of another kind, profile full"}


def test_without_a_host_in_common_hosts_are_held_against_one_another():
    first = [record(id="a"), record(id="c", host_class=replace(XEON, cores=2))]
    (aligned,) = align([first, [record(id="b", host_class=XEON)]])
    assert ids(aligned) == [["a", "c"], ["b"]]


def test_older_evidence_knows_no_profile_and_is_full():
    (aligned,) = align([[record(id="a", profile=None)], [record(id="b", profile="full")]])
    assert ids(aligned) == [["a"], ["b"]]


@pytest.mark.parametrize(("changes", "kept"), [({}, ["a"]), ({"variant": "tcmalloc"}, ["t2"])])
def test_without_a_kind_in_common_each_gives_its_usual_one(changes, kept):
    first = [
        record(id="a", **changes),
        record(id="t1", profile="smoke", variant="x", stamp="20200101T000000Z"),
        record(id="t2", variant="y", stamp="20270101T000000Z"),
    ]
    (aligned,) = align([first, [record(id="b", variant="full-suite")]])
    assert ids(aligned) == [kept, ["b"]]


def test_a_result_that_is_named_by_itself_is_not_in_the_history_it_is_held_against():
    host = [record(id=name, stamp=f"2026010{n}T000000Z") for n, name in enumerate("abc", 1)]
    (aligned,) = align([host, [host[1]]])
    assert ids(aligned) == [["a", "c"], ["b"]]
    (reverse,) = align([[host[1]], host, [host[2]]])
    assert ids(reverse) == [["b"], ["a"], ["c"]]


def test_a_result_against_itself_stays():
    one = record(id="a")
    assert [ids(aligned) for aligned in align([[one], [one]])] == [[["a"], ["a"]]]


def test_what_was_not_measured_or_profiled_is_passed_over_where_there_is_something_else():
    none = record([None], id="n")
    profiled = record(id="p", profiler=True)
    (aligned,) = align([[record(id="a"), none, profiled], [record(id="b")]])
    assert ids(aligned) == [["a"], ["b"]]
    assert aligned.left_out == {
        "n": "it has no run that passed with a wall time",
        "p": "it ran under the profiler",
    }
    (alone,) = align([[profiled], [record(id="b")]])
    assert ids(alone) == [["p"], ["b"]]
