import shutil

import pytest

from bench.host.doctor import facts as preflight
from bench.host.doctor.examine import examine
from bench.host.doctor.facts import count_nvidia_devices, read_disk, read_facts, read_on_battery


def test_this_machine(tmp_path):
    facts = read_facts(tmp_path / "results", engine_problem="none answers")
    assert facts.results.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert facts.host_class.threads
    assert facts.state.load is not None
    assert facts.engine_disk is None
    assert facts.synchronised in (True, False, None)
    assert not (tmp_path / "results").exists()
    assert facts.python is None
    assert examine(facts)


def test_the_engines_disk_counts_only_where_it_is_on_this_machine(tmp_path):
    assert read_facts(tmp_path, {"DockerRootDir": str(tmp_path)}).engine_disk is not None
    assert read_facts(tmp_path, {"DockerRootDir": str(tmp_path / "elsewhere")}).engine_disk is None


def test_a_disk_that_cannot_be_asked(monkeypatch, tmp_path):
    def refuse(_):
        raise OSError("stale file handle")

    monkeypatch.setattr(preflight.shutil, "disk_usage", refuse)
    assert read_disk(tmp_path).free_bytes is None


def test_display_devices_of_nvidia_are_counted(plant):
    bus = "/sys/bus/pci/devices/0000:"
    root = plant(
        {
            f"{bus}01:00.0/vendor": "0x10de",
            f"{bus}01:00.0/class": "0x030000",
            f"{bus}01:00.1/vendor": "0x10de",
            f"{bus}01:00.1/class": "0x040300",
            f"{bus}02:00.0/vendor": "0x8086",
            f"{bus}02:00.0/class": "0x030000",
            f"{bus}03:00.0/vendor": "0x10de",
            f"{bus}03:00.0/class": "0x030200",
        }
    )
    assert count_nvidia_devices(root) == 2


@pytest.mark.parametrize(
    ("battery", "expected"),
    [(None, None), (type("B", (), {"power_plugged": True}), False), (type("B", (), {"power_plugged": False}), True)],
)
def test_battery(monkeypatch, battery, expected):
    monkeypatch.setattr(preflight.psutil, "sensors_battery", lambda: battery)
    assert read_on_battery() is expected


def test_a_machine_that_cannot_be_asked_for_its_battery(monkeypatch):
    def refuse():
        raise OSError

    monkeypatch.setattr(preflight.psutil, "sensors_battery", refuse)
    assert read_on_battery() is None


@pytest.mark.parametrize(("state", "expected"), [(0, True), (5, False), (-1, None)])
def test_the_kernels_word_on_the_clock(monkeypatch, state, expected):
    library = type("L", (), {"adjtimex": staticmethod(lambda _: state)})
    monkeypatch.setattr(preflight.ctypes, "CDLL", lambda *_, **__: library)
    assert preflight.read_synchronised() is expected


def test_a_c_library_without_adjtimex(monkeypatch):
    monkeypatch.setattr(preflight.ctypes, "CDLL", lambda *_, **__: object())
    assert preflight.read_synchronised() is None
