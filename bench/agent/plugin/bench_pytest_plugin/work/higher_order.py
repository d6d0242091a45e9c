"""Lets operators that take functions (``cond``, ``flex_attention``) run beside the mode that counts.

They ask for a rule for each kind of mode, and refuse to run beside one without (torch 2.7, torch/_ops.py). Ours counts
the operator and what it does, if that is known to be seen: nothing else has a word in it, and it runs as it stands.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

AROUND_ALL = ("flex_attention", "flex_attention_backward", "map_impl")
"""Operators that run with the mode around them."""
AROUND_FUNCTIONS = ("cond", "while_loop")
"""Operators that insist on no mode, and do nothing but call the functions that they are given."""


def give_rule(kind: type) -> None:
    """Give each such operator a rule for a kind of mode, when it is called; the ``tally`` of such a mode counts."""
    base = getattr(sys.modules.get("torch._ops"), "HigherOrderOperator", None)
    plain = getattr(base, "dispatch", None)
    if base is None or plain is None:
        return

    def dispatch(self: Any, key: Any, /, *args: Any, **kwargs: Any) -> Any:
        table = getattr(self, "python_key_table", None)
        if table is not None:
            table.setdefault(kind, partial(_rule, self))
        return plain(self, key, *args, **kwargs)

    base.dispatch = dispatch


def _rule(operator: Any, mode: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run an operator; the mode is off the stack at that moment."""
    name = operator.name()
    kernel = _kernel(operator, args, kwargs)
    if kernel is None or name not in AROUND_ALL + AROUND_FUNCTIONS:
        mode.tally.unseen = mode.tally.unseen or f"what the operator {name} computed was not seen"
        return operator(*args, **kwargs)
    calls, shown = mode.tally.calls, f"higher_order::{name}"
    calls[shown] = calls.get(shown, 0) + 1
    mode.tally.callers.setdefault(shown, {})
    if name in AROUND_FUNCTIONS:
        return kernel(*(_counted(one, mode) for one in args), **kwargs)
    with mode:
        return kernel(*args, **kwargs)


def _kernel(operator: Any, args: Any, kwargs: Any) -> Any:
    """What runs it on plain tensors; ``None`` if another mode or a kind of tensor has a word in it."""
    torch, pytree = sys.modules["torch"], sys.modules.get("torch.utils._pytree")
    leaves = getattr(pytree, "arg_tree_leaves", None)
    if leaves is None or torch._C._len_torch_dispatch_stack():
        return None
    plain = (torch.Tensor, torch.nn.Parameter)
    if any(isinstance(one, torch.Tensor) and type(one) not in plain for one in leaves(*args, **kwargs)):
        return None
    return operator.py_kernels.get(torch._C.DispatchKey.CompositeExplicitAutograd)


def _counted(value: Any, mode: Any) -> Any:
    """A function with the mode around it; anything else as it is."""
    torch = sys.modules["torch"]
    if not callable(value) or isinstance(value, torch.Tensor):
        return value

    def function(*args: Any, **kwargs: Any) -> Any:
        with mode:
            return value(*args, **kwargs)

    return function
