import threading
import time

import psutil
import pytest

from bench.host.monitor import monitor as module
from bench.host.monitor.monitor import MOST_COST, HostMonitor, Sample


def work(cpu_s):
    """Take that much time of a CPU, however long this machine needs to give it."""
    end = time.process_time() + cpu_s
    while time.process_time() < end:
        sum(range(1000))


class Taken:
    """Takes samples of nothing; a test waits for as many as it needs instead of for a time."""

    def __init__(self):
        self.times = []
        self.more = threading.Condition()

    def __call__(self, t_s):
        with self.more:
            self.times.append(t_s)
            self.more.notify_all()
        return Sample(t_s, 0, 0, 0, 0)

    def wait_for(self, count):
        with self.more:
            assert self.more.wait_for(lambda: len(self.times) >= count, timeout=120)


@pytest.mark.timed
def test_it_samples_before_during_and_after():
    with HostMonitor(interval_s=0.02, take=lambda t_s: Sample(t_s, 0, 0, 0, 0)) as monitor:
        time.sleep(0.2)
    summary = monitor.summary()
    times = [sample.t_s for sample in summary.samples]
    assert len(times) >= 4
    assert times == sorted(times)
    assert times[0] < 0.05
    assert times[-1] >= 0.2
    assert summary.started_at == pytest.approx(time.time(), abs=5)
    assert summary.cpus == psutil.cpu_count()
    assert summary.problem == ""


def test_its_own_process_is_known_so_that_it_can_be_left_out():
    with HostMonitor(interval_s=0.05) as monitor:
        work(0.3)
    first, last = monitor.summary().samples[0], monitor.summary().samples[-1]
    assert last.own_s - first.own_s > 0.1
    assert last.busy_s - first.busy_s > 0.1
    assert last.busy_s + last.idle_s + last.steal_s > first.busy_s + first.idle_s + first.steal_s


@pytest.mark.timed
def test_a_sample_of_this_machine_is_cheap_enough():
    monitor = HostMonitor()
    monitor._sample(0.0)
    before_s = time.thread_time()
    for _ in range(20):
        monitor._sample(0.0)
    # At one sample a second; the bound is twice the promise, since this measures on a machine that tests run on.
    assert (time.thread_time() - before_s) / 20 < 2 * MOST_COST


def test_dear_samples_become_rare():
    taken = Taken()

    def dear(t_s):
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        return taken(t_s)

    with HostMonitor(interval_s=0.01, take=dear) as monitor:
        taken.wait_for(2)
        time.sleep(0.4)
    assert len(taken.times) <= 4  # before, after, and one or two: at 10 ms of CPU each the next is due after 10 s
    assert monitor.summary().cost_s >= 0.01


def test_a_failing_sample_ends_nothing_and_is_said():
    taken = Taken()

    def broken(t_s):
        sample = taken(t_s)
        if len(taken.times) > 2:
            raise OSError("the file went away")
        return sample

    with HostMonitor(interval_s=0.02, take=broken) as monitor:
        taken.wait_for(4)
    assert monitor.summary().problem == "OSError: the file went away"
    assert len(monitor.summary().samples) >= 1


def test_the_error_of_what_is_monitored_comes_through():
    with pytest.raises(ZeroDivisionError), HostMonitor(interval_s=0.01):
        _ = 1 // 0


def test_a_long_run_keeps_a_bounded_number_of_samples(monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 16)
    monkeypatch.setattr(module, "MOST_COST", 1.0)  # as often as asked for, whatever a sample costs here
    taken = Taken()
    with HostMonitor(interval_s=0.001, take=taken) as monitor:
        taken.wait_for(40)
    samples = monitor.summary().samples
    assert len(samples) <= 17
    assert samples[0].t_s == taken.times[0]
    assert samples[-1].t_s == taken.times[-1]


def test_sensors_frequencies_and_throttling_of_a_machine_that_has_them(plant):
    cpu = "/sys/devices/system/cpu"
    files = {
        "/sys/class/hwmon/hwmon0/name": "coretemp",
        "/sys/class/hwmon/hwmon0/temp1_input": "61000",
        "/sys/class/hwmon/hwmon0/temp1_crit": "100000",
        f"{cpu}/cpufreq/policy0/scaling_cur_freq": "800000",
        f"{cpu}/cpufreq/policy1/scaling_cur_freq": "4700000",
        f"{cpu}/cpu0/thermal_throttle/core_throttle_count": "3",
        f"{cpu}/cpu0/thermal_throttle/package_throttle_count": "4",
        "/proc/pressure/io": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000",
    }
    root = plant(files)
    with HostMonitor(root=root) as monitor:
        plant({f"{cpu}/cpu0/thermal_throttle/core_throttle_count": "8"})
    summary = monitor.summary()
    sample = summary.samples[0]
    assert (sample.temperature_c, sample.frequency_hz, sample.pressure_io_s) == (61.0, 4.7e9, 1.5)
    assert sample.pressure_cpu_s is None
    assert summary.throttle_events == 5
    assert summary.temperature_limit_c == 100.0


def test_without_cpufreq_the_frequency_is_that_of_cpuinfo(plant):
    root = plant({"/proc/cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2445.406\n\nprocessor\t: 1\ncpu MHz\t\t: 1500.000\n"})
    with HostMonitor(root=root) as monitor:
        pass
    assert monitor.summary().samples[0].frequency_hz == pytest.approx(2445.406e6)


def test_a_throttling_event_counts_once_however_many_cpus_show_it(plant):
    """Two packages of two cores with two threads each."""

    def counts(core, package):
        files = {}
        for cpu in range(8):
            folder = f"/sys/devices/system/cpu/cpu{cpu}"
            files[f"{folder}/topology/core_id"] = str(cpu // 2 % 2)
            files[f"{folder}/topology/physical_package_id"] = str(cpu // 4)
            files[f"{folder}/thermal_throttle/core_throttle_count"] = str(core if cpu < 2 else 0)
            files[f"{folder}/thermal_throttle/package_throttle_count"] = str(package if cpu < 4 else 7)
        return files

    root = plant(counts(core=0, package=1))
    with HostMonitor(root=root) as monitor:
        plant(counts(core=2, package=4))
    assert monitor.summary().throttle_events == 2 + 3


def test_a_machine_without_those_files(tmp_path):
    with HostMonitor(root=str(tmp_path)) as monitor:
        pass
    sample = monitor.summary().samples[0]
    assert (sample.temperature_c, sample.frequency_hz, sample.pressure_cpu_s) == (None, None, None)
    assert monitor.summary().throttle_events is None
