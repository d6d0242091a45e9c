"""What makes two hosts the same kind of machine: the class that ``host.id`` is a hash of.

Only what stays the same from one boot to the next belongs here, and nothing that names a single machine (no serial
number, UUID or host name): two machines of one purchase order have one class, so that their results can be compared.

Memory is the one field that needs care. The kernel's MemTotal is what was left after firmware and kernel took their
part; it moves by some KiB to MiB with kernel, boot options and firmware. :func:`installed_bytes` therefore rounds it up
to the next eighth of the power of two below it, which undoes that loss and gives the size that was bought.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bench.cpuset import parse_cpu_list
from bench.host.gpu import NO_DRIVER, Gpus, read_gpus
from bench.host.kernel_files import CLASS_FILES, read_texts
from bench.host.procfs import parse_meminfo, parse_stanzas
from bench.host.virtualization import read_virtualization
from bench.record.schema import HostClass

Unavailable = dict[str, str]
"""Field name to the reason why it has no value."""

_ARM_IMPLEMENTERS = {0x41: "Arm", 0x48: "HiSilicon", 0x4E: "NVIDIA", 0x51: "Qualcomm", 0x61: "Apple", 0xC0: "Ampere"}
_ARM_PARTS = {
    # (implementer, part): Arm's Main ID Register numbers as the Technical Reference Manuals give them
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4F): "Neoverse-V2",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1a",
}


def read_class(root: str = "/") -> tuple[HostClass, Unavailable]:
    """Return the class of this machine, and for each field without a value the reason."""
    texts = read_texts(CLASS_FILES, root)
    return parse_class(texts, read_virtualization(texts), read_gpus(texts))


def parse_class(
    texts: Mapping[str, str], virtualization: tuple[str | None, str], gpus: Gpus
) -> tuple[HostClass, Unavailable]:
    """Return the class that these facts describe, and for each field without a value the reason (pure).

    Args:
        texts: the kernel's files by path (see :mod:`bench.host.kernel_files`).
        virtualization: under which hypervisor, and why that is not known.
        gpus: the GPUs and their driver.
    """
    stanzas = parse_stanzas(texts.get("/proc/cpuinfo", ""))
    first = stanzas[0] if stanzas else {}
    mem_total = parse_meminfo(texts.get("/proc/meminfo", "")).get("MemTotal")
    is_arm = "CPU part" in first
    values: dict[str, tuple[str | int | None, str]] = {
        "cpu_model": (_model(stanzas), "/proc/cpuinfo names no model"),
        "cpu_stepping": (_stepping(first), "/proc/cpuinfo gives no stepping or revision"),
        "microcode": (
            first.get("microcode"),
            "this architecture has no microcode revision" if is_arm else "/proc/cpuinfo gives no microcode revision",
        ),
        "cores": (_cores(texts, stanzas), "neither /sys nor /proc/cpuinfo gives the topology"),
        "threads": (_threads(texts, stanzas), "neither /sys nor /proc/cpuinfo counts the processors"),
        "numa_nodes": (
            len(parse_cpu_list(texts.get("/sys/devices/system/node/online", ""))) or None,
            "the kernel lists no NUMA nodes (built without CONFIG_NUMA)",
        ),
        "memory_bytes": (installed_bytes(mem_total) if mem_total else None, "/proc/meminfo has no MemTotal"),
        "kernel": (texts.get("/proc/sys/kernel/osrelease"), "/proc/sys/kernel/osrelease is not readable"),
        "virtualization": virtualization,
        "gpu": (gpus.text, NO_DRIVER),
        "driver": (gpus.driver, NO_DRIVER),
    }
    found = {field: value for field, (value, _) in values.items()}
    reasons = {field: reason for field, (value, reason) in values.items() if value is None}
    return HostClass(**found), reasons  # type: ignore[arg-type]  # one mapping for fields of several types


def prefixed(unavailable: Mapping[str, str], path: str) -> Unavailable:
    """The same reasons under the paths that a record wants: ``prefixed(u, "host.class")``."""
    return {f"{path}.{field}": reason for field, reason in unavailable.items()}


def installed_bytes(mem_total: int) -> int:
    """The installed memory behind a MemTotal, in bytes: rounded up to an eighth of the power of two below it.

    62.7 GiB gives 64 GiB, 23.5 GiB gives 24 GiB. A machine whose loss lies within some MiB of such a step could change
    its class with a firmware update; that is rare, and seen as a changed ``memory_bytes``.
    """
    if mem_total <= 0:
        raise ValueError(f"MemTotal of {mem_total} bytes")
    granule = max(1, (1 << mem_total.bit_length() - 1) // 8)
    return math.ceil(mem_total / granule) * granule


def _model(stanzas: list[dict[str, str]]) -> str | None:
    """The model's name with single spaces; a big.LITTLE machine has several, joined in the order of its processors."""
    names = dict.fromkeys(filter(None, map(_model_of, stanzas)))
    return " + ".join(names) or None


def _model_of(stanza: Mapping[str, str]) -> str | None:
    if stanza.get("model name") or stanza.get("cpu model"):
        return " ".join((stanza.get("model name") or stanza["cpu model"]).split())
    implementer, part = _number(stanza.get("CPU implementer")), _number(stanza.get("CPU part"))
    if implementer is None or part is None:
        return None
    maker = _ARM_IMPLEMENTERS.get(implementer, f"implementer {implementer:#x}")
    return f"{maker} {_ARM_PARTS.get((implementer, part), f'part {part:#x}')}"


def _stepping(stanza: Mapping[str, str]) -> int | None:
    """x86's stepping; on ARM variant and revision in one number, r3p1 is 0x31, as the Main ID Register orders them."""
    if "stepping" in stanza:
        return _number(stanza["stepping"])
    variant, revision = _number(stanza.get("CPU variant")), _number(stanza.get("CPU revision"))
    return None if variant is None or revision is None else variant << 4 | revision


def _cores(texts: Mapping[str, str], stanzas: list[dict[str, str]]) -> int | None:
    """Physical cores: the sets of threads that share one, else the pairs of package and core of cpuinfo."""
    topology = re.compile(r"/sys/devices/system/cpu/cpu\d+/topology/(core_cpus_list|thread_siblings_list)")
    by_name: dict[str, set[str]] = {}
    for path, text in texts.items():
        match = topology.fullmatch(path)
        if match is not None:
            by_name.setdefault(match[1], set()).add(text.strip())
    if by_name:
        return len(by_name.get("core_cpus_list") or by_name["thread_siblings_list"])
    pairs = {(stanza.get("physical id", "0"), stanza["core id"]) for stanza in stanzas if "core id" in stanza}
    return len(pairs) or None


def _threads(texts: Mapping[str, str], stanzas: list[dict[str, str]]) -> int | None:
    return len(parse_cpu_list(texts.get("/sys/devices/system/cpu/online", ""))) or len(stanzas) or None


def _number(text: str | None) -> int | None:
    """A decimal or 0x number."""
    try:
        return None if text is None else int(text, 0)
    except ValueError:
        return None
