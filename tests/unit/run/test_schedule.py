"""The order of runs, and what becomes of a result of which one gives nothing: with a session that follows a script."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.catalog.load import builtin, find, find_variant
from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Capacity, Ending, Place
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Limits, Run, Source
from bench.run.host_snapshot import unseen
from bench.run.measurement import Measurement
from bench.run.plan import Options, make_plan
from bench.run.result.reading import OneRun, Reading
from bench.run.schedule import Interleaved, Repeated, latin_square, make_runs
from bench.run.selftest import run as selftest
from bench.run.selftest.checks import NO_LIMITS, Check
from bench.run.store.kept import Result

GRAD = find(builtin(), "grad_cpu")
SOURCE = Source(kind="catalog", sha256="0" * 64)
RESULT = Result("begun-00", {})
STRUCK = "the command was interrupted"
PASS, FAIL, LOST, STOPPED = "passed", "failed", "not_measured", "interrupted"
"""What a run comes back as; ``LOST`` as the daemon going away on the way, ``STOPPED`` as Ctrl-C in the container."""
GONE = NotMeasured("no room")
CTRL_C = KeyboardInterrupt()
SIGNAL = "signal"
"""Ctrl-C that is counted while a run goes on that passes all the same."""


@dataclass
class Scripted:
    """Answers each run as its script says; the first word may be ``SIGNAL``: Ctrl-C that came before any run."""

    script: list
    interrupts: Interrupts
    asked: list = field(default_factory=list)
    said: list = field(default_factory=list)
    engine: object = None

    def __post_init__(self):
        self.engine = self

    def capacity(self):
        return Capacity(2, 1024**3)

    def notify(self, line):
        self.said.append(line)

    def run(self, plan, index, result):
        assert result is RESULT
        self.asked.append((plan.variant.name if plan.variant else "", index))
        said = self.script.pop(0)
        if isinstance(said, BaseException):
            raise said
        if said == SIGNAL:
            self.interrupts.add()
        return OneRun(Reading(Run(index, PASS if said == SIGNAL else said), {}), Path("/none"), Ending(0))


@dataclass
class Seen:
    """What is left of a command: which runs were begun, what each result keeps, and what is said of the rest."""

    asked: str
    kept: dict
    cut: dict = field(default_factory=dict)
    failure: dict = field(default_factory=dict)
    left_out: list = field(default_factory=list)
    interrupted: bool = False


def seen(session, results, left_out=()):
    return Seen(
        " ".join(f"{name}{index}" for name, index in session.asked),
        {name: " ".join(run.reading.run.outcome for run in one.runs) for name, one in results.items()},
        {name: one.cut for name, one in results.items() if one.cut},
        {name: str(one.failure) for name, one in results.items() if one.failure},
        list(left_out),
        session.interrupts.count > 0,
    )


def session_of(script):
    interrupts = Interrupts()
    if script[:1] == ["before"]:
        interrupts.add()
        script = script[1:]
    return Scripted(list(script), interrupts)


def begun(plan, session):
    result = Measurement(plan, session, unseen("nobody looked"), session.interrupts)
    result.in_store = RESULT
    return result


def repeated(script, times=3):
    session = session_of(script)
    result = begun(replace(make_plan(GRAD, Options(), SOURCE), repeat=times), session)
    make_runs(Repeated([result]))
    return seen(session, {"": result})


def interleaved(script, rounds=2, missing=()):
    session = session_of(script)
    plans = [
        make_plan(GRAD, Options(repeat=rounds), SOURCE, variant=replace(find_variant(builtin(), "thp"), name=name))
        for name in "abc"
    ]
    results = {plan.variant.name: begun(plan, session) for plan in plans if plan.variant.name not in missing}
    make_runs(Interleaved([results.get(name) for name in "abc"]))
    return seen(session, results)


def checks_of(limits):
    return [Check(name, name, (name,), (), limits.get(name, NO_LIMITS)) for name in "abc"]


def one_by_one(script, limits=None):
    session = session_of(script)
    result = begun(selftest.plan_of(find(builtin(), "selftest")), session)
    checks = selftest.HeldChecks(result, checks_of(limits or {}), Place("/py", "/agent", "/diag", ""))
    make_runs(checks)
    return seen(session, {"": result}, checks.not_made)


@pytest.fixture(autouse=True)
def no_truth(monkeypatch):
    """Every check that ended as it must holds."""
    monkeypatch.setattr(selftest, "hold", lambda check, reading, truth: ())
    monkeypatch.setattr(selftest, "as_run", lambda check, reading, held: reading.run)


NOT_MADE = "run {} was not measured".format
TWICE = "a0 b0 c0 c1 a1 b1"
BOTH = dict.fromkeys("abc", "passed passed")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([PASS, PASS, PASS], Seen("0 1 2", {"": "passed passed passed"})),
        ([PASS, FAIL, PASS], Seen("0 1 2", {"": "passed failed passed"})),
        (["before"], Seen("", {"": ""}, {"": STRUCK}, interrupted=True)),
        ([SIGNAL], Seen("0", {"": "passed"}, {"": STRUCK}, interrupted=True)),
        ([PASS, PASS, SIGNAL], Seen("0 1 2", {"": "passed passed passed"}, interrupted=True)),
        ([CTRL_C], Seen("0", {"": ""}, {"": STRUCK}, interrupted=True)),
        ([PASS, CTRL_C], Seen("0 1", {"": "passed"}, {"": STRUCK}, interrupted=True)),
        ([PASS, PASS, CTRL_C], Seen("0 1 2", {"": "passed passed"}, {"": STRUCK}, interrupted=True)),
        ([STOPPED], Seen("0", {"": "interrupted"}, {"": STRUCK}, interrupted=True)),
        ([PASS, STOPPED], Seen("0 1", {"": "passed interrupted"}, {"": STRUCK}, interrupted=True)),
        ([GONE], Seen("0", {"": "not_measured"}, {"": NOT_MADE(0)}, {"": "no room"})),
        ([PASS, GONE], Seen("0 1", {"": "passed not_measured"}, {"": NOT_MADE(1)}, {"": "no room"})),
        ([PASS, PASS, GONE], Seen("0 1 2", {"": "passed passed not_measured"}, {"": NOT_MADE(2)}, {"": "no room"})),
        ([LOST], Seen("0", {"": "not_measured"}, {"": NOT_MADE(0)})),
        ([PASS, LOST], Seen("0 1", {"": "passed not_measured"}, {"": NOT_MADE(1)})),
    ],
)
def test_a_plan_repeated_ends_with_the_first_run_that_gives_nothing(script, expected):
    assert repeated(script) == expected


FAULTS = [UsageError("the project cannot be copied"), MemoryError()]


@pytest.mark.parametrize(
    ("drive", "fault"),
    [*((drive, fault) for drive in (repeated, interleaved) for fault in FAULTS), (one_by_one, MemoryError())],
)
def test_what_nobody_foresaw_ends_the_command_if_nothing_was_measured_yet(drive, fault):
    with pytest.raises(type(fault)):
        drive([fault])


@pytest.mark.parametrize("fault", FAULTS)
def test_what_nobody_foresaw_costs_what_it_hit_once_there_is_something(fault):
    seen = repeated([PASS, fault])
    assert (seen.kept, seen.cut) == ({"": "passed not_measured"}, {"": NOT_MADE(1)})
    assert seen.failure[""].startswith(str(fault) or "a fault of bench itself")
    assert ("fault of bench" in seen.failure[""]) == isinstance(fault, MemoryError)
    seen = interleaved([PASS, PASS, PASS, fault, PASS, PASS])
    assert (seen.kept, seen.cut) == ({**BOTH, "c": "passed not_measured"}, {"c": NOT_MADE(1)})
    assert seen.asked == TWICE


def test_a_check_that_bench_itself_could_not_make_is_not_left_out():
    with pytest.raises(MemoryError):
        one_by_one([PASS, MemoryError()])


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([PASS] * 6, Seen(TWICE, BOTH)),
        ([PASS, PASS, PASS, FAIL, PASS, PASS], Seen(TWICE, {**BOTH, "c": "passed failed"})),
        # a run that came back with nothing costs itself alone
        ([PASS, LOST, PASS, PASS, PASS, PASS], Seen(TWICE, {**BOTH, "b": "not_measured passed"})),
        # one that cannot be started is left out from then on
        ([GONE, PASS, PASS, PASS, PASS], Seen("a0 b0 c0 c1 b1", {**BOTH, "a": ""}, {}, {"a": "no room"})),
        (
            [PASS, PASS, PASS, PASS, GONE, PASS],
            Seen(TWICE, {**BOTH, "a": "passed not_measured"}, {"a": NOT_MADE(1)}, {"a": "no room"}),
        ),
        ([GONE] * 3, Seen("a0 b0 c0", dict.fromkeys("abc", ""), {}, dict.fromkeys("abc", "no room"))),
        # Ctrl-C ends all of them
        (["before"], Seen("", dict.fromkeys("abc", ""), dict.fromkeys("abc", STRUCK), interrupted=True)),
        ([CTRL_C], Seen("a0", dict.fromkeys("abc", ""), dict.fromkeys("abc", STRUCK), interrupted=True)),
        (
            [PASS, CTRL_C],
            Seen("a0 b0", {"a": "passed", "b": "", "c": ""}, dict.fromkeys("abc", STRUCK), interrupted=True),
        ),
        (
            [PASS, STOPPED],
            Seen("a0 b0", {"a": "passed", "b": "interrupted", "c": ""}, dict.fromkeys("abc", STRUCK), interrupted=True),
        ),
        (
            [PASS, PASS, PASS, SIGNAL],
            Seen(
                "a0 b0 c0 c1",
                {"a": "passed", "b": "passed", "c": "passed passed"},
                dict.fromkeys("abc", STRUCK),
                interrupted=True,
            ),
        ),
        ([PASS, PASS, PASS, PASS, PASS, SIGNAL], Seen(TWICE, BOTH, interrupted=True)),
        # one that was lost before keeps its own reason
        (
            [PASS, PASS, PASS, GONE, CTRL_C],
            Seen(
                "a0 b0 c0 c1 a1",
                {"a": "passed", "b": "passed", "c": "passed not_measured"},
                {"a": STRUCK, "b": STRUCK, "c": NOT_MADE(1)},
                {"c": "no room"},
                interrupted=True,
            ),
        ),
    ],
)
def test_variants_take_turns_and_one_that_is_lost_costs_itself_alone(script, expected):
    assert interleaved(script) == expected


def test_a_variant_without_a_place_keeps_its_place_in_the_order():
    seen = interleaved([PASS] * 4, missing="b")
    assert seen == Seen("a0 c0 c1 a1", {"a": "passed passed", "c": "passed passed"})


REFUSED = UsageError("--cpuset 9 names a CPU that this process may not use")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([PASS, PASS, PASS], Seen("a0 b1 c2", {"": "passed passed passed"})),
        ([PASS, LOST, FAIL], Seen("a0 b1 c2", {"": "passed not_measured failed"})),
        ([GONE, PASS, PASS], Seen("a0 b0 c1", {"": "passed passed"}, left_out=[("a", "no room")])),
        ([PASS, PASS, GONE], Seen("a0 b1 c2", {"": "passed passed"}, left_out=[("c", "no room")])),
        ([PASS, REFUSED, PASS], Seen("a0 b1 c1", {"": "passed passed"}, left_out=[("b", str(REFUSED))])),
        ([GONE] * 3, Seen("a0 b0 c0", {"": ""}, left_out=[(name, "no room") for name in "abc"])),
        (["before"], Seen("", {"": ""}, {"": STRUCK}, interrupted=True)),
        ([CTRL_C], Seen("a0", {"": ""}, {"": STRUCK}, interrupted=True)),
        ([PASS, CTRL_C], Seen("a0 b1", {"": "passed"}, {"": STRUCK}, interrupted=True)),
        ([GONE, CTRL_C], Seen("a0 b0", {"": ""}, {"": STRUCK}, left_out=[("a", "no room")], interrupted=True)),
        ([PASS, STOPPED], Seen("a0 b1", {"": "passed interrupted"}, {"": STRUCK}, interrupted=True)),
        ([PASS, SIGNAL], Seen("a0 b1", {"": "passed passed"}, {"": STRUCK}, interrupted=True)),
        ([PASS, PASS, SIGNAL], Seen("a0 b1 c2", {"": "passed passed passed"}, interrupted=True)),
    ],
)
def test_checks_follow_one_another_and_one_that_cannot_be_made_is_left_out(script, expected):
    assert one_by_one(script) == expected


def test_a_check_whose_limit_this_host_cannot_give_is_not_begun():
    seen = one_by_one([PASS, PASS], {"b": Limits(cpus=4.0)})
    assert seen == Seen(
        "a0 c1", {"": "passed passed"}, left_out=[("b", "--cpus 4 is more than this host's 2; ask for fewer CPUs")]
    )


def test_each_variant_stands_once_in_every_place():
    assert latin_square(3, 3) == ((0, 1, 2), (2, 0, 1), (1, 2, 0))
    for count in range(1, 7):
        rounds = latin_square(count, count)
        for place in range(count):
            assert sorted(turn[place] for turn in rounds) == list(range(count))
