"""``bench compare`` on results of made-up times, from the words to the exit code."""

import json

import numpy as np
import pytest

from bench.names import record_id
from bench.record.schema import Metric, Run
from bench.record.storage.bundle import write_bundle
from tests.support.records import RYZEN, XEON, record, replace


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write a result of so many seconds, ten runs that scatter by 0.3 %, and give its path."""
    monkeypatch.chdir(tmp_path)

    def write(level, stamp, folder="results", lost=(), **changes):
        scatter = np.random.default_rng(int(stamp[6:8])).lognormal(0, 0.003, 10)
        made = record((level * scatter).tolist(), stamp=stamp, **changes)
        made = replace(made, runs=(*made.runs, *lost))
        made = replace(made, id=record_id(made.host.id, made.diagnostic.name, stamp))
        return write_bundle(tmp_path / folder, made, {"summary.md": b"made up\n"}, secrets=(), taken="refuse")

    return write


@pytest.mark.parametrize("sessions", [3, 8])
def test_a_regression_among_all_results_does_not_acquit_itself(put, bench_, sessions):
    *_, last = [put(100, f"202510{day}T000000Z") for day in range(10, 10 + sessions)]
    new = put(110, "20251020T000000Z")
    code, out, _ = bench_("compare", last, new)
    assert code == 1, out
    assert "code regressed" in out
    assert bench_("compare", last, new, "--results", "elsewhere")[0] == 1


def test_the_change_of_a_project_s_earlier_commits_is_no_noise(put, bench_):
    def commit(level, day):
        sha256 = f"{day}" * 32
        source = replace(record().diagnostic.source, kind="project", commit=sha256[:40], sha256=sha256)
        return put(level, f"202510{day}T000000Z", source=source)

    *_, last, new = [commit(level, day) for day, level in enumerate([100, 100, 80, 80, 90], 10)]
    code, out, _ = bench_("compare", last, new, "--json")
    (row,) = json.loads(out)["comparisons"]
    assert (code, row["status"], row["aa_noise"]) == (1, "code_regressed", None)


def test_runs_that_timed_out_are_no_same(put, bench_):
    lost = tuple(Run(index, "timed_out", wall_s=800.0) for index in range(10, 20))
    code, out, _ = bench_("compare", put(100, "20251010T000000Z"), put(100, "20251011T000000Z", lost=lost))
    assert code == 6
    assert "10 of the result's 20 runs did not pass: 10 timed out" in out


def test_folders_of_the_same_two_hosts_are_compared_host_by_host(put, bench_):
    for folder, day, slower in (("one", 10, 1.0), ("two", 12, 1.1)):
        put(100, f"202510{day}T000000Z", folder, host_class=RYZEN)
        put(300 * slower, f"202510{day + 1}T000000Z", folder, host_class=XEON)
    code, out, err = bench_("compare", "one", "two", "--json")
    rows = [(row["a"]["host"], row["b"]["host"], row["status"]) for row in json.loads(out)["comparisons"]]
    ryzen, xeon = (record(host_class=host).host.id for host in (RYZEN, XEON))
    assert rows == [(ryzen, ryzen, "same"), (xeon, xeon, "code_regressed")]
    assert (code, err) == (1, "")


def with_rate(rate):
    made = record([1.0] * 10)
    return tuple(replace(run, metrics={"rate": Metric(rate, "GB/s", "higher")}) for run in made.runs)


def test_a_test_s_own_number_that_halves_is_shown_everywhere_and_decides_where_it_is_named(put, bench_, tmp_path):
    one = put(100, "20251010T000000Z", runs=with_rate(100.0))
    two = put(100, "20251011T000000Z", runs=with_rate(50.0))
    code, out, _ = bench_("compare", one, two)
    assert code == 0
    assert "rate got worse: 100 GB/s to 50 GB/s" in out
    code, out, _ = bench_("compare", one, two, "--json")
    (row,) = json.loads(out)["comparisons"]
    (rate,) = (figure for figure in row["figures"] if figure["name"] == "rate")
    assert (code, rate["word"], rate["better"], rate["ratio"]) == (0, "worse", "higher", pytest.approx(0.5))
    code, out, _ = bench_("compare", one, two, "--metric", "rate")
    assert code == 1
    assert "rate -50.0 %" in out
    code, _, err = bench_("compare", one, two, "--metric", "rte")
    assert (code, "no figure 'rte'" in err) == (2, True)
    page, comment = tmp_path / "page.html", tmp_path / "comment.md"
    assert bench_("report", two, "--baseline", one, "--html", page, "--markdown", comment)[0] == 0
    assert "50 GB/s" in page.read_text()
    assert "rate 100 GB/s to 50 GB/s, -50.0 % (-50.0 % to -50.0 %): worse" in comment.read_text()
    assert "rate 50 GB/s" in bench_("report", two)[1]
