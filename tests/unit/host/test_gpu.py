import subprocess
import sys
import types

import pytest

from bench.host import gpu
from bench.host.gpu import Gpus, parse_driver_files, parse_nvidia_smi, read_gpus

OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs@host)  Thu 2025"
ARM = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  Release Build"


@pytest.mark.parametrize(("text", "version"), [(OPEN, "570.86.15"), (ARM, "35.3.1"), ("", None)])
def test_the_driver_by_its_module(text, version):
    assert parse_driver_files({"/proc/driver/nvidia/version": text}) == Gpus((), version)


def test_equal_gpus_are_counted_and_different_ones_listed():
    files = {
        f"/proc/driver/nvidia/gpus/000{n}:00:00.0/information": f"Model: \t\t {name}" for n, name in enumerate("AAB")
    }
    assert parse_driver_files(files).text == "2x A + B"
    assert Gpus().text is None


def test_nvidia_smi_lines():
    assert parse_nvidia_smi("NVIDIA H200, 570.124.06\nNVIDIA H200, 570.124.06\n") == Gpus(
        ("NVIDIA H200",) * 2, "570.124.06"
    )
    assert parse_nvidia_smi("No devices were found") == Gpus()


def test_the_files_are_enough_where_they_are_complete(ryzen, monkeypatch):
    monkeypatch.setattr(gpu, "_ask_nvml", lambda: pytest.fail("asked"))
    assert read_gpus(ryzen) == Gpus(("NVIDIA GeForce RTX 3090",), "550.54.15")


def test_what_the_files_lack_is_asked_for(monkeypatch):
    monkeypatch.setattr(gpu, "_ask_nvml", lambda: Gpus(("NVIDIA L4",), None))
    monkeypatch.setattr(gpu, "_ask_nvidia_smi", lambda: Gpus(("other",), "555.1"))
    assert read_gpus({}) == Gpus(("NVIDIA L4",), "555.1")


class Failure(Exception):
    pass


def fake_nvml(monkeypatch, *, fails_at=""):
    """A library with one GPU, of which one function fails."""
    called = []

    def answering(name, value):
        def function(*_):
            called.append(name)
            if name == fails_at:
                raise Failure(name)
            return value

        return function

    module = types.SimpleNamespace(
        NVMLError=Failure,
        nvmlInit=answering("nvmlInit", None),
        nvmlShutdown=answering("nvmlShutdown", None),
        nvmlDeviceGetCount=answering("nvmlDeviceGetCount", 1),
        nvmlDeviceGetHandleByIndex=answering("nvmlDeviceGetHandleByIndex", object()),
        nvmlDeviceGetName=answering("nvmlDeviceGetName", b"NVIDIA A10"),
        nvmlSystemGetDriverVersion=answering("nvmlSystemGetDriverVersion", "535.1"),
    )
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return called


def test_nvml(monkeypatch):
    called = fake_nvml(monkeypatch)
    assert gpu._ask_nvml() == Gpus(("NVIDIA A10",), "535.1")
    assert called[-1] == "nvmlShutdown"


def test_nvml_without_a_driver_or_losing_its_gpu(monkeypatch):
    called = fake_nvml(monkeypatch, fails_at="nvmlInit")
    assert gpu._ask_nvml() == Gpus()
    assert called == ["nvmlInit"]
    called = fake_nvml(monkeypatch, fails_at="nvmlDeviceGetName")
    assert gpu._ask_nvml() == Gpus()
    assert called[-1] == "nvmlShutdown"


def test_nvml_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu._ask_nvml() == Gpus()


def test_the_command(monkeypatch, tmp_path):
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 'NVIDIA T4, 470.1'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu._ask_nvidia_smi() == Gpus(("NVIDIA T4",), "470.1")
    command.write_text("#!/bin/sh\necho 'NVIDIA T4, 470.1'\nexit 9\n")
    assert gpu._ask_nvidia_smi() == Gpus()
    monkeypatch.setattr(gpu.subprocess, "run", raising(subprocess.TimeoutExpired("nvidia-smi", 20)))
    assert gpu._ask_nvidia_smi() == Gpus()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert gpu._ask_nvidia_smi() == Gpus()


def raising(error):
    def function(*_, **__):
        raise error

    return function
