"""``--work``, ``--no-work`` and ``--fail-on work`` from the words to the exit code."""

import json
from pathlib import Path

import msgspec
import pytest

from bench.cli.app import without_auto
from bench.cli.gates import parse_gates
from bench.errors import UsageError
from bench.names import record_id
from bench.record.codec import encode
from bench.record.index.query import rows_of
from bench.record.storage.bundle import write_bundle
from bench.record.storage.find import find_bundles
from bench.record.work import PythonWork, Work
from tests.support.records import record, replace


@pytest.fixture
def put(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(stamp, calls, **changes):
        made = record(stamp=stamp)
        work = None if calls is None else Work(counted=1, python=PythonWork(calls, {"loop": calls}), **changes)
        made = replace(made, runs=(replace(made.runs[0], work=work),), id=record_id(made.host.id, "grad_cpu", stamp))
        return write_bundle(tmp_path / "results", made, {"summary.md": b"x\n"}, secrets=(), taken="refuse")

    return write


def test_more_work_than_is_allowed_ends_with_1_and_says_how_much(put, bench_):
    a, b = put("20251010T000000Z", 1000), put("20251011T000000Z", 1020)
    assert bench_("compare", a, b)[0] == 6  # times: too few runs
    code, out, err = bench_("compare", a, b, "--fail-on", "work:1%")
    assert code == 1
    assert "the work grew by 2.00 %, and 1.00 % is allowed" in err
    assert out.startswith("✕ failed --fail-on work: the work grew by 2.00 %, and 1.00 % is allowed\n")
    assert "2.0 % more Python calls" in out
    code, out, _ = bench_("compare", a, b, "--fail-on", "work:2%")
    assert (code, out.startswith("✓ passed --fail-on work: at most 2.00 % more work\n")) == (6, True)
    assert bench_("compare", b, a, "--fail-on", "work:0%")[0] == 6


def test_a_gate_without_a_count_is_not_passed(put, bench_):
    a, b = put("20251010T000000Z", 1000), put("20251011T000000Z", None)
    code, _, err = bench_("compare", a, b, "--fail-on", "work:1%")
    assert code == 6
    assert "no work that repeats was counted on both sides" in err
    varies = put("20251012T000000Z", 2000, varies=("python.calls",))
    code, _, err = bench_("compare", a, varies, "--fail-on", "work:1%")
    assert (code, "was counted on both sides" in err) == (6, True)
    assert json.loads(bench_("compare", a, b, "--json", "--fail-on", "work:1%")[1])["gate"]["status"] == "not_measured"


@pytest.mark.parametrize("word", ["work", "work:", "work:x%", "work:-1%", "work:nan%", "time:1%", ""])
def test_a_gate_that_is_none_is_refused(word):
    with pytest.raises(UsageError, match="is no gate"):
        parse_gates([word])


def test_a_gate_s_share_is_in_percent():
    assert parse_gates([]) is None
    assert parse_gates(["work:1%"]) == parse_gates(["work:1"]) == 0.01
    assert parse_gates(["work:5%", "work:.5%"]) == 0.005


def test_work_auto_is_the_default_and_takes_no_name():
    assert without_auto(["run", "--work", "auto", "grad_cpu"]) == ["run", "grad_cpu"]
    assert without_auto(["run", "--work", "grad_cpu"]) == ["run", "--work", "grad_cpu"]
    assert without_auto(["run", "--", "--work", "auto"]) == ["run", "--", "--work", "auto"]


@pytest.mark.parametrize(
    ("words", "executed"), [((), 2), (("--work", "auto"), 2), (("--work",), 2), (("--no-work",), 1)], ids=str
)
def test_the_counting_run_is_made_as_asked_for(engine, bench_, monkeypatch, words, executed):
    monkeypatch.delenv("BENCH_WORK")
    code, out, _ = bench_("run", "grad_cpu", "--profile", "smoke", "--json", *words)
    assert code == 0
    assert len(engine.executed) == executed
    found = json.loads(out)["record"]
    assert len(found["runs"]) == 1
    assert found["runs"][0]["work"] is None
    assert ("it was not asked for" in found["unavailable"]["runs[0].work"]) == (executed == 1)


def test_a_gate_and_no_count_do_not_go_together(engine, bench_):
    code, _, err = bench_("run", "grad_cpu", "--no-work", "--fail-on", "work:1%")
    assert (code, engine.executed) == (2, [])
    assert "--no-work" in err


def test_a_gate_counts_and_is_not_passed_without_a_count(engine, bench_, monkeypatch):
    monkeypatch.delenv("BENCH_WORK")
    code, _, err = bench_("run", "grad_cpu", "--profile", "smoke", "--fail-on", "work:1%")
    assert code == 6
    assert "was counted on both sides" in err
    assert len(engine.executed) == 2


def test_the_table_of_a_query(tmp_path):
    found = record()
    work = Work(
        counted=2,
        varies=("python.modules.loop",),
        python=PythonWork(7, {"loop": 4, "other": 3}),
        kernel={"minor_faults": 5, "system_calls": None},
    )
    found = msgspec.structs.replace(found, runs=(replace(found.runs[0], work=work), found.runs[0]))
    for name, one in (("counted", found), ("plain", record())):
        (tmp_path / name / one.stamp).mkdir(parents=True)
        (tmp_path / name / one.stamp / "record.json").write_bytes(encode(one))
    names, rows = rows_of("SELECT part, name, value, repeats FROM work ORDER BY part, name", tmp_path / "counted")
    assert names == ["part", "name", "value", "repeats"]
    assert ("module", "loop", 4, False) in rows
    assert ("module", "other", 3, True) in rows
    assert ("total", "kernel.minor_faults", 5, True) in rows
    assert ("total", "kernel.system_calls", None, None) in rows
    assert rows_of("SELECT count(*) FROM work", tmp_path / "plain")[1] == [(0,)]


@pytest.fixture
def counts(engine, monkeypatch):
    """Let each counting run leave as many Python calls as it is given, in turn."""
    monkeypatch.delenv("BENCH_WORK")
    execute = engine.execute

    def by(*calls):
        left = list(calls)

        def counted(place, task, out, on_event):
            ending = execute(place, task, out, on_event)
            if "BENCH_WORK_OUT" in task.env:
                one = left.pop(0)
                found = {"tests": [], "unavailable": {}, "python": {"calls": one, "modules": {"loop": one}}}
                (out / "work.main.json").write_text(json.dumps(found))
            return ending

        engine.execute = counted

    return by


AB = ("ab", "grad_cpu", "--base", "env.A=1", "--head", "env.A=2", "--max-pairs", "1", "--seed", "1")


def test_an_undecided_experiment_shows_its_work_and_holds_it_to_the_gate(counts, bench_):
    counts(1000, 1000, 1020, 1020)
    code, out, err = bench_(*AB, "--fail-on", "work:1%")
    assert code == 1, err
    assert "the work grew by 2.00 %, and 1.00 % is allowed" in err
    assert "the head does 2.0 % more Python calls, which one run on each side shows" in " ".join(out.split())
    shown = " ".join(out.split())
    assert ("functions of loop 1 000 1 020 +2.00 %" in shown, "work base head change note" in shown) == (True, True)
    sides = [one.path for one in sorted(find_bundles(Path("results")), key=lambda one: one.record.experiment.side)]
    explained = " ".join(bench_("explain", *sides)[1].split())
    assert ("work base head change note" in explained, "equal to the reference" in explained) == (True, False)
    counts(1000, 1000, 1020, 1020)
    assert bench_(*AB)[0] == 6  # one pair decides nothing


def test_the_work_of_an_experiment_is_in_its_document_and_what_did_not_repeat_is_not_judged(counts, bench_):
    counts(1000, 1001, 1020, 1020)
    code, out, err = bench_(*AB, "--json", "--fail-on", "work:1%")
    assert code == 6
    assert "no work that repeats was counted on both sides" in err
    (quantity,) = json.loads(out)["work"]["quantities"]
    assert (quantity["judged"], quantity["why"]) == (False, "did not repeat exactly")
    reasons = ["no work that repeats was counted on both sides"]
    assert json.loads(out)["gate"] == {"what": "work", "allowed": 0.01, "status": "not_measured", "reasons": reasons}


@pytest.mark.parametrize(("head", "status", "code"), [(1020, "failed", 1), (1000, "passed", 6)])
def test_what_a_gate_decides_leads_the_output_and_is_in_the_document(counts, bench_, head, status, code):
    counts(1000, 1000, head, head)
    ended, out, _ = bench_(*AB, "--json", "--fail-on", "work:1%")
    assert (ended, json.loads(out)["gate"]["status"]) == (code, status)
    counts(1000, 1000, head, head)
    assert f"{status} --fail-on work" in bench_(*AB, "--fail-on", "work:1%")[1].splitlines()[0]
    assert "gate" not in json.loads(bench_(*AB, "--json")[1])


def test_a_reproduction_is_held_to_the_gate(counts, bench_, tmp_path):
    counts(1000)
    assert bench_("run", "grad_cpu", "--results", tmp_path / "a", "--quiet")[0] == 0
    (bundle,) = (tmp_path / "a").glob("*/*/*")
    counts(1020)
    code, out, err = bench_("reproduce", bundle, "--results", tmp_path / "b", "--fail-on", "work:1%")
    assert code == 1, err
    assert "the work grew by 2.00 %" in err
    assert "functions of loop 1 000 1 020 +2.00 %" in " ".join(out.split())
    counts(1000)
    assert bench_("reproduce", bundle, "--results", tmp_path / "c", "--fail-on", "work:1%")[0] == 0


def test_variants_have_their_work_side_by_side_if_it_is_asked_for(counts, engine, bench_):
    counts(1000, 1020)
    words = ("whatif", "grad_cpu", "--variants", "glibc,jemalloc", "--repeat", "1")
    out = " ".join(bench_(*words, "--work")[1].split())
    assert "jemalloc: the result does 2.0 % more Python calls" in out
    assert len(engine.executed) == 4
    assert ["BENCH_WORK_OUT" in task.env for task in engine.executed] == [False, False, True, True]
    counts(1000, 1020)
    document = json.loads(bench_(*words, "--work", "--json")[1])
    assert document["variants"][1]["comparison"]["work"]["growth"] == pytest.approx(0.02)
    assert "Python calls" not in bench_(*words)[1]
    assert len(engine.executed) == 10


def test_a_variant_s_work_that_cannot_be_counted_costs_nothing(engine, bench_):
    engine.outcomes = ["passed", "passed", "failed", "failed"]
    code, out, err = bench_("whatif", "grad_cpu", "--variants", "glibc,jemalloc", "--repeat", "1", "--work")
    assert (code, "the work was not counted: the counting run ended as failed" in err) == (0, True), out + err
