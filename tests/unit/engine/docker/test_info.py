import pytest

from bench.engine.docker.info import check_limits_hold, engine_record, parse_security_options, security_profile
from bench.errors import NotMeasured
from bench.record.schema import Limits


def test_the_record_says_what_the_engine_is(info, version):
    record = engine_record(info, version, Limits(cpus=2.0), "default", remote=False)
    assert (record.name, record.version, record.cgroup_version) == ("docker", "27.3.1", 2)
    assert record.limits.cpus == 2.0
    assert record.facts == {
        "api_version": "1.47",
        "cgroup_driver": "systemd",
        "storage_driver": "overlay2",
        "runtime": "runc",
        "containerd": "1.7",
        "runc": "1.2",
        "remote": False,
        "swap_limit": True,
    }
    assert record.security == {
        "network": "none",
        "read_only_root": True,
        "capabilities": [],
        "no_new_privileges": True,
        "user": "10001:10001",
        "seccomp": "default",
        "apparmor": "docker-default",
        "selinux": False,
        "rootless": False,
        "userns": False,
        "cgroup_namespace": "private",
    }


def test_an_old_engine_says_less(version):
    record = engine_record({"ServerVersion": "19"}, {}, Limits(), "default", remote=True)
    assert record.cgroup_version is None
    assert record.security["seccomp"] is None
    assert record.security["apparmor"] is None
    assert record.facts == {"remote": True}
    assert engine_record({"CgroupVersion": "1"}, version, Limits(), "default", remote=True).cgroup_version == 1


def test_unconfined_takes_the_profiles_away_where_there_are_any(info):
    open_ = security_profile(info, "unconfined")
    assert (open_["seccomp"], open_["apparmor"], open_["selinux"]) == ("unconfined", "unconfined", False)
    assert open_["no_new_privileges"] is True
    bare = security_profile({"SecurityOptions": ["name=selinux", "name=rootless", "name=userns"]}, "unconfined")
    assert (bare["seccomp"], bare["apparmor"]) == (None, None)
    assert (bare["rootless"], bare["userns"]) == (True, True)


def test_security_options_of_all_ages():
    assert parse_security_options(["name=seccomp,profile=default", "apparmor", "name=rootless"]) == {
        "seccomp": {"profile": "default"},
        "apparmor": {},
        "rootless": {},
    }


@pytest.mark.parametrize(
    ("field", "limits", "option"),
    [
        ("CpuCfsQuota", Limits(cpus=1.0), "--cpus"),
        ("CPUSet", Limits(cpuset="0"), "--cpuset"),
        ("MemoryLimit", Limits(memory_bytes=1), "--memory"),
    ],
)
def test_a_limit_that_the_engine_would_drop_is_refused(info, field, limits, option):
    check_limits_hold(info, limits)
    with pytest.raises(NotMeasured, match=f"cannot apply {option}"):
        check_limits_hold({**info, field: False}, limits)
    check_limits_hold({**info, field: False}, Limits())


def test_what_holds_in_part_is_said(info):
    poor = {**info, "SwapLimit": False, "PidsLimit": False}
    facts = engine_record(poor, {}, Limits(memory_bytes=1, pids=5), "default", remote=False).facts
    assert [("swap" in note, "processes" in note) for note in facts["limits_in_part"]] == [(True, False), (False, True)]
    assert "limits_in_part" not in engine_record(poor, {}, Limits(), "default", remote=False).facts
