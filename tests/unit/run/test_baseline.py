"""Which earlier results a new one is held against."""

from dataclasses import replace

import pytest

import bench.run.baseline
from bench.run.baseline import default_baseline, read_results
from bench.run.measure import measure


@pytest.fixture
def results(open_session, stand_in, plan, tmp_path, monkeypatch):
    """Two that passed, one that failed, one under the profiler, one of another profile; none shipped."""
    monkeypatch.setattr(bench.run.baseline, "reference_folder", lambda: tmp_path / "none")
    stand_in.outcomes = ["passed", "passed", "failed"]
    once = replace(plan, repeat=1)
    with open_session() as session:
        for made in (once, once, once, replace(once, profiler=True), replace(once, profile="smoke")):
            measure(made, session)
    return tmp_path / "results"


def test_only_what_passed_undisturbed_and_is_of_the_profile_counts(results):
    found = default_baseline(results, "grad_cpu", "full")
    assert (len(found.records), found.asked) == (2, False)
    assert [record.diagnostic.profile for record in default_baseline(results, "grad_cpu", "smoke").records] == ["smoke"]
    assert default_baseline(results, "dtype_cpu", "full").records == ()


def test_results_are_read_oldest_first_and_damage_is_passed_over(results):
    stamps = [bundle.record.stamp for bundle in read_results(results)]
    assert stamps == sorted(stamps)
    assert len(stamps) == 5
    broken = read_results(results)[0]
    (broken.path / "record.json").write_text("{")
    problems = []
    assert len(read_results(results, passed_over=problems.append)) == 4
    assert len(problems) == 1
    assert str(broken.path) in str(problems[0])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert read_results(tmp_path / "none") == ()
    assert default_baseline(tmp_path / "none", "grad_cpu", "full").records == ()
