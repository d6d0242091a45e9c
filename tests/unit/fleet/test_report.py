"""What a fleet found, through the verb: who is named how, against whom, and with which exit code."""

import json

import msgspec
import pytest

from bench.cli import main
from bench.fleet.legs import LegEnd
from bench.record.host_id import host_id
from bench.record.schema import Host, Run
from bench.record.storage.bundle import write_bundle
from bench.record.work import PythonWork, TorchWork, Work
from tests.support.records import KEPT, RYZEN, XEON, changed

VERB = "bench.cli.verbs.measure.fleet.run_on_engines"
WORK = Work(counted=2, torch=TorchWork({"aten::mm": 150}, 1, 8, 10**6, "d"), python=PythonWork(500, {}))


def measured(walls, host_class=RYZEN, outcome="passed", work=WORK, **changes):
    runs = tuple(Run(index=at, outcome=outcome, wall_s=wall) for at, wall in enumerate(walls))
    runs = tuple(msgspec.structs.replace(run, work=work) for run in runs)
    host = Host(host_id(host_class), host_class)
    return changed(KEPT, runs=runs, outcome=outcome, host=host, **changes)


def unmeasured(name, why):
    empty = changed(KEPT, outcome="not_measured", name=name)
    verdict = msgspec.structs.replace(empty.verdict, status="not_measured", reasons=(why,))
    return msgspec.structs.replace(empty, verdict=verdict)


@pytest.fixture
def fleet(monkeypatch, tmp_path, capsys):
    """Run the verb: each leg leaves the record that stands for its host, diagnostic and variant, or ends with a code."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    results = tmp_path / "results"

    def run(found, *words):
        ran = []

        def legs(lanes, _):
            for leg in (leg for lane in reversed(lanes) for leg in lane):  # in another order than they are named
                ran.append((leg.host, leg.cell.key))
                what = found[leg.host, leg.cell.key]
                code, record = what if isinstance(what, tuple) else (0, what)
                stamp = f"20260102T0304{len(ran):02}Z"
                if record is not None:
                    record = changed(record, name=leg.cell.label, variant=leg.cell.variant, stamp=stamp)
                    record = changed(record, id=f"{record.host.id}/{leg.cell.label}/{stamp}")
                path = write_bundle(results, record, {}) if record is not None else None
                yield LegEnd(leg.host, leg.cell, code, path, "its last line", leg.host)

        monkeypatch.setattr(VERB, legs)
        code = main(["fleet", *words, "--results", str(results)])
        said = capsys.readouterr()
        run.ran = ran
        return code, said.out, said.err

    return run


HOSTS = ("--host", "ssh://a", "--host", "ssh://b", "--host", "ssh://c")
THREE = {
    ("ssh://a", "grad_cpu"): (6, unmeasured("grad_cpu", "no Docker engine answers at ssh://a: no route to host")),
    ("ssh://b", "grad_cpu"): measured([10.0, 10.1, 10.2]),
    ("ssh://c", "grad_cpu"): measured([20.0, 20.1, 20.2], XEON),
}


def test_rows_are_named_by_address_and_host_and_the_first_measured_one_is_the_reference(fleet):
    code, out, _ = fleet(THREE, "grad_cpu", *HOSTS, "--json")
    document = json.loads(out)
    assert code == 6
    assert [(leg["host"], leg["host_id"]) for leg in document["legs"]] == [
        ("ssh://a", None),
        ("ssh://b", host_id(RYZEN)),
        ("ssh://c", host_id(XEON)),
    ]
    lost = document["legs"][0]
    assert (lost["outcome"], lost["exit_code"]) == ("not_measured", 6)
    assert lost["reasons"] == ["no Docker engine answers at ssh://a: no route to host"]
    (row,) = document["ranking"]["rows"]
    assert (row["a"]["host"], row["b"]["host"]) == (host_id(RYZEN), host_id(XEON))


def test_the_table_has_each_host_its_reason_and_what_differs(fleet):
    code, out, err = fleet(THREE, "grad_cpu", *HOSTS)
    text = " ".join(out.split())
    assert code == 6
    for said in (
        "ssh://a no Docker engine answers at ssh://a",
        f"ssh://b {host_id(RYZEN)}",
        "hosts differ in ssh://b ssh://c",
    ):
        assert said in text
    assert "Ryzen" in text.partition("hosts differ in")[2]
    assert "grad_cpu: work" in text
    assert "Python calls" in text
    assert err.splitlines()[-1].startswith("next: bench report ")


def test_the_gravest_code_is_the_fleet_s(fleet):
    over = {**THREE, ("ssh://c", "grad_cpu"): (1, measured([20.0], XEON))}
    assert fleet(over, "grad_cpu", *HOSTS, "--quiet")[0] == 1
    stopped = {**over, ("ssh://a", "grad_cpu"): (130, None)}
    assert fleet(stopped, "grad_cpu", *HOSTS, "--quiet")[0] == 130


def test_a_leg_without_a_bundle_has_its_last_line(fleet):
    _, out, _ = fleet({("ssh://a", "grad_cpu"): (6, None)}, "grad_cpu", "--host", "ssh://a", "--json")
    (leg,) = json.loads(out)["legs"]
    assert (leg["outcome"], leg["reasons"], leg["path"]) == ("not_measured", ["its last line"], None)


def test_a_self_test_shows_which_reading_failed_where(fleet):
    off = measured([1.0], RYZEN, "failed")
    said = ("1 of 2 readings hold", "user_system: 1 s read, 2 s true")
    off = msgspec.structs.replace(off, verdict=msgspec.structs.replace(off.verdict, reasons=said))
    found = {("ssh://a", "selftest"): measured([1.0], XEON), ("ssh://b", "selftest"): (3, off)}
    code, out, _ = fleet(found, "selftest", *HOSTS[:4])
    text = " ".join(out.split())
    assert code == 3
    assert "ssh://b " + host_id(RYZEN) + " 1 of 2 readings hold user_system: 1 s read, 2 s true" in text
    assert text.count("readings hold") == 1
    assert "ratio" not in text  # loads of known cost are not ranked
    code, out, _ = fleet(found, "selftest", *HOSTS[:4], "--json")
    assert [leg["reasons"] for leg in json.loads(out)["legs"]] == [[], [*said]]


def test_a_matrix_ends_in_one_report(fleet, tmp_path):
    names = ("grad_cpu", "dtype_cpu")
    cells = [f"{name} [{variant}]" for name in names for variant in ("glibc", "thp")]
    hosts = {"ssh://a": RYZEN, "ssh://b": XEON}
    found = {(host, cell): measured([10.0, 10.1, 10.2], of) for host, of in hosts.items() for cell in cells}
    page = tmp_path / "fleet.html"
    words = ("grad_cpu", "--repeat", "3", "dtype_cpu", "--variants", "glibc,thp", "--html", str(page), *HOSTS[:4])
    code, out, _ = fleet(found, *words, "--json")
    document = json.loads(out)
    assert code == 0
    assert [(leg["host"], leg["name"], leg["variant"]) for leg in document["legs"]] == [
        (host, name, variant) for host in hosts for name in names for variant in ("glibc", "thp")
    ]
    assert [one["of"] for one in document["rankings"]] == [
        "dtype_cpu",
        "dtype_cpu on ssh://b",
        "grad_cpu",
        "grad_cpu on ssh://b",
    ]
    whole, there = (one["ranking"]["rows"] for one in document["rankings"][2:])
    assert [len(whole), len(there)] == [3, 1]
    assert (there[0]["a"]["variant"], there[0]["b"]["variant"]) == ("glibc", "thp")
    assert all(row["work"]["kind"] == "same" for row in whole)
    assert "<html" in page.read_text()
    code, out, _ = fleet(found, *words)
    assert "ssh://b thp" in " ".join(out.split())


def test_resume_runs_only_what_was_not_measured(fleet):
    assert fleet(THREE, "grad_cpu", *HOSTS)[0] == 6
    again = {**THREE, ("ssh://a", "grad_cpu"): measured([11.0])}
    code, out, _ = fleet(again, "grad_cpu", *HOSTS, "--resume", "--json")
    assert (code, fleet.ran) == (0, [("ssh://a", "grad_cpu")])
    assert [leg["outcome"] for leg in json.loads(out)["legs"]] == ["passed"] * 3
    assert fleet(again, "grad_cpu", *HOSTS, "--resume")[0] == 0
    assert fleet.ran == []
    assert fleet({}, "dtype_cpu", *HOSTS, "--resume")[0] == 2


def test_of_many_results_equal_values_are_put_together(fleet):
    hosts = [f"ssh://h{at}" for at in range(6)]
    found = {(host, "grad_cpu"): measured([10.0, 10.1], XEON if at else RYZEN) for at, host in enumerate(hosts)}
    words = [word for host in hosts for word in ("--host", host)]
    text = " ".join(fleet(found, "grad_cpu", *words)[1].split())
    assert (
        f"host id {host_id(RYZEN)} ssh://h0 {host_id(XEON)} ssh://h1, ssh://h2, ssh://h3, ssh://h4 and 1 more" in text
    )
    assert "all 6" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grad_cpu", "--no-such"), "no option --no-such"),
        (("grad_cpu", "--repeat"), "--repeat needs a value"),
        (("grad_cpu", "nothing_cpu"), "nothing_cpu"),
        (("grad_cpu", "grad_cpu"), "named twice"),
        (("grad_cpu", "--variants", "nothing"), "nothing"),
        (("grad_cpu", "--variants", "thp,thp"), "named twice"),
        (("grad_cpu", "--variants", "thp", "--variant", "glibc"), "--variant is set by the fleet"),
        (("grad_cpu", "--engine", "local"), "--engine is set by the fleet"),
        ((), "nothing to run was named"),
        (("grad_cpu", "--html", "/"), "--html"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(fleet, words, said):
    code, _, err = fleet({}, *words, *HOSTS)
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert fleet.ran == []


def test_a_test_of_a_project_and_its_options_in_any_order(fleet, tmp_path):
    words = ("--profile=smoke", "--node", "test_x.py::test_y", "--project", str(tmp_path), *HOSTS[:2])
    code, _, err = fleet({("ssh://a", "test_x.py::test_y"): (6, None)}, *words)
    assert (code, fleet.ran) == (6, [("ssh://a", "test_x.py::test_y")]), err
