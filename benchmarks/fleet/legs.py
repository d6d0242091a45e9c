"""What a fleet costs: legs of stand-ins over the workers of a real Dask scheduler, to the one report at the end.

The scheduler and its workers are another process; this one is what `bench fleet --on dask://…` is. A leg runs nothing: it
sends a real bundle that was packed before, which is verified and imported as any other. Prints the time and CPU of each leg
beside its own run (which is nothing), and this process's largest resident set.

    python benchmarks/fleet/legs.py            # 20 hosts x 10 diagnostics x 5 variants
    python benchmarks/fleet/legs.py 3 2 1
"""  # noqa: E501

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.engine.protocol import Notify  # noqa: E402
from bench.fleet.cells import Cell, matrix  # noqa: E402
from bench.fleet.cluster import open_cluster  # noqa: E402
from bench.fleet.dask.spread import Spread  # noqa: E402
from bench.fleet.ledger import Ledger  # noqa: E402
from bench.fleet.node import NodeEnd, Order  # noqa: E402
from bench.fleet.nodes import Nodes  # noqa: E402
from bench.fleet.report import line_of, ranked  # noqa: E402
from bench.fleet.work import Work  # noqa: E402
from bench.names import next_stamp, record_id  # noqa: E402
from bench.record.host_id import host_id  # noqa: E402
from bench.record.schema import Diagnostic, Engine, Host, HostClass, Record, Run, Source, Verdict  # noqa: E402
from bench.record.storage.archive import export  # noqa: E402
from bench.record.storage.bundle import write_bundle  # noqa: E402
from bench.report.terminal.fleet import fleet_view  # noqa: E402

TARGET_MS, TARGET_MB = 20.0, 300.0
CLUSTER = """
import sys, dask
from distributed import LocalCluster
with dask.config.set({"distributed.worker.profile.enabled": False}):
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, processes=False, protocol="tcp://",
                      host="127.0.0.1", dashboard_address="127.0.0.1:0", resources={"host": 1}) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


def pack(folder: Path, hosts: int, cells: list[Cell]) -> None:
    """Make the archive of each leg, at its place by host and cell."""
    stamp = "20260101T000000Z"
    for host in range(hosts):
        of = HostClass(cpu_model=f"Stand-in {host}", cores=4, threads=8, memory_bytes=2**34, kernel="6.1.0")
        for at, cell in enumerate(cells):
            stamp = next_stamp(stamp)
            made = Record(
                id=record_id(host_id(of), cell.label, stamp),
                stamp=stamp,
                outcome="passed",
                diagnostic=Diagnostic(cell.label, "t.py::t", "cpu", "full", 20.0, 60.0, Source("catalog")),
                image=None,
                engine=Engine("local", "1", 2),
                host=Host(host_id(of), of),
                verdict=Verdict("ok"),
                variant=cell.variant,
                runs=tuple(Run(index=run, outcome="passed", wall_s=10.0 + run / 10 + at / 100) for run in range(5)),
            )
            bundle = write_bundle(folder / "made", made, {})
            export([bundle], folder / f"{host}-{at}.tar.zst")
            (folder / f"{host}-{at}").write_text(made.id)


def stand_in(folder: str, cells: list[tuple[str, str | None]]) -> object:
    """What a leg does instead: it returns what was packed for it."""

    def leg(order: Order) -> NodeEnd:
        from distributed import get_worker

        words = order.words
        variant = words[words.index("--variant") + 1] if "--variant" in words else None
        at = cells.index((words[1], variant))
        packed = Path(folder, f"{int(get_worker().name)}-{at}")
        return NodeEnd(0, "passed", packed.read_text(), packed.with_suffix(".tar.zst").read_bytes())

    return leg


async def introduce(dask_worker: object) -> dict[str, str]:
    """Return another host for each worker."""
    from bench import __version__

    return {"host": f"host-{dask_worker.name}", "version": __version__}  # type: ignore[attr-defined]


def nothing(_line: str) -> None:
    """Say nothing."""


def spread(address: str, folder: Path, cells: list[Cell], say: Notify = nothing) -> tuple[int, float, float]:
    """Run all legs to the report; returns how many there were, and their seconds of wall and of CPU."""
    keys = [(cell.label, cell.variant) for cell in cells]
    results = folder / "results"
    ledger = Ledger(folder / "ledger", cells, resume=False)
    with open_cluster(address.replace("tcp://", "dask://"), Nodes(), say) as cluster:
        begun = time.perf_counter(), time.process_time()
        work = Work(
            "benchmark",
            [(cell, cell.words(())) for cell in cells],
            results,
            leg=stand_in(str(folder), keys),
            introduce=introduce,
        )
        ends = []
        for end in Spread(cluster, work, say).run():
            ledger.add(end)
            ends.append(end)
        wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    failed = [end for end in ends if not end.measured]
    assert not failed, failed[0]
    lines = [line_of(end) for end in ends]
    fleet_view(lines, ranked(lines)[0])
    return len(ends), wall, cpu


def main() -> int:
    """Measure once and print it; ends with 1 if a target is missed by the 1,000 legs that it is meant for."""
    hosts, names, variants = map(int, sys.argv[1:]) if len(sys.argv) == 4 else (20, 10, 5)
    cells = list(
        matrix([Cell(f"d{at}_cpu", f"d{at}_cpu") for at in range(names)], [f"v{at}" for at in range(variants)])
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        pack(folder, hosts, cells)
        command = [sys.executable, "-c", CLUSTER, str(hosts)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
            assert cluster.stdout is not None
            count, wall, cpu = spread(cluster.stdout.readline().strip(), folder, cells)
            cluster.communicate("")
    legs, peak = count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    met = wall / legs * 1000 < TARGET_MS and peak < TARGET_MB
    print(
        f"{legs} legs on {hosts} hosts: {wall / legs * 1000:.1f} ms a leg, {cpu / legs * 1000:.1f} ms of CPU, "
        f"{peak:.0f} MB in all; targets {TARGET_MS:.0f} ms and {TARGET_MB:.0f} MB {'met' if met else 'missed'}"
    )
    return 0 if met or len(sys.argv) > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
