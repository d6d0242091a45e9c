"""The GPU: whether there is one that the engine can hand over, and the request that does (pure but for ``read_``)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import NotMeasured

CDI_ALL = "nvidia.com/gpu=all"
_CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi")


@dataclass(frozen=True, slots=True)
class GpuSigns:
    """What points to an NVIDIA GPU on this host: ``None`` if it could not be looked for.

    Attributes:
        names: the GPUs by NVML, or ``None`` if NVML did not load.
        devices: device files (``/dev/nvidia0``).
        smi: the path of ``nvidia-smi``.
        cdi_specs: CDI descriptions of NVIDIA devices.
    """

    names: tuple[str, ...] | None
    devices: tuple[str, ...]
    smi: str | None
    cdi_specs: tuple[str, ...]


def read_signs(root: Path = Path("/")) -> GpuSigns:
    """Look for a GPU on this host."""
    devices = sorted(str(path) for path in (root / "dev").glob("nvidia[0-9]*"))
    if (root / "dev/dxg").exists():  # the Windows subsystem hands GPUs over through this one file
        devices.append(str(root / "dev/dxg"))
    specs = [
        str(path)
        for folder in _CDI_FOLDERS
        for path in sorted((root / folder.lstrip("/")).glob("*"))
        if path.suffix in {".yaml", ".yml", ".json"} and _mentions_nvidia(path)
    ]
    return GpuSigns(read_names(), tuple(devices), shutil.which("nvidia-smi"), tuple(specs))


def read_names() -> tuple[str, ...] | None:
    """The GPUs' names by NVML; ``None`` if its binding or the driver's library is missing."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        names = [pynvml.nvmlDeviceGetName(handle) for handle in handles]
        return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in names)
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def check_local(signs: GpuSigns) -> None:
    """Refuse if this host has no GPU that works.

    Raises:
        NotMeasured: says what was looked for and what to install.
    """
    if signs.names or (signs.names is None and signs.devices):
        return
    raise NotMeasured("no NVIDIA GPU was found", looked_for(signs), _FIX_DRIVER)


def check_docker(signs: GpuSigns | None, info: Mapping[str, Any]) -> None:
    """Refuse if the engine cannot hand a GPU over. ``signs`` is ``None`` for an engine on another host.

    Raises:
        NotMeasured: says what was looked for and what to install.
    """
    offers = engine_offers(info)
    if signs is None:
        if not offers:
            raise NotMeasured(
                "the remote engine offers no GPU", "neither an NVIDIA runtime nor a CDI device", _FIX_TOOLKIT
            )
        return
    if not (signs.names or signs.devices):
        engine = f"the engine offers {', '.join(offers)}" if offers else "no NVIDIA runtime or CDI device in the engine"
        raise NotMeasured("no NVIDIA GPU was found", f"{looked_for(signs)}; {engine}", f"{_FIX_DRIVER}; {_FIX_TOOLKIT}")
    if not offers and not signs.cdi_specs and shutil.which("nvidia-container-runtime-hook") is None:
        raise NotMeasured(
            "the Docker engine cannot use the GPU", "it has neither an NVIDIA runtime nor a CDI device", _FIX_TOOLKIT
        )


_FIX_DRIVER = "install the NVIDIA driver (525.60.13 or newer for CUDA 12) and check it with 'nvidia-smi'"
_FIX_TOOLKIT = (
    "install the NVIDIA Container Toolkit on the engine's host, run "
    "'sudo nvidia-ctk runtime configure --runtime=docker' and restart Docker"
)


def looked_for(signs: GpuSigns) -> str:
    """What was looked for and not found, as one clause."""
    nvml = "NVML did not load" if signs.names is None else "NVML lists none"
    smi = "no nvidia-smi on the path" if signs.smi is None else f"{signs.smi} is there"
    files = "no /dev/nvidia*" if not signs.devices else " ".join(signs.devices)
    return f"{nvml}, {smi}, {files}"


def engine_offers(info: Mapping[str, Any]) -> tuple[str, ...]:
    """How the engine says that it can hand over an NVIDIA GPU: ``cdi``, ``runtime nvidia``, or nothing."""
    offers = []
    if has_cdi(info):
        offers.append("cdi")
    if "nvidia" in (info.get("Runtimes") or {}):
        offers.append("runtime nvidia")
    return tuple(offers)


def has_cdi(info: Mapping[str, Any]) -> bool | None:
    """Whether the engine knows NVIDIA devices by CDI; ``None`` for an engine too old to list what it discovered.

    Engines list the folders that they search (``CDISpecDirs``) whether or not anything lies in them; the devices found
    are listed since API 1.50.
    """
    if not info.get("CDISpecDirs"):
        return False
    if "DiscoveredDevices" not in info:
        return None
    devices = info.get("DiscoveredDevices") or []
    return any(device.get("ID") == CDI_ALL for device in devices)


def device_request(info: Mapping[str, Any], cdi_specs: bool = False) -> dict[str, Any]:
    """The request for all GPUs, as the engine's API takes it (``HostConfig.DeviceRequests``).

    Args:
        info: what the engine reports of itself.
        cdi_specs: whether CDI descriptions of NVIDIA devices were seen on the engine's host.

    CDI is taken if the engine surely has it; else the older way through the NVIDIA runtime's hook.
    """
    cdi = has_cdi(info)
    if cdi or (cdi is None and cdi_specs):
        return {"Driver": "cdi", "Count": 0, "DeviceIDs": [CDI_ALL], "Capabilities": [], "Options": {}}
    return {"Driver": "nvidia", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}


def _mentions_nvidia(path: Path) -> bool:
    try:
        return "nvidia.com/gpu" in path.read_text(encoding="utf-8", errors="replace")[:4096]
    except OSError:
        return False
