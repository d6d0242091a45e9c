"""The counter among dispatch modes of the tests' own, and operators that take functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch._higher_order_ops.cond import cond_op
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _get_current_dispatch_mode_stack,
    _pop_mode,
    is_in_torch_dispatch_mode,
)

from bench.agent.plugin.bench_pytest_plugin.work.torch_calls import TAKEN_OUT, TorchCalls

Phase = Callable[[], object]


class Own(TorchDispatchMode):
    """A mode of a test's, which keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Take away what a test left on the stack, after telling that our mode is not among it."""
    before = HigherOrderOperator.dispatch
    yield
    left = _get_current_dispatch_mode_stack()
    while _get_current_dispatch_mode_stack():
        _pop_mode()
    HigherOrderOperator.dispatch = before
    assert all(type(mode) is Own for mode in left)


def phases(counter: TorchCalls, *actions: Phase) -> dict[str, Any]:
    """Count one test of several phases, and return the sums."""
    counter.begin_test()
    for action in actions:
        counter.resume()
        action()
        counter.pause()
    counter.end_test()
    return counter.totals()


def test_a_mode_is_left_in_another_phase_than_it_was_entered_in() -> None:
    own, x = Own(), torch.ones(3)
    work = phases(TorchCalls(), own.__enter__, lambda: x + x, lambda: own.__exit__(None, None, None), lambda: x * x)
    assert own.seen == ["aten.add.Tensor"]
    assert work["torch"]["calls"] == {"aten::add": 1, "aten::mul": 1}
    assert _get_current_dispatch_mode_stack() == []
    assert not is_in_torch_dispatch_mode()


def test_a_mode_that_was_there_before_sees_what_it_would_without_us() -> None:
    x = torch.ones(3, 3)
    with Own() as own:
        work = phases(TorchCalls(), lambda: x @ x, lambda: x + x)
        assert _get_current_dispatch_mode_stack() == [own]
    assert own.seen == ["aten.mm.default", "aten.add.Tensor"]
    assert work["torch"]["flops"] == 2 * 27


def test_a_mode_that_is_never_left_stays_and_is_all_that_stays() -> None:
    own, x = Own(), torch.ones(3)
    work = phases(TorchCalls(), own.__enter__, lambda: x + x)
    assert _get_current_dispatch_mode_stack() == [own]
    assert work["torch"]["calls"] == {"aten::add": 1}


def test_a_counter_that_was_taken_from_the_stack_tells_no_sums() -> None:
    counter, x = TorchCalls(), torch.ones(3)
    assert phases(counter, lambda: (_pop_mode(), x + x)) == {}
    assert counter.unavailable["torch"] == TAKEN_OUT


def test_an_operator_that_takes_functions_counts_what_they_do() -> None:
    x = torch.ones(3)
    found = []
    work = phases(
        TorchCalls(),
        lambda: found.append(cond_op(torch.tensor(True), lambda y: y.sin() + y, lambda y: y.cos(), (x,))),
    )
    assert torch.equal(found[0], x.sin() + x)
    calls = work["torch"]["calls"]
    assert {name: calls.get(name) for name in ("higher_order::cond", "aten::sin", "aten::add", "aten::cos")} == {
        "higher_order::cond": 1,
        "aten::sin": 1,
        "aten::add": 1,
        "aten::cos": None,
    }


def test_an_operator_whose_work_is_not_known_to_be_seen_runs_and_costs_the_sums() -> None:
    class Twice(HigherOrderOperator):
        def __call__(self, function: Any, x: Any) -> Any:
            return super().__call__(function, x)

    twice = Twice("bench_twice")
    twice.py_impl(torch._C.DispatchKey.CompositeExplicitAutograd)(lambda function, x: function(function(x)))
    for key in (torch._C.DispatchKey.AutogradCPU, torch._C.DispatchKey.ADInplaceOrView):
        twice.fallthrough(key)
    counter, found = TorchCalls(), []
    assert phases(counter, lambda: found.append(twice(lambda x: x + 1, torch.ones(3)))) == {}
    assert torch.equal(found[0], torch.full((3,), 3.0))
    assert counter.unavailable["torch"] == "what the operator bench_twice computed was not seen"
