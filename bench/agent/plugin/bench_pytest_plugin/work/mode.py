"""The dispatch mode that counts, made once torch is there."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import CodeType, FrameType
from typing import Any

from ..plain import LeftOut, text, type_name
from .higher_order import give_rule

MAX_KINDS = 50_000
"""Kinds of calls (operator, shapes, dtypes) of one test that are told apart."""
MAX_CALLERS = 2000
MAX_CODES = 50_000
NAME_CHARACTERS = 200
LOOKED_UP = 60
"""Frames that are looked at for the function that called."""
UNKNOWN = "?"


class Tally:
    """What one test, or all of them, asked of torch."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.callers: dict[str, dict[str, int]] = {}
        self.outputs: dict[str, list[int]] = {}
        self.kinds: dict[Any, int] = {}
        self.kinds_left_out = 0
        self.elements = self.bytes = self.flops = 0
        self.faults = 0
        self.fault = ""
        self.unseen = ""

    def add(self, other: Tally) -> None:
        """One test more; the kinds of its calls are its own."""
        for name, count in other.calls.items():
            self.calls[name] = self.calls.get(name, 0) + count
        for name, callers in other.callers.items():
            mine = self.callers.setdefault(name, {})
            for caller, count in callers.items():
                mine[caller] = mine.get(caller, 0) + count
        for name, sizes in other.outputs.items():
            ours = self.outputs.setdefault(name, [0, 0])
            ours[0] += sizes[0]
            ours[1] += sizes[1]
        self.elements += other.elements
        self.bytes += other.bytes
        self.flops += other.flops
        self.faults += other.faults
        self.fault = self.fault or other.fault
        self.unseen = self.unseen or other.unseen

    def named_kinds(self) -> Any:
        """Each kind of call as (operator, arguments) in words, and how often it was made."""
        for (operator, arguments), count in self.kinds.items():
            words = " ".join(f"{tuple(shape)}{dtype}" for shape, dtype in arguments)
            yield (str(operator), words), count


def make_mode(tally: Tally) -> Any:
    """A mode that counts into ``tally``, which may be replaced. Raises whatever a torch without modes does."""
    torch = sys.modules["torch"]
    base: Any = import_module("torch.utils._python_dispatch").TorchDispatchMode
    registry = _formulas()
    folder = os.path.dirname(os.path.abspath(str(torch.__file__))) + os.sep
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    names = Names((folder, own))
    tensor = torch.Tensor
    composite: dict[Any, bool] = {}

    class Counting(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.tally = tally

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            splits = composite.get(func)
            if splits is None:
                splits = composite[func] = _splits(func)
            if splits:  # in inference mode operators arrive whole that are made of others
                with self:
                    result = func.decompose(*args, **kwargs)
                if result is not NotImplemented:
                    return result
                composite[func] = False
            result = func(*args, **kwargs)
            try:
                _count(self.tally, func, args, kwargs, result)
            except Exception as error:
                self.tally.faults += 1
                self.tally.fault = self.tally.fault or type_name(error)
            return result

    def _count(into: Tally, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        name = func._schema.name
        into.calls[name] = into.calls.get(name, 0) + 1
        callers = into.callers.setdefault(name, {})
        caller = names.caller(sys._getframe(2))
        if caller in callers or len(callers) < MAX_CALLERS:
            callers[caller] = callers.get(caller, 0) + 1
        tensors: list[Any] = []
        _tensors(args, tensors)
        if kwargs:
            _tensors(tuple(kwargs.values()), tensors)
        kind = (func, tuple([(one.shape, one.dtype) for one in tensors]))
        kinds = into.kinds
        if kind in kinds:
            kinds[kind] += 1
        elif len(kinds) < MAX_KINDS:
            kinds[kind] = 1
        else:
            into.kinds_left_out += 1
        formula = registry.get(func._overloadpacket)
        if formula is not None:
            into.flops += int(formula(*args, **kwargs, out_val=result))
        if func.is_view:
            return  # it makes nothing new
        made: list[Any] = []
        _tensors((result,), made)
        for one in made:
            elements = one.numel()
            size = elements * one.element_size()
            into.elements += elements
            into.bytes += size
            sizes = into.outputs.setdefault(f"{str(one.dtype)[6:]} {one.device.type}", [0, 0])
            sizes[0] += elements
            sizes[1] += size

    def _tensors(values: Any, found: list[Any]) -> None:
        for value in values:
            if isinstance(value, tensor):
                found.append(value)
            elif type(value) in (list, tuple):
                _tensors(value, found)

    give_rule(Counting)
    return Counting()


def _splits(func: Any) -> bool:
    """Whether the operator is made of others by torch's own word."""
    try:
        return bool(
            sys.modules["torch"]._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
        )
    except Exception:
        return False


def _formulas() -> dict[Any, Any]:
    """Torch's own formulas for floating-point operations; a torch without them has none."""
    try:
        return dict(import_module("torch.utils.flop_counter").flop_registry)
    except ImportError:
        return {}


class Names:
    """The functions that call operators: the innermost that is neither torch's nor ours."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders
        # By identity, since the hash of code is that of its bytes; what is known is kept alive for that.
        self._known: dict[int, tuple[CodeType, str | None]] = {}

    def caller(self, frame: FrameType | None) -> str:
        """``module.function``; a question mark where nobody of the tests' called."""
        for _ in range(LOOKED_UP):
            if frame is None:
                break
            code = frame.f_code
            known = self._known.get(id(code))
            name = known[1] if known is not None else self._name(frame, code)
            if known is None and len(self._known) < MAX_CODES:
                self._known[id(code)] = code, name
            if name is not None:
                return name
            frame = frame.f_back
        return UNKNOWN

    def _name(self, frame: FrameType, code: CodeType) -> str | None:
        if code.co_filename.startswith(self._folders):
            return None
        module = frame.f_globals.get("__name__")
        function = getattr(code, "co_qualname", code.co_name)
        try:
            return text(f"{text(module, NAME_CHARACTERS)}.{function}", NAME_CHARACTERS)
        except LeftOut:
            return text(function, NAME_CHARACTERS)
