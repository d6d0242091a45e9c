"""An engine's API in memory: containers and volumes as dictionaries, and what a started container does as a script."""

from __future__ import annotations

import io
import queue
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from bench.engine.protocol import Place, Task
from bench.record.schema import Limits

Script = Callable[["FakeContainer"], None]

INFO = {
    "ServerVersion": "27.3.1",
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "Driver": "overlay2",
    "DefaultRuntime": "runc",
    "NCPU": 8,
    "MemTotal": 16 << 30,
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=apparmor", "name=cgroupns"],
    "MemoryLimit": True,
    "SwapLimit": True,
    "CpuCfsQuota": True,
    "CPUSet": True,
    "PidsLimit": True,
    "Runtimes": {"runc": {}},
}
VERSION = {
    "ApiVersion": "1.47",
    "Components": [{"Name": "containerd", "Version": "1.7"}, {"Name": "runc", "Version": "1.2"}],
}


class Attached:
    """A stream that is attached to a container."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[Any] = queue.Queue()
        self._response = self

    def __iter__(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        while (piece := self.pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.pieces.put(None)


class FakeContainer:
    """One container. A script says things, writes files into ``files`` (the /out folder) and ends it."""

    def __init__(self, config: dict[str, Any], name: str) -> None:
        self.config = config
        self.name = name
        self.id = f"id-{name}"
        self.status = "created"
        self.exit_code = 0
        self.oom_killed = False
        self.files: dict[str, bytes] = {}
        self.put: list[tuple[str, bytes]] = []
        self.signals: list[str] = []
        self.streams: list[Attached] = []
        self.on_signal: Callable[[FakeContainer, str], None] = lambda container, _: container.end(137)

    def say(self, line: str, error: bool = False) -> None:
        data = line.encode() + b"\n"
        for stream in self.streams:
            stream.pieces.put((None, data) if error else (data, None))

    def hang_up(self, why: Exception | None = None) -> None:
        for stream in self.streams:
            stream.pieces.put(why)

    def end(self, code: int = 0, oom_killed: bool = False) -> None:
        self.status, self.exit_code, self.oom_killed = "exited", code, oom_killed
        self.hang_up()


class FakeApi:
    """The calls of ``docker.APIClient`` that are made. ``broken`` maps a call's name to errors that it raises in turn."""

    def __init__(self) -> None:
        self.containers_: dict[str, FakeContainer] = {}
        self.volumes_: dict[str, dict[str, str]] = {}
        self.script: Script = lambda container: container.end()
        self.broken: dict[str, list[Exception]] = {}
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.broken.get(name):
            raise self.broken[name].pop(0)

    def _find(self, handle: str) -> FakeContainer:
        for container in self.containers_.values():
            if handle in (container.id, container.name):
                return container
        raise NotFound(f"no such container: {handle}")

    def create_volume(self, name: str, labels: dict[str, str]) -> None:
        self._call("create_volume")
        self.volumes_[name] = labels

    def create_container_from_config(self, config: dict[str, Any], name: str) -> dict[str, str]:
        self._call("create_container")
        self.containers_[name] = FakeContainer(config, name)
        return {"Id": self.containers_[name].id}

    def put_archive(self, handle: str, path: str, data: Any) -> bool:
        self._call("put_archive")
        content = data.read()
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:  # Podman refuses what comes after its end
            archive.getmembers()
            assert archive.offset + 2 * tarfile.BLOCKSIZE == len(content)
        self._find(handle).put.append((path, content))
        return True

    def attach(self, handle: str, **_: Any) -> Attached:
        self._call("attach")
        self._find(handle).streams.append(Attached())
        return self._find(handle).streams[-1]

    def start(self, handle: str) -> None:
        self._call("start")
        container = self._find(handle)
        container.status = "running"
        self.script(container)

    def kill(self, handle: str, name: str) -> None:
        self._call("kill")
        container = self._find(handle)
        if container.status != "running":
            raise APIError("not running")
        container.signals.append(name)
        container.on_signal(container, name)

    def inspect_container(self, handle: str) -> dict[str, Any]:
        self._call("inspect_container")
        container = self._find(handle)
        ended = container.status == "exited"
        return {
            "State": {
                "Running": container.status == "running",
                "Status": container.status,
                "ExitCode": container.exit_code,
                "OOMKilled": container.oom_killed,
                "StartedAt": "2026-01-01T00:00:00.000000001Z",
                "FinishedAt": "2026-01-01T00:00:02.5Z" if ended else "0001-01-01T00:00:00Z",
            }
        }

    def get_archive(self, handle: str, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        self._call("get_archive")
        data = io.BytesIO()
        files = self._find(handle).files
        with tarfile.open(fileobj=data, mode="w") as archive:
            if path != "/out/.":
                name = path.removeprefix("/out/")
                if name not in files:
                    raise NotFound(f"no such file: {path}")
                info = tarfile.TarInfo(name)
                info.size = len(files[name])
                archive.addfile(info, io.BytesIO(files[name]))
                return iter([data.getvalue() + bytes(1024)]), {}
            folder = tarfile.TarInfo(".")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
            for name, content in self._find(handle).files.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        text = data.getvalue()
        return iter([text[at : at + 700] for at in range(0, len(text), 700)]), {}

    def remove_container(self, handle: str, force: bool = False) -> None:
        assert force
        self._call("remove_container")
        del self.containers_[self._find(handle).name]

    def remove_volume(self, name: str, force: bool = False) -> None:
        assert force
        self._call("remove_volume")
        if name not in self.volumes_:
            raise NotFound(f"no such volume: {name}")
        del self.volumes_[name]

    def containers(self, all: bool, filters: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: A002, the SDK's name
        self._call("containers")
        wanted = filters["label"]
        wanted = [wanted] if isinstance(wanted, str) else wanted
        listed = []
        for container in self.containers_.values():
            labels = container.config["Labels"]
            if all and {f"{name}={value}" for name, value in labels.items()} >= set(wanted):
                listed.append({"Id": container.id, "Labels": labels, "State": container.status})
        return listed

    def volumes(self, filters: dict[str, Any]) -> dict[str, Any]:
        self._call("volumes")
        wanted = filters["label"]
        found = [
            {"Name": name, "Labels": labels}
            for name, labels in self.volumes_.items()
            if wanted in {f"{key}={value}" for key, value in labels.items()}
        ]
        return {"Volumes": found or None}


class FakeClient:
    """The calls of ``docker.DockerClient`` that are made."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api

    def info(self) -> dict[str, Any]:
        return dict(INFO)

    def version(self) -> dict[str, Any]:
        return dict(VERSION)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def client(api: FakeApi) -> FakeClient:
    return FakeClient(api)


@pytest.fixture
def info() -> dict[str, Any]:
    return dict(INFO)


@pytest.fixture
def version() -> dict[str, Any]:
    return dict(VERSION)


@pytest.fixture
def place() -> Place:
    return Place(
        python="/opt/venv/bin/python",
        agent="/opt/agent",
        diagnostics="/opt/diagnostics",
        handle="sha256:abc",
        preloads={"jemalloc": "/opt/lib/libjemalloc.so.2"},
    )


@pytest.fixture
def task() -> Task:
    return Task(
        argv=("{python}", "-m", "pytest", "--junitxml={out}/j.xml", "{diagnostics}/test_x.py"),
        env={"A": "{src}/{other}"},
        cwd="{diagnostics}",
        timeout_s=10.0,
        limits=Limits(),
        labels={"bench.name": "grad_cpu"},
    )
