"""Ways to an engine that lead over a network on paper: an SSH server and a TCP relay of the tests' own, on loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

LOCAL = "127.0.0.1"
_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as line:
        line.bind((LOCAL, 0))
        return int(line.getsockname()[1])


class PrivateSshd:
    """An SSH server with keys and configuration in a folder, and a ``ssh`` there that reads that configuration.

    Its hosts: ``direct``, ``lab`` behind a jump host, ``shared`` whose connection is kept, ``dead`` and ``stranger``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.path = f"{folder / 'bin'}:{os.environ['PATH']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for name in ("host", "mine", "other"):
            _quietly("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        shutil.copy(self.folder / "mine.pub", self.folder / "authorized")
        lines = (
            f"Port {self.port}", f"ListenAddress {LOCAL}", f"HostKey {self.folder}/host", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {self.folder}/authorized", "StrictModes no", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "LogLevel VERBOSE",
        )  # fmt: skip
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        self._write_client()
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in; it belongs to nobody else
        with (self.folder / "log").open("wb") as log:
            argv = [_SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 10
        while b"Server listening" not in (self.folder / "log").read_bytes():
            if self._process.poll() is not None or time.monotonic() > until:
                pytest.skip(f"no sshd: {(self.folder / 'log').read_text()[-300:]}")
            time.sleep(0.02)

    def _write_client(self) -> None:
        known = f"[{LOCAL}]:{self.port} {(self.folder / 'host.pub').read_text()}"
        (self.folder / "known").write_text(known)
        common = (
            f"HostName {LOCAL}", f"Port {self.port}", f"User {getpass.getuser()}", f"IdentityFile {self.folder}/mine",
            "IdentitiesOnly yes", "BatchMode yes", f"UserKnownHostsFile {self.folder}/known", "LogLevel ERROR",
        )  # fmt: skip
        hosts = {
            "stranger": (f"IdentityFile {self.folder}/other",),
            "dead": (f"Port {free_port()}",),
            "lab": ("ProxyJump direct",),
            "shared": ("ControlMaster auto", f"ControlPath {self.folder}/ctl", "ControlPersist 60"),
            "direct": (),
        }
        text = ""
        for name, more in hosts.items():
            own = {line.split()[0] for line in more}
            text += "\n  ".join((f"Host {name}", *more, *(one for one in common if one.split()[0] not in own))) + "\n"
        (self.folder / "config").write_text(text)
        (self.folder / "bin").mkdir()
        script = self.folder / "bin/ssh"
        script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.folder}/config "$@"\n')
        script.chmod(0o755)

    def log_ins(self) -> int:
        """How often somebody has logged in so far."""
        return (self.folder / "log").read_text().count("Accepted publickey")

    def stop(self) -> None:
        _quietly(self.folder / "bin/ssh", "-O", "exit", "shared", check=False)
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


@contextmanager
def sshd(folder: Path) -> Iterator[PrivateSshd]:
    """Yield an SSH server of the test's own; skips with the reason if there can be none."""
    missing = [name for name in ("ssh", "ssh-keygen", _SSHD) if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"not installed: {', '.join(missing)}" if missing else "an SSH server of the test's own needs root")
    server = PrivateSshd(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def make_certificates(folder: Path) -> None:
    """An authority of the test's own, and a server's and a client's certificate by it, as Docker's client names them."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    ca, by = folder / "ca.pem", ("-CA", folder / "ca.pem", "-CAkey", folder / "ca-key.pem", "-CAcreateserial")
    made = {"server": f"subjectAltName=IP:{LOCAL}", "client": "extendedKeyUsage=clientAuth"}
    _quietly("openssl", "req", "-x509", *key, "-subj", "/CN=ca", "-keyout", folder / "ca-key.pem", "-out", ca)
    for name, extension in made.items():
        request, extra = folder / f"{name}.csr", folder / f"{name}.ext"
        extra.write_text(extension)
        _quietly("openssl", "req", *key, "-subj", f"/CN={name}", "-keyout", folder / f"{name}-key.pem", "-out", request)
        signed = ("-in", request, *by, "-days", "2", "-extfile", extra, "-out", folder / f"{name}-cert.pem")
        _quietly("openssl", "x509", "-req", *signed)
    shutil.copy(folder / "client-cert.pem", folder / "cert.pem")
    shutil.copy(folder / "client-key.pem", folder / "key.pem")


@contextmanager
def relay(target: str, certificates: Path | None = None) -> Iterator[int]:
    """Yield a port on loopback whose connections lead to a socket; with certificates by TLS, for clients that have one."""
    context = None
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server-cert.pem", certificates / "server-key.pem")
        context.load_verify_locations(certificates / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    with closing(socket.create_server((LOCAL, 0))) as door:
        threading.Thread(target=_serve, args=(door, target, context), daemon=True).start()
        yield int(door.getsockname()[1])
        door.shutdown(socket.SHUT_RDWR)


def _serve(door: socket.socket, target: str, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            line, _ = door.accept()
            threading.Thread(target=_pass_on, args=(line, target, context), daemon=True).start()


def _pass_on(line: socket.socket, target: str, context: ssl.SSLContext | None) -> None:
    with suppress(OSError), closing(line), socket.socket(socket.AF_UNIX) as there:
        here = context.wrap_socket(line, server_side=True) if context is not None else line
        with closing(here):
            there.connect(target)
            asking = threading.Thread(target=_pump, args=(here, there), daemon=True)
            asking.start()
            _pump(there, here)
            with suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)  # wakes the other one
            asking.join(5)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _quietly(*words: str | Path, check: bool = True) -> None:
    subprocess.run([str(word) for word in words], check=check, capture_output=True, timeout=30)
