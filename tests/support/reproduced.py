"""A record to reproduce, the plan for it, and the machine that is to do so."""

from functools import partial

from bench.catalog.load import builtin, find
from bench.engine.protocol import Capacity
from bench.record.schema import (
    Diagnostic,
    Engine,
    Host,
    HostClass,
    Image,
    Limits,
    Memory,
    Record,
    Run,
    Source,
    Verdict,
)
from bench.run.reproduce.plan import Origin, plan_again
from tests.support.records import changed, record

GRAD = find(builtin(), "grad_cpu")
SOURCE = Source("catalog", sha256="5" * 64)
IMAGE = Image("bench-cpu", None, None, None, "f" * 64, "3.13.5", "2.7.1+cpu")
GIB = 1024**3
HOST = HostClass(cpu_model="Test CPU", cores=4, threads=8, memory_bytes=16 * GIB, kernel="6.1")
CAPACITY = Capacity(8, 16 * GIB - 10**8)
THERE = record(
    id="h/grad_cpu/20260101T000000Z",
    stamp="20260101T000000Z",
    node=GRAD.node,
    profile="smoke",
    source=SOURCE,
    image=IMAGE,
    engine=Engine("docker", "27.0", 2, {}, Limits(cpus=2.0, memory_bytes=4 * GIB, pids=512)),
    host=Host("h", HOST),
    runs=tuple(Run(n, "passed", wall_s=1.0, memory=Memory(peak_bytes=GIB)) for n in range(3)),
)
a_record = partial(changed, THERE)


def planned(record, *, trust=False):
    return plan_again(record, GRAD, builtin(), Origin(SOURCE), trust=trust)


def here(plan, *, capacity=CAPACITY, **changes):
    """What this machine begins for a plan, and what its engine can give."""
    host_class = changes.pop("host_class", HOST)
    engine = Engine(
        changes.pop("engine", "docker"),
        changes.pop("version", "27.0"),
        changes.pop("cgroup_version", 2),
        {},
        plan.task.limits,
    )
    place = changes.pop("place", True)
    begun = Record(
        id="here/grad_cpu/20260201T000000Z",
        stamp="20260201T000000Z",
        outcome="not_measured",
        diagnostic=Diagnostic("grad_cpu", GRAD.node, plan.diagnostic.device, plan.profile, None, None, plan.source),
        image=changes.pop("image", IMAGE) if place else None,
        engine=engine,
        host=Host("here", host_class),
        verdict=Verdict("not_measured"),
    )
    assert not changes
    return begun, capacity


def limited(**limits):
    return a_record(engine=Engine("docker", "27.0", 2, {}, Limits(**limits)))


def asking(*, repeat, timeout_s):
    diagnostic = Diagnostic("grad_cpu", GRAD.node, "cpu", "smoke", 905.0, timeout_s, SOURCE)
    return a_record(diagnostic=diagnostic, runs=tuple(Run(n, "passed", wall_s=1.0) for n in range(repeat)))
