"""Where ``fleet --on`` runs: a Dask cluster that is there, this host, or nodes of Slurm; Dask is read only here."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bench.engine.protocol import Notify
from bench.errors import NotMeasured, UsageError
from bench.fleet.node import RESOURCE

CONNECT_S = 20.0
START_S = 60.0
"""How long a cluster that is there may have no worker."""
_DASK = re.compile(r"dask://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(?P<port>[0-9]{1,5})/?")
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_NODES = 1000
QUIET = {
    "distributed.scheduler.allowed-failures": 0,  # a leg whose worker was lost is not silently run again
    "distributed.worker.profile.enabled": False,  # else each worker looks at its threads a hundred times a second
    "distributed.admin.system-monitor.interval": "10s",
    "logging": {"distributed": "critical", "distributed.worker": "critical", "tornado": "critical"},
}
"""Settings of a scheduler and of workers that are the fleet's own."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is connected.

    ``expected`` are the hosts that will come, by name if they have one; ``patience_s`` is how long they may take.
    """

    client: Any
    expected: tuple[str, ...] = ()
    patience_s: float = START_S


@dataclass(frozen=True, slots=True)
class Nodes:
    """What is asked of Slurm: so many nodes or those of these names, options of ``sbatch``, and how long to wait."""

    count: int = 1
    names: tuple[str, ...] = ()
    sbatch: tuple[str, ...] = ()
    patience_s: float = 600.0


def check_on(on: str) -> None:
    """Refuse what ``--on`` cannot mean.

    Raises:
        UsageError: it is none of the three.
    """
    if on in ("local", "slurm") or on.startswith("dask://"):
        match = _DASK.fullmatch(on)
        if not on.startswith("dask://") or (match is not None and int(match["port"]) <= 65535):
            return
    raise UsageError(f"--on '{on!s:.100}' is no place for a fleet", fix="give dask://HOST:PORT, slurm or local")


def nodes_of(on: str | None, asked: str | None, sbatch: Sequence[str], patience_s: float | None) -> Nodes:
    """Return what is asked of Slurm.

    Args:
        on: ``--on``.
        asked: ``--nodes``: a number, or names with commas.
        sbatch: options of sbatch.
        patience_s: how long Slurm may take.

    Raises:
        UsageError: nodes or options are asked for where there is no Slurm, or nodes that there cannot be.
    """
    if on != "slurm":
        if asked is not None or sbatch:
            raise UsageError(f"{'--sbatch' if asked is None else '--nodes'} goes with --on slurm")
        return Nodes()
    patience_s = Nodes().patience_s if patience_s is None else patience_s
    if not 0 < patience_s < float("inf"):
        raise UsageError(f"--start-timeout {patience_s:g} is no time to wait", fix="give seconds above 0")
    bad = next((word for word in sbatch if not word.startswith("-") or not word.isprintable()), None)
    if bad is not None:
        raise UsageError(f"--sbatch {bad!r:.80} is no option of sbatch", fix="write it as in --sbatch=--partition=cpu")
    if asked is None or asked.isdecimal():
        if asked is not None and not 1 <= int(asked) <= MAX_NODES:
            raise UsageError(f"--nodes {asked} is no number of nodes", fix=f"give 1 to {MAX_NODES}")
        return Nodes(int(asked or 1), (), tuple(sbatch), patience_s)
    names = tuple(asked.split(","))
    if len(set(names)) < len(names) or not all(_NODE.fullmatch(name) for name in names):
        raise UsageError(f"--nodes {asked!r:.80} names no nodes", fix="give a number, or names as in node1,node2")
    return Nodes(len(names), names, tuple(sbatch), patience_s)


@contextmanager
def open_cluster(on: str, nodes: Nodes, notify: Notify) -> Iterator[Cluster]:
    """Yield the cluster that ``--on`` means, connected.

    Args:
        on: ``dask://HOST:PORT``, ``slurm`` or ``local``.
        nodes: what is asked of Slurm.
        notify: takes lines for the person who waits.

    Raises:
        UsageError: no such place, or Dask is not installed.
        NotMeasured: nothing answers there.
    """
    check_on(on)
    distributed = library("distributed")
    import dask

    with dask.config.set(QUIET):
        if on == "local":
            with _local(distributed) as client:
                yield Cluster(client)
        elif on == "slurm":
            from bench.fleet.slurm import slurm_cluster

            with slurm_cluster(nodes, notify) as made, distributed.Client(made, set_as_default=False) as client:
                names = nodes.names or ("",) * nodes.count
                yield Cluster(client, names, nodes.patience_s)
        else:
            with _connected(distributed, on) as client, _no_second_try(client, notify):
                yield Cluster(client)


def library(name: str) -> Any:
    """Return a package of the extra.

    Raises:
        UsageError: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        package = (error.name or name).partition(".")[0].replace("_", "-")
        fix = "pip install 'bench-reproducer[fleet]'"
        raise UsageError("--on needs Dask", f"{package} is not installed", fix) from None


@contextmanager
def _local(distributed: Any) -> Iterator[Any]:
    """This host as a cluster of one worker, in this process: what measures is a process of its own all the same."""
    settings = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(name=os.uname().nodename, resources=RESOURCE, **settings) as made,
        distributed.Client(made, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _connected(distributed: Any, on: str) -> Iterator[Any]:
    import dask

    match = _DASK.fullmatch(on)
    assert match is not None  # noqa: S101, it was checked
    scheme = dask.config.get(
        "distributed.comm.default-scheme", "tcp"
    )  # "tls" with the certificates of Dask's own settings
    address = f"{scheme}://{match['host']}:{match['port']}"
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        why = str(error).partition("\n")[0] or type(error).__name__
        what = f"no Dask scheduler answers at {address}"
        raise NotMeasured(what, why, "start one ('dask scheduler'), or give the address that it prints") from None
    with client:
        yield client


@contextmanager
def _no_second_try(client: Any, notify: Notify) -> Iterator[None]:
    """Let a scheduler that others use too run no task again whose worker was lost, as long as any fleet needs it.

    Its setting is put back by the last fleet that ends.
    """
    mine = secrets.token_hex(8)

    def hold(me: str, dask_scheduler: Any = None) -> None:
        held = dask_scheduler.__dict__.setdefault(
            "_bench_fleets", {"before": dask_scheduler.allowed_failures, "of": set()}
        )
        held["of"].add(me)
        dask_scheduler.allowed_failures = 0

    def release(me: str, dask_scheduler: Any = None) -> None:
        held = dask_scheduler.__dict__.get("_bench_fleets")
        held["of"].discard(me)
        if not held["of"]:
            dask_scheduler.allowed_failures = held["before"]
            del dask_scheduler.__dict__["_bench_fleets"]

    try:
        client.run_on_scheduler(hold, mine)
    except Exception as error:
        notify(
            f"the scheduler takes no setting ({type(error).__name__}), and may run a leg again whose worker was lost: "
            "start it with distributed.scheduler.allowed-failures 0"
        )
        yield
        return
    try:
        yield
    finally:
        with suppress(Exception):  # it is gone, and its setting with it
            client.run_on_scheduler(release, mine)
