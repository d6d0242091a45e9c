"""A fleet on a real Dask scheduler with workers of their own, and on a real Slurm: what is lost, kept and brought home."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.record.storage.find import scan
from tests.integration.private_slurm import missing, private_slurm
from tests.support.pages import ROOT, commands

distributed = pytest.importorskip("distributed", reason="the extra 'fleet' is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Dask's own sockets
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TOML = """
[diagnostic.short]
command = ["sleep", "0.2"]
devices = ["cpu"]
[diagnostic.long]
command = ["sleep", "8"]
devices = ["cpu"]
"""
NAMES = ("short_cpu", "long_cpu")
LOCAL = ("--engine", "local", "--no-calibration")


def bench(home: Path, *words: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """The command line, with a state of its own."""
    env = os.environ | {"XDG_STATE_HOME": str(home / "state"), "PYTHONPATH": str(ROOT), **(more or {})}
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env=env)


@contextmanager
def worker(scheduler: str, node: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as on a machine of its own: a name, a state, a lock."""
    (home / node).mkdir(exist_ok=True)
    own = {"XDG_STATE_HOME": str(home / node), "BENCH_LOCK_FOLDER": str(home / node), "BENCH_NODE": node}
    program = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        scheduler,
        "--name",
        f"{node}-{time.monotonic_ns()}",
    ]
    settings = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    env = os.environ | own | {"PYTHONPATH": str(ROOT)}
    with (home / f"{node}.log").open("ab") as log:
        process = subprocess.Popen([*program, *settings], cwd=home / node, env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    try:
        out, err = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        process.kill()  # what it has said so far is in the failure
        process.wait()
        raise
    return process.returncode, json.loads(out) if out else {}, err


def test_three_hosts_two_diagnostics_a_worker_killed_and_resumed(tmp_path: Path) -> None:
    project = tmp_path / "project"  # of its own: the nodes write beside it
    project.mkdir()
    (project / "bench.toml").write_text(TOML)
    with ExitStack() as stack:
        cluster = stack.enter_context(
            distributed.LocalCluster(
                n_workers=0, processes=False, host="127.0.0.1", dashboard_address="127.0.0.1:0", protocol="tcp://"
            )
        )
        address = cluster.scheduler_address
        workers = {node: stack.enter_context(worker(address, node, tmp_path)) for node in "abc"}
        with distributed.Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=120)
        place = address.replace("tcp://", "dask://")
        words = ("fleet", *NAMES, "--on", place, "--project", str(project), *LOCAL, "--json")
        running = bench(tmp_path, *words)
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("b: long_cpu: started"):
                break
        workers["b"].send_signal(signal.SIGKILL)
        code, document, said = ended(running)
        assert code == 6, said
        assert cluster.scheduler.allowed_failures != 0  # the setting of the scheduler's owner is back
        legs = {(leg["host"], leg["name"]): leg for leg in document["legs"]}
        assert [*legs] == [(host, name) for host in "abc" for name in NAMES]
        lost = legs.pop(("b", "long_cpu"))
        assert (lost["exit_code"], lost["path"]) == (6, None)
        assert lost["reasons"][0].startswith("its worker b-")
        assert {(leg["exit_code"], leg["outcome"]) for leg in legs.values()} == {(0, "passed")}
        assert {one["of"] for one in document["rankings"]} == {*NAMES}
        kept = interrupted(tmp_path / "b" / "bench" / "fleet")  # by the leg itself, once its worker was gone
        assert kept.diagnostic.name == "long_cpu"
        stack.enter_context(worker(address, "b", tmp_path))
        with distributed.Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=120)
        code, document, said = ended(bench(tmp_path, *words, "--resume"))
        assert code == 0, said
        assert "b: brought along from an earlier leg" in said
        assert said.count(": started") == 1
        assert {leg["outcome"] for leg in document["legs"]} == {"passed"}
        assert kept.stamp in {bundle.record.stamp for bundle in scan(tmp_path / "results").bundles}
        assert not [*(tmp_path / "b" / "bench" / "fleet").rglob("record.json")]  # what is home is not on the node


def interrupted(folder: Path) -> Any:
    """The one result there, once it is written."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = scan(folder).bundles if folder.is_dir() else ()
        cut = [bundle.record for bundle in found if bundle.record.outcome == "interrupted"]
        if cut:
            return cut[0]
        time.sleep(0.2)
    raise AssertionError(f"nothing was kept in {folder}")


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_slurm_gives_two_nodes_and_its_own_line_runs_there_too(tmp_path: Path) -> None:
    with private_slurm() as found:
        more = {**found, "DASK_JOBQUEUE__SLURM__INTERFACE": "lo", "BENCH_LOCK_FOLDER": str(tmp_path)}
        words = ("fleet", "--on", "slurm", "--nodes", "alpha,beta", *LOCAL, "--json", "--", "sleep", "0.2")
        code, document, said = ended(bench(tmp_path, *words, more=more))
        assert code == 0, said
        assert [(leg["host"], leg["outcome"]) for leg in document["legs"]] == [("alpha", "passed"), ("beta", "passed")]
        env = os.environ | more | {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
        jobs = subprocess.run(["squeue", "-h"], env=env, capture_output=True, text=True, check=True)
        assert jobs.stdout == ""
        (line,) = commands("fleet.md", "srun ")
        assert "bench run grad_cpu" in line
        line = line.replace("node1", "beta").replace(
            "bench run grad_cpu", f"{sys.executable} -m bench run {' '.join(LOCAL)}"
        )
        done = subprocess.run(
            f"{line} -- true",
            shell=True,
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        newest = max(scan(tmp_path / "results").bundles, key=lambda bundle: bundle.record.stamp)
        assert newest.record.diagnostic.name == "true"
