"""The difference of two readings, and what cannot be told."""

import resource
from types import SimpleNamespace

import pytest

from bench.pytest_plugin import with_folder
from bench.pytest_plugin.counters import Counters, parse_pairs, read_counters, read_peak, reset_peak, used

FIELDS = ("ru_utime", "ru_stime", "ru_maxrss", "ru_minflt", "ru_majflt", "ru_nvcsw", "ru_nivcsw")


def usage(*values):
    return SimpleNamespace(**dict(zip(FIELDS, values, strict=True)))


def counters(at_s, own, children, **io):
    return Counters(at_s, usage(*own), usage(*children), io)


BEFORE = counters(10.0, (1, 2, 500, 10, 1, 4, 5), (0, 0, 100, 0, 0, 0, 0), read_bytes=0, write_bytes=4096)
AFTER = counters(12.5, (2, 2, 500, 30, 1, 6, 5), (3, 1, 100, 7, 2, 1, 1), read_bytes=512, write_bytes=8192)


def test_the_process_and_its_children_are_added_up():
    found = used(BEFORE, AFTER, 200 * 1024)
    assert (found.wall_s, found.user_s, found.system_s) == (2.5, 4, 1)
    assert (found.minor, found.major, found.voluntary, found.involuntary) == (27, 2, 3, 1)
    assert (found.read_bytes, found.write_bytes) == (512, 4096)


@pytest.mark.parametrize(
    ("mark", "faults", "own", "peak", "why"),
    [
        (100, 0, 50, 50, None),  # no child was waited for
        (100, 7, 200, 200, None),  # whatever the child used was less
        (100, 7, 50, None, "a child of an earlier test used more"),
        (300, 7, 50, 300, None),
        (300, 7, 400, 400, None),
        (100, 0, None, None, "the kernel does not reset"),
    ],
)
def test_the_peak_is_the_test_s_own_or_not_known(mark, faults, own, peak, why):
    after = counters(11.0, (1, 2, 500, 10, 1, 4, 5), (0, 0, mark, faults, 0, 0, 0))
    found = used(BEFORE, after, None if own is None else own * 1024)
    assert found.max_rss_bytes == (None if peak is None else peak * 1024)
    assert found.missing.get("memory.max_rss_bytes", "").startswith(why or "")
    assert ("memory.max_rss_bytes" in found.missing) == (why is not None)


def test_bytes_that_the_kernel_does_not_tell_are_no_zeros():
    found = used(counters(0, (0,) * 7, (0,) * 7), counters(1, (0,) * 7, (0,) * 7), 1)
    assert (found.read_bytes, found.write_bytes) == (None, None)
    assert set(found.missing) == {"io.read_bytes", "io.write_bytes"}


def test_readings_of_this_process():
    one = read_counters()
    if not reset_peak():
        pytest.skip("this kernel does not reset a peak")
    before = read_peak()
    held = bytearray(64 * 1024**2)
    held[::4096] = b"x" * len(held[::4096])
    peak = read_peak()
    del held
    assert peak - before > 60 * 1024**2
    assert reset_peak()
    assert read_peak() < peak - 30 * 1024**2
    assert used(one, read_counters(), peak).minor > 0
    assert isinstance(one.own, resource.struct_rusage)


def test_pairs_are_whole_numbers():
    assert parse_pairs("VmHWM:\t  12 kB\nName:\tx\nempty:\nread_bytes: 7\n²: ²") == {"VmHWM": 12, "read_bytes": 7}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["--bench", "tests"], ["--bench=results", "tests"]),
        (["tests", "--bench"], ["tests", "--bench=results"]),
        (["--bench=there", "tests"], ["--bench=there", "tests"]),
        (["--", "--bench"], ["--", "--bench"]),
    ],
)
def test_what_follows_the_option_is_no_folder(given, read):
    assert with_folder(given) == read


def test_an_option_of_that_name_stays_another_plugin_s():
    assert with_folder(["--bench", "--bench-reproducer", "t.py"], ["--bench-reproducer"]) == [
        "--bench",
        "--bench-reproducer=results",
        "t.py",
    ]
