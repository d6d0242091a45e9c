"""What a machine runs on: bare metal or which hypervisor, in the words of ``systemd-detect-virt --vm``.

Decided from texts that are the same inside a container, so that a host gets one identity whether it is asked directly
or through a container on it. The command itself is asked only where those texts cannot tell.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from bench.host.procfs import parse_stanzas

_DMI = (
    # what a firmware's vendor or product begins with -> systemd's word (its src/basic/virt.c knows the same strings)
    ("Amazon EC2", "amazon"),
    ("Google Compute Engine", "google"),
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Apple Virtualization", "apple"),
    ("Hyper-V", "microsoft"),
    ("Virtual Machine", "microsoft"),
    ("QEMU", "qemu"),
)
_CLOCKS = (("kvm-clock", "kvm"), ("hyperv_clocksource", "microsoft"), ("xen", "xen"))
_DMI_FILES = tuple(f"/sys/devices/virtual/dmi/id/{name}" for name in ("product_name", "sys_vendor", "bios_vendor"))
UNKNOWN_VM = "vm-other"


def parse_virtualization(texts: Mapping[str, str]) -> str | None:
    """``none``, ``kvm``, ``vmware`` …; ``vm-other`` for a hypervisor without a name; ``None`` if nothing tells."""
    if "microsoft" in texts.get("/proc/sys/kernel/osrelease", "").lower():
        return "wsl"
    first = next(iter(parse_stanzas(texts.get("/proc/cpuinfo", ""))), {})
    if "flags" in first and "hypervisor" not in first["flags"].split():
        return "none"  # x86: every hypervisor sets this bit, and nothing else does
    named, clock = _by_firmware(texts), _by_clock(texts)
    if clock and named in (None, "qemu"):  # QEMU is the device model; the accelerator under it is the answer
        return clock
    if named is not None:
        return named
    if texts.get("/sys/hypervisor/type"):
        return texts["/sys/hypervisor/type"].strip()
    tree = texts.get("/proc/device-tree/hypervisor/compatible", "")
    if tree:
        return next((word for word in ("kvm", "xen", "vmware") if word in tree), UNKNOWN_VM)
    if "flags" in first:
        return UNKNOWN_VM
    return "none" if any(path in texts for path in _DMI_FILES) else None


def read_virtualization(texts: Mapping[str, str]) -> tuple[str | None, str]:
    """The same, asking ``systemd-detect-virt --vm`` if the texts cannot tell; with the reason if nothing can."""
    found = parse_virtualization(texts)
    if found not in (None, UNKNOWN_VM):
        return found, ""
    command = shutil.which("systemd-detect-virt")
    if command is not None:
        try:
            answer = subprocess.run([command, "--vm"], capture_output=True, text=True, timeout=5, check=False)
        except (OSError, subprocess.SubprocessError):
            answer = None
        # It ends with 1 for "none", so that the word counts and not the exit status.
        if answer is not None and answer.stdout.strip():
            return answer.stdout.strip(), ""
    return found, "" if found else "no firmware text, processor flag or systemd-detect-virt tells"


def _by_firmware(texts: Mapping[str, str]) -> str | None:
    words = [texts[path].strip() for path in _DMI_FILES if path in texts]
    if any(word.startswith("Amazon") for word in words) and any(".metal" in word for word in words):
        return "none"
    for beginning, name in _DMI:
        if any(word.startswith(beginning) for word in words):
            return name
    return None


def _by_clock(texts: Mapping[str, str]) -> str | None:
    clocks = texts.get("/sys/devices/system/clocksource/clocksource0/available_clocksource", "").split()
    for beginning, name in _CLOCKS:
        if any(clock.startswith(beginning) for clock in clocks):
            return name
    return None
