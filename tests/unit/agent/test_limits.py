from __future__ import annotations

import resource
from pathlib import Path

import pytest

from bench.agent.cgroup import find
from bench.agent.cgroup.find import Location, read_unseen
from bench.agent.cgroup.limits import NONE, read_limits, read_ulimits


def make(folder: Path, **files: str) -> str:
    folder.mkdir(parents=True)
    for name, text in {"cgroup_procs": "", **files}.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    return str(folder)


def test_the_tightest_limit_of_a_group_and_those_above_holds(tmp_path: Path) -> None:
    make(tmp_path / "up", cpu_max="50000 100000", memory_max="max", pids_max="9")
    own = make(tmp_path / "up" / "own", cpu_max="max 100000", memory_max="4096", pids_max="max")
    found = read_limits(2, {"": own}, inside=False)
    assert found == {"cpus": 0.5, "memory_bytes": 4096, "pids": 9}


def test_version_1_has_a_folder_a_controller_and_what_is_not_there_is_not_named(tmp_path: Path) -> None:
    cpu = make(tmp_path / "cpu", cpu_cfs_quota_us="-1\n", cpu_cfs_period_us="100000\n")
    memory = make(tmp_path / "memory", memory_limit_in_bytes=str(2**63 - 4096))
    assert read_limits(1, {"cpu": cpu, "memory": memory}, inside=False) == {"cpus": NONE, "memory_bytes": NONE}
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("150000")
    assert read_limits(1, {"cpu": cpu}, inside=False) == {"cpus": 1.5}
    assert set(read_limits(None, {}, inside=True)) == {"cpuset"}


def test_soft_limits_are_read_by_name() -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert read_ulimits()["nofile"] == (NONE if soft == resource.RLIM_INFINITY else soft)


def test_tasks_that_are_counted_and_not_listed_make_every_group_another_s(tmp_path: Path) -> None:
    """A process namespace hides them: version 1 leaves processes above it out of its lists."""
    pids = make(tmp_path / "pids", pids_current="3\n", tasks="1\n")
    (tmp_path / "pids" / "tasks").write_text("1\n")
    place = Location(1, {"pids": pids, "memory": "/elsewhere"}, {})
    assert read_unseen(place) == {"pids": 2, "memory": 2}
    (tmp_path / "pids" / "pids.current").write_text("1\n")
    assert read_unseen(place) == {}


@pytest.mark.parametrize(("namespace", "found"), [("host", {"memory": 1}), ("private", {}), (None, {})])
def test_the_machine_s_root_group_is_everybody_s(
    namespace: str | None, found: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "read_namespace", lambda: namespace)
    assert read_unseen(Location(1, {"memory": "/m", "cpu": "/c"}, {}, frozenset({"memory"}))) == found


def test_a_pids_group_without_a_count_is_the_machine_s_root(tmp_path: Path) -> None:
    assert read_unseen(Location(1, {"pids": make(tmp_path / "pids"), "cpu": "/c"}, {})) == {"pids": 1, "cpu": 1}
