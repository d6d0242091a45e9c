"""Verbs over all results say which of them they could not read, and go on; a result that is named has to be readable."""

import json

import pytest

from bench.record.storage.find import find_bundles


@pytest.fixture
def results(measured):
    measured(*[[10.0]] * 4)
    damaged, newer, *_ = (bundle.path for bundle in find_bundles("results"))
    (damaged / "record.json").write_text("{")
    document = json.loads((newer / "record.json").read_text())
    (newer / "record.json").write_text(json.dumps(document | {"schema": "bench.record/2"}))
    return damaged, newer


@pytest.mark.parametrize(
    "words", [["list"], ["query", "select id from results"], ["history", "grad_cpu"]], ids=lambda w: w[0]
)
def test_a_bundle_that_cannot_be_read_is_named(results, bench_, words):
    damaged, newer = results
    code, out, err = bench_(*words, "--json")
    assert code == 0
    assert [line.partition(" is not JSON")[0].partition(" has the newer")[0] for line in err.splitlines()] == [
        f"passed over: {path / 'record.json'}" for path in (damaged, newer)
    ]
    assert len(json.loads(out)) > 0
    assert bench_(*words, "--quiet")[2] == ""


def test_of_two_results_that_are_compared_the_history_may_have_faults(results, bench_):
    good = [path for path in sorted(results[0].parent.iterdir()) if path not in results]
    code, _, err = bench_("compare", *good)
    assert code in {0, 6}
    assert len([line for line in err.splitlines() if line.startswith("passed over: ")]) == 2


@pytest.mark.parametrize("verb", ["explain", "verify", "report"])
def test_one_that_is_named_is_damaged_data(results, bench_, verb):
    assert bench_(verb, results[0])[0] == 8
