"""Which NVIDIA GPUs a machine has, and their driver: from the driver's files, else NVML, else ``nvidia-smi``.

The files come first since they read the same inside a container that was given no GPU.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

_DRIVER = re.compile(r"Kernel Module\D*(?:x86_64|aarch64)?\s+(\d+(?:\.\d+)+)")
NO_DRIVER = "no NVIDIA driver is loaded (looked at /proc/driver/nvidia, NVML and nvidia-smi)"


@dataclass(frozen=True, slots=True)
class Gpus:
    """Names in the driver's order; ``driver`` is its version. Both empty if there is no driver."""

    names: tuple[str, ...] = ()
    driver: str | None = None

    @property
    def text(self) -> str | None:
        """One line: ``NVIDIA L4``, or ``2x NVIDIA L4`` for two of a kind; ``None`` for none."""
        counted = Counter(self.names)
        return " + ".join(name if n == 1 else f"{n}x {name}" for name, n in counted.items()) or None


def parse_driver_files(texts: Mapping[str, str]) -> Gpus:
    """What /proc/driver/nvidia says. Its ``version`` names the closed or the open kernel module, then the number."""
    version = _DRIVER.search(texts.get("/proc/driver/nvidia/version", ""))
    names = []
    for path in sorted(texts):
        if path.startswith("/proc/driver/nvidia/gpus/"):
            model = re.search(r"^Model:\s*(.+?)\s*$", texts[path], re.MULTILINE)
            if model is not None:
                names.append(model[1])
    return Gpus(tuple(names), version[1] if version else None)


def parse_nvidia_smi(text: str) -> Gpus:
    """The lines of ``nvidia-smi --query-gpu=name,driver_version --format=csv,noheader``."""
    rows = [[field.strip() for field in line.split(",")] for line in text.splitlines() if line.count(",") == 1]
    return Gpus(tuple(row[0] for row in rows), rows[0][1] if rows else None)


def read_gpus(texts: Mapping[str, str]) -> Gpus:
    """The GPUs of this machine. Names and driver are looked for until both are known."""
    found = parse_driver_files(texts)
    for ask in (_ask_nvml, _ask_nvidia_smi):
        if found.names and found.driver:
            break
        other = ask()
        found = Gpus(found.names or other.names, found.driver or other.driver)
    return found


def _ask_nvml() -> Gpus:
    try:
        import pynvml
    except ImportError:
        return Gpus()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return Gpus()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        names = tuple(_text(pynvml.nvmlDeviceGetName(handle)) for handle in handles)
        return Gpus(names, _text(pynvml.nvmlSystemGetDriverVersion()))
    except pynvml.NVMLError:
        return Gpus()
    finally:
        pynvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _ask_nvidia_smi() -> Gpus:
    command = shutil.which("nvidia-smi")
    if command is None:
        return Gpus()
    question = [command, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return Gpus()
    return parse_nvidia_smi(answer.stdout) if answer.returncode == 0 else Gpus()
