"""One command's time on a host: places prepared once, runs with what is known of the host, and what stays behind."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Need
from bench.engine.there.look import Seen
from bench.errors import NotMeasured
from bench.host.monitor.monitor import Sample, Summary
from bench.run.host_snapshot import unseen
from bench.run.measurement import Measurement
from bench.run.observer import Observer
from bench.run.session import NOWHERE
from bench.run.store.kept import default_folder


class Noted(Observer):
    def __init__(self):
        self.seen = []

    def run_begins(self, plan, index):
        self.seen.append(f"begins {index}")

    def event(self, event):
        self.seen.append(event["event"])

    def run_ended(self, reading):
        self.seen.append(reading.run.outcome)


def begun(session, plan):
    return Measurement(plan, session, unseen("not asked"), Interrupts()).begin()


def test_a_place_is_prepared_once_and_unknown_before(open_session, said, plan):
    with open_session() as session:
        assert session.place_so_far(plan.need) is NOWHERE
        place = session.place(plan.need)
        assert session.place(Need(plan.need.kind)) is place
        assert session.place_so_far(plan.need) is place
    assert said == ["prepared cpu"]


def test_a_run_is_followed_and_carries_what_the_host_did(open_session, plan):
    observer = Noted()
    with open_session(observer=observer) as session:
        run = begun(session, plan).run(plan)
        session.store.written("begun-00")
    assert observer.seen == ["begins 0", "collected", "passed"]
    assert run.reading.run.host_during["load_max"] == 3.0
    assert "environment" in [warning.code for warning in run.reading.run.warnings]
    assert [warning.message for warning in run.reading.run.warnings if warning.code == "environment"] == [
        "made of an older base"
    ]


def test_of_a_remote_host_nothing_is_said_that_was_not_seen(open_session, stand_in, plan):
    stand_in.remote = True
    with open_session() as session:
        reading = begun(session, plan).run(plan).reading
        session.store.written("begun-00")
        seen = session.snapshot()
    assert reading.run.host_during == {}
    assert "another machine" in reading.unavailable["host_during"]
    assert (seen.calibration, "another machine" in seen.calibration_unavailable[""]) == ({}, True)


def test_the_neighbours_of_a_run_elsewhere_are_seen_there(open_session, stand_in, plan, monkeypatch):
    """Not those of this machine, whose monitor would report a load of 3."""
    stand_in.remote = True
    far = Seen({"/proc/loadavg": "7.00 1 1 1/1 1"}, boot="far")
    monkeypatch.setattr("bench.run.session.look", lambda engine, place: far)
    made = []

    class Helper:
        problem = "it is none"

        def __init__(self, engine):
            self.engine = engine

        def hold(self, place, lasts_s):
            return False

        def close(self):
            made.append("closed")

    class There:
        def __init__(self, helper, cpus):
            made.append((helper.engine, cpus))

        def during(self, seen, place, latest_s):
            assert (seen, place.handle, latest_s > plan.task.timeout_s) == (far, "sha256:1", True)
            samples = tuple(Sample(float(t), 4.0 * t, 0.0, 0.0, 0.0, load=7.0) for t in range(9))
            return nullcontext(SimpleNamespace(summary=lambda: Summary(0.0, 64, samples)))

    monkeypatch.setattr("bench.run.session.HelperThere", Helper)
    monkeypatch.setattr("bench.run.session.MonitorThere", There)
    with open_session() as session:
        session.place(plan.need)
        session.snapshot()
        result = begun(session, plan)
        runs = [result.run(plan).reading.run for _ in range(2)]
        session.store.written("begun-00")
    assert [run.host_during["load_max"] for run in runs] == [7.0, 7.0]
    assert made == [(stand_in, 1), "closed"]


def test_what_is_in_no_bundle_stays_for_the_next_command(open_session, said, plan):
    with open_session() as session:
        begun(session, plan).run(plan)
    (store,) = default_folder().iterdir()
    assert said[-1] == f"what was measured is kept in {store}, and the next command finishes it"


def test_a_store_without_a_run_goes_with_the_session(open_session, plan):
    with open_session() as session:
        begun(session, plan)
    assert list(default_folder().iterdir()) == []


def test_a_run_that_cannot_be_started_is_no_run(open_session, stand_in, plan):
    stand_in.outcomes = [NotMeasured("no room")]
    with open_session() as session:
        result = begun(session, plan)
        with pytest.raises(NotMeasured, match="no room"):
            result.run(plan)
        assert result.runs == []


def test_a_session_beside_another_differs_in_the_engine_alone(open_session, stand_in):
    usual = open_session(observer=Noted(), calibration=False)
    other = replace(stand_in, name="local")
    beside = usual.beside(other)
    assert beside.engine is other
    for name in ("notify", "results", "observer", "calibration", "clock", "probes"):
        assert getattr(beside, name) == getattr(usual, name)


def test_the_look_at_the_host_is_named_by_what_takes_its_time(open_session, stand_in):
    class Doing(Observer):
        def __init__(self):
            self.seen = []

        def doing(self, what):
            self.seen.append(what)
            return super().doing(what)

    observer = Doing()
    for calibration, remote in ((True, False), (False, False), (True, True)):
        stand_in.remote = remote
        with open_session(observer=observer, calibration=calibration) as session:
            session.snapshot()
    assert observer.seen == ["calibrating", "looking at the host", "looking at the host"]
