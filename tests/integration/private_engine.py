"""What the engines of the tests' own have in common: a process with a socket, its log and its mounts in one folder."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import docker

from bench.engine.docker.client import CALL_ERRORS, Endpoint, open_client, probe


class DidNotStart(Exception):
    """The end of the engine's log."""


def client_of(url: str, timeout_s: float = 60.0) -> docker.DockerClient:
    """Return a client of an engine at an address. The SDK's own would leave sockets open where nothing answers."""
    return open_client(Endpoint(url, "test"), timeout_s)


def started(command: Sequence[str], url: str, folder: Path, **settings: Any) -> subprocess.Popen[bytes]:
    """Start an engine and return its process once it answers.

    Args:
        command: what is started.
        url: where it is to answer.
        folder: holds its log.
        settings: more for the process.

    Raises:
        DidNotStart: it ended, or did not answer within 30 s; nothing of it runs then.
    """
    log = folder / "log"
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, **settings)
    until = time.monotonic() + 30
    while not _answers(url):
        if time.monotonic() > until or process.poll() is not None:
            process.kill()
            process.wait()
            raise DidNotStart(log.read_text()[-500:])
        time.sleep(0.1)
    return process


def remove(folder: Path) -> None:
    """Remove an engine's folder, with the mounts that it made there."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        if str(folder) in line:
            subprocess.run(["umount", "-l", line.split()[1]], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        probe(url)
        with closing(client_of(url)) as client:
            return bool(client.ping())
    except CALL_ERRORS:
        return False
