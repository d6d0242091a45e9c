import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from bench.host.monitor.disturbances import disturbances
from bench.host.monitor.figures import during
from bench.host.monitor.monitor import HostMonitor, Sample, Summary
from bench.record.schema import Cpu, Run

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CPUS = 4


def summary_of(seconds=60, *, others=0.0, run=0.0, own=0.0, steal=0.0, frequency=None, **summary):
    """What a monitor saw of a machine of four CPUs: CPUs used by others, by the run from second 10 to 50, by the tool itself."""
    samples = []
    for t in range(seconds + 1):
        of_run = run * min(max(t - 10, 0), 40)
        samples.append(
            Sample(
                t_s=float(t),
                busy_s=100 + (others + own) * t + of_run,
                steal_s=steal * t,
                idle_s=0.0,
                own_s=1 + own * t,
                load=others,
                swapped_bytes=0,
                frequency_hz=None if frequency is None else frequency(t),
                temperature_c=summary.get("temperature"),
                pressure_cpu_s=0.25 * t,
            )
        )
    return Summary(
        started_at=START.timestamp(),
        cpus=CPUS,
        samples=tuple(samples),
        throttle_events=summary.get("throttle_events"),
        temperature_limit_c=100.0,
    )


def a_run(**cpu):
    return Run(index=0, outcome="passed", started_at="2026-01-02T03:04:15Z", wall_s=40.0, cpu=Cpu(**cpu))


def codes(summary, run):
    return {warning.code: warning for warning in disturbances(summary, run)}


def test_a_quiet_machine_has_nothing_to_say():
    assert disturbances(summary_of(others=0.02, run=3.9), a_run(total_s=156.0)) == ()


def test_a_run_that_uses_every_cpu_is_not_its_own_neighbour():
    assert disturbances(summary_of(run=4.0), a_run(total_s=160.0)) == ()


def test_others_are_what_neither_the_run_nor_the_tool_used():
    found = codes(summary_of(others=1.5, run=2.0, own=0.5), a_run(total_s=80.0))
    assert set(found) == {"host_loaded"}
    assert found["host_loaded"].value == pytest.approx(1.5)
    assert found["host_loaded"].unit == "cpus"
    assert "others used 1.5 of 4 CPUs" in found["host_loaded"].message


def test_process_accounting_serves_where_there_is_no_group():
    assert codes(summary_of(others=1.0, run=2.0), a_run(user_s=70.0, system_s=10.0))[
        "host_loaded"
    ].value == pytest.approx(1.0)


def test_without_the_runs_own_use_nobody_is_accused():
    assert disturbances(summary_of(others=3.0, run=1.0), a_run()) == ()
    assert during(summary_of(others=3.0), a_run()).others_cpus is None


def test_only_the_runs_window_counts():
    busy_before = summary_of(60)
    samples = tuple(
        Sample(s.t_s, busy_s=100 + 4 * min(s.t_s, 10), steal_s=0, idle_s=0, own_s=0) for s in busy_before.samples
    )
    summary = Summary(START.timestamp(), CPUS, samples)
    assert disturbances(summary, a_run(total_s=0.0)) == ()
    seen = during(summary, a_run(total_s=0.0))
    assert (seen.window_s, seen.others_cpus) == (40.0, 0.0)


def test_a_window_between_two_samples_is_read_off_the_line_between_them():
    samples = tuple(
        Sample(float(t), busy_s=2.0 * t, steal_s=0, idle_s=0, own_s=0, swapped_bytes=10 * t) for t in (0, 10)
    )
    run = Run(index=0, outcome="passed", started_at="2026-01-02T03:04:07.500+00:00", wall_s=5.0, cpu=Cpu(total_s=0.0))
    seen = during(Summary(START.timestamp(), CPUS, samples), run)
    assert (seen.window_s, seen.others_cpus, seen.swapped_bytes) == (5.0, 2.0, 50)


@pytest.mark.parametrize("started_at", ["2026-01-02T04:04:15Z", "2025-01-01T00:00:00", "yesterday", None])
def test_a_start_that_does_not_fit_the_samples_is_not_believed(started_at):
    run = Run(index=0, outcome="passed", started_at=started_at, wall_s=40.0, cpu=Cpu(total_s=0.0))
    assert during(summary_of(others=1.0), run).window_s == 60.0


def test_stolen_time_is_counted_against_what_was_wanted():
    found = codes(summary_of(run=1.0, steal=0.25), a_run(total_s=40.0))
    assert found["cpu_steal"].value == pytest.approx(0.2)
    assert "20.0 %" in found["cpu_steal"].message
    assert codes(summary_of(run=1.0, steal=0.005), a_run(total_s=40.0)) == {}


def test_a_frequency_that_fell_is_said_with_its_bounds():
    found = codes(summary_of(frequency=lambda t: 4.5e9 if t < 30 else 3.0e9), a_run(total_s=0.0))
    assert found["frequency_changed"].value == pytest.approx(1 / 3)
    assert "3.00 and 4.50 GHz" in found["frequency_changed"].message


def test_one_odd_reading_and_small_changes_are_no_change_of_frequency():
    assert codes(summary_of(frequency=lambda t: 1e9 if t == 30 else 4.5e9), a_run(total_s=0.0)) == {}
    assert codes(summary_of(frequency=lambda t: 4.5e9 - t * 1e6), a_run(total_s=0.0)) == {}
    assert codes(summary_of(frequency=lambda t: 1e9 if t < 10 else 4.5e9), a_run(total_s=0.0)) == {}


def test_swap_traffic():
    samples = tuple(Sample(float(t), 0, 0, 0, 0, swapped_bytes=t << 20) for t in range(61))
    found = codes(Summary(START.timestamp(), CPUS, samples), a_run(total_s=0.0))
    assert found["swapping"].value == 40 << 20
    assert "40.00 MiB" in found["swapping"].message


def test_throttling_comes_from_the_runs_group():
    found = codes(summary_of(), a_run(total_s=0.0, throttled_s=2.0, throttled_periods=57))
    assert (found["throttled"].value, found["throttled"].unit) == (2.0, "s")
    assert "57 periods" in found["throttled"].message
    assert codes(summary_of(), a_run(total_s=0.0, throttled_s=0.2, throttled_periods=3)) == {}


def test_heat():
    assert codes(summary_of(throttle_events=3), a_run(total_s=0.0))["thermal"].value == 3
    assert codes(summary_of(temperature=98.5), a_run(total_s=0.0))["thermal"].value == 98.5
    assert codes(summary_of(temperature=90.0, throttle_events=0), a_run(total_s=0.0)) == {}


def test_pressure_is_a_share_of_the_window():
    seen = during(summary_of(), a_run(total_s=0.0))
    assert seen.pressure_cpu_ratio == pytest.approx(0.25)
    assert seen.pressure_io_ratio is None


def test_a_window_too_short_to_tell_anything_says_nothing():
    assert disturbances(Summary(START.timestamp(), CPUS, ()), a_run(total_s=0.0)) == ()
    two = tuple(Sample(t, busy_s=4 * t, steal_s=t, idle_s=0, own_s=0) for t in (0.0, 0.5))
    assert disturbances(Summary(START.timestamp(), CPUS, two), a_run(total_s=0.0)) == ()


def test_a_real_neighbour_is_found_and_the_run_itself_is_not():
    burn = "import time\nend = time.monotonic() + 1.6\nwhile time.monotonic() < end: pass"
    with HostMonitor(interval_s=0.2) as monitor:
        started = datetime.now(UTC).isoformat()
        with subprocess.Popen([sys.executable, "-c", burn]) as neighbour:
            time.sleep(1.5)
            neighbour.wait()
    run = Run(index=0, outcome="passed", started_at=started, wall_s=1.4, cpu=Cpu(total_s=0.0))
    alone = during(monitor.summary(), run).others_cpus
    assert alone is not None
    assert alone > 0.4  # on a machine shared with others the neighbour itself may get less than a whole CPU
    its_own = Run(index=0, outcome="passed", started_at=started, wall_s=1.4, cpu=Cpu(total_s=1.4 * alone))
    assert during(monitor.summary(), its_own).others_cpus == pytest.approx(0.0, abs=0.05)
