"""Legs over the workers of a real Dask scheduler, in this process; what a leg does is played by functions of this file."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from bench import __version__
from bench.errors import NotMeasured
from bench.fleet.cells import Cell, matrix
from bench.fleet.cluster import Cluster, open_cluster
from bench.fleet.dask import spread
from bench.fleet.dask.spread import Spread
from bench.fleet.ledger import Ledger
from bench.fleet.node import RESOURCE, NodeEnd, forget, introduce, results_of
from bench.fleet.nodes import Nodes
from bench.fleet.work import Work
from bench.record.storage.archive import export
from bench.record.storage.bundle import read_bundle, write_bundle
from tests.support.records import KEPT, changed
from tests.support.records import record as made

distributed = pytest.importorskip("distributed", reason="the extra 'fleet' is not installed")
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Dask's own sockets
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CELLS = matrix([Cell("grad_cpu", "grad_cpu"), Cell("dtype_cpu", "dtype_cpu")], ["glibc", "thp"])


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(spread, "TICK_S", 0.05)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def three():
    """Three workers, each a host of its own name."""
    with (
        distributed.LocalCluster(
            n_workers=0, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        cluster.scale(3)
        client.wait_for_workers(3, timeout=30)
        yield client


def host_of(worker):
    return f"host-{worker.name}"


async def named(dask_worker):
    """As the real one, but each worker is a host of its own."""
    return {**await introduce(dask_worker), "host": host_of(dask_worker)}


def work(leg, results, cells=CELLS, **more):
    more = {"introduce": named, **more}
    return Work("f", [(cell, cell.words(())) for cell in cells], results, leg=leg, **more)


def ends_of(client, asked, said=None, **more):
    patience = more.pop("patience_s", 30.0)
    expected = more.pop("expected", ())
    notify = said.append if said is not None else (lambda _line: None)
    return list(Spread(Cluster(client, expected, patience), asked, notify, **more).run())


def packed(order, *, as_name=None, extra=False):
    """What a node sends: a bundle of the diagnostic that the order names."""
    name, variant = as_name or order.words[1], order.words[order.words.index("--variant") + 1]
    results = results_of(order.fleet)
    results.mkdir(parents=True, exist_ok=True)
    own = write_bundle(results, _record(name, variant, order.key), {})
    bundles = [own, write_bundle(results, _record("left_cpu", variant, order.key), {})] if extra else [own]
    archive = results.parent / f"{order.key}.tar.zst"
    export(bundles, archive)
    return own.relative_to(results).as_posix(), archive.read_bytes()


def _record(name, variant, key):
    at = int(key.rpartition("-")[2])
    stamp = f"20260102T03{at // 60:02}{at % 60:02}Z"
    base = changed(KEPT, runs=made([1.0, 1.1]).runs, name=name, variant=variant, stamp=stamp)
    return changed(base, id=f"{base.host.id}/{name}/{stamp}")


def leg_passes(order):
    own, archive = packed(order)
    return NodeEnd(0, "passed", own, archive)


def test_each_host_runs_each_cell_and_its_bundles_come_in(three, tmp_path):
    said = []
    ends = ends_of(three, work(leg_passes, tmp_path / "results"), said)
    assert sorted((end.host, end.cell.key) for end in ends) == sorted(
        (f"host-{at}", cell.key) for at in range(3) for cell in CELLS
    )
    assert {end.exit_code for end in ends} == {0}
    assert len({end.bundle for end in ends}) == 12
    for end in ends:
        found = read_bundle(end.bundle).record
        assert (found.diagnostic.name, found.variant) == (end.cell.label, end.cell.variant)
        assert end.bundle.is_relative_to(tmp_path / "results")
    assert not [*results_of("f").glob("*/*/*")]  # what has come in does not stay on the node


BUSY = {}
SEEN = []


def leg_alone(order):
    worker = distributed.get_worker()
    BUSY[worker.name] = BUSY.get(worker.name, 0) + 1
    SEEN.append(BUSY[worker.name])
    time.sleep(0.02)
    BUSY[worker.name] -= 1
    return NodeEnd(6, "nothing")


def test_a_host_runs_one_leg_at_a_time_even_for_two_fleets(three, tmp_path):
    SEEN.clear()
    other = threading.Thread(target=ends_of, args=(three, work(leg_alone, tmp_path)))
    other.start()
    ends_of(three, work(leg_alone, tmp_path))
    other.join()
    assert set(SEEN) == {1}
    assert len(SEEN) == 24


def test_a_host_is_there_once_and_has_one_worker(three, tmp_path):
    said = []
    ends = ends_of(three, work(leg_alone, tmp_path, CELLS[:1], introduce=introduce), said)
    assert [end.host for end in ends] == [os.uname().nodename]
    assert sum("is a further worker there" in line for line in said) == 2
    assert set(three.run(lambda dask_worker: dask_worker.state.total_resources["host"]).values()) == {RESOURCE["host"]}


def leg_speaks(order):
    distributed.get_worker().log_event(order.topic, {"key": order.key, "line": "grad: started"})
    time.sleep(0.2)
    return NodeEnd(6, "")


def test_lines_come_behind_the_host(three, tmp_path):
    said = []
    ends_of(three, work(leg_speaks, tmp_path, CELLS[:1]), said)
    assert sorted(said) == [f"host-{at}: grad: started" for at in range(3)]


def leg_damaged(order):
    own, archive = packed(order)
    return NodeEnd(0, "passed", own, archive[:-20])


def leg_of_another(order):
    own, archive = packed(order, as_name="other_cpu")
    return NodeEnd(0, "passed", own, archive)


def leg_breaks(order):
    raise RuntimeError("no\nroom")


@pytest.mark.parametrize(
    ("leg", "code", "said"),
    [(leg_damaged, 8, "cannot be unpacked"), (leg_of_another, 8, "a result of other_cpu came instead")],
)
def test_what_a_node_sends_is_a_stranger_s(three, tmp_path, leg, code, said):
    ends = ends_of(three, work(leg, tmp_path / "results", CELLS[:1]))
    assert [(end.exit_code, end.bundle) for end in ends] == [(code, None)] * 3
    assert all(end.said.startswith("what the node sent was not taken: ") and said in end.said for end in ends)
    assert not [*(tmp_path / "results").glob("*/grad_cpu/*")]


def test_a_leg_that_breaks_is_named(three, tmp_path):
    ends = ends_of(three, work(leg_breaks, tmp_path, CELLS[:1]))
    assert {(end.exit_code, end.said) for end in ends} == {(6, "it failed on the node: RuntimeError: no")}


def leg_brings_more(order):
    own, archive = packed(order, extra=True)
    return NodeEnd(0, "passed", own, archive)


def test_what_an_earlier_leg_left_comes_along(three, tmp_path):
    said = []
    ends = ends_of(three, work(leg_brings_more, tmp_path / "results", CELLS[:1]), said)
    assert {end.cell.label for end in ends} == {read_bundle(end.bundle).record.diagnostic.name for end in ends}
    assert sum("brought along" in line and "left_cpu" in line for line in said) == 3


async def old(dask_worker):
    return {"host": f"host-{dask_worker.name}", "version": "0" if dask_worker.name == 1 else __version__}


async def none(dask_worker):
    raise ModuleNotFoundError("No module named 'bench'")


def test_a_node_with_another_version_or_none_is_named_and_not_used(three, tmp_path):
    ends = ends_of(three, work(leg_alone, tmp_path, CELLS[:1], introduce=old))
    assert {end.host: end.said for end in ends}["host-1"] == f"bench 0 is there and {__version__} here"
    ends = ends_of(three, work(leg_alone, tmp_path, CELLS[:1], introduce=none))
    assert {(end.exit_code, "No module named 'bench'" in end.said) for end in ends} == {(6, True)}
    assert all(end.address.startswith("inproc://") for end in ends)


def test_a_node_that_does_not_come_is_not_waited_for_for_ever(three, tmp_path):
    asked = work(leg_alone, tmp_path, CELLS[:1])
    ends = ends_of(three, asked, expected=("host-0", "host-9"), patience_s=0.3)
    assert {end.host: end.said for end in ends}["host-9"] == "no worker came within 0 s"
    ends = ends_of(three, asked, expected=("",) * 4, patience_s=0.3)
    assert [end.host for end in ends if "no worker" in end.said] == ["node 4 of 4"]


def test_what_was_measured_is_not_run_again(three, tmp_path):
    ledger = Ledger(tmp_path / "ledger", CELLS, resume=False)
    for end in ends_of(three, work(leg_passes, tmp_path / "results", CELLS[:1])):
        ledger.add(end)
    again = ends_of(three, work(leg_alone, tmp_path / "results", CELLS[:2], done=ledger.knows))
    assert {end.cell for end in again} == {CELLS[1]}


def leg_until_stopped(order):
    for _ in range(1000):
        if distributed.Event(f"{order.stop}-1").is_set():
            return NodeEnd(130, "stopped")
        time.sleep(0.02)
    return NodeEnd(0, "was never stopped")


def test_ctrl_c_is_an_event_that_the_leg_sees_and_what_has_not_begun_never_does(three, tmp_path):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    ends = ends_of(three, work(leg_until_stopped, tmp_path))
    assert sorted(end.said for end in ends) == ["interrupted before it began"] * 9 + ["stopped"] * 3
    assert {end.exit_code for end in ends} == {130}


@pytest.fixture
def two():
    """Two workers that may be lost, of a scheduler that does what Dask does if nobody tells it otherwise."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield cluster, client


GO = threading.Event()


def leg_waits(order):
    if distributed.get_worker().name == 1:
        GO.wait(20)
    return NodeEnd(6, "ran")


def test_a_lost_worker_costs_its_leg_which_is_named_and_the_rest_of_its_host(two, tmp_path):
    cluster, client = two
    GO.clear()
    threading.Timer(0.5, lambda: cluster.sync(cluster.workers[1].close)).start()
    ends = ends_of(client, work(leg_waits, tmp_path, CELLS[:2]), grace_s=0.3)
    GO.set()
    assert sorted((end.host, end.said.partition(" at ")[0]) for end in ends) == [
        ("host-0", "ran"),
        ("host-0", "ran"),
        ("host-1", "its worker 1"),
        ("host-1", "not begun: its host has had no worker for 0 s"),
    ]
    lost = next(end for end in ends if end.said.startswith("its worker 1"))
    assert "was lost" in lost.said
    assert lost.exit_code == 6


def test_a_scheduler_of_others_keeps_its_setting_but_while_a_fleet_runs(two, tmp_path):
    from bench.fleet.cluster import _no_second_try

    cluster, client = two
    cluster.scheduler.allowed_failures = 3
    with _no_second_try(client, print):
        with _no_second_try(client, print):
            assert cluster.scheduler.allowed_failures == 0
        assert cluster.scheduler.allowed_failures == 0
    assert cluster.scheduler.allowed_failures == 3


def test_this_host_is_a_cluster_too(tmp_path):
    with open_cluster("local", Nodes(), print) as cluster:
        ends = ends_of(cluster.client, work(leg_passes, tmp_path / "results", CELLS[:2], introduce=introduce))
    assert [(end.host, end.exit_code) for end in ends] == [(os.uname().nodename, 0)] * 2


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("bench.fleet.cluster.CONNECT_S", 0.2)
    with pytest.raises(NotMeasured, match="no Dask scheduler answers at tcp:"):
        with open_cluster("dask://127.0.0.1:1", Nodes(), print):
            pass


def test_only_what_is_a_bundle_s_place_is_removed(tmp_path):
    results = results_of("f")
    (results / "h/d/s").mkdir(parents=True)
    (tmp_path / "state/bench/kept/a/b").mkdir(parents=True)
    forget("f", ["../../kept/a", "/etc/a/b", "h", "h/d"])
    assert (results / "h/d/s").is_dir()
    assert (tmp_path / "state/bench/kept/a/b").is_dir()
    forget("f", ["h/d/s"])
    assert not results.exists()
    assert Path("/etc").exists()
