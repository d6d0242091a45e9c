"""The readers over files that real kernels wrote (``fixtures/capture.py``): nothing is missing, and the figures agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.agent.cgroup.find import Location, parse_driver, parse_location
from bench.agent.cgroup.parse import parse_memberships, parse_mounts
from bench.agent.cgroup.reading import Group
from bench.agent.cgroup.v1 import NEVER, V1Group
from bench.agent.cgroup.v2 import V2Group

FIXTURES = Path(__file__).parent / "fixtures"
KEPT = sorted(FIXTURES.glob("v?_linux_*/*"))
LIMIT = 128 << 20
WHERE = {
    "v1_linux_6.18.44/container": (1, "cgroupfs"),
    "v2_linux_6.12.107/container": (2, None),  # a namespace of its own hides the path
    "v2_linux_6.12.107/host_namespace": (2, "systemd"),
}
"""The version and the driver that each place tells: all that are kept, and each was a container at its limits."""


def name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def group_of(folder: Path) -> Group:
    if folder.parent.name.startswith("v2"):
        return V2Group(str(folder), inside=True)
    return V1Group(dict.fromkeys(("cpu", "cpuacct", "memory", "pids", "blkio"), str(folder)), inside=True)


def location_of(folder: Path) -> tuple[Location, str]:
    text = (folder / "proc" / "cgroup").read_text()
    mounts = parse_mounts((folder / "proc" / "mountinfo").read_text())
    return parse_location(parse_memberships(text), mounts), text.splitlines()[-1].partition("::")[2]


def test_each_place_is_kept_and_no_other() -> None:
    assert [name(folder) for folder in KEPT] == sorted(WHERE)


@pytest.mark.parametrize("folder", KEPT, ids=name)
def test_a_container_with_limits_that_was_at_them(folder: Path) -> None:
    group = group_of(folder)
    reading = group.read()
    missing = {field for field, value in reading._asdict().items() if value is None}
    assert missing == (set(NEVER) if group.version == 1 else set())
    assert reading.cpu_total_s == pytest.approx(reading.cpu_user_s + reading.cpu_system_s, abs=0.03)
    assert reading.memory_limit_bytes == reading.memory_peak_bytes == LIMIT
    assert reading.memory_bytes < LIMIT
    assert reading.oom_kills == 1
    assert 0 < reading.throttled_periods <= reading.periods
    assert reading.throttled_s > 0
    assert reading.minor_faults > 10_000
    assert reading.pids_peak >= 3
    assert reading.pids_limit_hits == 0
    if group.version == 2:
        assert reading.write_bytes >= 4 << 20
        assert 0 < reading.cpu_full_s <= reading.cpu_some_s
    group.close()


@pytest.mark.parametrize("folder", KEPT, ids=name)
def test_the_group_is_found(folder: Path) -> None:
    location, path = location_of(folder)
    version, driver = WHERE[name(folder)]
    assert location.version == version
    assert location.hidden == {}
    assert parse_driver(path) == driver
    below = "/memory" if version == 1 else path.rstrip("/")
    assert set(location.folders.values()) >= {f"/sys/fs/cgroup{below}"}
