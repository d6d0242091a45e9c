"""A Slurm of one's own: munged, slurmctld and two slurmd on the loopback, in a folder of their own, ended by their pids."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

NODES = ("alpha", "beta")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "sinfo")
CONF = """
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={home}/munge/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool.%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.%n.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
KillWait=10
NodeName=alpha NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 State=UNKNOWN
NodeName=beta NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 State=UNKNOWN
PartitionName=all Nodes=alpha,beta Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def missing() -> str | None:
    """Why there can be no Slurm here; ``None`` if there can."""
    lost = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    if lost:
        return f"no {', '.join(lost)} here (Debian: slurm-wlm and munge)"
    return None if os.geteuid() == 0 else "slurmd starts jobs as other users, so it needs root"


_PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/sbin"


@contextmanager
def private_slurm() -> Iterator[Mapping[str, str]]:
    """Yield the variables with which Slurm's commands find it; all daemons are gone at the end, and their folder is.

    That folder is none of the test's own: a step's socket lies in it, whose path may have 108 bytes.
    """
    home = Path(tempfile.mkdtemp(prefix="sl-"))
    home.chmod(0o755)
    try:
        with _running(home) as found:
            yield found
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(home: Path) -> Iterator[Mapping[str, str]]:
    for name in ("munge", "state", *(f"spool.{node}" for node in NODES)):
        (home / name).mkdir(parents=True, mode=0o755)
    conf = home / "slurm.conf"
    conf.write_text(CONF.format(home=home, host=socket.gethostname().partition(".")[0], ports=_ports(3)))
    env = {**os.environ, "SLURM_CONF": str(conf), "PATH": _PATH}
    with ExitStack() as stack:
        for command in (_munged(home), ["slurmctld", "-D", "-i"], *(["slurmd", "-D", "-N", node] for node in NODES)):
            process = _started(command, env, home)
            stack.callback(_end, process)
            if command[0] == "munged":
                _wait((home / "munge/munge.socket").exists, process, home)
        _wait(lambda: _idle(env) == len(NODES), process, home)
        yield {"SLURM_CONF": str(conf), "PATH": _PATH}


def _munged(home: Path) -> list[str]:
    key = home / "munge/munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    folder = home / "munge"
    names = {
        "key": "munge.key",
        "socket": "munge.socket",
        "log": "munged.log",
        "pid": "munged.pid",
        "seed": "munged.seed",
    }
    files = [f"--{name}{'' if name == 'socket' else '-file'}={folder / file}" for name, file in names.items()]
    return ["munged", "--foreground", "--force", *files]


def _started(command: list[str], env: Mapping[str, str], home: Path) -> subprocess.Popen[bytes]:
    with (home / "daemons.log").open("ab") as log:
        return subprocess.Popen(command, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _idle(env: Mapping[str, str]) -> int:
    done = subprocess.run(["sinfo", "-h", "-N", "-o", "%T"], env=dict(env), capture_output=True, text=True, check=False)
    return done.stdout.split().count("idle")


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], home: Path, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted(home.glob("*.log")))
        assert process.poll() is None, f"{process.args} ended\n{logs}"
        assert time.monotonic() < end, f"it does not become ready\n{logs}"
        time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
