"""Where ``fleet --on`` runs: a Dask cluster that is there, this host, or nodes of Slurm; Dask is read only then."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bench.engine.protocol import Notify
from bench.errors import NotMeasured, UsageError
from bench.fleet.extra import QUIET, library
from bench.fleet.node import RESOURCE
from bench.fleet.nodes import Nodes

CONNECT_S = 20.0
START_S = 60.0
"""How long a cluster that is there may have no worker."""
_DASK = re.compile(r"dask://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(?P<port>[0-9]{1,5})/?")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is connected.

    ``expected`` are the hosts that will come, by name if they have one; ``patience_s`` is how long they may take.
    """

    client: Any
    expected: tuple[str, ...] = ()
    patience_s: float = START_S


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
