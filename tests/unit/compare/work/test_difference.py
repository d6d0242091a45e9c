"""The same work, more of it, and what is shown but never judged."""

import msgspec
import pytest

from bench.compare.comparison import compare
from bench.compare.explain.difference import explain_difference
from bench.compare.work.repeats import merged
from bench.record.schema import Calibration, ThreadsUsed
from bench.record.work import PythonWork, TorchWork, Work
from tests.support.records import XEON, record
from tests.unit.compare.test_experiment import BASE, SAME


def work(mm=150, flops=1_000_000, **changes):
    made = Work(
        counted=1,
        torch=TorchWork(
            calls={"aten::mm": mm, "aten::add": 20},
            elements=1000,
            bytes=8_000_000,
            flops=flops,
            digest=f"{mm:064x}",
            callers={"aten::mm": {"simulator.run": mm - 10, "simulator.check": 10}, "aten::add": {"simulator.run": 20}},
        ),
        python=PythonWork(500, {"simulator": 500}),
        kernel={"minor_faults": 7, "processes": 0},
    )
    return msgspec.structs.replace(made, **changes)


def result(found, walls=(100.0,), **changes):
    made = record(walls, **changes)
    runs = (msgspec.structs.replace(made.runs[0], work=found), *made.runs[1:])
    return msgspec.structs.replace(made, runs=runs)


def reason(comparison):
    (said,) = [one for one in comparison.reasons if "work" in one or " does " in one or "operator calls" in one]
    return said


NOISY = (71.0, 128.0, 84.0, 117.0, 96.0, 109.0)
SIX = (100.0, 100.1, 100.2, 100.3, 100.4, 100.5)


def test_the_same_work_and_another_time_is_the_machine_s():
    found = compare(result(work(), SIX), result(work(), [wall * 1.2 for wall in SIX]))
    assert found.status == "code_regressed"
    assert (found.work.kind, found.work.growth, found.work.digests_equal) == ("same", 0.0, True)
    assert reason(found) == (
        "same work (170 operator calls, 1 MFLOP, equal to the reference's): "
        "the time is the machine's or the allocator's, not the amount of work"
    )


NO_TORCH = TorchWork(calls={}, elements=0, bytes=0, flops=0, digest="0" * 64)


@pytest.mark.parametrize("torch", [None, NO_TORCH])
@pytest.mark.parametrize("counted", [1, 2])
@pytest.mark.parametrize("host", [{}, {"host": XEON}])
def test_calls_of_python_alone_do_not_tell_that_the_work_is_the_same(torch, counted, host):
    """A loop that is longer within a function makes as many calls; nobody may blame the machine then."""
    a = result(work(torch=torch, counted=counted), SIX)
    b = result(work(torch=torch, counted=counted), [wall * 1.2 for wall in SIX], **host)
    found = compare(a, b)
    assert (found.status, found.work.kind) == ("host_differs" if host else "code_regressed", "same")
    if torch is not None and counted == 1:  # beside torch one count of Python is not judged
        assert found.work.said.startswith("no counter here saw anything that repeats, so the work is not judged")
    else:
        assert found.work.said == (
            "same number of Python calls (500, equal to the reference's): "
            "a longer loop within a function is not seen by this count"
        )
    said = (*found.reasons, explain_difference(a, b).work.said)
    assert not [one for one in said if "same work" in one or "amount of work" in one or "work is the same" in one]


def test_more_work_names_the_operator_and_who_calls_it_and_changes_no_status():
    a, b = result(work(), SIX), result(work(168, 1_119_000), SIX)
    found = compare(a, b)
    assert found.status == compare(record(SIX), record(SIX)).status == "same"
    assert found.work.kind == "more"
    assert found.work.growth == pytest.approx(0.119)
    assert reason(found) == (
        "the result does 11.9 % more floating-point operations, which one run on each side shows: "
        "aten::mm 150 → 168 calls, all in simulator.run"
    )
    assert compare(b, a).work.kind == "less"
    assert compare(b, a).work.growth == 0.0
    assert "10.6 % fewer floating-point operations" in reason(compare(b, a))


def test_one_run_a_side_tells_two_percent():
    found = compare(result(work()), result(work(153, 1_020_000)))
    assert found.status == "insufficient_runs"
    assert "2.0 % more floating-point operations" in reason(found)


def test_two_percent_are_told_on_a_host_whose_times_decide_nothing():
    found = compare(result(work(), NOISY), result(work(153, 1_020_000), NOISY[::-1]))
    assert found.status == "host_noisy"
    assert found.work.growth == pytest.approx(0.02)
    assert "2.0 % more floating-point operations, which one run on each side shows" in reason(found)


def test_another_host_and_the_same_work():
    found = compare(result(work(), SIX), result(work(), SIX, host=XEON))
    assert found.status == "host_differs"
    assert reason(found) == "the work is the same on both (170 operator calls, 1 MFLOP)"
    found = compare(result(work(), SIX), result(work(153), SIX, host=XEON))
    assert reason(found).startswith("the work is not the same on both, 1.8 % more operator calls: aten::mm 150 → 153")


def test_what_varies_is_shown_and_not_judged():
    varying = work(168, 1_119_000, varies=("torch.flops", "torch.calls.aten::mm", "torch.digest"), counted=2)
    found = compare(result(varying), result(work()))
    decisive = {one.name for one in found.work.quantities if one.decides}
    assert decisive == {"bytes of results", "elements of results"}
    assert (found.work.kind, found.work.growth, found.work.digests_equal) == ("same", 0.0, None)
    shown = {one.name: (one.a, one.b, one.why) for one in found.work.quantities}
    assert shown["floating-point operations"] == (1_119_000, 1_000_000, "did not repeat exactly")
    assert "aten::mm" not in {one.name for one in found.work.calls}


def test_the_kernel_s_figures_never_decide():
    found = compare(result(work()), result(work(kernel={"minor_faults": 70_000, "processes": 3}, instructions=5)))
    assert found.work.kind == "same"
    assert {one.name for one in found.work.quantities if not one.decides} == {
        "minor faults",
        "processes started",
        "instructions",
        "Python calls",
    }


def test_python_s_calls_are_judged_without_torch_or_once_they_are_known_to_repeat():
    fewer = PythonWork(499, {"simulator": 499})
    assert compare(result(work()), result(work(python=fewer))).work.kind == "same"
    assert compare(result(work(torch=None)), result(work(torch=None, python=fewer))).work.kind == "less"
    assert compare(result(work(counted=2)), result(work(counted=2, python=fewer))).work.kind == "less"


def test_other_shapes_alone_are_another_work():
    other = work()
    other = msgspec.structs.replace(other, torch=msgspec.structs.replace(other.torch, digest="f" * 64))
    found = compare(result(work()), result(other))
    assert (found.work.kind, found.work.growth) == ("other", 0.0)
    assert reason(found) == "as many operator calls, and of other shapes or types"


def test_more_of_one_and_less_of_another_says_both():
    found = compare(result(work()), result(work(75, 2_000_000)))
    assert found.work.kind == "other"
    assert "100.0 % more floating-point operations and 44.1 % fewer operator calls" in reason(found)


def test_something_from_nothing_is_growth_without_a_bound():
    a = work(flops=0)
    found = compare(result(a), result(work()))
    assert found.work.growth == float("inf")
    assert "floating-point operations that the reference does not have" in reason(found)


def test_without_a_count_on_both_sides_nothing_is_said():
    found = compare(result(work()), record())
    assert found.work is None
    assert not [one for one in found.reasons if "work" in one]


def test_a_count_without_a_counter_that_both_have_is_not_judged():
    found = compare(result(work(python=None)), result(work(torch=None)))
    assert found.work.kind == "other"
    assert "so the work is not judged" in reason(found)


def test_rates_are_over_the_timed_runs_and_against_the_calibration():
    a = msgspec.structs.replace(
        result(work(), (10.0, 30.0)), calibration=Calibration({"memory_bandwidth_bytes_per_s": 4_000_000.0})
    )
    rates, other = compare(a, result(work())).work.rates
    assert (rates.flops_per_s, rates.bytes_per_s, rates.of_bandwidth) == (50_000.0, 400_000.0, 0.1)
    assert other.of_bandwidth is None


def test_two_counts_name_what_was_not_equal():
    again = merged(work(), work(151, kernel={"minor_faults": 8, "processes": 0}))
    assert again.counted == 2
    assert again.varies == ("kernel.minor_faults", "torch.calls.aten::mm", "torch.digest")
    assert merged(again, work()).varies == again.varies
    assert merged(work(), work()).varies == ()
    modules = [PythonWork(9, {"tests": count, "simulator": 3}) for count in (5, 6)]
    assert merged(work(python=modules[0]), work(python=modules[1])).varies == ("python.modules.tests",)


def test_what_decides_is_named_however_many_counters_did_not_repeat():
    one, other = (PythonWork(9 + more, {f"m{at}": at + more for at in range(1000)}) for more in (0, 1))
    found = merged(work(python=one), work(151, 1_000_001, python=other))
    assert len(found.varies) == 1000
    assert {"python.calls", "torch.calls.aten::mm", "torch.digest", "torch.flops"} <= set(found.varies)


@pytest.mark.parametrize(("threads", "said"), [((1, 2), True), ((2, 2), False), ((None, 2), False)])
def test_other_work_under_other_threads_says_so(threads, said):
    """Code may divide its work by its threads; the same work needs no such word."""
    base, more = (result(work()), result(work(168, 1_119_000)))

    def under(made, count):
        runs = tuple(msgspec.structs.replace(run, threads_used=ThreadsUsed(torch=count)) for run in made.runs)
        return msgspec.structs.replace(made, runs=runs)

    found = compare(under(base, threads[0]), under(more, threads[1]))
    assert found.work.threads == threads
    assert ("(torch ran with 1 thread and with 2: some code divides its work by them)" in reason(found)) == said
    assert "thread" not in reason(compare(under(base, threads[0]), under(base, threads[1])))


def test_the_sides_of_an_experiment_have_their_work_compared():
    base, head = (
        msgspec.structs.replace(side, runs=(msgspec.structs.replace(side.runs[0], work=found), *side.runs[1:]))
        for side, found in ((BASE, work(counted=2)), (SAME, work(168, 1_119_000, counted=2)))
    )
    found = compare(base, head)
    assert found.status == compare(BASE, SAME).status == "same"
    assert found.work.growth == pytest.approx(0.119)
    assert found.reasons[-1] == (
        "the head does 11.9 % more floating-point operations, which one run on each side shows: "
        "aten::mm 150 → 168 calls, all in simulator.run"
    )
    turned = compare(head, base)
    assert turned.reasons[-1] == (
        "the base does 10.6 % fewer floating-point operations: aten::mm 168 → 150 calls, all in simulator.run"
    )
