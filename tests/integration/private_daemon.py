"""A Docker daemon of the tests' own, that can be stopped without disturbing anybody."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import docker
import psutil
import pytest

from bench.engine.docker.client import CALL_ERRORS, Endpoint, open_client, probe


def client_of(url: str, timeout_s: float = 60.0) -> docker.DockerClient:
    """Return a client of an engine at an address. The SDK's own would leave sockets open where nothing answers."""
    return open_client(Endpoint(url, "test"), timeout_s)


class PrivateDaemon:
    """A Docker daemon of the test's own, that can be stopped without disturbing anybody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._has_run = False

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    # A network of its own: with --bridge=none a daemon removes the bridge docker0, which is another's.
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
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        until = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                end = pytest.fail if self._has_run else pytest.skip
                end(f"no second Docker daemon: {(self.folder / 'log').read_text()[-500:]}")
            time.sleep(0.1)
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

    def _answers(self) -> bool:
        try:
            probe(self.url)
            with closing(client_of(self.url)) as client:
                return bool(client.ping())
        except CALL_ERRORS:
            return False

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
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if str(self.folder) in line:
                subprocess.run(["umount", "-l", line.split()[1]], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
