"""The kernel's text formats, on texts as kernels write them."""

from __future__ import annotations

import pytest

from bench.agent.cgroup.parse import (
    counts_in_version_1,
    parse_blkio,
    parse_io_stat,
    parse_keyed,
    parse_limit,
    parse_memberships,
    parse_mounts,
    parse_number,
    parse_pressure,
)


def test_keyed_leaves_out_other_lines() -> None:
    assert parse_keyed("usage_usec 15\nnr_periods 2\n\nodd\nname text\n") == {"usage_usec": 15, "nr_periods": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [("512\n", 512), ("max\n", None), ("", None), ("9223372036854771712\n", None), ("0\n", 0)],
)
def test_limit(text: str, value: int | None) -> None:
    assert parse_limit(text) == value


def test_number_keeps_what_is_large() -> None:
    assert parse_number("9223372036854771712\n") == 9223372036854771712


def test_pressure_is_in_seconds() -> None:
    text = (
        "some avg10=1.53 avg60=0.87 avg300=0.20 total=2537498\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1200000\n"
    )
    assert parse_pressure(text) == {"some": 2.537498, "full": 1.2}
    assert parse_pressure("") == {}


def test_io_stat_sums_devices_and_passes_over_others() -> None:
    text = (
        "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"
        "7:0 \n"
        "8:16 rbytes=1000 wbytes=2000 rios=1 wios=2 dbytes=5 dios=1 cost.usage=7\n"
    )
    assert parse_io_stat(text) == (5096, 10192)


def test_blkio_sums_devices_without_the_total() -> None:
    text = "8:0 Read 4096\n8:0 Write 100\n8:0 Sync 9\n8:0 Total 4196\n8:16 Read 4\n8:16 Write 1\nTotal 4201\n"
    assert parse_blkio(text) == (4100, 101)
    assert parse_blkio("Total 0\n") == (0, 0)


def test_memberships() -> None:
    found = parse_memberships("12:cpu,cpuacct:/docker/ab\n1:name=systemd:/x:y\n0::/init.scope\nbroken\n")
    assert [(m.hierarchy, m.controllers, m.path) for m in found] == [
        (12, ("cpu", "cpuacct"), "/docker/ab"),
        (1, ("name=systemd",), "/x:y"),
        (0, (), "/init.scope"),
    ]


def test_mounts_with_optional_fields_and_escapes() -> None:
    text = (
        "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n"
        "35 31 0:32 / /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory\n"
        "garbage\n"
    )
    first, second = parse_mounts(text)
    assert (first.root, first.point, first.kind) == ("/mnt1", "/mnt 2", "ext3")
    assert second.options == ("ro", "relatime")
    assert second.super_options == ("rw", "memory")


@pytest.mark.parametrize(
    ("controllers", "unified", "version_1"),
    [
        ({"memory", "cpuacct", "cpu"}, True, True),
        ({"cpuacct"}, True, True),
        ({"blkio"}, True, False),
        ({"blkio"}, False, True),
        (set(), True, False),
        (set(), False, False),
    ],
)
def test_memory_and_cpu_accounting_decide_the_version(controllers: set[str], unified: bool, version_1: bool) -> None:
    assert counts_in_version_1(controllers, unified) is version_1


def test_odd_words_are_passed_over() -> None:
    assert parse_pressure("some avg10=0.00 total=\nfull avg10=0.00 total=7000000\n") == {"full": 7.0}
    assert parse_io_stat("8:0 rbytes=abc wbytes=5\n8:1 rbytes=3 wbytes=\n") == (3, 5)
    assert parse_blkio("8:0 Read x\n8:0 Write 5\n8:1 Read 4\n8:1 Write -\n") == (4, 5)
