"""A result under way, as a record at each moment of it."""

from bench.engine.interrupt import Interrupts
from bench.run.host_snapshot import unseen
from bench.run.measurement import INTERRUPTED, Measurement, record_before


def test_before_the_first_run_everything_but_the_runs_is_known(open_session, plan):
    with open_session() as session:
        session.place(plan.need)
        record = Measurement(plan, session, session.snapshot(), Interrupts(), reproduces="x").record()
    assert (record.outcome, record.runs, record.runs_asked, record.reproduces) == ("not_measured", (), 2, "x")
    assert record.image.name == "bench-cpu:test"
    assert record.host.before.load == 0.1
    assert record.calibration.before == {"one_core_s": 0.1}
    assert record.unavailable["host.class.gpu"] == "none was found"
    assert record.unavailable["host.before.governor"] == "a VM"
    assert record.unavailable["calibration.before.pressure"] == "no such file"
    assert record.unavailable["host.after"] == record.unavailable["calibration.after"] == INTERRUPTED


def test_without_a_place_it_says_why(open_session, plan):
    with open_session() as session:
        result = Measurement(plan, session, unseen("no engine"), Interrupts(), unseen_after="no engine")
        record = result.record()
    assert record.image is None
    assert record.unavailable["image"] == "nothing was prepared to run in: no engine"
    assert record.unavailable["host.before.load"] == record.unavailable["calibration.before"] == "no engine"


def test_a_host_that_got_slower_is_a_warning_of_the_last_run(open_session, plan):
    with open_session() as session:
        result = Measurement(plan, session, session.snapshot(), Interrupts()).begin()
        result.runs += [result.run(plan)]
        result.runs += [result.run(plan)]
        result.after = session.snapshot()
        first, last = result.record().runs
        session.store.written(result.in_store.name)
    assert [first.index, last.index] == [0, 1]
    assert "calibration_drifted" not in [warning.code for warning in first.warnings]
    assert "calibration_drifted" in [warning.code for warning in last.warnings]


def test_it_is_over_once_it_was_cut_or_failed(open_session, plan):
    with open_session() as session:
        result = Measurement(plan, session, unseen("-"), Interrupts())
        assert not result.over
        result.cut = "run 0 was not measured"
        assert result.over


def test_what_this_machine_begins_is_known_without_a_look_at_its_state(open_session, probes, plan):
    with open_session() as session:
        session.place(plan.need)
        record = record_before(plan, session)
    assert (record.engine.version, record.host.class_.cpu_model) == ("27.0", "Test CPU")
    assert record.image.fingerprint == "4" * 64
    assert probes.calibrate()[0] == {"one_core_s": 0.1}, "nobody calibrated"
