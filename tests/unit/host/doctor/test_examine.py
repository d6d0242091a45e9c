import dataclasses

import pytest

from bench.host.cgroup.access import LocalGroup
from bench.host.doctor.examine import examine, examine_there, worst
from bench.host.doctor.facts import Disk, Facts
from bench.record.check import Check
from bench.record.schema import HostClass, HostState, Outer

GIB = 1024**3
INFO = {
    "ServerVersion": "26.1.5",
    "OperatingSystem": "Debian GNU/Linux 13",
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "MemoryLimit": True,
    "SwapLimit": True,
    "CpuCfsQuota": True,
    "CPUSet": True,
    "PidsLimit": True,
    "Driver": "overlay2",
    "Runtimes": {"runc": {}},
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}
GOOD = Facts(
    host_class=HostClass(cores=16, threads=32, virtualization="none"),
    state=HostState(
        load=0.1,
        governor="performance",
        boost=False,
        temperature_c=45.0,
        thp="madvise",
        swap_used_bytes=0,
        steal_ratio=0.0,
        memory_available_bytes=60 * GIB,
        pressure_cpu_some_avg10=0.5,
        pressure_memory_some_avg10=0.0,
        pressure_io_some_avg10=0.2,
    ),
    info=INFO,
    group=LocalGroup(2, True, "by delegation"),
    results=Disk("results", 50 * GIB),
    engine_disk=Disk("/var/lib/docker", 50 * GIB),
    python="/usr/bin/python3.13",
    clock=("tsc", "hpet"),
    synchronised=True,
    aslr=2,
    smt=True,
    on_battery=False,
)


def check(name, **changes) -> Check:
    """The check of that name with some facts changed."""
    state = {key: changes.pop(key) for key in list(changes) if key in HostState.__struct_fields__}
    host = {key: changes.pop(key) for key in list(changes) if key in HostClass.__struct_fields__}
    info = {key: changes.pop(key) for key in list(changes) if key[0].isupper()}
    facts = dataclasses.replace(
        GOOD,
        state=HostState(**{f: getattr(GOOD.state, f) for f in HostState.__struct_fields__} | state),
        host_class=HostClass(**{f: getattr(GOOD.host_class, f) for f in HostClass.__struct_fields__} | host),
        info=INFO | info,
        **changes,
    )
    (found,) = [check for check in examine(facts) if check.name == name]
    return found


def test_a_good_machine_has_nothing_to_fix():
    checks = examine(GOOD)
    assert {check.level for check in checks} == {"ok"}
    assert all(check.fix == "" for check in checks)
    assert worst(checks) == "ok"
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    assert {
        "engine", "control groups", "memory limit", "swap accounting", "cpu limit", "cpuset", "pids limit", "GPU",
        "governor", "boost", "load", "swap", "huge pages", "results disk", "image disk", "Python 3.13", "clock source",
        "wall clock", "local control group", "steal", "temperature", "power",
    } <= set(names)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes", "fix"),
    [
        ("control groups", {"CgroupDriver": "none"}, "Delegate="),
        ("memory limit", {"MemoryLimit": False}, "cgroup_enable=memory"),
        ("swap accounting", {"SwapLimit": False}, "swapaccount=1"),
        ("cpuset", {"CPUSet": False, "SecurityOptions": ["name=rootless"]}, "Delegate="),
        ("pids limit", {"PidsLimit": None}, "CONFIG_CGROUP_PIDS"),
        ("storage driver", {"Driver": "vfs"}, "overlay2"),
        ("local control group", {"group": LocalGroup(2, False, "not delegated")}, "Delegate="),
        ("local control group", {"group": LocalGroup(1, False, "not root")}, "root"),
        ("local control group", {"group": LocalGroup(2, True, "by delegation", ("cpu",))}, "Delegate="),
        ("Python 3.13", {"python": None}, "uv python install 3.13"),
        ("GPU", {"nvidia_devices": 1}, "driver"),
        ("GPU", {"gpu": "NVIDIA L4", "driver": "550"}, "nvidia-ctk"),
        ("governor", {"governor": "powersave"}, "cpupower"),
        ("boost", {"boost": True}, "boost"),
        ("CPUs", {"threads": None}, "--cpus"),
        ("huge pages", {"thp": "never"}, "madvise"),
        ("memory", {"memory_available_bytes": 2 * GIB}, "smoke"),
        ("memory", {"memory_available_bytes": None}, "--memory"),
        ("results disk", {"results": Disk("r", 10 * 1024**2)}, "--results"),
        ("results disk", {"results": Disk("r", None)}, "--results"),
        ("image disk", {"engine_disk": Disk("/d", 5 * GIB)}, "docker"),
        ("image disk", {"engine_disk": Disk("/d", None)}, "docker"),
        ("clock source", {"clock": ("hpet", "tsc", "acpi_pm")}, "echo tsc"),
        ("clock source", {"clock": ("acpi_pm",)}, "firmware"),
        ("wall clock", {"synchronised": False}, "set-ntp"),
        ("address layout", {"aslr": 0}, "randomize_va_space=2"),
        ("load", {"load": 8.0}, "top"),
        ("load", {"load": None}, "top"),
        ("pressure", {"pressure_memory_some_avg10": 4.0}, "top"),
        ("pressure", dict.fromkeys([f"pressure_{n}_some_avg10" for n in ("cpu", "memory", "io")]), "psi=1"),
        ("steal", {"steal_ratio": 0.2}, "dedicated"),
        ("swap", {"swap_used_bytes": GIB}, "swapoff"),
        ("temperature", {"temperature_c": 91.0}, "cool"),
        ("power", {"on_battery": True}, "plug"),
    ],
)
def test_what_is_wrong_comes_with_its_fix(name, changes, fix):
    found = check(name, **changes)
    assert found.level == ("fail" if name == "results disk" else "warn")
    assert fix in found.fix


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("control groups", {"CgroupVersion": "1", "CgroupDriver": "cgroupfs"}, "v1"),
        ("engine", {"SecurityOptions": ["name=rootless"]}, "rootless"),
        ("GPU", {"gpu": "NVIDIA L4", "driver": "550", "Runtimes": {"nvidia": {}}}, "NVIDIA L4, driver 550"),
        ("GPU", {"gpu": "NVIDIA L4", "DiscoveredDevices": [{"ID": "nvidia.com/gpu=all"}]}, "NVIDIA L4"),
        ("GPU", {}, "not measured"),
        ("governor", {"governor": None}, "VM"),
        ("boost", {"boost": None}, "VM"),
        ("CPUs", {"smt": False}, "32 threads on 16 cores"),
        ("CPUs", {"cores": None}, "32 threads"),
        ("huge pages", {"thp": None}, "no transparent"),
        ("clock source", {"clock": ()}, "not shown"),
        ("wall clock", {"synchronised": None}, "does not say"),
        ("address layout", {"aslr": None}, "does not say"),
        ("virtualization", {"virtualization": "kvm"}, "kvm"),
        ("virtualization", {"virtualization": None}, "not known"),
        ("steal", {"steal_ratio": None}, "does not count"),
        ("swap", {"swap_used_bytes": None}, "no figure"),
        ("temperature", {"temperature_c": None}, "no sensor"),
    ],
)
def test_what_is_merely_so_is_no_warning(name, changes, words):
    found = check(name, **changes)
    assert found.level == "ok"
    assert words in found.detail


def test_a_limit_that_the_engine_is_silent_about():
    facts = dataclasses.replace(GOOD, info={key: value for key, value in INFO.items() if key != "CPUSet"})
    assert [c.level for c in examine(facts) if c.name == "cpuset"] == ["warn"]


def test_without_an_engine_the_local_one_serves_and_the_limits_are_not_asked():
    facts = dataclasses.replace(
        GOOD, info={}, engine_problem="nothing listens on /var/run/docker.sock", engine_disk=None
    )
    checks = {check.name: check for check in examine(facts)}
    assert checks["engine"].level == "warn"
    assert "/var/run/docker.sock" in checks["engine"].detail
    assert "systemctl start docker" in checks["engine"].fix
    assert not {"memory limit", "cpuset", "control groups", "image disk"} & set(checks)


def test_nothing_serves_instead_of_an_engine_that_was_named():
    facts = dataclasses.replace(
        GOOD, info={}, engine_problem="nothing listens", engine_fix="mend it", engine_named=True
    )
    engine = examine(facts)[0]
    assert (engine.level, engine.fix) == ("fail", "mend it")
    assert "nothing listens" in engine.detail
    assert [check.name for check in examine_there(facts) if check.name != "image"] == ["engine", "machine"]


def test_without_anything_to_measure_with_it_fails():
    checks = examine(Facts())
    assert checks[0].level == "fail"
    assert worst(checks) == "fail"
    assert all((check.level == "ok") == (check.fix == "") for check in checks)


def test_a_python_that_stands_in_is_something_to_measure_with():
    checks = examine(Facts(stand_in="/usr/bin/python3.11"))
    assert checks[0].level == "warn"
    (python,) = (check for check in checks if check.name == "Python 3.13")
    assert "/usr/bin/python3.11" in python.detail


def test_no_checks_at_all_are_no_failure():
    assert worst([]) == "ok"


@pytest.mark.parametrize(
    ("outer", "said"),
    [
        ({"cpus": 0.3}, "0.3 CPUs"),
        ({"cpuset": "1"}, "CPUs 1 alone"),
        ({"memory_bytes": GIB}, "1.00 GiB of memory"),
        ({"pids": 100}, "100 processes"),
        ({"nice": 10}, "niceness 10"),
        ({"cpu_share": 0.0625}, "0.0625 times the usual share of busy CPUs"),
        ({"scheduling": "idle"}, "scheduling idle"),
        ({"io_priority": "best effort 7"}, "disk priority best effort 7"),
        ({}, "500 s of CPU time a process, files of 1.00 MiB"),
    ],
)
def test_limits_from_outside_are_shown(outer, said):
    ulimits = {} if outer else {"cpu_seconds": 500, "file_bytes": 1 << 20}
    held = dataclasses.replace(GOOD, outer=Outer(**outer), **ulimits)
    (check,) = [one for one in examine(held) if one.name == "outer limits"]
    assert check.level == "warn"
    assert said in check.detail
    assert check.fix


def test_a_limit_that_bounds_nothing_is_no_matter():
    (check,) = [
        one for one in examine(dataclasses.replace(GOOD, outer=Outer(pids=95000))) if one.name == "outer limits"
    ]
    assert check.level == "ok"
