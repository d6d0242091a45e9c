import threading

import pytest

from bench.engine import supervise as module
from bench.engine.interrupt import Interrupts
from bench.engine.protocol import EngineLost, State
from bench.engine.stream import EventReader
from bench.engine.supervise import Follower

RUNNING = State(True, None, None, None, None)


def ended(code=0, oom=False):
    return State(False, code, oom, None, None)


class Task:
    """What is followed: readers and states as they come, from lists; the last state stays."""

    def __init__(self, pieces, states, on_signal=lambda name: None):
        self.pieces = pieces
        self.states = states
        self.signals = []
        self.on_signal = on_signal

    def events(self):
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return EventReader(piece)

    def signal(self, name):
        self.signals.append(name)
        self.on_signal(name)

    def state(self):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, value in {"POLL_S": 0.01, "QUIET_S": 5.0, "RETURN_PATIENCE_S": 0.2, "HURRY_S": 0.1}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "KILLED_PATIENCE_S", 0.1)


def run(task, on_event=lambda event: None, interrupts=None, latest_s=5.0, stop_s=1.0):
    follower = Follower(task, interrupts or Interrupts(), on_event, latest_s=latest_s, stop_s=stop_s)
    return follower.follow(task.events())


def line(text):
    return text.encode() + b"\n", None


def until(stop):
    """A stream that lasts until ``stop`` is set."""
    stop.wait(10)
    yield from ()


def test_events_are_told_and_the_end_is_the_containers():
    told = []
    found = run(Task([[line('{"event": "started"}'), line('{"event": "ended"}')]], [ended(0)]), told.append)
    assert [event["event"] for event in told] == ["started", "ended"]
    assert (found.state, found.interrupted, found.error) == (ended(0), False, None)


def test_the_first_interrupt_asks_and_the_second_hurries():
    stop = threading.Event()
    interrupts = Interrupts()
    task = Task([until(stop)], [ended(0)], lambda name: stop.set() if len(task.signals) == 2 else interrupts.add())
    interrupts.add()
    found = run(task, interrupts=interrupts)
    assert task.signals == ["SIGTERM", "SIGTERM"]
    assert (found.interrupted, found.error) == (True, None)


def test_two_interrupts_at_once_ask_and_hurry():
    stop = threading.Event()
    interrupts = Interrupts()
    interrupts.add()
    interrupts.add()
    task = Task([until(stop)], [ended(0)], lambda name: stop.set() if len(task.signals) == 2 else None)
    assert run(task, interrupts=interrupts).interrupted
    assert task.signals == ["SIGTERM", "SIGTERM"]


def test_what_does_not_answer_a_second_interrupt_is_killed():
    stop = threading.Event()
    interrupts = Interrupts()
    interrupts.add()
    interrupts.add()
    task = Task([until(stop)], [ended(137)], lambda name: stop.set() if name == "SIGKILL" else None)
    found = run(task, interrupts=interrupts)
    assert task.signals[-1] == "SIGKILL"
    assert (found.interrupted, found.error) == (True, None)


def test_an_interrupt_raised_by_the_listener_counts():
    def on_event(event):
        raise KeyboardInterrupt

    stop = threading.Event()

    def pieces():
        yield line('{"event": "started"}')
        stop.wait(10)

    task = Task([pieces()], [ended(0)], lambda name: stop.set())
    assert run(task, on_event).interrupted
    assert task.signals == ["SIGTERM"]


@pytest.mark.parametrize("failure", [BrokenPipeError(32, "Broken pipe"), OSError(5, "I/O error"), SystemExit(1)])
def test_a_listener_that_fails_does_not_break_off_the_run(failure):
    told = []

    def on_event(event):
        told.append(event["event"])
        raise failure

    found = run(Task([[line('{"event": "started"}'), line('{"event": "ended"}')]], [ended(0)]), on_event)
    assert (found.state, found.interrupted, found.error) == (ended(0), False, None)
    assert told == ["started"]


def test_a_supervisor_beyond_its_time_is_killed_and_said_so():
    stop = threading.Event()
    task = Task([until(stop)], [ended(137)], lambda name: stop.set())
    found = run(task, latest_s=0.05)
    assert task.signals == ["SIGKILL"]
    assert "did not end by itself" in found.error


def test_what_outlives_its_kill_is_given_up():
    stop = threading.Event()
    found = run(Task([until(stop)], [RUNNING]), latest_s=0.05)
    stop.set()
    assert found.state is None
    assert "did not end by itself" in found.error


def test_an_engine_that_takes_no_signal_is_named():
    stop = threading.Event()

    def refuse(name):
        stop.set()
        raise EngineLost("gone")

    found = run(Task([until(stop)], [ended(0)], refuse), latest_s=0.05)
    assert "did not end by itself" in found.error
    interrupts = Interrupts()
    interrupts.add()
    stop.clear()
    found = run(Task([until(stop)], [ended(0)], refuse), interrupts=interrupts)
    assert found.error == "the engine did not take SIGTERM: gone"


def test_an_engine_that_goes_and_comes_back_is_waited_for():
    found = run(Task([[]], [EngineLost("nothing listens there"), EngineLost("nothing listens there"), ended(0)]))
    assert found.state == ended(0)
    assert "came back after" in found.error


def test_an_engine_that_stays_away_is_given_up():
    found = run(Task([[]], [EngineLost("nothing listens there")]))
    assert found.state is None
    assert found.error == "the engine went away during the run: nothing listens there"


def test_containers_that_outlive_their_engine_are_followed_again():
    told = []
    task = Task([[line('{"event": "one"}')], [line('{"event": "two"}')]], [EngineLost("x"), RUNNING, ended(0)])
    found = run(task, told.append)
    assert [event["event"] for event in told] == ["one", "two"]
    assert found.state == ended(0)


def test_where_the_new_stream_cannot_be_had_silence_leads_back_to_asking(monkeypatch):
    monkeypatch.setattr(module, "QUIET_S", 0.05)
    task = Task([[], EngineLost("no")], [RUNNING, RUNNING, ended(0)])
    assert run(task).state == ended(0)


def test_a_quiet_stream_is_asked_about(monkeypatch):
    monkeypatch.setattr(module, "QUIET_S", 0.05)
    stop = threading.Event()
    found = run(Task([until(stop)], [RUNNING, ended(3)]))
    stop.set()
    assert found.state == ended(3)


def test_a_container_that_was_removed_is_said_so():
    found = run(Task([[]], [None]))
    assert found.state is None
    assert "removed by somebody else" in found.error


def test_a_kill_from_elsewhere_is_told_from_ours_and_the_memory_killers():
    assert "killed by somebody else" in run(Task([[]], [ended(137)])).error
    assert run(Task([[]], [ended(137, oom=True)])).error is None


def test_a_stop_that_we_did_not_ask_for_is_said_so():
    stopping = [line('{"event": "stopping", "reason": "interrupt"}')]
    assert "stopped from outside" in run(Task([stopping], [ended(0)])).error
    assert run(Task([[line('{"event": "stopping", "reason": "timeout"}')]], [ended(0)])).error is None


def test_an_engine_that_sees_the_end_a_moment_later_is_not_attached_to_again(monkeypatch):
    task = Task([[line('{"event": "one"}')]], [RUNNING, RUNNING, ended(0)])
    events, attached = task.events, []
    monkeypatch.setattr(task, "events", lambda: (attached.append(1), events())[1])
    found = run(task, lambda _: None)
    assert (found.state.exit_code, found.error, attached) == (0, None, [1])
