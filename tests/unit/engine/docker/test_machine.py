import platform

import psutil
import pytest

from bench.engine.docker.machine import machine_of, may_be_remote

THERE = {"Name": "lab", "KernelVersion": "6.1", "MemTotal": 1 << 40, "ID": "abcd"}
HERE = {
    "Name": platform.node(),
    "KernelVersion": platform.release(),
    "MemTotal": psutil.virtual_memory().total,
    "ID": "here",
}


@pytest.mark.parametrize(
    ("url", "info", "machine"),
    [
        ("ssh://me@lab", THERE, "abcd"),
        ("tcp://10.0.0.5:2376", THERE, "abcd"),
        ("tcp://lab:2376", {}, "lab"),
        ("tcp://localhost:2375", {}, ""),
        ("http://127.0.0.1:2375", THERE, ""),
        ("tcp://10.0.0.5:2376", HERE, ""),
        ("unix:///var/run/docker.sock", THERE, ""),
        ("npipe:////./pipe/docker_engine", {}, ""),
        ("tcp://10.0.0.5:2376", HERE | {"MemTotal": 1 << 40}, "here"),
    ],
)
def test_a_machine_is_one_whatever_way_leads_there(url, info, machine):
    assert machine_of(url, info) == machine


@pytest.mark.parametrize(
    ("url", "remote"),
    [("unix:///var/run/docker.sock", False), ("npipe:////./pipe/docker_engine", False), ("tcp://localhost:2375", True)],
)
def test_only_a_socket_or_a_pipe_surely_ends_on_this_machine(url, remote):
    assert may_be_remote(url) is remote
