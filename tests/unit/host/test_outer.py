"""What bounds a command from outside."""

import json
import os
import resource
import subprocess
import sys

import msgspec
import psutil
import pytest

from bench.host.outer import cpu_list, io_priority, parse_quota, read_outer

ASK = """
import json, msgspec, psutil, sys
from bench.host.outer import read_outer
print(json.dumps(msgspec.to_builtins(read_outer(None, {}, psutil.virtual_memory().total))))
"""


def asked(prepare):
    done = subprocess.run(
        [sys.executable, "-c", ASK], preexec_fn=prepare, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_what_a_command_was_started_with_is_seen():
    usable = sorted(os.sched_getaffinity(0))

    def bind():
        os.sched_setaffinity(0, usable[:1])
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_NPROC, (333, 333))
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, 6)

    found = asked(bind)
    whole = psutil.cpu_count() == 1
    assert found["cpuset"] == (None if whole else str(usable[0]))
    assert found["nice"] == os.getpriority(os.PRIO_PROCESS, 0) + 3
    assert found["memory_bytes"] == min(4 << 30, found["memory_bytes"])
    assert (found["pids"], found["cpus"]) == (333, None)
    assert (found["scheduling"], found["io_priority"]) == ("batch", "best effort 6")


@pytest.mark.parametrize(
    ("cpus", "text"), [({0}, "0"), ({0, 1, 2, 3, 8}, "0-3,8"), ({1, 3, 5, 6}, "1,3,5-6"), (set(), "")]
)
def test_cpus_are_listed_as_the_kernel_does(cpus, text):
    assert cpu_list(cpus) == text


@pytest.mark.parametrize(
    ("text", "period", "cpus"),
    [
        ("30000 100000", "", 0.3),
        ("max 100000", "", None),
        ("30000\n", "100000\n", 0.3),
        ("-1\n", "100000\n", None),
        ("", "", None),
        ("5000", "0", None),
    ],
)
def test_a_quota(text, period, cpus):
    assert parse_quota(text, period) == cpus


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.procs").touch()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return str(folder)


def test_the_least_limit_of_all_groups_above_counts_on_version_2(tmp_path):
    group(tmp_path / "a.slice", cpu__max="20000 100000\n", memory__max="max\n", pids__max="77\n")
    group(tmp_path / "a.slice/b.slice", cpu__max="50000 100000\n", memory__max="1048576\n", pids__max="max\n")
    own = group(tmp_path / "a.slice/b.slice/c.scope", cpu__max="max 100000\n", memory__max="2097152\n")
    found = read_outer(2, {"": own}, 1 << 40)
    assert (found.cpus, found.memory_bytes, found.pids) == (0.2, 1 << 20, 77)


def test_the_least_limit_of_all_groups_above_counts_on_version_1(tmp_path):
    none = str((1 << 63) - 4096)
    folders = {"cpu": "cpu/a/b", "memory": "memory/a", "pids": "pids/a"}
    group(tmp_path / "cpu/a", cpu__cfs_quota_us="3000", cpu__cfs_period_us="10000")
    group(tmp_path / "cpu/a/b", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    group(tmp_path / "memory", memory__limit_in_bytes=none)
    group(tmp_path / "memory/a", memory__limit_in_bytes="1048576")
    group(tmp_path / "pids/a", pids__max="55")
    found = read_outer(1, {name: str(tmp_path / folder) for name, folder in folders.items()}, 1 << 40)
    assert (found.cpus, found.memory_bytes, found.pids) == (0.3, 1 << 20, 55)


def test_a_limit_that_is_not_below_what_the_host_has_is_none(tmp_path):
    own = group(tmp_path / "a", cpu__max=f"{os.cpu_count() * 100000} 100000", memory__max=str(1 << 40))
    found = read_outer(2, {"": own}, 1 << 30)
    assert (found.cpus, found.memory_bytes) == (None, None)


def test_memory_high_is_a_limit(tmp_path):
    group(tmp_path / "a", memory__max="1048576\n", memory__high="max\n")
    own = group(tmp_path / "a/b", memory__max="max\n", memory__high="4096\n")
    assert read_outer(2, {"": own}, 1 << 40).memory_bytes == 4096


@pytest.mark.parametrize(("version", "name", "usual"), [(1, "cpu.shares", 1024), (2, "cpu.weight", 100)])
def test_a_share_is_that_of_all_groups_above(tmp_path, version, name, usual):
    group(tmp_path / "a", **{name.replace(".", "__"): f"{usual // 2}\n"})
    own = group(tmp_path / "a/b", **{name.replace(".", "__"): f"{usual // 4}\n"})
    folders = {"cpu" if version == 1 else "": own}
    assert read_outer(version, folders, 1 << 40).cpu_share == 0.125
    for folder in (tmp_path / "a", tmp_path / "a/b"):
        (folder / name).write_text(f"{usual}\n")
    assert read_outer(version, folders, 1 << 40).cpu_share is msgspec.UNSET


@pytest.mark.parametrize(("given", "said"), [((0, 4), msgspec.UNSET), ((3, 0), "idle"), ((1, 2), "real time 2")])
def test_the_words_for_an_io_priority(given, said):
    assert io_priority(*given) == said


def test_a_sandbox_that_refuses_to_tell_the_io_priority_ends_nothing(monkeypatch):
    def refuse(_self):
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "ionice", refuse)
    assert read_outer(None, {}).io_priority is msgspec.UNSET
