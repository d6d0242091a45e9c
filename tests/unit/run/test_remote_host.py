"""A session whose engine is on another machine, or at an address that only looks like one."""

import json
import queue
from contextlib import contextmanager

import pytest

from bench.engine.labels import read_boot
from bench.engine.protocol import Place
from bench.engine.stream import EventReader
from bench.engine.there import look as looking
from bench.engine.there.helper import HelperThere
from bench.engine.there.look import calibrate_there, look
from bench.errors import NotMeasured
from bench.run.host_snapshot import THIS_MACHINE, host_class, take_snapshot

PLACE = Place("/py", "/agent", "/diag", "sha256:1")
CPU = "processor\t: 0\nmodel name\t: Far CPU 9\nstepping\t: 3\nmicrocode\t: 0x7\nSerial\t: 123\nflags\t: fpu hypervisor"
TEXTS = {
    "/proc/cpuinfo": CPU,
    "/proc/meminfo": "MemTotal: 16000000 kB\nMapped: 1 kB",
    "/proc/loadavg": "0.50 0.40 0.30 1/100 1",
    "/sys/devices/virtual/dmi/id/sys_vendor": "QEMU",
    "/proc/sys/kernel/osrelease": "6.1",
}


class Far:
    """An engine whose helper answers what another machine says, or ``answers`` to each signal by its name."""

    remote = True

    def __init__(self, boot="far", **answers):
        texts = {**TEXTS, "/proc/sys/kernel/random/boot_id": boot}
        seen = [*({"path": path, "text": text} for path, text in texts.items()), {"looked": "cpu 1 1 1 1"}]
        self.answers = {"SIGUSR2": seen, "SIGHUP": [{"calibrated": '{"figures": {"one_core_s": 2.0}}'}], **answers}
        self.made = 0
        self.pieces = queue.Queue()

    @contextmanager
    def helper(self, place, argv):
        self.made += 1
        yield self

    def events(self):
        return EventReader(iter(self.pieces.get, None))

    def start(self):
        self.put({"ready": True})

    def put(self, event):
        self.pieces.put((json.dumps(event).encode() + b"\n", None))

    def signal(self, name):
        for event in self.answers[name]:
            self.pieces.put(None) if event is None else self.put(event)


def test_class_and_state_are_those_of_the_other_machine(tmp_path):
    seen = look(HelperThere(Far()), PLACE)
    found, missing = host_class(THIS_MACHINE, Far(), seen)
    assert (found.cpu_model, found.cpu_stepping, found.microcode, found.kernel) == ("Far CPU 9", 3, "0x7", "6.1")
    assert missing.keys() >= {"gpu", "driver"}
    assert take_snapshot(THIS_MACHINE, Far(), tmp_path, calibration=True, seen=seen).state.load == 0.5


def test_what_names_a_single_machine_does_not_come_back():
    seen = look(HelperThere(Far()), PLACE)
    assert "Serial" not in seen.texts["/proc/cpuinfo"]
    assert not any("boot_id" in path for path in seen.texts)


def test_an_address_that_leads_back_here_is_this_machine():
    seen = look(HelperThere(Far(boot=read_boot())), PLACE)
    assert seen.is_here
    assert host_class(THIS_MACHINE, Far(), seen) == THIS_MACHINE.read_class()


def test_one_helper_looks_calibrates_and_looks_again():
    helper = HelperThere(far := Far())
    for _ in range(2):
        assert look(helper, PLACE).boot == "far"
        assert calibrate_there(helper, PLACE)[0]["one_core_s"] == 2.0
    assert far.made == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([{"looked": ""}], "none"),
        ([{"path": "/proc/stat", "text": "cpu"}, {"looked": 3}], "none"),
        ([{"path": 1, "text": "cpu"}, {"path": "/proc/stat"}, {"looked": ""}], "none"),
        ([{"path": "/proc/stat", "text": "9" * 600}, {"path": "/a", "text": "9" * 600}], "too much"),
        ([{"event": "something else"}], "said nothing"),
        ([None], "has ended"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer, why, monkeypatch):
    monkeypatch.setattr(looking, "TIMEOUT_S", 0.01)
    monkeypatch.setattr(looking, "MAX_BYTES", 1000)
    with pytest.raises(NotMeasured, match=f"cannot be looked at.*{why}"):
        look(HelperThere(Far(SIGUSR2=answer)), PLACE)


def test_a_calibration_that_does_not_come_has_its_reason(monkeypatch):
    figures, missing = calibrate_there(HelperThere(Far(SIGHUP=[None])), PLACE)
    assert set(figures.values()) == {None}
    assert figures.keys() == missing.keys()
    far = Far(SIGHUP=[None])
    helper = HelperThere(far)
    assert look(helper, PLACE).boot == "far"
    calibrate_there(helper, PLACE)
    far.pieces = queue.Queue()
    assert look(helper, PLACE).boot == "far"  # by another helper
    assert far.made == 2
