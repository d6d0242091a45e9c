"""Quotas of groups above a run's own throttle it, and are counted."""

import pytest

from bench.agent.cgroup.v1 import V1Group
from bench.agent.cgroup.v2 import V2Group


def group(folder, stat):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.procs").touch()
    (folder / "cpu.stat").write_text(stat)
    return str(folder)


def stat(version, periods, throttled, seconds):
    name, unit = ("throttled_time", 10**9) if version == 1 else ("throttled_usec", 10**6)
    return f"nr_periods {periods}\nnr_throttled {throttled}\n{name} {int(seconds * unit)}\n"


def opened(version, folder):
    return V1Group({"cpu": folder}, inside=False) if version == 1 else V2Group(folder, inside=False)


@pytest.mark.parametrize("version", [1, 2])
def test_throttling_of_groups_above_is_counted(tmp_path, version):
    group(tmp_path / "a", stat(version, 100, 40, 2.5))
    group(tmp_path / "a/b", stat(version, 0, 0, 0))
    own = group(tmp_path / "a/b/run", stat(version, 10, 4, 0.5))
    opened_group = opened(version, own)
    reading = opened_group.read()
    assert (reading.periods, reading.throttled_periods, reading.throttled_s) == (110, 44, 3.0)
    assert str(tmp_path / "a/cpu.stat") in opened_group.sources["throttled_s"]
    assert "a/b/" not in opened_group.sources["throttled_s"]
    group(tmp_path / "a", stat(version, 130, 60, 4.0))
    assert opened_group.read().throttled_s == 4.5
    opened_group.close()


@pytest.mark.parametrize("version", [1, 2])
def test_without_a_quota_above_the_group_s_own_figures_stand(tmp_path, version):
    group(tmp_path / "a", "")
    opened_group = opened(version, group(tmp_path / "a/run", stat(version, 10, 4, 0.5)))
    reading = opened_group.read()
    assert (reading.periods, reading.throttled_s) == (10, 0.5)
    assert "throttled_s" not in opened_group.sources


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_without_figures_of_its_own_has_those_from_above(tmp_path, version):
    group(tmp_path / "a", stat(version, 100, 40, 2.5))
    reading = opened(version, group(tmp_path / "a/run", "")).read()
    assert (reading.periods, reading.throttled_periods, reading.throttled_s) == (100, 40, 2.5)
