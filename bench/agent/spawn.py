"""Starts a command in a session of its own, in its control group, with its output in a pipe."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from typing import NamedTuple

from .calls import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, hide, prctl

OOM_SCORE_RAISE = 500
"""Makes the kernel choose the child before the supervisor, half of all memory ahead (proc_pid_oom_score_adj(5))."""


class Command(NamedTuple):
    """What to execute. ``joins`` are ``cgroup.procs`` files; ``output`` becomes standard output and error, and the file
    ``stdin`` standard input.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    output: int
    joins: tuple[str, ...] = ()
    stdin: str = os.devnull


class SpawnError(Exception):
    """The command could not be started; the message says which step failed."""


def set_subreaper(on: bool) -> bool:
    """Have orphans below us given to us and not to process 1 (prctl(2)). Process 1 gets them anyway."""
    return os.getpid() == 1 or prctl(PR_SET_CHILD_SUBREAPER, int(on))


def spawn(command: Command) -> int:
    """Start the command; returns its number. Raises SpawnError where it cannot be executed (not found, no processes
    left).

    Plain fork and exec: the child must enter its group and become its own session before the command begins, and the
    standard library's way of doing so costs the supervisor a megabyte.
    """
    parent = os.getpid()
    read_end, write_end = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(read_end)
        os.close(write_end)
        raise SpawnError(f"no new process: {error.strerror}") from error
    if pid == 0:  # pragma: no cover - the child's side, replaced by exec
        step = "prepare"
        try:
            os.close(read_end)
            steps = _child_steps(command, parent)
            while taken := next(steps, None):
                step = taken
            step = f"execute {command.argv[0]}"
            os.execvpe(command.argv[0], command.argv, command.env)  # noqa: S606 - never through a shell
        except BaseException as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else repr(error)
            more = _explained(error, command) if step.startswith("execute") else ""
            os.write(write_end, f"{step[:800]}: {text}{more}".encode("utf-8", "replace")[:1000])
        finally:
            os._exit(127)
    os.close(write_end)
    message = os.read(read_end, 4096)  # end of file: exec closed the other end
    os.close(read_end)
    if message:
        os.waitpid(pid, 0)
        raise SpawnError(message.decode("utf-8", "replace"))
    return pid


def _explained(error: BaseException, command: Command) -> str:
    """What the kernel's word for a program that cannot be executed leaves out; nothing where it says all."""
    program = command.argv[0]
    folders = [""] if "/" in program else command.env.get("PATH", os.defpath).split(os.pathsep)
    there = [path for path in (os.path.join(folder, program) for folder in folders) if os.path.exists(path)]
    if isinstance(error, FileNotFoundError) and there:
        return ": the file is there, and the interpreter or loader that it names is not"
    if isinstance(error, PermissionError) and there and os.path.isdir(there[0]):
        return ": it is a folder"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return ": neither a program for this machine nor a script that begins with #!"
    return ""


def _child_steps(command: Command, parent: int) -> Iterator[str]:  # pragma: no cover - the child's side
    yield "leave the session"
    os.setsid()
    hide(False)  # else /proc/self is not ours to write to
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if parent != 1 and prctl(PR_SET_PDEATHSIG, signal.SIGKILL) and os.getppid() != parent:
        os._exit(127)  # the supervisor died meanwhile
    for path in command.joins:
        yield f"enter the control group {path}"
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"0")
        os.close(fd)
    yield "set the memory killer's preference"
    _raise_oom_score()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    yield f"read {command.stdin}"
    os.dup2(os.open(command.stdin, os.O_RDONLY | os.O_CLOEXEC), 0)
    yield "redirect the output"
    os.dup2(command.output, 1)
    os.dup2(command.output, 2)
    yield f"change to {command.cwd}"
    os.chdir(command.cwd)


def _raise_oom_score() -> None:  # pragma: no cover - the child's side
    try:
        with open("/proc/self/oom_score_adj", "r+", encoding="ascii") as file:
            score = min(1000, int(file.read()) + OOM_SCORE_RAISE)
            file.seek(0)
            file.write(str(score))
    except (OSError, ValueError):
        pass  # a preference, not a condition
