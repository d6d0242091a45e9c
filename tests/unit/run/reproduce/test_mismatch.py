import pytest
from msgspec import structs

from bench.catalog.load import builtin
from bench.engine.protocol import Capacity
from bench.errors import NotComparable, UsageError
from bench.record.schema import (
    Diagnostic,
    Engine,
    Host,
    HostClass,
    Image,
    Limits,
    Memory,
    Run,
    Source,
)
from bench.run.reproduce.mismatch import CODES, Mismatch, has_and_lacks, mismatches, parse_allow, require
from bench.run.reproduce.plan import Origin, plan_again
from tests.support.records import changed
from tests.support.reproduced import GIB, GRAD, IMAGE, SOURCE, a_record, here, limited, planned


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image": Image("bench-cpu", None, None, None, "0" * 64, "3.13.5", "2.7.1+cpu")}, "image"),
        ({"engine": "local"}, "engine"),
        ({"capacity": Capacity(8, GIB // 2)}, "memory"),
    ],
)
def test_what_cannot_be_matched_blocks_until_it_is_allowed(changes, code):
    record = a_record()
    found = mismatches(record, *here(planned(record)[0], **changes))
    assert [one.code for one in found if one.blocking] == [code]
    with pytest.raises(NotComparable, match=f"--allow {code}"):
        require(found, ())
    require(found, {code})


UNKNOWN = Image("bench-cpu", None, None, None, None, "3.13.5", "2.7.1+cpu")


@pytest.mark.parametrize(
    ("changes", "machine", "said"),
    [
        ({"image": None}, {}, f"image: not known there, {'f' * 16}… here"),
        ({"image": UNKNOWN}, {}, f"image: not known there, {'f' * 16}… here"),
        ({"image": UNKNOWN}, {"image": UNKNOWN}, "image: not known there, not known here"),
        ({}, {"image": UNKNOWN}, f"image: {'f' * 16}… there, not known here"),
        ({}, {"place": None}, f"image: {'f' * 16}… there, not known here"),
        (
            {"diagnostic": Diagnostic("grad_cpu", GRAD.node, "cpu", "full", 905.0, 1200.0, Source("catalog"))},
            {},
            f"source: not known there, {'5' * 16}… here",
        ),
    ],
)
def test_what_is_not_known_cannot_be_shown_to_be_the_same(changes, machine, said):
    record = a_record(**changes)
    found = mismatches(record, *here(planned(record)[0], **machine))
    assert [str(one) for one in found if one.blocking] == [said]


def test_another_source_blocks():
    record = a_record()
    plan, _ = plan_again(record, GRAD, builtin(), Origin(Source("catalog", sha256="6" * 64)), trust=False)
    assert [one.code for one in mismatches(record, *here(plan)) if one.blocking] == ["source"]


def test_another_host_is_said_and_blocks_nothing():
    record = a_record(engine=Engine("docker", "27.0", 2, {}, Limits()))
    other = HostClass(cpu_model="Other", threads=2, memory_bytes=8 * GIB)
    found = mismatches(
        record,
        *here(planned(record)[0], host_class=other, cgroup_version=1, capacity=Capacity(2, 8 * GIB - 10**8)),
    )
    assert {one.code for one in found} == {"cgroup", "cpus", "memory", "host"}
    assert not any(one.blocking for one in found)
    assert "memory: 16.00 GiB there, 8.00 GiB here" in {str(one) for one in found}


def test_a_gpu_that_is_not_here_blocks():
    record = a_record(
        diagnostic=Diagnostic("grad_cuda", GRAD.node, "cuda", "full", None, None, SOURCE),
        host=Host("h", HostClass(cpu_model="Test CPU", gpu="NVIDIA H100")),
    )
    plan = planned(a_record())[0]
    missing = [one for one in mismatches(record, *here(plan, place=None)) if one.blocking and one.code == "gpu"]
    assert [(one.then, one.here) for one in missing] == [("NVIDIA H100", "none")]
    (unseen,) = mismatches(record, *here(plan))  # a place for CUDA was prepared, on a machine that nobody can look at
    assert (unseen.code, unseen.here, unseen.blocking) == ("gpu", "one that cannot be seen from here", False)
    assert "GPU: NVIDIA H100 there, one that cannot be seen from here here" not in has_and_lacks(record, *here(plan))
    assert "GPU: NVIDIA H100 there, one that cannot be seen from here" in has_and_lacks(record, *here(plan))


def test_what_there_was_and_is_here_goes_line_by_line():
    record = a_record(engine=Engine("docker", "27.0", 2, {}, Limits()))
    lines = has_and_lacks(record, *here(planned(record)[0], cgroup_version=1, engine="local", version=None))
    assert lines[:2] == (
        "engine: docker 27.0 there, local here",
        "control groups: version 2 there, version 1 here",
    )
    assert "CPUs: 8, the same here" in lines
    assert "memory: 16.00 GiB, the same here" in lines
    assert lines[-1] == f"fingerprint of the image: {'f' * 16}…, the same here"


def test_allow_knows_its_words():
    assert parse_allow(" engine, image ") == {"engine", "image"}
    with pytest.raises(UsageError, match="colour"):
        parse_allow("engine,colour")
    assert parse_allow("") == frozenset()


def test_a_mismatch_in_words():
    assert str(Mismatch("cpus", "8 CPUs", "2 CPUs", blocking=True)) == "cpus: 8 CPUs there, 2 CPUs here"


ENGINE = Mismatch("engine", "docker", "local", blocking=True)
IMAGES = Mismatch("image", "a", "b", blocking=True)
HOSTS = Mismatch("host", "x", "y", blocking=False)


@pytest.mark.parametrize("found", [(), (HOSTS,), (ENGINE,), (HOSTS, ENGINE, IMAGES)])
def test_nothing_is_refused_that_blocks_nothing_or_is_allowed(found):
    require(found, {"engine", "image"})


def test_each_thing_that_blocks_is_named_and_how_to_accept_it():
    with pytest.raises(NotComparable) as caught:
        require((ENGINE, IMAGES, ENGINE, HOSTS), {"host"})
    assert caught.value.cause == "; ".join([f"{ENGINE}", f"{IMAGES}", f"{ENGINE}"])
    assert caught.value.fix == "--allow engine,image accepts it"  # each word once, in the order found
    with pytest.raises(NotComparable) as caught:
        require((ENGINE, IMAGES), {"engine"})
    assert (caught.value.cause, caught.value.fix) == (f"{IMAGES}", "--allow image accepts it")


def test_every_difference_can_be_allowed():
    assert parse_allow(",".join(CODES)) == set(CODES)
    with pytest.raises(UsageError, match="--allow a names no difference") as caught:
        parse_allow("gpu,b,a,")
    assert caught.value.fix == f"there are {', '.join(CODES)}"


def test_what_blocks_comes_first_and_the_host_last():
    record = limited()
    other = HostClass(cpu_model="Other", threads=4, memory_bytes=8 * GIB)
    begun, _ = here(planned(record)[0], host_class=other, engine="local", cgroup_version=1)
    found = mismatches(record, begun, Capacity(4, 8 * GIB))
    assert [(one.code, one.blocking) for one in found] == [
        ("engine", True),
        ("memory", False),
        ("cgroup", False),
        ("cpus", False),
        ("host", False),
    ]


@pytest.mark.parametrize(
    ("peak", "limit", "usable", "said", "blocking"),
    [
        (3 * GIB, 4 * GIB, 2 * GIB, "a peak of 3.00 GiB", True),  # more than it may use, whatever it was given
        (2 * GIB, 4 * GIB, 2 * GIB, "a limit of 4.00 GiB", True),
        (2 * GIB, None, 2 * GIB, "16.00 GiB", False),
        (None, 2 * GIB, 2 * GIB, "16.00 GiB", False),
    ],
)
def test_memory_blocks_if_it_was_used_or_given(peak, limit, usable, said, blocking):
    runs = (Run(0, "passed", memory=Memory(peak_bytes=None)), Run(1, "passed", memory=Memory(peak_bytes=peak)))
    record = changed(limited(memory_bytes=limit), runs=runs)
    plan, _ = planned(record)
    smaller = HostClass(cpu_model="Test CPU", threads=8, memory_bytes=2 * GIB)
    found = mismatches(record, *here(plan, capacity=Capacity(8, usable), host_class=smaller))
    assert [(one.then, one.blocking) for one in found] == [(said, blocking)]


def test_memory_that_nobody_knows_is_not_missed():
    unknown = HostClass(cpu_model="Test CPU", threads=8)
    record = changed(limited(memory_bytes=64 * GIB), host=Host("h", unknown))
    assert mismatches(record, *here(planned(record)[0], capacity=Capacity(8, None), host_class=unknown)) == ()


@pytest.mark.parametrize(
    ("limits", "threads", "cpus", "said"),
    [
        ({}, 8, 4, ["cpus: 8 CPUs there, 4 CPUs here"]),
        ({}, 4, 8, ["cpus: 4 CPUs there, 8 CPUs here"]),
        ({}, 8, 8, []),
        ({}, None, 8, []),
        ({}, 8, None, []),
        ({"cpus": 2.0}, 8, 4, []),  # its limit of CPUs is what it had, there and here
    ],
)
def test_another_number_of_cpus_is_said_and_blocks_nothing(limits, threads, cpus, said):
    record = changed(limited(**limits), host=Host("h", HostClass(cpu_model="Test CPU", threads=threads)))
    found = mismatches(record, *here(planned(record)[0], capacity=Capacity(cpus, 16 * GIB)))
    assert [str(one) for one in found] == said
    assert not any(one.blocking for one in found)


@pytest.mark.parametrize(
    ("there", "now", "said"),
    [
        (2, 2, []),
        (2, 1, ["cgroup: version 2 there, version 1 here"]),
        (2, None, ["cgroup: version 2 there, none here"]),
        (None, 2, []),  # what a record does not know of such a thing is not asked for here
    ],
)
def test_what_blocks_nothing_is_said_if_the_record_knows_it(there, now, said):
    record = a_record(engine=Engine("docker", "27.0", there))
    found = mismatches(record, *here(planned(record)[0], cgroup_version=now))
    assert [str(one) for one in found] == said
    assert not any(one.blocking for one in found)


def test_a_source_of_another_kind_is_told_by_its_kind():
    record = a_record(source=Source("project", sha256=SOURCE.sha256))
    found = mismatches(record, *here(planned(record)[0]))
    assert [str(one) for one in found] == ["source: project there, catalog here"]
    assert found[0].blocking


@pytest.mark.parametrize(
    ("device", "there", "now", "found"),
    [
        ("cuda", "NVIDIA H100", "NVIDIA H100", []),
        ("cuda", "NVIDIA H100", "NVIDIA A100", [("NVIDIA H100", "NVIDIA A100", False)]),
        ("cuda", None, "NVIDIA A100", []),
        ("cpu", "NVIDIA H100", None, []),  # no test of it
    ],
)
def test_another_gpu_is_said(device, there, now, found):
    record = a_record(device=device, host=Host("h", HostClass(cpu_model="Test CPU", gpu=there)))
    machine = here(planned(a_record())[0], host_class=HostClass(cpu_model="Test CPU", gpu=now))
    gpus = [one for one in mismatches(record, *machine) if one.code == "gpu"]
    assert [(one.then, one.here, one.blocking) for one in gpus] == found


def test_what_neither_side_has_takes_no_line():
    record = a_record(
        engine=Engine("local", None, None), image=None, host=Host("h", HostClass(cpu_model="A", threads=4))
    )
    machine = here(
        planned(record)[0],
        engine="local",
        version=None,
        cgroup_version=None,
        place=False,
        host_class=HostClass(cpu_model="B"),
        capacity=Capacity(None, GIB),
    )
    assert has_and_lacks(record, *machine) == (
        "engine: local, the same here",
        "processor: A there, B here",
        "CPUs: 4 there, none here",
        "memory: none there, 1.00 GiB here",
    )


@pytest.mark.parametrize(
    ("fingerprint", "said"),
    [
        ("0123456789abcdef" * 4, "0123456789abcdef…"),
        ("sha256:" + "0123456789abcdef" * 4, "sha256:012345678…"),
        ("a name of its own", "a name of its own"),
    ],
)
def test_a_long_digest_is_cut_for_people(fingerprint, said):
    record = a_record(image=structs.replace(IMAGE, fingerprint=fingerprint))
    assert f"fingerprint of the image: {said} there, {'f' * 16}… here" in has_and_lacks(
        record, *here(planned(record)[0])
    )
