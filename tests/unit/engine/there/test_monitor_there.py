"""What follows the machine of an engine elsewhere, with a stand-in for its helper."""

import json
import queue
from contextlib import contextmanager

import pytest

from bench.engine.protocol import EngineLost, Place
from bench.engine.stream import EventReader
from bench.engine.there import helper as helpers
from bench.engine.there import monitor as there
from bench.engine.there.helper import CANNOT, GONE, LASTS_S, HelperThere
from bench.engine.there.look import Seen
from bench.engine.there.monitor import MonitorThere
from bench.engine.there.sampler import parse_moment_there
from bench.errors import NotMeasured
from bench.host.monitor.figures import during
from bench.record.schema import Cpu, Run

PLACE = Place("/py", "/agent", "/diag", "sha256:1")
SENSOR = "/sys/class/hwmon/hwmon0/temp1_input"
SEEN = Seen({"/sys/class/hwmon/hwmon0/name": "k10temp", SENSOR: "40000", "/sys/class/hwmon/hwmon0/temp1_crit": "90000"})
FREQUENCY = "/sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"
THROTTLE = "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"


def said(t_s, busy_ticks=0, *, asked=False, **changes):
    """A moment as a helper prints it, ``busy_ticks`` hundredths of a second of CPU time into its boot."""
    texts = {
        "/proc/stat": f"cpu  {busy_ticks} 0 0 1000 0 0 0 50",
        "/proc/loadavg": "1.50 1.00 0.50 1/100 1",
        "/proc/vmstat": "pswpin 1\npswpout 2",
        "/proc/pressure/cpu": f"some avg10=0.00 avg60=0.00 avg300=0.00 total={int(t_s * 500_000)}",
        FREQUENCY: "3000000",
        SENSOR: "55000",
    }
    if asked:
        texts[THROTTLE] = str(int(t_s))
    moment = {"at": 1e9 + t_s, "t_s": 500 + t_s, "own_s": t_s / 1000, "asked": asked, "texts": texts}
    return {**moment, **changes}


class Helper:
    """A helper that prints what the test puts, and answers each USR1 with the next of its answers."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.pieces = queue.Queue()
        self.started = False

    def events(self):
        return EventReader(iter(self.pieces.get, None))

    def start(self):
        self.started = True
        self.put({"ready": True})

    def put(self, *moments):
        for one in moments:
            self.pieces.put((json.dumps(one).encode() + b"\n", None))

    def signal(self, name):
        assert (name, self.started) == ("SIGUSR1", True)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            self.pieces.put(None)
        else:
            self.put(*answer)


class Engine:
    def __init__(self, *helpers):
        self.helpers = list(helpers)
        self.made = self.removed = 0

    @contextmanager
    def helper(self, place, argv):
        assert (place, argv[0]) == (PLACE, "-c")
        self.made += 1
        helper = self.helpers.pop(0)
        if isinstance(helper, Exception):
            raise helper
        yield helper
        self.removed += 1


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(helpers, "POLL_S", 0.001)
    monkeypatch.setattr(helpers, "START_S", 0.3)
    monkeypatch.setattr(there, "ANSWER_S", 0.3)


def ran(watch, latest_s=10.0):
    with watch.during(SEEN, PLACE, latest_s) as run:
        pass
    return run.summary()


def test_the_neighbours_are_those_of_the_other_machine():
    helper = Helper([[said(1, 100, asked=True)], [said(2, 300), said(3, 500, asked=True)]])
    watch = MonitorThere(HelperThere(Engine(helper)), 8)
    summary = ran(watch)
    watch._helper.close()
    assert (summary.started_at, summary.cpus, summary.problem) == (1e9 + 1, 8, "")
    assert (summary.throttle_events, summary.temperature_limit_c) == (2, 90)
    seen = during(summary, Run(index=0, outcome="passed", cpu=Cpu(total_s=1.0)))
    assert seen.others_cpus == pytest.approx((4.0 - 1.0 - 0.002) / 2)
    assert (seen.window_s, seen.load_max, seen.temperature_max_c) == (2.0, 1.5, 55.0)
    assert (seen.swapped_bytes, seen.pressure_cpu_ratio, seen.pressure_io_ratio) == (0, 0.5, None)


def test_one_helper_serves_a_command_and_goes_with_it():
    helper = Helper([[said(number, 100 * number, asked=True)] for number in range(6)])
    engine = Engine(helper)
    watch = MonitorThere(HelperThere(engine), 8)
    assert [len(ran(watch).samples) for _ in range(3)] == [2, 2, 2]
    assert (engine.made, engine.removed) == (1, 0)
    watch._helper.close()
    watch._helper.close()
    assert (engine.made, engine.removed) == (1, 1)


def test_a_helper_that_would_end_before_the_run_gives_place_to_another():
    now = [0.0]
    helpers = [Helper([[said(0, asked=True)]] * 2) for _ in range(2)]
    engine = Engine(*helpers)
    watch = MonitorThere(HelperThere(engine, lambda: now[0]), 8)
    ran(watch, 10.0)
    now[0] = LASTS_S + 1
    ran(watch, 10.0)
    assert (engine.made, engine.removed) == (2, 1)


def test_a_helper_that_ends_is_told_and_the_next_run_has_another():
    first = Helper([[said(0, asked=True)], None])
    engine = Engine(first, Helper([[said(0, asked=True)], [said(1, asked=True)]]))
    watch = MonitorThere(HelperThere(engine), 8)
    summary = ran(watch)
    assert (len(summary.samples), summary.problem) == (1, GONE)
    summary = ran(watch)
    assert (len(summary.samples), summary.problem, engine.made) == (2, "", 2)


@pytest.mark.parametrize(
    ("engine", "why"),
    [
        (object(), CANNOT),
        (Engine(NotMeasured("no room there")), "no room there"),
        (Engine(Helper([EngineLost("nothing listens")] * 2)), "nothing listens"),
        (Engine(Helper([[], []])), "did not answer"),
        (Engine(Helper([[{"event": "something else"}], [said(0, asked=True, texts={})]])), "did not answer"),
    ],
)
def test_what_cannot_be_followed_has_its_reason_and_costs_no_run(engine, why):
    summary = ran(MonitorThere(HelperThere(engine), 8))
    assert summary.samples == ()
    assert why in summary.problem


def test_long_runs_keep_few_moments(monkeypatch):
    monkeypatch.setattr(there, "MOST_SAMPLES", 8)
    many = [said(number, number, asked=number == 99) for number in range(1, 100)]
    watch = MonitorThere(HelperThere(Engine(Helper([[said(0, asked=True)], many]))), 8)
    samples = ran(watch).samples
    assert len(samples) <= 8
    assert (samples[0].t_s, samples[-1].t_s) == (0, 99)


@pytest.mark.parametrize(
    "changes",
    [
        {"texts": {}},
        {"texts": {"/proc/stat": "cpu  none"}},
        {"at": "now"},
        {"at": float("nan")},
        {"own_s": None},
        {"texts": {**said(0)["texts"], "/proc/loadavg": "much"}},
        {"texts": {**said(0)["texts"], FREQUENCY: "9" * 999}},
        {"texts": {**said(0)["texts"], "/proc/vmstat": f"pswpin 1\npswpout {'9' * 9999}"}},
    ],
)
def test_what_is_no_moment_is_none(changes):
    assert parse_moment_there(said(0), (SENSOR,)) is not None
    assert parse_moment_there(said(0, **changes), (SENSOR,)) is None
