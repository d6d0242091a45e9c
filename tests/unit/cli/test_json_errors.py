"""With ``--json`` a command that fails has one JSON document on standard output as well, and its line on standard error."""

import json

import pytest

from bench.errors import NotMeasured


def failed(bench_, *words):
    code, out, err = bench_(*words, "--json")
    document = json.loads(out)
    assert document["exit_code"] == code
    error = document["error"]
    assert set(error) == {"what", "cause", "fix"}
    assert err.splitlines()[-1].startswith(f"bench: {error['what']}")
    return code, error


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "nonesuch"), 2),
        (("run", "grad_cpu", "--nonesuch"), 2),
        (("nonesuch",), 2),
        (("compare", "one"), 2),
        (("verify", "nowhere"), 2),
        (("import", "foreign.tar.gz"), 8),
    ],
)
def test_a_failure_is_told_as_json_too(engine, bench_, tmp_path, words, code):
    (tmp_path / "foreign.tar.gz").write_bytes(b"nothing of ours")
    assert failed(bench_, *words)[0] == code


def test_results_that_cannot_be_compared(engine, bench_, tmp_path):
    for name, results in (("grad_cpu", "a"), ("dtype_cpu", "b")):
        assert bench_("run", name, "--results", results, "--quiet")[0] == 0
    assert failed(bench_, "compare", "a", "b")[0] == 7


def test_what_is_not_known_of_a_failure_is_null(engine, bench_, monkeypatch):
    def refuse(*_):
        raise NotMeasured("no Docker engine answers")

    monkeypatch.setattr("bench.cli.verbs.share.verify.verify", refuse)
    assert failed(bench_, "verify", ".") == (
        6,
        {"what": "no Docker engine answers", "cause": None, "fix": None},
    )


def test_a_run_that_was_not_measured_is_told_by_its_record(engine, bench_):
    code, out, err = bench_("run", "grad_cuda", "--json")
    assert code == 6
    assert json.loads(out)["record"]["outcome"] == "not_measured"
    assert err.splitlines()[-1].startswith("bench: ")


def test_an_interrupt_before_the_first_run(engine, bench_):
    engine.outcomes = [KeyboardInterrupt()]
    code, out, _ = bench_("run", "grad_cpu", "--json")
    assert code == 130
    assert json.loads(out)


def test_a_fault_of_bench_itself(engine, handed, capsys):
    def broken(*_):
        raise ZeroDivisionError

    handed.choose(broken)
    assert handed.main(["run", "grad_cpu", "--json"]) == 6
    assert "ZeroDivisionError" in json.loads(capsys.readouterr().out)["error"]["what"]


def test_without_it_standard_output_stays_empty(engine, bench_):
    assert bench_("run", "nonesuch")[1] == ""
