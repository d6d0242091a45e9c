"""The helper's own script, as a process of this machine: what it reads, and what each signal asks for."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from bench.engine.labels import read_boot
from bench.engine.protocol import Place
from bench.engine.stream import EventReader
from bench.engine.there import script
from bench.engine.there.helper import GONE, HelperThere
from bench.engine.there.look import calibrate_there, look
from bench.engine.there.monitor import MonitorThere
from bench.host.identity import read_class

PLACE = Place("/py", "/agent", "/diag", "sha256:1")


class Process:
    """A helper that is a process beside the test."""

    def __init__(self, argv):
        command = [sys.executable, "-I", "-S", "-B", *argv]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def events(self):
        return EventReader((line, None) for line in self.process.stdout)

    def start(self):
        """It has begun."""

    def signal(self, name):
        self.process.send_signal(getattr(signal, name))


class Engine:
    made = 0

    @contextmanager
    def helper(self, place, argv):
        self.made += 1
        helper = Process(argv)
        try:
            yield helper
        finally:
            helper.process.kill()
            helper.process.wait()
            helper.process.stdout.close()


@pytest.fixture
def loads(tmp_path, monkeypatch):
    """Loads that take no time."""
    file = tmp_path / "loads.py"
    file.write_text('print(\'{"figures": {"one_core_s": 0.5}}\')')
    monkeypatch.setattr(script, "LOADS", file)
    return file


def test_one_helper_describes_calibrates_and_follows_a_machine(loads):
    engine = Engine()
    helper = HelperThere(engine)
    try:
        seen = look(helper, PLACE)
        figures, _ = calibrate_there(helper, PLACE)
        monitor = MonitorThere(helper, 4)
        with monitor.during(seen, PLACE, 10.0) as run:
            pass
        again = look(helper, PLACE)
        loads.write_text("raise SystemExit('no clock here')")
    finally:
        helper.close()
    assert seen.is_here
    assert seen.boot == again.boot == read_boot()
    assert seen.texts["/proc/sys/kernel/osrelease"] == read_class()[0].kernel
    assert seen.earlier_stat.startswith("cpu ")
    assert figures["one_core_s"] == 0.5
    assert len(run.summary().samples) >= 2
    assert (run.summary().problem, engine.made) == ("", 1)


def test_a_calibration_that_fails_there_has_the_reason(loads):
    loads.write_text("raise SystemExit('no clock here')")
    helper = HelperThere(Engine())
    try:
        figures, missing = calibrate_there(helper, PLACE)
    finally:
        helper.close()
    assert figures["one_core_s"] is None
    assert "not readable" in missing["one_core_s"]


def test_it_ends_if_nobody_asks(monkeypatch):
    monkeypatch.setattr("bench.engine.there.helper.LASTS_S", 0.0)
    helper = HelperThere(Engine())
    try:
        assert helper.hold(PLACE)
        assert not list(helper.said(60.0))
        assert helper.problem == GONE
    finally:
        helper.close()
