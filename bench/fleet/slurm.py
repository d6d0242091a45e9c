"""Nodes of Slurm as a Dask cluster: one exclusive job a node, each with one worker, by dask-jobqueue."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bench import units
from bench.engine.protocol import Notify
from bench.errors import NotMeasured
from bench.fleet.extra import QUIET, library
from bench.fleet.nodes import Nodes

WORKER = ["--resources", "host=1", "--no-dashboard", "--memory-limit", "0"]
"""What measures is a child of the worker; a limit of Dask's would count the worker alone."""


@contextmanager
def slurm_cluster(nodes: Nodes, notify: Notify) -> Iterator[Any]:
    """Yield a cluster whose jobs have been handed to Slurm; they are cancelled at the end.

    Dask's own settings for Slurm (``jobqueue.slurm`` in ``~/.config/dask/jobqueue.yaml``) hold for the rest: partition,
    account, wall time, network interface.

    Args:
        nodes: which nodes, and further options of sbatch.
        notify: takes lines for the person who waits.

    Raises:
        UsageError: dask-jobqueue is not installed.
        NotMeasured: there is no Slurm here, or it takes no job.
    """
    jobqueue = library("dask_jobqueue")
    if shutil.which("sbatch") is None:
        raise NotMeasured("no Slurm is here", "there is no sbatch", "log in to a node that submits jobs")
    with tempfile.TemporaryDirectory(prefix="bench-slurm-") as folder:
        try:
            cluster = jobqueue.SLURMCluster(**_settings(nodes, folder))
        except (OSError, RuntimeError, ValueError) as error:
            raise NotMeasured("Slurm's jobs cannot be prepared", str(error).partition("\n")[0]) from None
        try:
            try:
                _submit(cluster, nodes)
            except (OSError, RuntimeError, ValueError) as error:
                raise NotMeasured("Slurm took no job", _told(str(error)), "try the same options with sbatch") from None
            asked = ", ".join(nodes.names) or units.counted(nodes.count, "node")
            notify(f"asked Slurm for {asked}; squeue --me shows the jobs")
            yield cluster
        finally:
            with suppress(Exception):  # a job that was refused is none that could be cancelled, and Dask complains
                cluster.close()


def _settings(nodes: Nodes, folder: str) -> dict[str, Any]:
    """One job is one whole node: its CPUs by --exclusive, its memory by --mem=0, whatever Dask thinks of either."""
    return {
        "cores": 1,
        "processes": 1,
        "memory": "1GiB",
        "python": sys.executable,
        "log_directory": None,
        "local_directory": None,
        "job_directives_skip": ["--mem=", "--cpus-per-task="],
        "job_extra_directives": ["--exclusive", "--nodes=1", "--mem=0", "--output=/dev/null", *nodes.sbatch],
        "job_script_prologue": [f"export {name}={value}" for name, value in _environment().items()],
        "worker_extra_args": WORKER,
        "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
        "shared_temp_directory": folder,
    }


def _environment() -> dict[str, str]:
    """Dask's settings as variables, for workers that start elsewhere."""
    return {
        f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": str(value)
        for name, value in QUIET.items()
        if not isinstance(value, dict)
    }


def _submit(cluster: Any, nodes: Nodes) -> None:
    """One job a node, all handed over before anything else; a job that names its node differs by that alone."""
    for name in nodes.names or ("",) * nodes.count:
        ((key, spec),) = cluster.new_worker_spec().items()
        options = dict(spec["options"])
        if name:
            options["job_extra_directives"] = [*options["job_extra_directives"], f"--nodelist={name}"]
        cluster.worker_spec[key] = {**spec, "options": options}
    cluster.sync(cluster._correct_state)


def _told(error: str) -> str:
    """What sbatch itself said, of a report that repeats the whole command."""
    lines = [line.strip() for line in error.splitlines()]
    own = [line.partition("error: ")[2] for line in lines if line.startswith("sbatch: error: ")]
    return "; ".join(own) or " ".join(lines)[-300:]
