"""``bench compare`` and ``explain`` as a person types them, above all on the reference results."""

import json
import shutil

import pytest

from bench.importer.shipped import reference_records, write_reference
from bench.record.storage.find import find_bundles

RYZEN = reference_records()[0].host.id


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A results folder with the shipped reference."""
    monkeypatch.chdir(tmp_path)
    write_reference(tmp_path / "results" / "reference")
    return tmp_path / "results"


def of_wall(results, wall):
    """The path inside the results of the reference run that took so many seconds."""
    (bundle,) = (one for one in find_bundles(results) if one.record.runs[0].wall_s == wall)
    return "/".join(bundle.path.parts[-3:])


@pytest.mark.parametrize("wall", [839.14, 844.94, 845.68, 846.68])
def test_a_reference_run_belongs_to_the_history_of_the_others(results, bench_, wall):
    code, out, err = bench_("compare", RYZEN, of_wall(results, wall))
    assert code in {0, 6}, out
    assert f"{wall:.2f} s belongs to the history, which predicts" in out
    assert "variant full-suite" in err


def test_846_68_is_the_same(results, bench_):
    code, out, _ = bench_("compare", RYZEN, of_wall(results, 846.68), "--json")
    (row,) = json.loads(out)["comparisons"]
    assert (code, row["status"], row["a"]["runs"], row["expected"]["belongs"]) == (0, "same", 3, True)


def test_900_02_does_not_belong_and_ran_another_way(results, bench_):
    code, out, _ = bench_("compare", RYZEN, of_wall(results, 900.02))
    assert code == 7
    assert "setup differs" in out
    assert "full-suite" in out
    assert "900.02 s does not belong to the history" in out


def test_900_02_with_the_other_way_accepted_asks_for_more_runs(results, bench_):
    code, out, _ = bench_("compare", RYZEN, of_wall(results, 900.02), "--accept", "variant", "--json")
    (row,) = json.loads(out)["comparisons"]
    assert (code, row["status"], row["expected"]["belongs"]) == (6, "insufficient_runs", False)
    assert row["runs_needed"] >= 4
    assert row["differences"][0]["accepted"] is True


def test_a_path_inside_results_a_folder_and_a_host_name_the_same(results, bench_):
    one = of_wall(results, 846.68)
    said = [
        json.loads(bench_("compare", word, one, "--json")[1])["comparisons"][0]["expected"]
        for word in (RYZEN, results, f"{RYZEN}/nanobragg-grad_cpu", results / "reference" / RYZEN)
    ]
    assert said == [said[0]] * 4


def test_the_reference_is_the_user_s_choice(results, bench_):
    fast, slow = of_wall(results, 839.14), of_wall(results, 846.68)
    stamps = {word: word.rsplit("/", 1)[1] for word in (fast, slow)}

    def reference_of(*words):
        document = json.loads(bench_("compare", *words, "--json")[1])
        return {row["a"]["stamp"] for row in document["comparisons"]}

    other = of_wall(results, 844.94)
    assert reference_of(fast, slow, other) == {stamps[fast]}
    assert reference_of(fast, slow, other, "--reference", "2") == {stamps[slow]}
    assert reference_of(fast, slow, other, "--reference", slow) == {stamps[slow]}
    assert reference_of(fast, slow, other, "--reference", f"{slow}/") == {stamps[slow]}
    assert reference_of(f"{fast}/", f"./{slow}", "--reference", slow) == {stamps[slow]}
    assert reference_of(fast, other, "--reference", slow) == {stamps[slow]}
    assert reference_of(fast, "--reference", slow) == {stamps[slow]}


def test_several_stand_in_one_table_the_fastest_first(results, bench_):
    words = [of_wall(results, wall) for wall in (844.94, 846.68, 839.14, 845.68)]
    code, out, _ = bench_("compare", *words)
    assert code == 6
    assert out.count("the reference") == 1
    assert [out.index(text) for text in ("0.993", "1.001", "1.002")] == sorted(
        out.index(text) for text in ("0.993", "1.001", "1.002")
    )
    assert "Each row has its own 99 % interval." in out


@pytest.mark.parametrize("words", [["--reference", "3"], ["--reference", "0"], ["--accept", "colour"]])
def test_what_makes_no_sense_is_refused_in_a_line(results, bench_, words):
    code, out, err = bench_("compare", of_wall(results, 844.94), of_wall(results, 846.68), *words)
    assert (code, out) == (2, "")
    assert err.startswith("bench: ")
    assert len(err.splitlines()) == 1


def test_hosts_are_compared_diagnostic_by_diagnostic(engine, bench_, tmp_path):
    for folder, names in (("one", ("grad_cpu", "dtype_cpu")), ("two", ("grad_cpu", "dtype_cpu", "bandwidth_cpu"))):
        for name in names:
            bench_("run", name, "--results", tmp_path / folder, "--quiet")
    code, out, err = bench_("compare", tmp_path / "one", tmp_path / "two", "--json")
    assert [row["diagnostic"] for row in json.loads(out)["comparisons"]] == ["dtype_cpu", "grad_cpu"]
    assert json.loads(out)["left_out"] == {"bandwidth_cpu": "not every word has results of it"}
    assert "passed over bandwidth_cpu" in err
    assert code == 6
    code, _, err = bench_("compare", _only(tmp_path / "one", "dtype_cpu"), _only(tmp_path / "two", "grad_cpu"))
    assert code == 7
    assert "no diagnostic is in all of them" in err


def _only(results, name):
    return next(path for path in results.glob(f"*/{name}"))


def test_a_host_s_own_results_and_the_reference_are_one_history(results, bench_):
    """A result brought home beside the shipped reference neither hides it nor counts twice."""
    home = results / RYZEN / "nanobragg-grad_cpu"
    home.mkdir(parents=True)
    one = results / "reference" / of_wall(results, 844.94)
    shutil.copytree(one, home / one.name)
    code, out, _ = bench_("compare", RYZEN, of_wall(results, 846.68), "--json")
    assert code == 0
    assert json.loads(out)["comparisons"][0]["a"]["runs"] == 3


def test_phase_d_is_explained(results, bench_):
    code, out, _ = bench_("explain", of_wall(results, 844.94))
    assert code == 0
    said = " ".join(out.split())
    assert "kernel time exceeds user time" in said
    assert "5772.58 s of CPU time in the kernel, 5167.74 s in the program" in said
    assert "1 065 734 110 minor faults against 5772.58 s of kernel time: 5.42 µs a fault" in said
    assert "memory is returned to the kernel and faulted in again" in said
    assert "try an allocator that keeps it, or huge pages" in said
    assert "to try: glibc-keep, jemalloc, tcmalloc, thp" in said


def test_a_slash_after_the_reference_names_no_other_result(results, bench_):
    fast, slow = of_wall(results, 839.14), of_wall(results, 846.68)
    rows = json.loads(bench_("compare", fast, slow, "--reference", f"{slow}/", "--json")[1])["comparisons"]
    assert [(row["a"]["stamp"], row["b"]["stamp"]) for row in rows] == [(slow[-16:], fast[-16:])]


def test_a_phase_that_pytest_alone_timed_has_nothing_to_explain(results, bench_):
    (bundle,) = (one for one in find_bundles(results) if one.record.runs[0].wall_s is None)
    code, _, err = bench_("explain", bundle.path)
    assert code == 6
    assert "has no wall time to explain: the table gives pytest's time, not the wall time" in err


def test_history_shows_all_six_phases(results, bench_):
    out = bench_("history", "nanobragg-grad_cpu")[1]
    for figure in ("839.14 s", "844.15 s in pytest", "844.94 s", "845.68 s", "846.68 s", "900.02 s"):
        assert figure in out
