import json
from dataclasses import replace

import pytest

from bench.engine.docker.config import as_command, container_config, helper_config, run_names, tmp_bytes
from bench.engine.gpu import device_request
from bench.record.schema import Limits

MIB = 1 << 20


def config_of(place, task, **changes):
    task = replace(task, **changes)
    return container_config(place, task, run_names("r1", task.tree is not None), {"bench.run": "r1"})


def test_a_run_is_shut_in(place, task):
    config = config_of(place, task)
    host = config["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert config["NetworkDisabled"] is True
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Privileged"] is False
    assert config["User"] == "10001:10001"
    assert host["PidsLimit"] == 4096
    assert host["Mounts"] == [{"Type": "volume", "Source": "bench-r1-out", "Target": "/out"}]
    assert host["AutoRemove"] is False
    assert host["RestartPolicy"] == {"Name": "no"}
    assert "Binds" not in host
    assert "DeviceRequests" not in host
    assert {"NanoCpus", "CpusetCpus", "Memory"}.isdisjoint(host)
    assert config["Labels"] == {"bench.run": "r1"}


def test_limits_are_the_engines_and_swap_is_off(place, task):
    limits = Limits(cpus=1.5, cpuset="0-1", memory_bytes=512 * MIB, pids=99)
    host = config_of(place, task, limits=limits)["HostConfig"]
    assert host["NanoCpus"] == 1_500_000_000
    assert host["CpusetCpus"] == "0-1"
    assert host["Memory"] == host["MemorySwap"] == 512 * MIB
    assert host["PidsLimit"] == 99
    assert "size=134217728" in host["Tmpfs"]["/tmp"]
    assert {"exec", "nosuid", "nodev"} <= set(host["Tmpfs"]["/tmp"].split(","))


@pytest.mark.parametrize(("memory", "size"), [(None, 1024 * MIB), (64 << 30, 1024 * MIB), (MIB, 16 * MIB)])
def test_files_in_memory_stay_a_part_of_the_limit(memory, size):
    assert tmp_bytes(memory) == size


def test_the_supervisor_is_process_1(place, task):
    config = config_of(place, task)
    assert config["Entrypoint"] == ["/opt/venv/bin/python"]
    assert config["Cmd"][:4] == ["-I", "-S", "-B", "/opt/agent/__main__.py"]
    spec = json.loads(config["Cmd"][4])
    assert spec["out"] == "/out"
    assert spec["env"]["PATH"] == "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"
    assert config["HostConfig"]["Init"] is False


def test_unconfined_loses_the_profiles_and_nothing_else(place, task):
    host = config_of(place, task, security="unconfined")["HostConfig"]
    assert host["SecurityOpt"] == [
        "no-new-privileges:true",
        "seccomp=unconfined",
        "apparmor=unconfined",
        "label=disable",
    ]
    assert host["CapDrop"] == ["ALL"]


def test_a_gpu_is_a_device_request(place, task):
    names = run_names("r1", with_tree=True)
    config = container_config(place, task, names, {}, device_request({}))
    assert config["HostConfig"]["DeviceRequests"][0]["Driver"] == "nvidia"
    assert "--gpus all" in as_command(config)
    cdi = container_config(place, task, names, {}, device_request({"CDISpecDirs": ["/etc/cdi"]}, cdi_specs=True))
    assert "--device nvidia.com/gpu=all" in as_command(cdi)
    assert names.volumes == ("bench-r1-out", "bench-r1-src")


def test_the_command_for_people_says_the_same_without_the_long_argument(place, task):
    limits = Limits(cpus=0.5, cpuset="1", memory_bytes=64 * MIB, pids=9)
    line = as_command(config_of(place, task, limits=limits))
    for words in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--user 10001:10001",
        "--security-opt no-new-privileges:true",
        "--pids-limit 9",
        "--cpus 0.5",
        "--cpuset-cpus 1",
        "--memory 67108864 --memory-swap 67108864",
        "source=bench-r1-out,target=/out",
        "sha256:abc -I -S -B /opt/agent/__main__.py SPEC",
    ):
        assert words in line
    assert "junitxml" not in line


def test_the_helper_mounts_the_same_volumes_and_is_not_read_only(place):
    names = run_names("r1", with_tree=True)
    config = helper_config(place, names, {"bench.run": "r1"})
    assert config["HostConfig"]["Mounts"] == names.mounts
    assert "ReadonlyRootfs" not in config["HostConfig"]
    assert config["NetworkDisabled"] is True
