"""What shuts a run in, proven from inside by code that tries to get out."""

from __future__ import annotations

import errno
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.engine.docker.engine import DockerEngine
from bench.engine.images.facts import ImageFacts
from bench.engine.protocol import Place, Task
from bench.record.schema import Limits
from bench.run.result.reading import read_run

pytestmark = pytest.mark.integration
MIB = 1 << 20
SETUID = "root-id"

PROBE = r"""
import ctypes, errno, json, os, pathlib, resource, socket, subprocess, threading

def attempt(action):
    try:
        return {"done": str(action())[:200]}
    except BaseException as error:
        return {"error": type(error).__name__, "errno": getattr(error, "errno", None), "text": str(error)[:200]}

libc = ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

def write(path):
    return lambda: pathlib.Path(path).write_text("x")

def connect(address):
    def action():
        with socket.socket() as line:
            line.settimeout(3)
            line.connect(address)
    return action

def forks():
    children = []
    try:
        while len(children) < 500:
            child = os.fork()
            if child == 0:
                threading.Event().wait(30)
                os._exit(0)
            children.append(child)
        return len(children)
    except OSError:
        return len(children)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)

status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
report = {
    "interfaces": sorted(name for _, name in socket.if_nameindex()),
    "address": attempt(connect(("1.1.1.1", 53))),
    "host_gateway": attempt(connect(("172.17.0.1", 22))),
    "name": attempt(lambda: socket.getaddrinfo("example.org", 80)),
    "writes": {path: attempt(write(path)) for path in (
        "/var/tmp/x", "/x", "/etc/x", "/usr/x", "/opt/bench/agent/x", "/opt/bench/diagnostics/x", "/root/x", "/dev/x",
        "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/fs/cgroup/x")},
    "may_write": {path: attempt(write(path)) for path in ("/out/x", "/tmp/x", "/dev/shm/x")},
    "status": status,
    "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
    "become_root": attempt(lambda: os.setuid(0)),
    "chown": attempt(lambda: os.chown("/out/x", 0, 0)),
    "mount": attempt(lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None)),
    "user_namespace": attempt(lambda: call("unshare", 0x10000000)),
    "chroot": attempt(lambda: os.chroot("/tmp")),
    "node": attempt(lambda: os.mknod("/tmp/sda", 0o060600, os.makedev(8, 0))),
    "priority": attempt(lambda: os.nice(-5)),
    "clock": attempt(lambda: __import__("time").clock_settime(0, 0)),
    "raw_socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()),
    "supervisor": pathlib.Path("/proc/1/cmdline").read_text().split("\0")[:6],
    "kill_supervisor": attempt(lambda: os.kill(1, 9)),
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
    "docker_socket": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)],
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "tmp_size": os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize,
    "open_to_all": {path: oct(os.stat(path).st_mode & 0o1777) for path in ("/var/tmp", "/tmp")},
    "forks": forks(),
}
with open("/tmp/runs.sh", "w") as script:
    script.write("#!/bin/sh\nexit 7\n")
os.chmod("/tmp/runs.sh", 0o755)
report["tmp_runs"] = subprocess.run(["/tmp/runs.sh"]).returncode
json.dump(report, open("/out/report.json", "w"))
"""


@pytest.fixture(scope="module")
def report(engine: DockerEngine, place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("out")
    limits = Limits(cpus=1.0, memory_bytes=256 * MIB, pids=40)
    task = Task(("{python}", "-c", PROBE), {}, "{out}", 60.0, limits, torch=False)
    ending = engine.execute(place, task, out, lambda _: None)
    assert ending.error is None, ending
    assert (out / "report.json").is_file(), (out / "pytest.log").read_text()
    facts = json.loads((out / "facts.json").read_text())
    return {**json.loads((out / "report.json").read_text()), "facts": facts}


@pytest.fixture(scope="module")
def setuid_image(docker_client: docker.DockerClient, small_image: ImageFacts) -> Iterator[str]:
    """The image with a program of root's that anybody runs as root: a copy of `id` with the set-user-id bit."""
    container = docker_client.containers.create(small_image.digest)
    try:
        chunks, _ = container.get_archive("/usr/bin/id")
        container.put_archive("/opt", as_setuid(b"".join(chunks), SETUID))
        made = container.commit()
    finally:
        container.remove(force=True)
    yield str(made.id)
    docker_client.images.remove(made.id)


def as_setuid(archive: bytes, name: str) -> bytes:
    """The one file of a tar archive as root's, set-user-id, under another name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as given:
        content = given.extractfile(given.getmembers()[0])
        assert content is not None
        data = content.read()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o4755
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive_made:
        archive_made.addfile(member, io.BytesIO(data))
    return made.getvalue()


def test_there_is_no_network(report: dict[str, Any]) -> None:
    assert report["interfaces"] == ["lo"]
    for name in ("address", "host_gateway", "name"):
        assert "error" in report[name], name


def test_the_root_filesystem_cannot_be_written(report: dict[str, Any]) -> None:
    for path, found in report["writes"].items():
        assert "error" in found, path
    # Anybody may write there, so that only a read-only filesystem refuses it.
    assert report["open_to_all"]["/var/tmp"] == "0o1777"
    assert report["writes"]["/var/tmp/x"]["errno"] == errno.EROFS
    assert report["facts"]["root_read_only"] is True


def test_the_runs_own_folders_can_be_written(report: dict[str, Any]) -> None:
    assert {path: list(found) for path, found in report["may_write"].items()} == {
        "/out/x": ["done"],
        "/tmp/x": ["done"],
        "/dev/shm/x": ["done"],
    }
    assert report["tmp_runs"] == 7  # torch compiles there and loads what it compiled


def test_it_has_no_capabilities_and_gains_none(report: dict[str, Any]) -> None:
    status = report["status"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    for name in ("chown", "mount", "chroot", "node", "priority", "clock", "raw_socket"):
        assert "error" in report[name], name


def test_a_set_user_id_program_raises_nobody(
    docker_client: docker.DockerClient, engine: DockerEngine, place: Place, out: Path, setuid_image: str
) -> None:
    # Without our settings it does raise its caller: the program is what it is meant to be.
    plain = docker_client.containers.run(setuid_image, [f"/opt/{SETUID}", "-u"], user="10001:10001", remove=True)
    assert plain.decode().split() == ["0"]
    task = Task((f"/opt/{SETUID}", "-u"), {}, "{out}", 60.0, Limits(), torch=False)
    ending = engine.execute(replace(place, handle=setuid_image), task, out, lambda _: None)
    assert ending.error is None, ending
    assert (out / "pytest.log").read_text().split() == ["10001"]


def test_it_is_not_root_and_cannot_become_it(report: dict[str, Any]) -> None:
    assert report["ids"][:2] == [[10001] * 3, [10001] * 3]
    assert 0 not in report["ids"][2]
    assert "error" in report["become_root"]


def test_the_supervisor_is_process_1_and_cannot_be_killed_from_inside(report: dict[str, Any]) -> None:
    assert report["supervisor"][1:4] == ["-I", "-S", "-B"]
    assert report["supervisor"][4].endswith("/agent/__main__.py")
    assert report["processes"] < 10  # nobody else's
    assert "done" in report["kill_supervisor"]  # the kernel takes the signal and drops it: the report exists


def test_limits_hold(report: dict[str, Any]) -> None:
    assert 30 <= report["forks"] < 40
    assert report["core"] == [0, 0]
    assert report["tmp_size"] <= 64 * MIB  # its files are memory: a quarter of the limit
    assert report["docker_socket"] == []


@pytest.mark.parametrize("where", ["memory", "/tmp", "/dev/shm"])
def test_no_way_of_taking_memory_passes_the_limit(engine: DockerEngine, place: Place, out: Path, where: str) -> None:
    code = {
        "memory": "x = bytearray(300 << 20)",
        "/tmp": "f = open('/tmp/x', 'wb')\nfor _ in range(300): f.write(bytes(1 << 20))",
        "/dev/shm": "f = open('/dev/shm/x', 'wb')\nfor _ in range(300): f.write(bytes(1 << 20))",
    }[where]
    task = Task(("{python}", "-c", code), {}, "{out}", 60.0, Limits(memory_bytes=64 * MIB), torch=False)
    engine.execute(place, task, out, lambda _: None)
    result = json.loads((out / "result.json").read_text())
    assert result["outcome"] == ("oom_killed" if where == "memory" else "failed")
    assert result["memory"]["peak_bytes"] <= 64 * MIB
    if where != "memory":
        assert "No space left" in (out / "pytest.log").read_text()


REACH = """
import json, os, signal, time
found = {}
for name in ("fd/1", "mem", "environ", "maps", "fd"):
    try:
        os.open(f"/proc/1/{name}", os.O_WRONLY if name in ("fd/1", "mem") else os.O_RDONLY)
        found[name] = "opened"
    except OSError as error:
        found[name] = error.strerror
for number in range(1, 32):
    os.kill(1, number)
os.unlink("/out/samples.csv")
os.unlink("/out/result.json")
os.mkfifo("/out/result.json")
for name in ("/out/pytest.junit.xml", "/out/huge"):
    with open(name, "wb") as file:
        file.truncate(4 << 40)
for number in range(12000):
    open(f"/out/file-{number:05}", "w").close()
print(json.dumps(found))
time.sleep(0.5)
"""


def test_what_a_run_does_to_process_1_and_to_its_results_costs_only_its_own_outcome(
    engine: DockerEngine, place: Place, out: Path
) -> None:
    task = Task(("{python}", "-c", REACH), {}, "{out}", 60.0, Limits(), torch=False)
    ending = engine.execute(place, task, out, lambda _: None)
    run = read_run(out, 0, ending).run
    assert set(json.loads((out / "pytest.log").read_text()).values()) == {"Permission denied"}
    assert (ending.error, ending.exit_code, run.exit_code) == (None, 0, 0)
    assert (run.outcome, run.wall_s is not None) == ("failed", True)
    assert "to the supervisor" in (run.signature or "")
    assert len((out / "samples.csv").read_text().splitlines()) > 2
    assert not (out / "pytest.junit.xml").exists()
    codes = [warning.code for warning in run.warnings]
    assert {"evidence_changed", "signal_from_inside", "evidence_left_behind"} <= set(codes)
