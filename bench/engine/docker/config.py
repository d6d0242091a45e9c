"""A container's configuration as the engine's API takes it (pure): everything that shields, limits and names it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bench.engine.docker.info import DOCKER, USER_ID
from bench.engine.protocol import Place, Task
from bench.engine.task import Folders, supervisor_argv, supervisor_spec

OUT = "/out"
SRC = "/src"
INPUT = "/in"
INPUT_FILE = "input"
RUNTIME = "/bench-runtime"
"""Where our own Python lies in an image that is not ours."""
TMP = "/tmp"  # noqa: S108 - the container's own
DEFAULT_PIDS = 4096
TMP_BYTES = 1024**3
MIN_TMP_BYTES = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one run's container and volumes."""

    container: str
    out: str
    src: str | None
    input: str | None = None

    @property
    def volumes(self) -> tuple[str, ...]:
        """The volumes' names."""
        return tuple(name for name in (self.out, self.src, self.input) if name is not None)

    @property
    def mounts(self) -> list[dict[str, Any]]:
        """The volumes as the API takes them."""
        pairs = ((self.out, OUT), (self.src, SRC), (self.input, INPUT))
        return [{"Type": "volume", "Source": name, "Target": target} for name, target in pairs if name]


def run_names(run_id: str, with_tree: bool, with_input: bool = False) -> Names:
    """Return the names for one run.

    Args:
        run_id: the run's id.
        with_tree: whether it takes a project's files along.
        with_input: whether it takes a file along that its command reads.
    """
    name = f"bench-{run_id}"
    return Names(name, f"{name}-out", f"{name}-src" if with_tree else None, f"{name}-in" if with_input else None)


def container_config(
    place: Place,
    task: Task,
    names: Names,
    labels: Mapping[str, str],
    device_request: Mapping[str, Any] | None = None,
    engine: str = DOCKER,
) -> dict[str, Any]:
    """Return the body of ``POST /containers/create`` for one task.

    Args:
        place: the image to run in.
        task: what to run, with its limits.
        names: the container's and the volumes' names.
        labels: what marks the container as ours.
        device_request: the request for GPUs, or ``None`` for none.
        engine: which engine takes it. Podman makes a systemd timer even for ``Healthcheck: NONE``, and where one ulimit
            is named it raises all others to its maximum, which fails if it may not.
    """
    host: dict[str, Any] = {
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "Privileged": False,
        "CapDrop": ["ALL"],
        "SecurityOpt": security_options(task.security),
        "IpcMode": "private",
        "PidsLimit": task.limits.pids or DEFAULT_PIDS,
        "Tmpfs": {TMP: f"rw,exec,nosuid,nodev,mode=1777,size={tmp_bytes(task.limits.memory_bytes)}"},
        "ShmSize": tmp_bytes(task.limits.memory_bytes),
        "Mounts": [*names.mounts, *_runtime(place)],
        "Init": False,  # the supervisor is process 1 and reaps
        "AutoRemove": False,  # it has to be there still when its evidence is copied
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}},
    }
    if task.limits.cpus is not None:
        host["NanoCpus"] = round(task.limits.cpus * 1e9)
    if task.limits.cpuset is not None:
        host["CpusetCpus"] = task.limits.cpuset
    if task.limits.memory_bytes is not None:
        host["Memory"] = host["MemorySwap"] = task.limits.memory_bytes  # equal: no swap
    if device_request is not None:
        host["DeviceRequests"] = [dict(device_request)]
    first, *rest = supervisor_argv(place, supervisor_spec(place, task, container_folders(place)))
    config: dict[str, Any] = {
        "Image": place.handle,
        "Entrypoint": [first],
        "Cmd": rest,
        "User": f"{USER_ID}:{USER_ID}",
        "WorkingDir": "/",
        "Labels": dict(labels),
        "NetworkDisabled": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": False,
        "Tty": False,
        "StopSignal": "SIGTERM",
        "HostConfig": host,
    }
    if engine == DOCKER:
        config["Healthcheck"] = {"Test": ["NONE"]}
        host["Ulimits"] = [{"Name": "core", "Soft": 0, "Hard": 0}]
    return config


def container_folders(place: Place) -> Folders:
    """The folders of a container. HOME lies in memory: nothing else but ``/out`` and ``/src`` can be written."""
    binaries = str(PurePosixPath(place.python).parent)
    path = place.path or ":".join(dict.fromkeys((binaries, "/usr/local/bin", "/usr/bin", "/bin")))
    file = f"{INPUT}/{INPUT_FILE}"
    return Folders(out=OUT, src=SRC, home=TMP, tmp=TMP, path=path, here=place.folder or TMP, input=file)


def _runtime(place: Place) -> list[dict[str, Any]]:
    """The volume with our own Python, if the image needs it: read only, and nothing of the image copied into it."""
    if place.runtime is None:
        return []
    options = {"ReadOnly": True, "VolumeOptions": {"NoCopy": True}}
    return [{"Type": "volume", "Source": place.runtime, "Target": RUNTIME, **options}]


def security_options(security: str) -> list[str]:
    """``SecurityOpt`` of a profile; ``unconfined`` still allows no new privileges."""
    options = ["no-new-privileges:true"]
    if security == "unconfined":
        options += ["seccomp=unconfined", "apparmor=unconfined", "label=disable"]
    return options


def tmp_bytes(memory_bytes: int | None) -> int:
    """The size of ``/tmp`` and of ``/dev/shm``; their files count as memory, so at most a quarter of the limit."""
    return TMP_BYTES if memory_bytes is None else max(MIN_TMP_BYTES, min(TMP_BYTES, memory_bytes // 4))


def helper_config(place: Place, names: Names, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a container that is never started: the volumes are filled through it, as a read-only root takes none.

    Args:
        place: the image of the run.
        names: the run's container and volumes.
        labels: what marks it as ours.
    """
    return {
        "Image": place.handle,
        "Entrypoint": [place.python],
        "Cmd": ["-c", ""],
        "Labels": dict(labels),
        "NetworkDisabled": True,
        "HostConfig": {"NetworkMode": "none", "Mounts": names.mounts},
    }


def as_command(config: Mapping[str, Any], engine: str = DOCKER) -> str:
    """The ``docker create`` command that says the same, for people; the supervisor's long argument is left out."""
    host = config["HostConfig"]
    words = [engine, "create", "--network", "none", "--read-only", "--cap-drop", "ALL", "--user", config["User"]]
    for option in host["SecurityOpt"]:
        words += ["--security-opt", option]
    words += ["--pids-limit", str(host["PidsLimit"]), "--shm-size", str(host["ShmSize"])]
    for target, options in host["Tmpfs"].items():
        words += ["--tmpfs", f"{target}:{options}"]
    for mount in host["Mounts"]:
        words += ["--mount", f"type=volume,source={mount['Source']},target={mount['Target']}"]
    if "NanoCpus" in host:
        words += ["--cpus", f"{host['NanoCpus'] / 1e9:g}"]
    if "CpusetCpus" in host:
        words += ["--cpuset-cpus", host["CpusetCpus"]]
    if "Memory" in host:
        words += ["--memory", str(host["Memory"]), "--memory-swap", str(host["MemorySwap"])]
    if host.get("DeviceRequests"):
        cdi = host["DeviceRequests"][0]["DeviceIDs"]
        words += ["--device", cdi[0]] if cdi else ["--gpus", "all"]
    words += ["--entrypoint", config["Entrypoint"][0], config["Image"], *config["Cmd"][:-1], "SPEC"]
    return shlex.join(words)
