"""A Docker daemon of the tests' own, that can be stopped without disturbing anybody."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import docker
import psutil
import pytest

from tests.integration.private_engine import DidNotStart, client_of, remove, started


class PrivateDaemon:
    """A Docker daemon of the test's own, that can be stopped without disturbing anybody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._has_run = False

    def start(self) -> None:
        # A network of its own: with --bridge=none a daemon removes the bridge docker0, which is another's.
        command = [
            "unshare",
            "--net",
            "dockerd",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/pid",
            f"--host={self.url}",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]
        try:
            self._process = started(command, self.url, self.folder)
        except DidNotStart as error:
            end = pytest.fail if self._has_run else pytest.skip
            end(f"no second Docker daemon: {error}")
        self._has_run = True

    def load(self, client: docker.DockerClient, *names: str) -> None:
        """Copy images of another daemon, with their names."""
        with closing(client_of(self.url, 300)) as own:
            for name in names:
                own.images.load(client.images.get(name).save(named=name))

    def image_id(self, name: str) -> str:
        """What it calls an image."""
        with closing(client_of(self.url)) as own:
            return str(own.images.get(name).id)

    def left(self) -> list[str]:
        """The containers and volumes that it has."""
        with closing(client_of(self.url)) as own:
            return [
                *(str(one.name) for one in own.containers.list(all=True)),
                *(str(one.name) for one in own.volumes.list()),
            ]

    def stop(self, number: int) -> None:
        if self._process is not None:
            own = psutil.Process(self._process.pid).children()  # its containerd; containers are the shims' own
            self._process.send_signal(number)
            self._process.wait(40)
            self._process = None
            if number != signal.SIGKILL:
                return
            for process in own:
                with suppress(psutil.Error):
                    process.kill()
            # Where nobody reaps orphans the next daemon would take the dead one for alive, and wait for it.
            (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def clean(self) -> None:
        """Take down what a crash of it may leave: shims, by the folder in their command line, and mounts."""
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.folder) in word for word in process.info["cmdline"] or ()):
                with suppress(psutil.Error):
                    process.kill()
        remove(self.folder)
