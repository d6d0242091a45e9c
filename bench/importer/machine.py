"""What the text of lscpu, cpupower and torch's collect_env reports about a machine (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.record.storage.manifest import Problem

_FIELD = re.compile(r"(?P<name>[A-Z][A-Za-z0-9() /.-]*):\s+(?P<value>\S.*)")
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_KERNEL = re.compile(r"Linux-(?P<kernel>.+?)-(?:x86_64|aarch64|arm64|ppc64le|s390x|riscv64)(?:-with-.*)?")
_PYTHON = re.compile(r"(\d+\.\d+\.\d+\S*)", re.ASCII)
_GPU = re.compile(r"GPU \d+: (?P<name>.+)")
_PIP = re.compile(r"\[pip3?\] (?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")
_FREQUENCY = re.compile(r"current CPU frequency: (?P<value>\d+(?:\.\d+)?) (?P<unit>[kMG]?Hz)", re.ASCII)
_GOVERNOR = re.compile(r'governor "(?P<name>\w+)"|scaling_governor: (?P<ours>\w+)')
_BOOST = re.compile(r"\s*Active: (?P<yes>yes|no)")
_UNITS = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
_ONCE = {
    "Model name",
    "CPU(s)",
    "Stepping",
    "Thread(s) per core",
    "Core(s) per socket",
    "Socket(s)",
    "NUMA node(s)",
    "PyTorch version",
    "Python version",
    "Nvidia driver version",
}
_NONE = {"N/A", "Could not collect", "No", "None"}


@dataclass(frozen=True, slots=True)
class Lscpu:
    """The figures of ``lscpu``, and of the frequency policy under it."""

    cpu_model: str | None = None
    cpu_stepping: int | None = None
    cores: int | None = None
    threads: int | None = None
    numa_nodes: int | None = None
    virtualization: str | None = None
    boost: bool | None = None
    governor: str | None = None
    frequency_hz: float | None = None


@dataclass(frozen=True, slots=True)
class TorchEnv:
    """The figures of ``python -m torch.utils.collect_env``."""

    torch: str | None = None
    python: str | None = None
    kernel: str | None = None
    gpu: str | None = None
    driver: str | None = None
    packages: tuple[tuple[str, str], ...] = ()
    cuda: bool | None = None


def parse_lscpu(text: str, file: str = "system_load.txt") -> tuple[Lscpu, list[Problem]]:
    """Read lscpu's lines wherever they stand in the text; a field that is there twice must have the same value.

    Returns:
        The figures, and what is wrong: no lscpu at all, a count that is none, threads that contradict the sockets.
    """
    fields, lines, problems = _fields(text, file)
    if not problems and "Model name" not in fields and "CPU(s)" not in fields:
        return Lscpu(), [Problem(file, "holds no output of lscpu, or it is cut off", len(text.splitlines()) or None)]

    def whole(name: str) -> int | None:
        value = fields.get(name)
        if value is None:
            return None
        if _WHOLE.fullmatch(value):
            return int(value)
        problems.append(Problem(file, f"'{name}' is no count: {value!r:.40}", lines[name]))
        return None

    threads, per_core, per_socket, sockets = map(
        whole, ("CPU(s)", "Thread(s) per core", "Core(s) per socket", "Socket(s)")
    )
    cores = per_socket * sockets if per_socket is not None and sockets is not None else None
    if cores is not None and per_core is not None and threads is not None and cores * per_core < threads:
        problems.append(
            Problem(file, f"{threads} CPUs contradict {cores} cores of {per_core} threads", lines["CPU(s)"])
        )
    frequency, governor, boost = _FREQUENCY.search(text), _GOVERNOR.search(text), _BOOST.search(text)
    enabled = fields.get("Frequency boost")
    found = Lscpu(
        cpu_model=fields.get("Model name"),
        cpu_stepping=whole("Stepping"),
        cores=cores,
        threads=threads,
        numa_nodes=whole("NUMA node(s)"),
        virtualization=fields.get("Hypervisor vendor"),
        boost=boost["yes"] == "yes" if boost else {"enabled": True, "disabled": False}.get(enabled or ""),
        governor=(governor["name"] or governor["ours"]) if governor else None,
        frequency_hz=float(frequency["value"]) * _UNITS[frequency["unit"]] if frequency else None,
    )
    return found, problems


def parse_torch_env(text: str, file: str = "torch_env.txt") -> tuple[TorchEnv, list[Problem]]:
    """Read collect_env's lines; :func:`parse_lscpu` reads the processor's among them.

    Returns:
        The figures, and what is wrong: not such a text, or one that ends before its list of libraries.
    """
    fields, _, problems = _fields(text, file)
    last = len(text.splitlines()) or None
    if not problems and "PyTorch version" not in fields and "Python version" not in fields:
        return TorchEnv(), [Problem(file, "holds no output of torch's collect_env", last)]
    if "Versions of relevant libraries:" not in text:
        problems.append(Problem(file, "cut off: the list of libraries is missing", last))
    python = _PYTHON.match(fields.get("Python version", ""))
    kernel = _KERNEL.fullmatch(fields.get("Python platform", ""))
    gpus = [match["name"].strip() for line in text.splitlines() if (match := _GPU.search(line)) is not None]
    packages = {match["name"]: match["version"] for match in map(_PIP.match, text.splitlines()) if match is not None}
    found = TorchEnv(
        torch=_known(fields.get("PyTorch version")),
        python=python[1] if python else None,
        kernel=kernel["kernel"] if kernel else None,
        gpu=", ".join(gpus) or None,
        driver=_known(fields.get("Nvidia driver version")),
        packages=tuple(sorted(packages.items())),
        cuda={"True": True, "False": False}.get(fields.get("Is CUDA available", "")),
    )
    return found, problems


def _known(value: str | None) -> str | None:
    return None if value in _NONE else value


def _fields(text: str, file: str) -> tuple[dict[str, str], dict[str, int], list[Problem]]:
    """Value of each ``Name: value`` line and its line; what is there twice and differs is a problem and no value."""
    fields: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    contradicted = set()
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FIELD.fullmatch(line.strip())
        if match is None or line[:1].isspace():
            continue
        name, value = match["name"], match["value"].strip()
        if name not in fields:
            fields[name], lines[name] = value, number
        elif fields[name] != value and name in _ONCE:
            problems.append(Problem(file, f"'{name}' contradicts line {lines[name]}", number))
            contradicted.add(name)
    return {name: value for name, value in fields.items() if name not in contradicted}, lines, problems
