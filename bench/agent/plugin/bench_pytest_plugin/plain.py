"""Makes plain JSON values of what a test records, whatever that is: bounded, finite, valid Unicode, never an exception.

No code of the value's own class runs: ``__str__``, ``__repr__``, ``__eq__``, ``__iter__`` and even ``__class__`` may
raise, lie or wait for ever, and pytest must pass as it would without us. So a value is told by the classes that it
really descends from, and read by their own methods.
"""

from __future__ import annotations

import math
import types
from typing import Any

MAX_DEPTH = 20
MAX_INTEGER = 2**63 - 1
"""What every reader of JSON takes as a whole number."""
STANDARD = frozenset(("datetime", "decimal", "enum", "fractions", "ipaddress", "pathlib", "pathlib._local", "uuid"))
"""Modules of the standard library whose classes are written as their text."""
ARRAYS = frozenset(("numpy", "torch"))
"""Libraries whose data types and devices are written as their text."""
CUT = "…"

_MRO = type.__dict__["__mro__"]
_CLASS_DICT = type.__dict__["__dict__"]
_MODULE = type.__dict__["__module__"]


class LeftOut(Exception):
    """The value cannot be kept; the message says why, without a subject."""


class NoNumber(LeftOut):
    """The value is something else than a number."""


class OutOfRange(LeftOut):
    """The value is a number that JSON cannot tell."""


def plain(value: object, characters: int, depth: int = MAX_DEPTH) -> Any:
    """The value as JSON takes it, at most about ``characters`` long. Raises LeftOut."""
    budget = [characters]
    return _plain(value, budget, depth)


def number(value: object) -> float:
    """The value as a finite number; booleans and text are none. Raises LeftOut."""
    found = _scalar(value)
    if not _exactly(found, int, float):
        raise NoNumber(f"is no number but of the type {type_name(value)}")
    try:
        as_float = float(found)
    except OverflowError:
        raise OutOfRange("is larger than a floating-point number can be") from None
    if not math.isfinite(as_float):
        raise OutOfRange("is not finite")
    return found if type(found) is float or abs(found) <= MAX_INTEGER else as_float


def text(value: object, characters: int) -> str:
    """Text without lone surrogates, cut to a length. Raises LeftOut where the value is no text."""
    if not _is(value, str):
        raise LeftOut(f"is no text but of the type {type_name(value)}")
    whole: Any = value
    exact = str.__getitem__(whole, slice(0, characters + 1))
    valid: str = str.encode(exact, "utf-8", "backslashreplace").decode()
    return valid if len(valid) <= characters else valid[: characters - 1] + CUT


def type_name(value: object) -> str:
    """The name of the value's class, as far as it can be told without asking the value."""
    return text(type.__dict__["__name__"].__get__(type(value)), 80)


def is_text(value: object) -> bool:
    """Whether the value really is text."""
    return _is(value, str)


def is_object(value: object) -> bool:
    """Whether the value really is a dictionary."""
    return _is(value, dict)


def pair_of(value: object) -> tuple[object, object] | None:
    """The two parts of what really is a tuple or a list of two, else ``None``; none of its own methods is called."""
    for kind in (tuple, list):
        if _is(value, kind):
            parts: list[object] = list(kind.__iter__(value))  # type: ignore[arg-type]
            return (parts[0], parts[1]) if len(parts) == 2 else None
    return None


def _is(value: object, wanted: type) -> bool:
    """As isinstance, but neither the value nor its metaclass is asked."""
    return any(one is wanted for one in _MRO.__get__(type(value)))


def _exactly(value: object, *kinds: type) -> bool:
    """Whether the value's class is one of these; comparing classes would ask their metaclass."""
    return any(type(value) is one for one in kinds)


def _plain(value: object, budget: list[int], depth: int) -> Any:
    found = _scalar(value)
    if found is None or type(found) is bool:
        _spend(budget, 5)
        return found
    if _exactly(found, int, float):
        _spend(budget, 20)
        if type(found) is float and not math.isfinite(found):
            raise LeftOut("holds a number that is not finite")
        if type(found) is int and abs(found) > MAX_INTEGER:
            raise LeftOut("holds a whole number of more than 64 bits")
        return found
    if _is(found, str):
        return _whole(found, budget)
    _spend(budget, 2)
    if depth <= 0:
        raise LeftOut(f"is nested deeper than {MAX_DEPTH} levels")
    if _is(found, dict):
        return {_key(key, budget): _plain(inner, budget, depth - 1) for key, inner in dict.items(found)}
    for kind in (list, tuple, set, frozenset):
        if _is(found, kind):
            return [_plain(inner, budget, depth - 1) for inner in kind.__iter__(found)]
    return _whole(_described(found), budget)


def _whole(value: str, budget: list[int]) -> str:
    length = str.__len__(value)
    _spend(budget, length + 2)
    return text(value, length * len(r"\udc80") + 1)


def _spend(budget: list[int], characters: int) -> None:
    budget[0] -= characters
    if budget[0] < 0:
        raise LeftOut("is too large")


def _key(key: object, budget: list[int]) -> str:
    """A key as JSON writes it: text, or a number or constant as its text."""
    found = _scalar(key)
    if type(found) is bool or found is None:
        found = {True: "true", False: "false", None: "null"}[found]
    elif _exactly(found, int, float):
        if type(found) is int and abs(found) > MAX_INTEGER:
            raise LeftOut("has a key of more than 64 bits")
        found = repr(found)
    if not _is(found, str):
        raise LeftOut(f"has a key that is no text but of the type {type_name(key)}")
    return _whole(found, budget)


def _scalar(value: object) -> Any:
    """The value as a plain number where it is one (also a scalar of NumPy's or torch's), else as it is."""
    if value is None or _exactly(value, bool, int, float, str):
        return value
    if _is(value, float):
        return float.__float__(value)  # type: ignore[arg-type]
    if _is(value, int):
        return int.__int__(value)  # type: ignore[arg-type]
    item = _c_method(value, "item")
    if item is None:
        return value
    try:
        found = item(value)
    except Exception:  # more than one element
        raise LeftOut(f"is an array (of the type {type_name(value)}): record a number or a list") from None
    if found is None or _exactly(found, bool, int, float, str):
        return found
    raise LeftOut(f"is of the type {type_name(value)}, which is no number of JSON's")


def _c_method(value: object, name: str) -> Any:
    """The method of that name if it is written in C, as those of the array libraries are, else ``None``."""
    _, found = _find(value, name)
    return found if type(found) is types.MethodDescriptorType else None


def _find(value: object, name: str) -> tuple[type, object]:
    """Where a class or what it descends from defines an attribute, and the attribute."""
    for one in _MRO.__get__(type(value)):
        inside = _CLASS_DICT.__get__(one)
        if name in inside:
            return one, inside[name]
    return object, None


def _described(value: object) -> str:
    """The text of a path, a date, a data type and the like: classes whose text no code of the project's makes."""
    definer, _ = _find(value, "__str__")
    if definer is object:
        definer, _ = _find(value, "__repr__")
    module = str(_MODULE.__get__(definer))
    if definer is not complex and module not in STANDARD and module.partition(".")[0] not in ARRAYS:
        raise LeftOut(f"is of the type {type_name(value)}: record text, numbers, lists or objects")
    return str(value)
