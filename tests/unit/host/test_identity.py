import os

import msgspec
import psutil
import pytest

from bench.host import gpu, virtualization
from bench.host.gpu import Gpus, parse_driver_files
from bench.host.identity import installed_bytes, parse_class, prefixed, read_class
from bench.host.kernel_files import CLASS_FILES, read_texts
from bench.host.virtualization import parse_virtualization
from bench.record.schema import HostClass

GIB = 1024**3


def class_of(texts):
    """The class that the kernel's files alone describe."""
    return parse_class(texts, (parse_virtualization(texts), "no text tells"), parse_driver_files(texts))


def test_a_desktop(ryzen):
    found, unavailable = class_of(ryzen)
    assert found == HostClass(
        cpu_model="AMD Ryzen 9 5950X 16-Core Processor",
        cpu_stepping=2,
        microcode="0xa201210",
        cores=16,
        threads=32,
        numa_nodes=1,
        memory_bytes=128 * GIB,
        kernel="6.14.0-29-generic",
        virtualization="none",
        gpu="NVIDIA GeForce RTX 3090",
        driver="550.54.15",
    )
    assert unavailable == {}


def test_a_virtual_machine_on_arm(graviton):
    found, unavailable = class_of(graviton)
    assert (found.cpu_model, found.cpu_stepping) == ("Arm Neoverse-N1", 0x31)
    assert (found.cores, found.threads, found.numa_nodes) == (4, 4, 1)
    assert found.memory_bytes == 16 * GIB
    assert found.virtualization == "amazon"
    assert set(unavailable) == {"microcode", "gpu", "driver"}
    assert "architecture" in unavailable["microcode"]
    assert "NVIDIA" in unavailable["gpu"]


def test_every_field_without_a_value_has_its_reason():
    found, unavailable = class_of({})
    assert found == HostClass()
    assert set(unavailable) == {field.name for field in msgspec.structs.fields(HostClass)}
    assert all(unavailable.values())


def test_what_changes_by_the_minute_does_not_change_the_class(ryzen):
    later = ryzen | {
        "/proc/cpuinfo": ryzen["/proc/cpuinfo"].replace("34", "51"),
        "/proc/meminfo": ryzen["/proc/meminfo"].replace("131799052", "131798760").replace("8388092", "100"),
    }
    assert class_of(later) == class_of(ryzen)


def test_asked_directly_and_through_its_texts_a_machine_is_the_same(plant, ryzen, monkeypatch):
    monkeypatch.setattr(gpu, "_ask_nvml", Gpus)
    monkeypatch.setattr(gpu, "_ask_nvidia_smi", Gpus)
    root = plant(ryzen)
    assert read_class(root) == class_of(read_texts(CLASS_FILES, root))
    assert read_class(root)[0].threads == 32


def test_this_machine():
    found, unavailable = read_class()
    assert found.threads == os.cpu_count()
    assert found.kernel == os.uname().release
    assert found.memory_bytes is not None
    assert psutil.virtual_memory().total <= found.memory_bytes <= 1.25 * psutil.virtual_memory().total
    assert found.cores == (psutil.cpu_count(logical=False) or found.cores)
    assert all(
        (getattr(found, field.name) is None) == (field.name in unavailable) for field in msgspec.structs.fields(found)
    )


def test_a_hypervisors_name_is_left_to_the_command_where_no_text_tells(monkeypatch, ryzen):
    texts = {"/proc/cpuinfo": "processor: 0\nflags: hypervisor"}
    asked = []

    def detect(command, **_):
        asked.append(command)
        return virtualization.subprocess.CompletedProcess(command, 0, "kvm\n", "")

    monkeypatch.setattr(virtualization.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(virtualization.subprocess, "run", detect)
    assert virtualization.read_virtualization(texts) == ("kvm", "")
    assert asked == [["/usr/bin/systemd-detect-virt", "--vm"]]
    assert virtualization.read_virtualization(ryzen) == ("none", "")
    assert len(asked) == 1


def test_a_failing_command_leaves_what_the_texts_say(monkeypatch):
    def broken(*_, **__):
        raise OSError

    monkeypatch.setattr(virtualization.shutil, "which", lambda name: name)
    monkeypatch.setattr(virtualization.subprocess, "run", broken)
    assert virtualization.read_virtualization({"/proc/cpuinfo": "processor: 0\nflags: hypervisor"}) == ("vm-other", "")
    found, why = virtualization.read_virtualization({})
    assert found is None
    assert "systemd-detect-virt" in why


FLAG = {"/proc/cpuinfo": "processor: 0\nflags: hypervisor"}
CLOCKS = "/sys/devices/system/clocksource/clocksource0/available_clocksource"
DMI = "/sys/devices/virtual/dmi/id/"


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ({"/proc/cpuinfo": "processor: 0\nflags: "}, "none"),
        (FLAG, "vm-other"),
        (FLAG | {CLOCKS: "tsc kvm-clock"}, "kvm"),
        (FLAG | {CLOCKS: "kvm-clock tsc", f"{DMI}sys_vendor": "QEMU"}, "kvm"),
        (FLAG | {CLOCKS: "tsc hpet acpi_pm", f"{DMI}sys_vendor": "QEMU"}, "qemu"),
        (
            FLAG | {CLOCKS: "kvm-clock tsc", f"{DMI}sys_vendor": "Amazon EC2", f"{DMI}product_name": "m7i.large"},
            "amazon",
        ),
        (FLAG | {CLOCKS: "kvm-clock tsc", f"{DMI}product_name": "Google Compute Engine"}, "google"),
        (FLAG | {CLOCKS: "hyperv_clocksource_tsc_page", f"{DMI}product_name": "Virtual Machine"}, "microsoft"),
        (FLAG | {f"{DMI}product_name": "VMware20,1"}, "vmware"),
        (FLAG | {f"{DMI}bios_vendor": "innotek GmbH"}, "oracle"),
        (FLAG | {"/sys/hypervisor/type": "xen"}, "xen"),
        (FLAG | {"/proc/sys/kernel/osrelease": "5.15.167.4-microsoft-standard-WSL2"}, "wsl"),
        ({"/proc/cpuinfo": "processor: 0\nflags: ", f"{DMI}sys_vendor": "Google"}, "none"),
        ({f"{DMI}sys_vendor": "Amazon EC2", f"{DMI}product_name": "m7g.metal"}, "none"),
        ({f"{DMI}sys_vendor": "Ampere"}, "none"),
        ({"/proc/device-tree/hypervisor/compatible": "linux,kvm"}, "kvm"),
        ({"/proc/device-tree/hypervisor/compatible": "vendor,other"}, "vm-other"),
        ({}, None),
    ],
)
def test_kinds_of_virtualization(texts, kind):
    assert virtualization.parse_virtualization(texts) == kind


@pytest.mark.parametrize(
    ("kib", "gib"),
    [
        (24684092, 24),  # a virtual machine of 24 GiB
        (131799052, 128),  # 128 GiB, 125.7 left
        (65770352, 64),  # 62.7
        (16109372, 16),  # 15.4
        (8005208, 8),  # 7.6
        (1056518172, 1024),
        (990000, 1),
    ],
)
def test_installed_memory(kib, gib):
    assert installed_bytes(kib * 1024) == gib * GIB
    assert installed_bytes(kib * 1024 - 512 * 1024) == gib * GIB


def test_installed_memory_of_a_full_power_of_two_is_itself():
    assert installed_bytes(64 * GIB) == 64 * GIB
    assert installed_bytes(1) == 1
    with pytest.raises(ValueError, match="MemTotal"):
        installed_bytes(0)


def test_cores_without_a_topology_in_sys():
    two_sockets = "\n".join(f"processor: {n}\nphysical id: {n % 2}\ncore id: {n // 4}" for n in range(8))
    assert class_of({"/proc/cpuinfo": two_sockets})[0].cores == 4
    older = {f"/sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": f"{n % 2},{n % 2 + 2}" for n in range(4)}
    assert class_of(older)[0].cores == 2


def test_an_arm_machine_with_two_kinds_of_cores():
    text = "\n".join(
        f"processor: {n}\nCPU implementer: 0x41\nCPU part: {part}\nCPU variant: 0x0\nCPU revision: 4"
        for n, part in enumerate(["0xd03", "0xd03", "0xd08"])
    )
    assert class_of({"/proc/cpuinfo": text})[0].cpu_model == "Arm Cortex-A53 + Arm Cortex-A72"


def test_a_part_that_is_not_in_the_table_keeps_its_number():
    text = "processor: 0\nCPU implementer: 0x77\nCPU part: 0x1a\nCPU variant: nonsense\nCPU revision: 4"
    found, unavailable = class_of({"/proc/cpuinfo": text})
    assert found.cpu_model == "implementer 0x77 part 0x1a"
    assert found.cpu_stepping is None
    assert "stepping" in unavailable["cpu_stepping"]


def test_reasons_under_the_paths_of_a_record():
    assert prefixed({"gpu": "no driver"}, "host.class") == {"host.class.gpu": "no driver"}
