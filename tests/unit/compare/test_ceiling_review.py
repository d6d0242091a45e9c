import pytest

from bench.compare.ceiling_review import timeout_decision
from bench.record import schema
from bench.record.schema import Run
from bench.report.files.ceiling_review import timeout_decision_text
from tests.support.records import SIX, XEON, record, replace


def history(walls, **changes):
    return [
        record((wall,), id=f"h{index}", stamp=f"2025101{index}T000000Z", **changes) for index, wall in enumerate(walls)
    ]


def test_the_reference_runs_keep_their_ceiling():
    said = timeout_decision(record((844.94,), id="d"), history(SIX))
    assert (said.action, said.ceiling_s, said.proposed_s) == ("keep", 905.0, None)
    assert said.margin_s == pytest.approx(60.06)
    assert said.set_aside_s == (900.02,)
    assert 829 < said.typical_s.low < said.typical_s.high < 862
    assert said.needed_s > 905
    assert any("outliers" in one for one in said.against)
    text = timeout_decision_text(said)
    assert text.startswith("# Timeout decision\n\n**Keep the ceiling of 905.00 s.**")
    assert "900.02 s (outlier, set aside)" in text
    assert "99 % prediction interval" in text


def test_a_loose_ceiling_is_lowered():
    said = timeout_decision(record((100.0,)), history([99.0, 100.5, 101.0, 100.2, 99.9]))
    assert said.action == "lower"
    assert 101 < said.proposed_s < 130
    assert "Lower the ceiling from 905.00 s to" in timeout_decision_text(said)
    assert "slower host classes" in timeout_decision_text(said)


def test_a_ceiling_that_does_not_fit_is_raised():
    said = timeout_decision(record((950.0,)), history([949.0, 951.0, 950.5, 952.0, 948.0]))
    assert (said.action, said.proposed_s % 5) == ("raise", 0)
    assert said.proposed_s > 952
    assert said.margin_s == -45
    assert any("hides a slowdown" in one for one in said.against)


def test_one_run_over_it_is_not_a_reason_to_raise():
    said = timeout_decision(record((950.0,)), history(SIX[:5]))
    assert said.action == "keep"
    assert "1 of 6 runs are over it" in said.reasons[0]


def test_a_short_history_moves_nothing():
    said = timeout_decision(record((10.0,)))
    assert (said.action, said.typical_s) == ("keep", None)
    assert "too few" in said.reasons[0]
    assert "–" in timeout_decision_text(said)


def test_other_hosts_do_not_count():
    said = timeout_decision(record((10.0,)), history(SIX, host_class=XEON))
    assert len(said.history) == 1


def test_without_a_ceiling_one_is_proposed():
    said = timeout_decision(record((10.0,), ceiling_s=None), history([10.1, 10.2, 9.9, 10.0], ceiling_s=None))
    assert said.action == "none"
    assert 10.2 < said.proposed_s < 13
    assert "There is no ceiling; proposed" in timeout_decision_text(said)
    assert timeout_decision(record(ceiling_s=None)).proposed_s is None


def test_a_run_that_did_not_pass_says_nothing():
    said = timeout_decision(record((1200.0,), outcome="timed_out"), history(SIX))
    assert (said.action, said.margin_s) == ("keep", None)
    empty = timeout_decision_text(timeout_decision(record((1200.0,), outcome="timed_out")))
    assert "No run of this host class has passed." in empty


def test_what_speaks_against_is_listed():
    run = Run(
        0,
        "passed",
        wall_s=850.0,
        effective_timeout_s=1200.0,
        tests=(schema.TestResult("t", "passed", marker_timeout_s=905.0),),
    )
    made = record(runs=(run,), profile="smoke", timeout_s=910.0)
    said = timeout_decision(made)
    text = timeout_decision_text(said)
    assert said.effective_timeout_s == 1200.0
    assert "marker asks for 905.00 s" in text
    assert "smoke" in text
    assert "no time to end" in text


def test_a_long_history_is_cut_and_names_are_made_safe():
    made = record([10.0 + step / 100 for step in range(30)], stamp="20250101T000000Z")
    made = replace(made, host=replace(made.host, id="a`|<b>\x1b[31m"))
    text = timeout_decision_text(timeout_decision(made))
    assert "The newest 20 of 30 runs." in text
    assert "\x1b" not in text
    assert "<b>" not in text


def test_a_margin_that_noise_could_use_up_speaks_against_keeping():
    tight = timeout_decision(record([900.02]))
    assert any("0.6 % of the ceiling" in reason for reason in tight.against)
    assert "1 run: a short history" in tight.against
    assert not any("margin" in reason for reason in timeout_decision(record([840.0])).against)


def test_a_memo_names_what_a_report_needs_and_speaks_of_the_timeout():
    made = replace(record((1200.0,)), outcome="timed_out")
    made = replace(made, runs=(replace(made.runs[0], outcome="timed_out", effective_timeout_s=1200.0),))
    text = timeout_decision_text(timeout_decision(made))
    for named in ("grad", "test", made.host.id, "AMD Ryzen 9", "32 CPUs", "125.00 GiB", "timed out"):
        assert named in text
    assert "The run was stopped at the timeout of 1200.00 s: it would have taken longer" in text
    assert "The timeout of 1200.00 s stopped nothing" in timeout_decision_text(timeout_decision(record((100.0,))))
