"""Results that could be like one: few of a pool, and the same answers as without it."""

import itertools

import msgspec
import pytest

import bench.compare.likeness.differences
from bench.compare.alignment import reference
from bench.compare.comparison import compare
from bench.compare.reference import Pool, like, near, reference_sessions
from bench.compare.sample import sample_of
from bench.record.schema import Host, HostClass
from bench.report.against import against
from bench.report.entry import Entry
from tests.support.records import make_record, make_run

HOSTS = [
    HostClass(),
    *(
        HostClass(cpu_model=model, microcode=microcode, memory_bytes=memory)
        for model, microcode, memory in itertools.product(
            ("EPYC", "Xeon", None), ("0x1", "0x2", None), (2**36, 2**36 + 2**20, None)
        )
    ),
]


def on(host, at):
    runs = tuple(make_run(index, wall_s=10 + index / 100) for index in range(3))
    return make_record(host=Host(f"host-{at:04}", host), runs=runs)


@pytest.fixture(scope="module")
def records():
    return [on(host, at) for at, host in enumerate(HOSTS)]


def test_of_a_pool_comes_all_that_is_like_one_in_its_order(records):
    pool = Pool(records)
    assert list(pool) == records
    assert (len(pool), pool[3], pool[1:3]) == (len(records), records[3], tuple(records[1:3]))
    for record in records:
        assert like(record, pool) == like(record, records)
        fewer = near(record, pool)
        assert [one for one in records if any(one is other for other in fewer)] == fewer
    assert near(records[0], records) is records
    described = [one for one in records if one.host.class_.cpu_model and one.host.class_.microcode]
    assert max(len(near(record, pool)) for record in described) < 0.75 * len(records)


def test_the_noise_of_a_reference_is_the_same(records):
    later = [msgspec.structs.replace(record, id=f"{record.id}-{again}") for record in records for again in range(4)]
    for record in records[::7]:
        sides = sample_of(record), sample_of(records[5])
        assert reference_sessions(*sides, Pool(later)) == reference_sessions(*sides, later)


def test_a_report_beside_a_baseline_compares_as_one_does(records):
    before = [msgspec.structs.replace(record, id=f"{record.id}-b") for record in records]
    made, problems = against([Entry(record) for record in records], before, before)
    assert problems == []
    for entry in made:
        chosen = reference(entry.record, before)
        assert entry.comparison == compare(chosen, entry.record, history=before)


def test_a_fleet_is_compared_without_a_look_at_every_pair(monkeypatch):
    fleet = [on(HostClass(cpu_model="EPYC", microcode=hex(at)), at) for at in range(60)]
    before = [msgspec.structs.replace(record, id=f"{record.id}-b") for record in fleet]
    looked = []
    differences = bench.compare.likeness.differences._all
    monkeypatch.setattr(bench.compare.likeness.differences, "_all", lambda a, b: looked.append(1) or differences(a, b))
    made, _ = against([Entry(record) for record in fleet], before, before)
    assert all(entry.comparison is not None for entry in made)
    assert len(looked) <= 10 * len(fleet)
