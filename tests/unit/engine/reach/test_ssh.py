"""An engine over SSH, with a stand-in for the command ``ssh``: it forwards a socket as ssh does, or refuses as it does."""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from bench.engine.reach import ssh
from bench.engine.reach.ssh import socket_of, ssh_command
from bench.errors import NotMeasured

FORWARDS = """#!{python}
import os, socket, sys, threading
open({log!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
here = sys.argv[sys.argv.index("-L") + 1].partition(":")[0]
door = socket.socket(socket.AF_UNIX)
door.bind(here)
door.listen()
def serve():
    while True:
        line, _ = door.accept()
        there = socket.socket(socket.AF_UNIX)
        there.connect({engine!r})
        try:
            line.sendall(there.recv(100))
        except OSError:
            pass  # it was only seen whether anybody listens
        line.close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
open({log!r}, "a").write("ended\\n")
"""
REFUSES = "#!/bin/sh\necho 'me@lab: Permission denied (publickey).' >&2\nexit 255\n"


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    """A folder on the path for the stand-in; nothing is remembered from one test to the next."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    socket_of.cache_clear()
    yield tmp_path / "bin"
    socket_of.cache_clear()


def install(path: Path, text: str) -> None:
    (path / "ssh").write_text(text)
    (path / "ssh").chmod(0o755)


def test_the_port_the_user_and_the_socket_are_the_address_s():
    words = ssh_command("ssh://me@lab:2222", "/x.sock")
    assert words[-7:] == ["-l", "me", "-p", "2222", "--", "lab", "cat >/dev/null"]
    assert "/x.sock:/var/run/docker.sock" in ssh_command("ssh://lab", "/x.sock")
    assert "/x.sock:/run/podman/podman.sock" in ssh_command("ssh://lab/run/podman/podman.sock", "/x.sock")


def test_one_log_in_serves_a_command(path, tmp_path, monkeypatch):
    engine = socket.socket(socket.AF_UNIX)
    engine.bind(str(tmp_path / "engine"))
    engine.listen()

    def answer():
        while True:
            line, _ = engine.accept()
            line.sendall(b"docker")
            line.close()

    threading.Thread(target=answer, daemon=True).start()
    log = tmp_path / "log"
    ended = []
    monkeypatch.setattr(ssh.atexit, "register", lambda *call: ended.append(call))
    install(path, FORWARDS.format(python=sys.executable, log=str(log), engine=str(tmp_path / "engine")))
    url = socket_of("ssh://me@lab")
    assert socket_of("ssh://me@lab") == url
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(url.removeprefix("unix://"))
        assert line.recv(100) == b"docker"
    assert log.read_text().count("lab") == 1
    ((end, process, folder),) = ended
    process.stdin.close()  # as the kernel does if this command is killed
    assert process.wait(10) == 0
    end(process, folder)
    assert not folder.exists()


def test_a_failure_is_told_as_ssh_s(path):
    install(path, REFUSES)
    with pytest.raises(NotMeasured, match=r"ssh://me@lab.*ssh: me@lab: Permission denied \(publickey\)"):
        socket_of("ssh://me@lab")


def test_without_ssh_it_says_so(path, monkeypatch):
    monkeypatch.setenv("PATH", str(path))
    with pytest.raises(NotMeasured, match="'ssh' is not installed"):
        socket_of("ssh://me@lab")
