import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.compare.explain.breakdown import NAMES, budget, cpus_given, cpus_usable, settle
from bench.compare.explain.difference import explain, explain_difference
from bench.compare.explain.findings import fault_cost_s
from bench.compare.sample import sample_of
from bench.errors import NotComparable, NotMeasured
from bench.record.schema import Calibration, Cpu, Experiment, Faults, HostState, Io, Memory, Run, Source
from bench.record.schema import TestResult as Node
from tests.support.records import HOST_CLASS, RYZEN, XEON, phase_d, record, replace

MAYBE = st.none() | st.floats(0, 1e6)
WALL = st.floats(1e-6, 1e6)


@st.composite
def results(draw, name="a"):
    runs = tuple(
        Run(
            index,
            "passed",
            wall_s=draw(WALL),
            cpu=Cpu(
                user_s=draw(MAYBE),
                system_s=draw(MAYBE),
                total_s=draw(MAYBE),
                throttled_s=draw(MAYBE),
                pressure_full_s=draw(MAYBE),
            ),
            memory=Memory(pressure_some_s=draw(MAYBE)),
            io=Io(pressure_some_s=draw(MAYBE)),
        )
        for index in range(draw(st.integers(1, 3)))
    )
    steal = draw(st.none() | st.floats(0, 1))
    return record(runs=runs, id=name, steal_ratio=steal, cpus=draw(st.none() | st.floats(0.1, 64)))


@given(results())
@settings(deadline=None)
def test_the_terms_of_one_add_up_exactly(made):
    spent = budget(sample_of(made))
    assert math.fsum(term.seconds for term in spent.terms) == spent.wall_s
    assert tuple(term.name for term in spent.terms) == NAMES
    tiny = 1e-9 * spent.wall_s
    for term in spent.terms:
        assert -tiny <= term.seconds <= spent.wall_s + tiny
        if term.bound_s is not None:
            assert term.seconds <= term.bound_s + tiny


@given(results("a"), results("b"))
@settings(deadline=None)
def test_the_terms_of_two_add_up_exactly(one, two):
    said = explain_difference(one, two)
    assert said.delta_s == said.b.budget.wall_s - said.a.budget.wall_s
    assert math.fsum(term.seconds for term in said.terms) == said.delta_s
    largest = max(said.a.budget.wall_s, said.b.budget.wall_s)
    for term in said.terms[:-1]:
        if term.a_s is not None:
            assert term.seconds == pytest.approx(term.b_s - term.a_s, abs=1e-12 * largest)


@given(st.floats(-1e9, 1e9), st.lists(st.floats(-1e9, 1e9), max_size=7))
@settings(deadline=None)
def test_settling_is_exact_for_any_sum(total, values):
    shares = {str(index): value for index, value in enumerate(values)}
    settled = settle(total, shares)
    assert math.fsum(settled.values()) == total
    assert settled.keys() == {*shares, "rest"}


def test_phase_d_is_understood():
    said = explain(phase_d())
    codes = {finding.code: finding for finding in said.findings}
    assert {"kernel_time_exceeds_user", "fault_cost", "memory_returned", "parallel_efficiency_low"} <= codes.keys()
    kernel = codes["kernel_time_exceeds_user"]
    assert "5772.58 s" in kernel.evidence
    assert "kernel time exceeds user time" in kernel.meaning
    cost = codes["fault_cost"]
    assert "1 065 734 110" in cost.evidence.replace("\u202f", " ").replace("\u2009", " ")
    assert "5.42 µs" in cost.evidence
    assert "assumed" in cost.evidence
    assert "5772.58 s" in cost.meaning
    returned = codes["memory_returned"]
    assert "482 times" in returned.evidence
    assert "returned to the kernel and faulted in again" in returned.meaning
    assert {"glibc-keep", "jemalloc", "tcmalloc", "thp"} <= set(returned.variants)
    assert said.budget.efficiency == pytest.approx(10940.32 / 844.94 / 32)
    assert said.budget.seconds("system") > said.budget.seconds("user")
    assert said.faults_per_s == pytest.approx(1065734110 / 844.94)
    assert "throttled" in said.budget.unknown


def test_a_calibrated_fault_is_used():
    made = replace(phase_d(), calibration=Calibration(before={"page_fault_s": 4e-6}))
    (cost,) = [finding for finding in explain(made).findings if finding.code == "fault_cost"]
    assert "calibrated" in cost.evidence
    assert "74 %" in cost.meaning
    cheap = replace(made, calibration=Calibration(before={"page_fault_s": None}, after={"page_fault_s": 1e-7}))
    assert fault_cost_s(cheap) == 1e-7
    assert not [finding for finding in explain(cheap).findings if finding.code == "fault_cost"]


def one_run(wall=100.0, **parts):
    return Run(0, "passed", wall_s=wall, **parts)


def test_a_throttled_run_waits():
    run = one_run(
        4.0, cpu=Cpu(user_s=2.0, system_s=0.0, total_s=2.0, throttled_s=2.0, periods=40, throttled_periods=38)
    )
    made = record(runs=(run,), cpus=0.5)
    said = explain(made)
    assert said.budget.seconds("throttled") == pytest.approx(2.0, rel=0.05)
    assert said.budget.seconds("user") == pytest.approx(2.0, rel=0.05)
    assert said.budget.efficiency == pytest.approx(1.0)
    assert "throttled" in {finding.code for finding in said.findings}


def test_a_quiet_run_has_no_findings():
    run = one_run(cpu=Cpu(user_s=99.0, system_s=0.5, total_s=99.5), faults=Faults(minor=10_000, major=0))
    said = explain(record(runs=(run,), cpus=1.0))
    assert said.findings == ()
    assert said.budget.seconds("rest") == pytest.approx(0.5)


def test_every_other_finding():
    run = one_run(
        cpu=Cpu(user_s=60.0, system_s=40.0, total_s=100.0, pressure_full_s=10.0),
        memory=Memory(anon_peak_bytes=95, limit_bytes=100, pressure_some_s=5.0, swap_peak_bytes=5),
        faults=Faults(minor=10, major=5000),
        io=Io(pressure_some_s=5.0),
    )
    made = record(runs=(run,), load=20.0, steal_ratio=0.1, cpus=1.0)
    codes = {finding.code for finding in explain(made).findings}
    assert codes == {
        "kernel_time_high",
        "memory_limit_near",
        "memory_pressure",
        "swapped",
        "major_faults",
        "io_pressure",
        "cpu_steal",
        "host_loaded",
        "cpu_wait",
    }


def test_faults_dearer_than_any_assumption_are_not_blamed():
    run = one_run(cpu=Cpu(user_s=1.0, system_s=90.0), faults=Faults(minor=200_000))
    assert "fault_cost" not in {finding.code for finding in explain(record(runs=(run,))).findings}


@pytest.mark.parametrize(
    ("limits", "usable", "given"),
    [
        ({}, 32, 32),
        ({"cpus": 2.0}, 32, 2),
        ({"cpuset": "0-3,8"}, 5, 5),
        ({"cpuset": "x"}, 32, 32),
        ({"cpuset": "0-1", "cpus": 4.0}, 2, 2),
        ({"cpuset": "3-1"}, 32, 32),
    ],
)
def test_the_cpus_it_was_given(limits, usable, given):
    made = record(**limits)
    assert (cpus_usable(made), cpus_given(made)) == (usable, given)


def test_terms_are_tied_to_what_differs():
    a = record(
        runs=(one_run(100.0, cpu=Cpu(user_s=90.0, system_s=10.0, total_s=100.0, throttled_s=0.0), faults=Faults(minor=1000)),),
        governor="performance", frequency_hz=4e9, load=0.1, steal_ratio=0.0,
        calibration=Calibration(before={"one_core_s": 1.0, "page_fault_s": 1e-6}),
    )  # fmt: skip
    b = record(
        runs=(one_run(200.0, cpu=Cpu(user_s=120.0, system_s=50.0, total_s=170.0, throttled_s=30.0), faults=Faults(minor=10**7)),),
        id="b", host_class=XEON, cpus=1.0, governor="powersave", frequency_hz=2e9, load=3.0, steal_ratio=0.02,
        calibration=Calibration(before={"one_core_s": 1.5, "page_fault_s": 2e-6}),
    )  # fmt: skip
    said = explain_difference(a, b)
    ties = {term.name: " | ".join(term.ties) for term in said.terms}
    assert "host.cpu_model" in ties["user"]
    assert "calibration one_core_s: 1 against 1.5 (+50.0 %)" in ties["user"]
    assert "4.00 GHz against 2.00 GHz" in ties["user"]
    assert "state.governor" in ties["user"]
    assert "minor faults" in ties["system"]
    assert "page_fault_s" in ties["system"]
    assert "limits.cpus: none against 1.0" in ties["throttled"]
    assert "steal" in ties["steal"]
    assert "load before" in ties["rest"]
    assert said.terms[-1].name == "rest"


def test_what_one_side_does_not_know_stays_in_the_rest():
    a = record(runs=(one_run(100.0, cpu=Cpu(user_s=50.0, system_s=0.0, total_s=50.0)),))
    b = record(runs=(one_run(100.0),), id="b")
    said = explain_difference(a, b)
    (user,) = [term for term in said.terms if term.name == "user"]
    assert (user.seconds, user.a_s, user.b_s) == (0.0, None, None)


def test_swap_is_tied_to_memory_pressure():
    def made(swap, name):
        base = record(id=name)
        return replace(base, host=replace(base.host, before=HostState(swap_used_bytes=swap)))

    (term,) = [
        term for term in explain_difference(made(0, "a"), made(2**30, "b")).terms if term.name == "memory_pressure"
    ]
    assert "1.00 GiB" in term.ties[0]


def test_what_was_not_measured_cannot_be_explained():
    with pytest.raises(NotMeasured):
        explain(record((None,), outcome="failed"))
    with pytest.raises(NotComparable):
        explain_difference(record(), record(name="dtype_cpu"))
    assert RYZEN.threads == 32


def on_gpu(gpu, driver, memory, used, **changes):
    device = {"memory_bytes": memory, "memory_used_bytes": {"mean": used, "max": used}}
    run = Run(0, "passed", wall_s=changes.pop("wall", 10.0), gpu={"devices": [device]})
    return record(runs=(run,), host_class=replace(RYZEN, gpu=gpu, driver=driver), device="cuda", **changes)


def test_another_gpu_its_driver_and_its_memory_are_named():
    a, b = on_gpu("H100", "550.1", 80 << 30, 1 << 30), on_gpu("H200", "560.2", 140 << 30, 2 << 30, wall=8.0)
    terms = {term.name: term.ties for term in explain_difference(a, b).terms}
    for name in ("user", "rest"):
        assert "host.gpu: H100 against H200" in terms[name]
        assert "host.driver: 550.1 against 560.2" in terms[name]
        assert "GPU memory: 80.00 GiB against 140.00 GiB" in terms[name]
        assert "GPU memory in use at most: 1.00 GiB against 2.00 GiB" in terms[name]
    assert not any("GPU" in tie for tie in terms["system"])
    same = explain_difference(a, replace(a, id="b"))
    assert not any(term.ties for term in same.terms)


@pytest.mark.parametrize("gpu", [{}, {"devices": 3}, {"devices": ["x", {"memory_bytes": "much"}]}])
def test_what_a_stranger_s_record_says_of_its_gpu_is_not_trusted(gpu):
    a = on_gpu("H100", "550.1", 80 << 30, 1 << 30)
    b = replace(a, id="b", runs=(replace(a.runs[0], gpu=gpu),))
    assert not any(term.ties for term in explain_difference(a, b).terms)


def test_a_run_that_passed_without_a_wall_time_is_said_to_lack_that():
    untimed = record((None,), id="f", unavailable={"runs[0].wall_s": "the table gives pytest's time"})
    with pytest.raises(NotMeasured, match="f has no wall time to explain: the table gives pytest's time"):
        explain(untimed)
    with pytest.raises(NotMeasured, match="nobody took its time"):
        explain(record((None,)))
    with pytest.raises(NotMeasured, match="no run that passed: its outcome is failed"):
        explain(record((1.0,), outcome="failed"))


def beside(others=1.7, wall=30.0, cpu=16.0, delay=13.5, pressure=0.98, **changes):
    """A run of one thread on two CPUs, beside others."""
    run = one_run(
        wall,
        cpu=Cpu(user_s=cpu, system_s=0.0, total_s=cpu, throttled_s=0.0, run_delay_s=delay),
        host_during={"others_cpus": others, "pressure_cpu_ratio": pressure},
    )
    return record(runs=(run,), host_class=HOST_CLASS, **changes)


def test_waiting_for_a_cpu_that_others_used_is_a_term_of_its_own():
    said = explain(beside())
    assert said.budget.seconds("cpu_wait") == pytest.approx(13.5)
    assert said.budget.seconds("user") == pytest.approx(16.0)
    assert said.budget.seconds("rest") == pytest.approx(0.5)
    codes = {finding.code for finding in said.findings}
    assert codes == {"host_loaded", "cpu_wait"}
    (waiting,) = (term for term in said.budget.terms if term.name == "cpu_wait")
    assert waiting.meaning == "waiting for a CPU that others used"


def test_what_ran_in_pairs_already_is_not_told_to():
    advice = {
        one.remedy
        for made in (beside(), beside(experiment=Experiment("ab-1", "head", (0,), (0,), 1)))
        for one in explain(made).findings
        if one.code == "host_loaded"
    }
    assert sorted("bench ab" in line for line in advice) == [False, True]


def test_tasks_that_nobody_saw_are_taken_to_have_waited_as_the_others_did():
    made = beside(cpu=10.0, delay=5.0)
    half = replace(made.runs[0], supervisor={"run_delay_of_cpu_s": 2.5})
    assert explain(replace(made, runs=(half,))).budget.seconds("cpu_wait") == pytest.approx(20.0)
    odd = replace(made.runs[0], supervisor={"run_delay_of_cpu_s": "x"})
    assert explain(replace(made, runs=(odd,))).budget.seconds("cpu_wait") == pytest.approx(5.0)


def test_waiting_for_one_s_own_threads_is_none_for_others():
    own = explain(beside(others=0.0, cpu=40.0, delay=90.0, pressure=1.0))
    assert own.budget.seconds("cpu_wait") == 0
    assert own.budget.seconds("user") == pytest.approx(30.0)


def test_without_a_run_delay_the_host_s_pressure_stands_for_it():
    said = explain(beside(delay=None))
    assert said.budget.seconds("cpu_wait") == pytest.approx(14.0, rel=0.1)
    quiet = explain(beside(delay=None, others=0.02, pressure=0.01, cpu=29.8))
    assert quiet.budget.seconds("cpu_wait") <= 0.3
    unknown = explain(beside(delay=None, others=None, pressure=None))
    assert "cpu_wait" in unknown.budget.unknown


@pytest.mark.parametrize(
    ("cpu", "others", "delay", "said"),
    [(1.0, 0.0, 0.1, "slept"), (28.0, 0.0, 0.1, "one CPU"), (24.0, 1.1, 0.1, None), (16.0, 0.0, 9.0, "one CPU")],
)
def test_cpus_stood_idle_only_where_nobody_used_them(cpu, others, delay, said):
    found = [one for one in explain(beside(cpu=cpu, others=others, delay=delay)).findings if "efficiency" in one.code]
    assert [said in one.meaning for one in found] == [True] * (said is not None)


def test_a_run_that_was_stopped_at_its_timeout_is_explained():
    stopped = replace(
        beside().runs[0], outcome="timed_out", effective_timeout_s=30.0, tests=(Node("t::x", "unfinished"),)
    )
    said = explain(replace(beside(), runs=(stopped,), outcome="timed_out"))
    assert said.timed_out
    assert said.budget.seconds("cpu_wait") == pytest.approx(13.5)
    assert "t::x" in said.findings[0].evidence


THREADS = "threads-1,threads-2,threads-4,threads-8"


@pytest.mark.parametrize(
    ("changes", "commands"),
    [
        ({}, ("grad_cpu", "glibc,glibc-keep,jemalloc,tcmalloc,thp")),
        (
            {"source": Source("project"), "profile": "smoke", "name": "slow_cpu"},
            ("slow_cpu --project . --profile smoke", "glibc,glibc-keep,jemalloc,tcmalloc,thp"),
        ),
        ({"engine": "local"}, ("grad_cpu --engine local", "glibc,glibc-keep,thp")),
        ({"source": Source("imported")}, ()),
        ({"name": "selftest"}, ()),
        ({"name": "test-grad-test-gradient-stability_cpu", "source": Source("project")}, ()),
    ],
)
def test_what_is_proposed_fits_and_is_whole(changes, commands):
    made = record(runs=phase_d().runs, **changes)
    wanted = [f"bench whatif {commands[0]} --variants {names}" for names in (commands[1], THREADS)] if commands else []
    assert list(explain(made).commands) == wanted


def test_threads_are_proposed_up_to_the_cpus_there_are():
    said = explain(beside(cpu=28.0, others=0.0, delay=0.0))
    assert said.findings[0].variants == ("threads-1", "threads-2", "pinned")
    assert said.commands == ("bench whatif grad_cpu --variants threads-1,threads-2",)
