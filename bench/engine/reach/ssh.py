"""An engine over SSH: a socket here that the user's own ``ssh`` forwards to the engine's, one log-in a command.

``ssh`` takes the port, the keys, jump hosts and shared connections of its own configuration, and asks for a passphrase
as it always does. It ends with this command, however that ends: what it runs there reads what we never write.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.engine.docker.address import shown
from bench.errors import NotMeasured

ENGINE_SOCKET = "/var/run/docker.sock"
PATIENCE_S = 60.0
"""For a log-in, in which a person may have to type something."""
_STAY = "cat >/dev/null"
_POLL_S = 0.02


@cache
def socket_of(url: str) -> str:
    """Return the URL of a socket here that leads to the engine at an ``ssh://`` address; the same one if asked again.

    Raises:
        NotMeasured: ``ssh`` is not there, or does not reach it; says what ``ssh`` said.
    """
    folder = Path(tempfile.mkdtemp(prefix="bench-ssh-"))
    path = folder / "engine.sock"
    log = (folder / "log").open("wb")
    try:
        with _deaf_to_interrupts():
            process = subprocess.Popen(ssh_command(url, str(path)), stdin=subprocess.PIPE, stdout=log, stderr=log)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        raise _refused(url, "the command 'ssh' is not installed") from None
    finally:
        log.close()
    atexit.register(_end, process, folder)
    until = time.monotonic() + PATIENCE_S
    while not _listens(path):
        if process.poll() is not None or time.monotonic() > until:
            said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            _end(process, folder)
            late = f"ssh did not log in within {PATIENCE_S:g} s"
            last = f"ssh: {said[-1].removeprefix('ssh: ')[:300]}" if said else ""
            raise _refused(url, last or (late if process.returncode < 0 else "ssh ended"))
        time.sleep(_POLL_S)
    return f"unix://{path}"


def ssh_command(url: str, path: str) -> list[str]:
    """Return the ``ssh`` command for an engine's address (pure).

    A path in the address names the engine's socket there, as Podman's addresses do.

    Args:
        url: the engine's ``ssh://`` address.
        path: the socket here.
    """
    parts = urlsplit(url)
    there = parts.path if parts.path not in ("", "/") else ENGINE_SOCKET
    words = ["ssh", "-T", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15", "-L", f"{path}:{there}"]
    if parts.username:
        words += ["-l", unquote(parts.username)]
    if parts.port:
        words += ["-p", str(parts.port)]
    return [*words, "--", parts.hostname or "", _STAY]


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
        line.connect(str(path))
        return True
    return False


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """What is started meanwhile ignores a Ctrl-C at the terminal: it is ours to answer, in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        process.terminate()
        process.wait(5)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    shutil.rmtree(folder, ignore_errors=True)


def _refused(url: str, why: str) -> NotMeasured:
    host = urlsplit(url).hostname or ""
    return NotMeasured(f"no engine can be reached at {shown(url)}", why, f"see that 'ssh {host} docker version' works")
