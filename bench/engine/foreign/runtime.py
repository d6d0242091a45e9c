"""Our own Python in a volume, with its loader and its libraries: it starts in any image, whatever C library that has.

The files are those of our small image. The loader is started by its path and given the folder of the libraries, so that
neither an interpreter of the image nor its C library takes part; nothing of it reaches the command that is measured.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import NotFound
from docker.types import Mount

from bench.engine.docker.config import RUNTIME
from bench.engine.images.contents import helper_labels, read_member
from bench.engine.images.ensure import PYTHON, ensure_image
from bench.engine.images.options import BuildOptions
from bench.engine.labels import ROLE, TOOL, TOOL_NAME
from bench.engine.protocol import Notify
from bench.errors import NotMeasured

LAYOUT = "layout.json"
"""Written last of all: a volume without it was not filled to its end."""
_FILL = """
import json, os, re, shutil, subprocess, sys, sysconfig
target = sys.argv[1]
loader = next(line.split()[-1] for line in open("/proc/self/maps") if re.search(r"/ld-(linux|musl)", line))
python = os.path.realpath(sys.executable)
stdlib = sysconfig.get_path("stdlib")
name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
skipped = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "dist-packages", "pydoc_data")
ignore = shutil.ignore_patterns(*skipped, "config-*", "*.opt-*.pyc")
shutil.copytree(stdlib, f"{target}/python/lib/{name}", ignore=ignore, dirs_exist_ok=True)
os.makedirs(f"{target}/python/bin", exist_ok=True)
os.makedirs(f"{target}/lib", exist_ok=True)
shutil.copy(python, f"{target}/python/bin/{name}")
shutil.copytree("/opt/bench/agent", f"{target}/agent", dirs_exist_ok=True)
shutil.copy(os.path.realpath(loader), f"{target}/ld.so")
modules = sysconfig.get_config_var("DESTSHARED")
objects = [python, *(os.path.join(modules, one) for one in os.listdir(modules) if one.endswith(".so"))]
for one in objects:
    listed = subprocess.run([loader, "--list", one], capture_output=True, text=True).stdout
    for path in re.findall(r"=> (/\\S+)", listed):
        place = f"{target}/lib/{os.path.basename(path)}"
        if not os.path.exists(place):
            shutil.copy(os.path.realpath(path), place)
layout = {"loader": "ld.so", "libraries": "lib", "python": f"python/bin/{name}", "agent": "agent"}
with open(f"{target}/layout.new", "w") as file:
    json.dump(layout, file)
os.rename(f"{target}/layout.new", f"{target}/layout.json")
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where our Python lies in a container that has the volume. ``launcher`` stands before ``python``."""

    volume: str
    launcher: tuple[str, ...]
    python: str
    agent: str


def ensure_runtime(client: docker.DockerClient, options: BuildOptions, notify: Notify) -> Runtime:
    """Return the volume with our Python, filled from our small image if it is not there yet.

    Args:
        client: a client of the engine.
        options: how our image is built.
        notify: takes each line for the person who waits.

    Raises:
        NotMeasured: our image cannot be had, or the volume not be filled.
    """
    facts = ensure_image(client, "small", options, notify)
    volume = f"bench-runtime-{hashlib.sha256(f'{facts.digest}{_FILL}'.encode()).hexdigest()[:12]}"
    layout = _layout(client, volume, facts.digest)
    if layout is None:
        notify("copying our own Python for images of others (once; later runs find it)")
        _fill(client, volume, facts.digest)
        layout = _layout(client, volume, facts.digest)
    if layout is None:
        raise NotMeasured("our own Python could not be copied", fix=f"remove the volume {volume} and run again")
    return runtime_of(volume, layout)


def runtime_of(volume: str, layout: Mapping[str, str]) -> Runtime:
    """Return where things lie by a volume's own description of itself (pure)."""
    at = {name: f"{RUNTIME}/{path}" for name, path in layout.items()}
    launcher = (at["loader"], "--library-path", at["libraries"])
    return Runtime(volume, launcher, at["python"], at["agent"])


def _layout(client: docker.DockerClient, volume: str, image: str) -> Mapping[str, str] | None:
    """What a volume reports of itself; ``None`` if it is not there, or was not filled to its end."""
    try:
        client.volumes.get(volume)
    except NotFound:
        return None
    container = _container(client, volume, image)
    try:
        pieces, _ = container.get_archive(f"{RUNTIME}/{LAYOUT}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            found: Mapping[str, str] = json.loads(read_member(archive))
    except NotFound:
        return None
    finally:
        container.remove(force=True)
    return found


def _fill(client: docker.DockerClient, volume: str, image: str) -> None:
    client.volumes.create(volume, labels={TOOL: TOOL_NAME, ROLE: "runtime"})
    container = _container(client, volume, image)
    try:
        container.start()
        status = int(container.wait()["StatusCode"])
        if status:
            said = container.logs().decode("utf-8", "replace").strip().splitlines() or [f"status {status}"]
            raise NotMeasured("our own Python could not be copied", said[-1][:300], f"remove the volume {volume}")
    finally:
        container.remove(force=True)


def _container(client: docker.DockerClient, volume: str, image: str) -> Any:
    return client.containers.create(
        image,
        entrypoint=[PYTHON],
        command=["-I", "-c", _FILL, RUNTIME],
        user="0:0",
        mounts=[Mount(RUNTIME, volume, type="volume", no_copy=True)],
        network_mode="none",
        labels=helper_labels(),
    )
