from bench.host.monitor.disturbances import monitored, not_monitored
from bench.host.monitor.monitor import Sample, Summary
from bench.record.schema import Cpu, Run

RUN = Run(index=0, outcome="passed", wall_s=30.0, cpu=Cpu(total_s=30.0))


def summary(count, problem="", **figures):
    samples = tuple(
        Sample(float(t), 1.0 * t, 0.0, 1.0 * t, 0.0, load=1.5, swapped_bytes=0, **figures) for t in range(count)
    )
    return Summary(0.0, 2, samples, problem=problem)


def test_the_figures_of_a_run_are_kept_and_missing_ones_have_a_reason():
    seen = monitored(summary(31, frequency_hz=2.4e9, pressure_cpu_s=None), RUN)
    assert (seen.figures["load_max"], seen.figures["steal_ratio"], seen.figures["others_cpus"]) == (1.5, 0.0, 0.0)
    assert (seen.figures["frequency_min_hz"], seen.figures["frequency_max_hz"]) == (2.4e9, 2.4e9)
    assert seen.figures["pressure_cpu_ratio"] is None
    assert "CONFIG_PSI" in seen.unavailable["host_during.pressure_cpu_ratio"]
    assert {path.partition(".")[2] for path in seen.unavailable} == {
        name for name, value in seen.figures.items() if value is None
    }
    assert seen.warnings == ()


def test_a_host_that_was_not_monitored_is_not_called_quiet():
    limited = Run(index=0, outcome="passed", wall_s=10.0, cpu=Cpu(throttled_s=3.0))
    seen = not_monitored("it is elsewhere", limited)
    assert seen.figures == {}
    assert seen.unavailable == {"host_during": "it is elsewhere"}
    assert [warning.code for warning in seen.warnings] == ["throttled", "host_not_watched"]
    assert "it is elsewhere" in seen.warnings[1].message


def test_a_monitor_that_broke_says_so():
    seen = monitored(summary(1, "OSError: too many open files"), RUN)
    assert [warning.code for warning in seen.warnings] == ["host_not_watched"]
    assert "too many open files" in seen.unavailable["host_during"]
    assert "two samples" in monitored(summary(0), RUN).unavailable["host_during"]


def test_a_gap_in_what_was_seen_is_said_beside_its_figures():
    seen = monitored(summary(31, "OSError: gone"), RUN)
    assert seen.figures["load_max"] == 1.5
    assert "OSError: gone" in seen.warnings[-1].message
