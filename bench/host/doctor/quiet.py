"""How quiet the machine is now: load, pressure, steal, swap, temperature, battery: pure."""

from __future__ import annotations

from collections.abc import Iterator

from bench.host.doctor.facts import Facts
from bench.host.monitor.disturbances import STEAL_RATIO
from bench.record.check import Check, ok, warn
from bench.units import percent, size

LOAD_RATIO = 0.10
"""Load average a CPU. A run that uses all CPUs waits for what exceeds none."""

PRESSURE_PERCENT = {"cpu": 10.0, "memory": 1.0, "io": 10.0}
SWAP_BYTES = 64 * 1024**2
HOT_C = 80.0


def quiet_checks(facts: Facts) -> Iterator[Check]:
    """Everything that may be otherwise in a minute."""
    yield _load(facts)
    yield from _pressure(facts)
    yield _steal(facts)
    yield _swap(facts)
    yield _temperature(facts)
    if facts.on_battery is not None:
        yield _power(facts.on_battery)


def _load(facts: Facts) -> Check:
    load, cpus = facts.state.load, facts.host_class.threads
    if load is None or not cpus:
        return warn("load", "the kernel does not say how busy it is", "look with: top")
    text = f"{load:.2f} on {cpus} CPUs over the last minute"
    if load > LOAD_RATIO * cpus:
        return warn("load", text, "find the busy process with `top -o %CPU`; stop it or wait")
    return ok("load", text)


def _pressure(facts: Facts) -> Iterator[Check]:
    readings = {
        "cpu": facts.state.pressure_cpu_some_avg10,
        "memory": facts.state.pressure_memory_some_avg10,
        "io": facts.state.pressure_io_some_avg10,
    }
    if all(value is None for value in readings.values()):
        yield warn(
            "pressure",
            "the kernel keeps no pressure figures: what waited for what stays unknown",
            "boot with psi=1 (Linux 4.20 or newer)",
        )
        return
    high = {name: value for name, value in readings.items() if value is not None and value > PRESSURE_PERCENT[name]}
    if not high:
        yield ok("pressure", "tasks do not wait for CPU, memory or disks")
    for name, value in high.items():
        text = f"{value:.1f} % of the last 10 s some task waited for {name}"
        yield warn("pressure", text, "find the busy process with `top -o %CPU`; stop it or wait")


def _steal(facts: Facts) -> Check:
    ratio = facts.state.steal_ratio
    if ratio is None:
        return ok("steal", "the kernel does not count it")
    if ratio > STEAL_RATIO:
        fix = "wait, or take a machine whose CPUs are not shared (a dedicated or bare-metal one)"
        return warn("steal", f"the hypervisor takes {percent(ratio)} of the CPU time", fix)
    return ok("steal", f"the hypervisor takes {percent(ratio)} of the CPU time")


def _swap(facts: Facts) -> Check:
    used = facts.state.swap_used_bytes
    if used is None:
        return ok("swap", "the kernel gives no figure")
    if used > SWAP_BYTES:
        return warn("swap", f"{size(used)} in use", "sudo swapoff -a && sudo swapon -a, once memory suffices")
    return ok("swap", f"{size(used)} in use")


def _temperature(facts: Facts) -> Check:
    degrees = facts.state.temperature_c
    if degrees is None:
        return ok("temperature", "no sensor of the CPU (usual in a VM)")
    if degrees > HOT_C:
        fix = "let it cool down, and look after the fans and the dust"
        return warn("temperature", f"the CPU has {degrees:.0f} °C before anything runs", fix)
    return ok("temperature", f"{degrees:.0f} °C")


def _power(on_battery: bool) -> Check:
    if on_battery:
        return warn("power", "running from the battery, which lowers the frequency", "plug the machine in")
    return ok("power", "from the mains")
