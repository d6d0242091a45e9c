"""Where a fleet runs: what ``--on`` takes and refuses, without Dask."""

import sys

import pytest

from bench.cli import main
from bench.errors import UsageError
from bench.fleet.cluster import check_on
from bench.fleet.extra import library
from bench.fleet.nodes import MAX_NODES, Nodes, nodes_of
from bench.fleet.slurm import _environment, _settings


@pytest.mark.parametrize(
    "on",
    ["local", "slurm", "dask://host:8786", "dask://192.0.2.1:1/", "dask://[2001:db8::1]:8786", "dask://a.b-c:65535"],
)
def test_a_place(on):
    check_on(on)


@pytest.mark.parametrize(
    "on", ["", "dask", "dask://", "dask://host", "dask://host:99999", "dask://-x:1", "dask://a b:1", "tcp://a:1", "k8s"]
)
def test_no_place(on):
    with pytest.raises(UsageError, match="give dask://HOST:PORT, slurm or local"):
        check_on(on)


@pytest.mark.parametrize(
    ("asked", "nodes"),
    [
        (None, Nodes()),
        ("3", Nodes(3)),
        ("n1,n2", Nodes(2, ("n1", "n2"))),
        ("node-a.cluster", Nodes(1, ("node-a.cluster",))),
    ],
)
def test_nodes(asked, nodes):
    assert nodes_of("slurm", asked, (), None) == nodes


@pytest.mark.parametrize("asked", ["0", str(MAX_NODES + 1), "", "a,,b", "a,a", "n[1-2]", "a b", "-x"])
def test_no_nodes(asked):
    with pytest.raises(UsageError, match="--nodes"):
        nodes_of("slurm", asked, (), None)


@pytest.mark.parametrize(("asked", "sbatch"), [("2", ()), (None, ("--partition=x",))])
@pytest.mark.parametrize("on", ["local", "dask://a:1", None])
def test_nodes_are_slurm_s(on, asked, sbatch):
    with pytest.raises(UsageError, match="goes with --on slurm"):
        nodes_of(on, asked, sbatch, None)


@pytest.mark.parametrize("word", ["x", "--a\n#SBATCH --b", ""])
def test_an_option_of_sbatch_is_one_line(word):
    with pytest.raises(UsageError, match="no option of sbatch"):
        nodes_of("slurm", None, (word,), None)


def test_a_job_is_a_whole_node():
    made = _settings(Nodes(1, ("a",), ("--partition=x",)), "/shared")
    assert {"--exclusive", "--nodes=1", "--mem=0", "--partition=x"} <= {*made["job_extra_directives"]}
    assert "--resources" in made["worker_extra_args"]
    assert _environment()["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] == "False"
    assert all(isinstance(value, str) and " " not in value for value in _environment().values())


@pytest.fixture
def no_dask(monkeypatch):
    for name in ("dask", "distributed", "dask_jobqueue"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("on", ["local", "slurm", "dask://a:1"])
def test_without_the_extra_it_is_one_line(no_dask, monkeypatch, tmp_path, capsys, on):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert main(["fleet", "grad_cpu", "--on", on, "--results", str(tmp_path / "r")]) == 2
    assert capsys.readouterr().err == (
        "bench: --on needs Dask: distributed is not installed; pip install 'bench-reproducer[fleet]'\n"
    )
    with pytest.raises(UsageError, match="dask-jobqueue is not installed"):
        library("dask_jobqueue")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "local", "--host", "ssh://a"), "--host ssh://a and --on local were given"),
        (("--on", "nowhere"), "--on 'nowhere' is no place"),
        (("--on", "local", "--nodes", "2"), "--nodes goes with --on slurm"),
        (("--on", "slurm", "--start-timeout", "0"), "is no time to wait"),
        (("--on", "local", "--resume"), "nothing to resume"),
        (("--on", "local", "--results=x", "--json=1"), "--json"),
    ],
)
def test_what_does_not_go_together_is_refused(monkeypatch, tmp_path, capsys, words, said):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert main(["fleet", "grad_cpu", *words, "--results", str(tmp_path / "r")]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
