"""A Podman of the tests' own: its service with storage, configuration and socket in a folder that goes with it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import pytest

from tests.integration.private_engine import DidNotStart, client_of, remove, started

UNIFIED = "/sys/fs/cgroup/unified"


def why_not() -> str | None:
    """Why no Podman can be started here; ``None`` if it can be tried."""
    if os.geteuid() != 0:
        return "a Podman of the test's own needs root"
    missing = [name for name in ("podman", "crun", "conmon", "unshare") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


class PrivatePodman:
    """Podman's service. ``options`` are further lines of ``containers.conf``, by section."""

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/podman.sock"
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it.

        It runs in a mount namespace of its own: crun does not start where version 2 groups are mounted beside
        version 1. Resource limits are those of this process, since Podman raises them and may not be allowed to.
        """
        files, processes = (resource.getrlimit(which)[1] for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
        most = min(processes, 32768) if processes > 0 else 32768
        config = self.folder / "containers.conf"
        limits = f'default_ulimits = ["nofile={files}:{files}", "nproc={most}:{most}"]'
        config.write_text(
            f"[containers]\n{limits}\n{self._options.get('containers', '')}\n"
            f'[engine]\ncgroup_manager = "cgroupfs"\n{self._options.get("engine", "")}\n'
        )
        hide = f"if mountpoint -q {UNIFIED}; then umount {UNIFIED}; fi"
        root, run = self.folder / "storage", self.folder / "run"
        words = f"exec podman --root {root} --runroot {run} system service --time=0 {self.url}"
        try:
            self._process = started(
                ["unshare", "--mount", "sh", "-c", f"{hide}; {words}"],
                self.url,
                self.folder,
                env={**os.environ, "CONTAINERS_CONF": str(config)},
                cwd=self.folder,  # conmon leaves a file "oom" where the service was started
            )
        except DidNotStart as error:
            pytest.skip(f"Podman does not start: {error}")

    def load(self, client: docker.DockerClient, *names: str) -> None:
        """Copy images of another engine, with their names as Docker's API has them."""
        with closing(client_of(self.url, 300)) as own:
            for name in names:
                for image in own.images.load(client.images.get(name).save(named=name)):
                    repository, _, tag = name.rpartition(":")
                    image.tag(f"docker.io/library/{repository}", tag)

    def stop(self) -> None:
        """Stop it and remove its folder, with the mounts that it made there."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
        remove(self.folder)


@contextmanager
def podman(options: Mapping[str, str] | None = None) -> Iterator[PrivatePodman]:
    """Yield a Podman of the test's own; skips with the reason if there can be none."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    service = PrivatePodman(Path(tempfile.mkdtemp(prefix="pm-")), options)  # it takes no long path
    try:
        service.start()
        yield service
    finally:
        service.stop()
