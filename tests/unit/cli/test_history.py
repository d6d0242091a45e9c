"""``bench history``: the changes of level, the gate and the documents, to the exit code."""

import json

import msgspec
import pytest

from bench.record.schema import Metric, Source
from bench.record.storage.bundle import write_bundle
from tests.support.entries import stamps, synthetic_record
from tests.support.records import changed

WAVES = [1.0, 1.004, 0.997, 1.002, 0.999, 1.003]


SLOWER = [1.0] * 12 + [1.1] * 6


def write(folder, record):
    write_bundle(folder, record, {"summary.md": b"made up\n"}, secrets=())


def keep(folder, scales):
    """Writes one result for each factor of the time, of a commit each; returns the folder."""
    for at, (stamp, scale) in enumerate(zip(stamps(len(scales)), scales, strict=True)):
        record = synthetic_record("dtype_cpu", stamp=stamp, runs=1, noise=0.0, scale=scale * WAVES[at % len(WAVES)])
        write(folder, changed(record, source=Source("project", f"{at:02d}" * 20, False)))
    return folder


@pytest.fixture(scope="module")
def slower(tmp_path_factory):
    return keep(tmp_path_factory.mktemp("slower"), SLOWER)


def test_a_slower_level_is_named_and_fails_the_gate(slower, bench_):
    code, out, err = bench_("history", "dtype_cpu", "--results", slower)
    assert (code, err.startswith("next: bench compare ")) == (0, True)
    assert "worse, +" in out
    code, _, err = bench_("history", "dtype_cpu", "--results", slower, "--gate")
    assert code == 1
    assert "wall worse since 2026-10-10 06:00 UTC, +" in err
    assert "1111111111 to 1212121212" in err


def test_a_misspelt_name_is_offered_those_of_the_results(bench_, tmp_path):
    made = synthetic_record("dtype_cpu", stamp=stamps(1)[0], runs=1)
    named = msgspec.structs.replace(made.diagnostic, name="slow_cpu")
    write(tmp_path, msgspec.structs.replace(made, diagnostic=named, id=made.id.replace("dtype_cpu", "slow_cpu")))
    code, _, err = bench_("history", "slow_cp", "--results", tmp_path)
    assert (code, "did you mean 'slow_cpu'?" in err) == (2, True), err
    code, _, err = bench_("history", "grad_cpu", "--results", tmp_path)
    assert (code, "no result of grad_cpu lies in" in err) == (0, True), err


@pytest.mark.parametrize(("scales", "code"), [([1.0] * 18, 0), ([1.0] * 12 + [0.9] * 6, 0), ([1.0] * 9, 6), ([], 6)])
def test_the_gate_ends_with_what_it_knows(bench_, tmp_path, scales, code):
    assert bench_("history", "dtype_cpu", "--results", keep(tmp_path / "r", scales), "--gate")[0] == code


def test_too_few_results_are_said(bench_, tmp_path):
    err = bench_("history", "dtype_cpu", "--results", keep(tmp_path / "r", [1.0] * 4), "--gate")[2]
    assert "4 results of like kind; 10 are the fewest that can show a change" in err


def test_one_document_has_series_and_changes(slower, bench_):
    code, out, _ = bench_("history", "dtype_cpu", "--results", slower, "--gate", "--json")
    document = json.loads(out)
    assert (code, document["gate"], document["results"]) == (1, 1, 18)
    (change,) = document["changes"]
    assert (change["before"]["commit"], change["after"]["commit"]) == ("11" * 20, "12" * 20)
    assert change["ratio_low"] < 1.1 < change["ratio_high"]
    assert change["p_value"] <= 0.01
    assert [level["results"] for level in document["series"][0]["levels"]] == [12, 6]
    plain = json.loads(bench_("history", "dtype_cpu", "--results", slower, "--changes", "--json")[1])
    assert "gate" not in plain
    assert plain["changes"] == document["changes"]
    assert len(json.loads(bench_("history", "dtype_cpu", "--results", slower, "--json")[1])) == 18


def test_only_the_changes(bench_, tmp_path):
    out = bench_("history", "dtype_cpu", "--results", keep(tmp_path / "r", [1.0] * 12), "--changes")[1]
    assert "no change of level in 1 series of 12 results" in out
    assert "verdict" not in out


def test_another_figure_can_be_asked_for(slower, bench_):
    code, _, err = bench_("history", "dtype_cpu", "--results", slower, "--gate", "--metric", "call")
    assert code == 1
    assert "call worse since" in err
    code, _, err = bench_("history", "dtype_cpu", "--results", slower, "--metric", "speed")
    assert code == 2
    assert "these results have no figure 'speed'" in err
    assert "name one of: call, wall, cpu" in err


def test_a_figure_without_direction_is_no_gate(bench_, tmp_path):
    for stamp in stamps(10):
        record = synthetic_record("dtype_cpu", stamp=stamp, runs=1)
        run = msgspec.structs.replace(record.runs[0], metrics={"rows": Metric(3.0, "1", "none")})
        write(tmp_path / "results", msgspec.structs.replace(record, runs=(run,)))
    words = ("history", "dtype_cpu", "--results", tmp_path / "results", "--metric", "rows")
    assert bench_(*words)[0] == 0
    code, _, err = bench_(*words, "--gate")
    assert code == 2
    assert "nobody told whether more or less of 'rows' is better" in err
