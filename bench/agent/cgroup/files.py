"""The files of a control group: opened once, read many times; what is absent is known with its reason."""

from __future__ import annotations

import os

READ_BYTES = 64 * 1024

NEEDS = {
    "memory.peak": "needs Linux 5.19 and the memory controller",
    "memory.swap.peak": "needs Linux 6.5, the memory controller and swap accounting",
    "memory.swap.current": "needs the memory controller and swap accounting (CONFIG_SWAP)",
    "pids.peak": "needs Linux 6.1 and the pids controller",
    "cpu.pressure": "needs pressure accounting (CONFIG_PSI, Linux 4.20; kernel parameter psi=1)",
    "memory.pressure": "needs pressure accounting (CONFIG_PSI, Linux 4.20; kernel parameter psi=1)",
    "io.pressure": "needs pressure accounting (CONFIG_PSI, Linux 4.20; kernel parameter psi=1)",
    "io.stat": "needs the io controller, which is not enabled for this group",
    "memory.memsw.usage_in_bytes": "needs swap accounting (kernel parameter swapaccount=1)",
}


class Files:
    """Open files by name below one or more folders.

    Args:
        wanted: file name to its full path; ``None`` where its controller has no folder here.
    """

    def __init__(self, wanted: dict[str, str | None]) -> None:
        self._fds: dict[str, int] = {}
        self._paths = wanted
        self.absent: dict[str, str] = {}
        for name, path in wanted.items():
            if path is None:
                controller = name.partition(".")[0]
                self.absent[name] = f"{name}: the {controller} controller has no group of this run's own here"
                continue
            try:
                self._fds[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                self._miss(name, error)

    def names(self) -> list[str]:
        """Those that could be opened."""
        return list(self._fds)

    def read(self, name: str) -> str | None:
        """The file's text now, or ``None`` (and a reason in :attr:`absent`)."""
        fd = self._fds.get(name)
        if fd is None:
            return None
        try:
            return os.pread(fd, READ_BYTES, 0).decode("ascii", "replace")
        except OSError as error:  # pressure files open but refuse to be read where psi=0
            self._miss(name, error)
            os.close(self._fds.pop(name))
            return None

    def reset(self, name: str) -> bool:
        """Start a peak counter anew; on version 2 (Linux 6.12) that holds for this open file alone, which is kept."""
        path = self._paths.get(name)
        if path is None or name not in self._fds:
            return False
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            os.write(fd, b"0")
        except OSError:
            os.close(fd)
            return False
        os.close(self._fds[name])
        self._fds[name] = fd
        return True

    def close(self) -> None:
        """Close all of them."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def _miss(self, name: str, error: OSError) -> None:
        needs = NEEDS.get(name)
        why = f"{needs}; " if needs else ""
        self.absent[name] = f"{name}: {error.strerror} ({why}this is Linux {os.uname().release})"


def read_members(folder: str, name: str = "cgroup.procs") -> list[int]:
    """The processes of a group and of the groups below it. 0 stands for one outside our process namespace.

    ``name`` is the file that lists them; ``tasks`` for the threads of version 1.
    """
    found: list[int] = []
    stack = [folder]
    while stack:
        here = stack.pop()
        try:
            with open(os.path.join(here, name), "rb") as file:
                found.extend(int(word) for word in file.read().split())
            with os.scandir(here) as entries:
                stack.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:  # a group below was removed meanwhile, or is threaded and lists no processes
            continue
    return found
