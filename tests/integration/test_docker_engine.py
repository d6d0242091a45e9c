"""The Docker engine against a real one: files in and out, limits, what cannot start, and nothing left behind."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.engine.docker.engine import DockerEngine
from bench.engine.protocol import Ending, Place, Task, Tree
from bench.errors import NotMeasured
from bench.record.schema import Limits

pytestmark = pytest.mark.integration
NO_LIMITS = Limits()


@pytest.fixture
def events() -> list[Mapping[str, Any]]:
    return []


Execute = Callable[..., Ending]


@pytest.fixture
def execute(engine: DockerEngine, place: Place, out: Path, events: list[Mapping[str, Any]]) -> Execute:
    def run(code: str, limits: Limits = NO_LIMITS, where: Place = place, **task: Any) -> Ending:
        words = {"argv": ("{python}", "-c", code), "env": {}, "cwd": "{out}", "timeout_s": 30.0, "torch": False}
        labels = {"test.out": str(out)}
        return engine.execute(where, Task(**{**words, "labels": labels, "limits": limits, **task}), out, events.append)

    return run


def result(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "result.json").read_text()))


def left(client: docker.DockerClient, out: Path) -> list[str]:
    """What is there of this test's runs; others may be under way on the same engine."""
    label = {"label": f"test.out={out}"}
    return [
        *(item.name for item in client.containers.list(all=True, filters=label)),
        *(item.name for item in client.volumes.list(filters=label)),
    ]


def test_a_run_brings_its_evidence_back_and_leaves_nothing(
    execute: Execute, out: Path, events: list[Mapping[str, Any]], docker_client: docker.DockerClient
) -> None:
    ending = execute("open('{out}/own.txt', 'w').write('mine'); import os; os.makedirs('deep/er'); print('said')")
    assert (ending.exit_code, ending.error, ending.interrupted, ending.oom_killed) == (0, None, False, False)
    assert result(out)["outcome"] == "passed"
    assert (out / "own.txt").read_text() == "mine"
    assert (out / "deep" / "er").is_dir()
    assert (out / "pytest.log").read_text() == "said\n"
    assert [event["event"] for event in events if event["event"] != "sample"] == ["started", "ended"]
    assert "--read-only" in ending.commands[0]
    assert ending.overhead_s is not None
    assert 0 < ending.overhead_s < 30
    assert left(docker_client, out) == []


def test_a_project_is_copied_and_its_checkout_is_never_written_to(execute: Execute, out: Path, tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "test_x.py").write_text(
        "import pathlib\n"
        "def test_writes(tmp_path):\n"
        "    here = pathlib.Path('.')\n"
        "    (here / 'made').write_text('x')\n"
        "    assert (here / 'run.sh').stat().st_mode & 0o100\n"
        "    assert (here / 'link').readlink() == pathlib.Path('run.sh')\n"
        "    assert not (here / 'secret').exists()\n"
    )
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o750)
    (root / "link").symlink_to("run.sh")
    (root / "secret").write_text("not among the files")
    listing = sorted(path.name for path in root.rglob("*"))
    ending = execute(
        "",
        argv=("{python}", "-m", "pytest", "-p", "no:cacheprovider", "--junitxml={out}/pytest.junit.xml", "pkg"),
        cwd="{src}",
        tree=Tree(root, ("pkg/test_x.py", "run.sh"), "", {"link": "run.sh"}),
    )
    assert result(out)["outcome"] == "passed", (out / "pytest.log").read_text()
    assert [test["outcome"] for test in result(out)["tests"]] == ["passed"]
    assert (out / "pytest.junit.xml").is_file()
    assert ending.error is None
    assert sorted(path.name for path in root.rglob("*")) == listing


def test_volumes_belong_to_the_run_in_an_image_that_is_not_ours(
    execute: Execute, out: Path, place: Place, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    """There the folders /out and /src are root's, and a new volume takes after them."""
    made = docker_client.containers.create(place.handle, user="root", command=["x"])
    try:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name in ("out", "src"):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(folder)
        made.put_archive("/", archive.getvalue())
        image = made.commit()
    finally:
        made.remove(force=True)
    (tmp_path / "a").write_text("a")
    try:
        execute(
            "open('/src/b', 'w'); open('/out/c', 'w')",
            where=replace(place, handle=image.id, owned=False),
            tree=Tree(tmp_path, ("a",), ""),
        )
    finally:
        docker_client.images.remove(image.id, force=True)
    assert result(out)["outcome"] == "passed", (out / "pytest.log").read_text()


def test_the_childs_environment_is_exactly_what_was_asked_for(execute: Execute, out: Path) -> None:
    execute(
        "import json, os; json.dump(dict(os.environ), open('env.json', 'w'))",
        env={"A": "{out}/{braces}", "TMPDIR": "/out"},
    )
    env = json.loads((out / "env.json").read_text())
    env.pop("LC_CTYPE", None)  # Python sets it itself where no language is set
    assert env == {
        "A": "/out/{braces}",
        "HOME": "/tmp",
        "LOGNAME": "bench",
        "PATH": "/opt/bench/venv/bin:/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": "/out",
        "USER": "bench",
    }


def test_an_allocator_is_loaded_where_it_is_asked_for(execute: Execute, out: Path) -> None:
    execute("print('jemalloc' in open('/proc/self/maps').read())", preload="jemalloc")
    assert (out / "pytest.log").read_text() == "True\n"


def test_limits_reach_the_container(execute: Execute, out: Path, engine: DockerEngine) -> None:
    limits = Limits(cpus=0.5, cpuset="0", memory_bytes=128 << 20, pids=40)
    execute(
        "import os, time\n"
        "end = time.monotonic() + 1.5\n"
        "while time.monotonic() < end: pass\n"
        "print(sorted(os.sched_getaffinity(0)))",
        limits=limits,
    )
    found = result(out)
    assert (out / "pytest.log").read_text() == "[0]\n"
    assert found["memory"]["limit_bytes"] == 128 << 20
    assert found["cpu"]["periods"] > 3  # the quota is counted; whether it throttles depends on the neighbours
    assert found["cpu"]["total_s"] < 0.7 * found["wall_s"]
    record = engine.describe(limits)
    assert record.limits == limits
    assert record.cgroup_version in {1, 2}
    assert record.security["capabilities"] == []


def test_links_and_devices_stay_where_they_are(execute: Execute, out: Path) -> None:
    ending = execute("import os; os.symlink('/etc/passwd', 'link'); os.mkfifo('pipe'); os.mkdir('d'); open('d/f', 'w')")
    assert len(ending.notes) == 2
    assert not (out / "link").exists()
    assert not (out / "link").is_symlink()
    assert not (out / "pipe").exists()
    assert (out / "d" / "f").is_file()
    assert ending.error is None


@pytest.mark.parametrize("profile", ["default", "unconfined"])
def test_the_security_profile_is_what_the_record_says(
    execute: Execute, out: Path, engine: DockerEngine, profile: str
) -> None:
    execute("", security=profile)
    facts = json.loads((out / "facts.json").read_text())
    filtered = engine.describe(Limits(), profile).security["seccomp"] not in {None, "unconfined"}
    assert (facts["security"]["Seccomp"] == "2") is filtered


def test_what_cannot_start_is_not_measured_and_leaves_nothing(
    execute: Execute, out: Path, place: Place, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(NotMeasured, match=r"could not be (created|started)"):
        execute("", where=replace(place, python="/nowhere/python"))
    with pytest.raises(NotMeasured, match="could not be created"):
        execute("", where=replace(place, handle="bench-no-such-image:1"))
    with pytest.raises(NotMeasured, match="allocator 'mimalloc' is not here"):
        execute("", preload="mimalloc")
    assert left(docker_client, out) == []


def test_a_supervisor_that_fails_says_why(execute: Execute, out: Path, place: Place) -> None:
    ending = execute("", where=replace(place, agent="/nowhere"))
    assert ending.exit_code not in (0, None)
    assert ending.error is not None
    assert "/nowhere/__main__.py" in ending.error


def test_a_gpu_is_requested_from_the_engine(execute: Execute, out: Path, engine: DockerEngine) -> None:
    if "nvidia" in (engine._info.get("Runtimes") or {}):
        pytest.skip("this engine has an NVIDIA runtime")
    with pytest.raises(NotMeasured, match=r"could not be started.*Toolkit"):
        execute("", gpu=True)
