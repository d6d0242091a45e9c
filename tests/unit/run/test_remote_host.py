"""A session whose engine is on another machine, or at an address that only looks like one."""

import json

import pytest

from bench.engine.labels import read_boot
from bench.engine.protocol import Ending, Place
from bench.engine.there.look import look, parse_answer
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
    """An engine whose helper writes what another machine says."""

    remote = True

    def __init__(self, boot="far", answer=None):
        texts = {**TEXTS, "/proc/sys/kernel/random/boot_id": boot}
        self.answer = answer or json.dumps({"texts": texts, "earlier_stat": "cpu 1 1 1 1"}).encode()

    def execute(self, place, task, out, on_event):
        (out / "host.json").write_bytes(self.answer)
        return Ending(0)


def test_class_and_state_are_those_of_the_other_machine(tmp_path):
    seen = look(Far(), PLACE)
    found, missing = host_class(THIS_MACHINE, Far(), seen)
    assert (found.cpu_model, found.cpu_stepping, found.microcode, found.kernel) == ("Far CPU 9", 3, "0x7", "6.1")
    assert missing.keys() >= {"gpu", "driver"}
    assert take_snapshot(THIS_MACHINE, Far(), tmp_path, calibration=True, seen=seen).state.load == 0.5


def test_what_names_a_single_machine_does_not_come_back():
    seen = look(Far(), PLACE)
    assert "Serial" not in seen.texts["/proc/cpuinfo"]
    assert not any("boot_id" in path for path in seen.texts)


def test_an_address_that_leads_back_here_is_this_machine():
    seen = look(Far(boot=read_boot()), PLACE)
    assert seen.is_here
    assert host_class(THIS_MACHINE, Far(), seen) == THIS_MACHINE.read_class()


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"texts": 3}', b"\xff", b'{"texts": {"/proc/stat": null}}'])
def test_an_answer_that_is_none_is_refused(answer):
    with pytest.raises(NotMeasured, match="cannot be looked at"):
        parse_answer(answer)
