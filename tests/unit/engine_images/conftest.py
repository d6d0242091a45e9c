"""A stand-in for an engine that keeps images in memory and answers with the SDK's own types of error."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

INSIDE = {"lock_sha256": "l" * 64, "python": "3.13.5 (main)", "torch": {"version": "2.7.1+cpu", "git": "e2d141d"}}


@dataclass
class FakeImage:
    id: str
    labels: dict[str, str] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=lambda: {"RootFS": {"Layers": ["sha256:base"]}})


def archive(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


class FakeLog:
    """A log that is followed: its pieces, and the answer under it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._response = self

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        pass


class FakeContainer:
    def __init__(self, engine: FakeEngine, image: str, options: dict[str, Any]) -> None:
        self.engine, self.image, self.options = engine, image, options
        self.labels = options.get("labels", {})
        self.removed = False
        self.received: dict[str, bytes] = {}

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
        return [archive(path.rpartition("/")[2], self.engine.files[path])], {}

    def put_archive(self, path: str, data: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content:
                    self.received[f"{path}/{member.name}"] = content.read()

    def start(self) -> None:
        pass

    def logs(self, **_: Any) -> FakeLog:
        return FakeLog(self.engine.log)

    def wait(self) -> dict[str, int]:
        return {"StatusCode": self.engine.status}

    def commit(self, repository: str, tag: str, changes: list[str], conf: dict[str, Any]) -> None:
        self.engine.commits.append({"changes": changes, **conf})
        self.engine.put(f"{repository}:{tag}", conf["Labels"])

    def remove(self, **_: Any) -> None:
        self.removed = True


class FakeEngine:
    """What of docker.DockerClient the package uses; `images`, `containers` and `api` are itself."""

    def __init__(self) -> None:
        self.images = self.containers = self.api = self
        self.timeout = 120
        self.store: dict[str, FakeImage] = {}
        self.pullable: set[str] = set()
        self.builds: list[dict[str, Any]] = []
        self.pulls: list[tuple[str, str]] = []
        self.commits: list[dict[str, Any]] = []
        self.made: list[FakeContainer] = []
        self.files = {"/opt/bench/image.json": json.dumps(INSIDE).encode()}
        self.events: list[dict[str, Any]] = [{"stream": "Step 1/2 : FROM x\n"}, {"stream": "hello\n"}]
        self.log: list[bytes] = [b"installing\n"]
        self.status = 0
        self.explanation = "no such host"

    def put(self, name: str, labels: dict[str, str] | None = None) -> FakeImage:
        self.store[name] = FakeImage(f"sha256:id{len(self.store)}-{len(self.builds)}", labels or {})
        return self.store[name]

    def get(self, name: str) -> FakeImage:
        if name not in self.store:
            raise ImageNotFound(f"No such image: {name}")
        return self.store[name]

    def pull(self, repository: str, tag: str) -> None:
        self.pulls.append((repository, tag))
        name = f"{repository}@{tag}" if tag.startswith("sha256:") else f"{repository}:{tag}"
        if name not in self.pullable:
            raise APIError("500 Server Error", explanation=self.explanation)
        self.put(name)

    def build(self, **options: Any) -> Any:
        content = options.pop("fileobj").read()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            options["files"] = {member.name: member for member in tar}
        self.builds.append(options)
        if not any("error" in event for event in self.events):
            before = self.store.get(options["tag"])
            self.put(options["tag"], {**(before.labels if before else {}), **options["labels"]})
        return iter(self.events)

    def create(self, image: str, **options: Any) -> FakeContainer:
        self.made.append(FakeContainer(self, image, options))
        return self.made[-1]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def said() -> list[str]:
    return []
