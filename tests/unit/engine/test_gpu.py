import sys
import types

import pytest

from bench.engine import gpu
from bench.engine.gpu import GpuSigns, check_docker, check_local, device_request, has_cdi, read_names, read_signs
from bench.errors import NotMeasured

NOTHING = GpuSigns(None, (), None, ())
CARD = GpuSigns(("NVIDIA H100",), ("/dev/nvidia0",), "/usr/bin/nvidia-smi", ())
OLD = {"Driver": "nvidia", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}
CDI = {"Driver": "cdi", "Count": 0, "DeviceIDs": ["nvidia.com/gpu=all"], "Capabilities": [], "Options": {}}


def found(*ids):
    return {"CDISpecDirs": ["/etc/cdi"], "DiscoveredDevices": [{"Source": "cdi", "ID": name} for name in ids]}


@pytest.mark.parametrize(
    ("info", "specs", "request_"),
    [
        ({}, False, OLD),
        ({"CDISpecDirs": None}, True, OLD),
        ({"CDISpecDirs": ["/etc/cdi"]}, False, OLD),
        ({"CDISpecDirs": ["/etc/cdi"]}, True, CDI),
        (found(), True, OLD),
        (found("nvidia.com/gpu=0", "nvidia.com/gpu=all"), False, CDI),
        (found("amd.com/gpu=all"), False, OLD),
    ],
)
def test_cdi_is_taken_where_the_engine_surely_has_it(info, specs, request_):
    assert device_request(info, specs) == request_


def test_folders_that_may_be_empty_say_nothing_of_cdi():
    assert has_cdi({"CDISpecDirs": ["/etc/cdi"]}) is None
    assert has_cdi({}) is False
    assert has_cdi(found("nvidia.com/gpu=all")) is True


def test_without_a_gpu_it_is_said_what_was_looked_for_and_what_to_install():
    with pytest.raises(NotMeasured) as caught:
        check_local(NOTHING)
    text = str(caught.value)
    for word in ("NVML", "nvidia-smi", "/dev/nvidia*", "install the NVIDIA driver"):
        assert word in text
    with pytest.raises(NotMeasured) as caught:
        check_docker(NOTHING, {})
    text = str(caught.value)
    for word in ("NVML", "no NVIDIA runtime", "Container Toolkit", "NVIDIA driver"):
        assert word in text


def test_a_runtime_without_a_card_is_named():
    with pytest.raises(NotMeasured, match="the engine offers runtime nvidia"):
        check_docker(NOTHING, {"Runtimes": {"nvidia": {}}})


def test_a_card_serves_the_local_engine():
    check_local(CARD)
    check_local(GpuSigns(None, ("/dev/nvidia0",), None, ()))  # the binding is missing, the card is there
    with pytest.raises(NotMeasured, match="NVML lists none"):
        check_local(GpuSigns((), ("/dev/nvidia0",), "/usr/bin/nvidia-smi", ()))


def test_a_card_needs_an_engine_that_can_hand_it_over(monkeypatch):
    monkeypatch.setattr(gpu.shutil, "which", lambda name: None)
    with pytest.raises(NotMeasured, match="the Docker engine cannot use the GPU"):
        check_docker(CARD, {})
    check_docker(CARD, {"Runtimes": {"nvidia": {}}})
    check_docker(CARD, found("nvidia.com/gpu=all"))
    check_docker(GpuSigns(("x",), (), None, ("/etc/cdi/nvidia.yaml",)), {})
    monkeypatch.setattr(gpu.shutil, "which", lambda name: f"/usr/bin/{name}")
    check_docker(CARD, {})


def test_a_remote_engine_is_asked_alone():
    check_docker(None, {"Runtimes": {"nvidia": {}}})
    with pytest.raises(NotMeasured, match="the remote engine offers no GPU"):
        check_docker(None, {})


def test_signs_are_read_from_the_host(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "read_names", lambda: None)
    for name in ("nvidia0", "nvidiactl", "dxg"):
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / name).touch()
    (tmp_path / "etc/cdi").mkdir(parents=True)
    (tmp_path / "etc/cdi/nvidia.yaml").write_text("kind: nvidia.com/gpu\n")
    (tmp_path / "etc/cdi/other.yaml").write_text("kind: amd.com/gpu\n")
    (tmp_path / "etc/cdi/folder.json").mkdir()
    signs = read_signs(tmp_path)
    assert signs.devices == (f"{tmp_path}/dev/nvidia0", f"{tmp_path}/dev/dxg")
    assert signs.cdi_specs == (f"{tmp_path}/etc/cdi/nvidia.yaml",)


class Nvml(types.ModuleType):
    class NVMLError(Exception):
        pass

    def __init__(self, broken=""):
        super().__init__("pynvml")
        self.broken = broken
        self.shut = False

    def _fail(self, name):
        if self.broken == name:
            raise self.NVMLError

    def nvmlInit(self):
        self._fail("init")

    def nvmlDeviceGetCount(self):
        self._fail("count")
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetName(self, index):
        return [b"NVIDIA A", "NVIDIA B"][index]

    def nvmlShutdown(self):
        self.shut = True


@pytest.mark.parametrize(("broken", "names"), [("", ("NVIDIA A", "NVIDIA B")), ("init", None), ("count", None)])
def test_names_come_from_the_drivers_library(monkeypatch, broken, names):
    nvml = Nvml(broken)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert read_names() == names
    assert nvml.shut is (broken != "init")


def test_without_the_binding_there_are_no_names(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert read_names() is None
