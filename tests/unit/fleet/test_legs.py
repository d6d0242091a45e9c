import json

import pytest

from bench.errors import UsageError
from bench.fleet.cells import Cell, matrix, refuse_own
from bench.fleet.child import parse_bundle
from bench.fleet.legs import LegEnd, hosts_of, plan_legs

GRAD = Cell("grad_cpu", "grad_cpu")


def test_each_host_gets_each_cell(tmp_path):
    cells = matrix([GRAD, Cell("dtype_cpu", "dtype_cpu")], ["glibc", "thp"])
    lanes = plan_legs(cells, hosts_of(["ssh://a", "tcp://b:2376"]), ["--profile", "smoke"], tmp_path)
    assert [leg.cell.key for leg in lanes[1]] == [
        "grad_cpu [glibc]",
        "grad_cpu [thp]",
        "dtype_cpu [glibc]",
        "dtype_cpu [thp]",
    ]
    first = lanes[0][0]
    assert first.words[:5] == ("run", "grad_cpu", "--json", "--variant", "glibc")
    assert first.words[-4:] == ("--profile", "smoke", "--host", "ssh://a")
    assert {leg.words[-1] for leg in lanes[1]} == {"tcp://b:2376"}


def test_a_command_stands_behind_everything_else(tmp_path):
    (((leg),),) = plan_legs([Cell("sleep 1", command=("sleep", "1"))], ["ssh://a"], ["--repeat", "3"], tmp_path)
    assert leg.words[:2] == ("run", "--json")
    assert leg.words[-5:] == ("--host", "ssh://a", "--", "sleep", "1")


def test_a_password_is_in_no_name(tmp_path):
    (((leg),),) = plan_legs([GRAD], hosts_of(["ssh://me:secret@a"]), [], tmp_path)
    assert "secret" not in leg.host
    assert leg.words[-1] == "ssh://me:secret@a"


@pytest.mark.parametrize("hosts", [[], ["ssh://a", "ssh://a"], ["nowhere"]])
def test_what_makes_no_fleet_is_refused(hosts):
    with pytest.raises(UsageError):
        hosts_of(hosts)


@pytest.mark.parametrize("option", ["--results=x", "--json", "--host", "--engine", "--variant"])
def test_what_the_fleet_sets_itself_is_refused(option):
    with pytest.raises(UsageError, match=option.partition("=")[0]):
        refuse_own(["--profile", "smoke", option], ["--engine", "--variant"])


@pytest.mark.parametrize(("cells", "variants"), [([GRAD, GRAD], []), ([GRAD], ["thp", "thp"])])
def test_nothing_is_named_twice(cells, variants):
    with pytest.raises(UsageError, match="named twice"):
        matrix(cells, variants)


@pytest.mark.parametrize("output", [b"", b"{", b"[]", b'{"path": 3}', b"\xff"])
def test_output_that_names_no_bundle(output):
    assert parse_bundle(output) is None
    assert str(parse_bundle(json.dumps({"path": "/a"}).encode())) == "/a"


@pytest.mark.parametrize(("code", "measured"), [(0, True), (1, True), (3, True), (4, True), (6, False), (130, False)])
def test_what_need_not_be_run_again(tmp_path, code, measured):
    assert LegEnd("a", GRAD, code, tmp_path, "").measured is measured
    assert not LegEnd("a", GRAD, code, None, "").measured
