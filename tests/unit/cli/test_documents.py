"""What ``--json`` holds, for each verb that has something to say."""

import json
import math

import pytest

from bench.fleet.legs import LegEnd
from bench.record.storage.find import find_bundles


@pytest.fixture
def result(engine, bench_):
    assert bench_("run", "grad_cpu", "--quiet")[0] == 0
    return str(find_bundles("results")[0].path)


def asked(bench_, *words):
    code, out, _ = bench_(*words, "--json")
    assert code in {0, 6}
    return json.loads(out)


def test_export(result, bench_):
    assert asked(bench_, "export", result, "-o", "x.tar.gz") == {"archive": "x.tar.gz", "bundles": [result]}


def test_schema(bench_):
    assert asked(bench_, "schema") == json.loads(bench_("schema")[1])
    code, _, err = bench_("schema", "--json", "--markdown")
    assert (code, len(err.splitlines())) == (2, 1)


def test_an_explanation_has_null_where_a_term_is_unknown(result, bench_):
    budget = asked(bench_, "explain", result)["budget"]
    assert budget["unknown"]
    terms = {term["name"]: term["seconds"] for term in budget["terms"]}
    assert {name for name, value in terms.items() if value is None} == set(budget["unknown"])
    assert math.isclose(math.fsum(value for value in terms.values() if value is not None), budget["wall_s"])


def test_so_has_a_difference(result, engine, bench_):
    engine.walls = [12.0]
    assert bench_("run", "grad_cpu", "--quiet")[0] == 0
    document = asked(bench_, "explain", *(bundle.path for bundle in find_bundles("results")))
    unknown = {*document["a"]["budget"]["unknown"], *document["b"]["budget"]["unknown"]}
    assert unknown
    for terms in (document["terms"], document["a"]["budget"]["terms"], document["b"]["budget"]["terms"]):
        assert {term["name"] for term in terms if term["seconds"] is None} == unknown
    assert math.isclose(math.fsum(term["seconds"] or 0.0 for term in document["terms"]), document["delta_s"])


def test_a_reproduction_holds_its_record_and_is_announced_past_quiet(result, bench_):
    code, out, err = bench_("reproduce", result, "--json", "--quiet")
    document = json.loads(out)
    assert code == 0
    assert document["record"]["reproduces"] is not None
    assert document["record"]["stamp"] in document["path"]
    assert err.splitlines()[0].startswith("reproducing ")
    assert "test_grad.py::test_gradient_stability" in err


def test_a_fleet_runs_a_project_s_test(bench_, engine, monkeypatch, tmp_path):
    (tmp_path / "bench.toml").write_text('[diagnostic.ok]\nnode = "test_x.py::test_y"\n')
    seen = []

    def legs(planned, _):
        seen.extend(leg for lane in planned for leg in lane)
        return iter([LegEnd(leg.host, leg.cell, 6, None, "no engine", leg.host) for leg in seen])

    monkeypatch.setattr("bench.cli.verbs.measure.fleet.run_on_engines", legs)
    assert bench_("fleet", "ok_cpu", "--host", "ssh://a", "--project", tmp_path, "--profile", "smoke")[0] == 6
    (leg,) = seen
    at = leg.words.index("--project")
    assert leg.words[at + 1] == str(tmp_path)
    assert ("ok_cpu" in leg.words, "smoke" in leg.words) == (True, True)
