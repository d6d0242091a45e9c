"""What follows a command for the person who waits: what it is told, and that it changes nothing of what is measured."""

from contextlib import contextmanager

import pytest

from bench.errors import NotMeasured
from bench.run.measure import measure
from bench.run.observer import CALIBRATING, Observer


class Noted(Observer):
    """Keeps all that it is told."""

    def __init__(self):
        self.seen = []

    def run_begins(self, plan, index):
        self.seen.append(f"{plan.diagnostic.name} {index}")

    def event(self, event):
        self.seen.append(event["event"])

    def run_ended(self, reading):
        self.seen.append(reading.run.outcome)

    @contextmanager
    def doing(self, what):
        self.seen.append(f"{what} …")
        yield
        self.seen.append(f"{what} done")


@pytest.mark.parametrize(
    ("outcomes", "runs"),
    [
        ([], ["grad_cpu 0", "collected", "passed", "grad_cpu 1", "collected", "passed"]),
        (["failed"], ["grad_cpu 0", "collected", "failed", "grad_cpu 1", "collected", "passed"]),
        ([NotMeasured("no room")], ["grad_cpu 0"]),
    ],
)
def test_it_is_told_of_each_run_between_two_looks_at_the_host(open_session, stand_in, plan, outcomes, runs):
    stand_in.outcomes, observer = outcomes, Noted()
    with open_session(observer=observer) as session:
        measure(plan, session)
    looks = [line for line in observer.seen if line.startswith((CALIBRATING, "looking"))]
    assert [line for line in observer.seen if line not in looks] == runs
    assert [line for line in looks if line.startswith(CALIBRATING)] == [f"{CALIBRATING} …", f"{CALIBRATING} done"] * 2
    first, last = observer.seen.index(runs[0]), len(observer.seen) - observer.seen[::-1].index(runs[-1])
    assert f"{CALIBRATING} done" in observer.seen[:first]
    assert f"{CALIBRATING} done" in observer.seen[last:]


def test_the_usual_one_reports_nothing_and_the_record_is_the_same(open_session, plan, capsys):
    records = []
    for observer in (Observer(), Noted()):
        with open_session(observer=observer) as session:
            records.append(measure(plan, session).record)
    quiet, noted = records
    assert [(run.outcome, run.wall_s) for run in quiet.runs] == [(run.outcome, run.wall_s) for run in noted.runs]
    assert capsys.readouterr() == ("", "")


def test_what_goes_wrong_while_something_is_done_is_not_swallowed():
    with pytest.raises(NotMeasured), Observer().doing("anything"):
        raise NotMeasured("no room")
