"""Tricubic interpolation once more, one point at a time and without rounding, to measure the fast one against."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from torch import Tensor

LOWEST, HIGHEST = -5, 5


def table_value(h: int, k: int, l: int) -> Fraction:  # noqa: E741
    """F = 100 + 10h + k + l/10, exactly."""
    return Fraction(100) + 10 * h + k + Fraction(l, 10)


def make_table(dtype: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """The table for h, k, l of -5 to 5, shape (11, 11, 11), rounded to `dtype`."""
    axis = range(LOWEST, HIGHEST + 1)
    rows = [[[float(table_value(h, k, l)) for l in axis] for k in axis] for h in axis]  # noqa: E741
    return torch.tensor(rows, dtype=dtype, device=device)


def interpolate_exactly(values: Callable[[int, int, int], Fraction], point: Sequence[float]) -> Fraction:
    """F at one point in rational arithmetic, by Neville's scheme along l, then k, then h.

    Neville's scheme repeats linear interpolation and knows no weights, so it shares nothing with the code under test.
    """
    h, k, l = (Fraction(x) for x in point)  # noqa: E741
    first_h, first_k, first_l = (math.floor(x) - 1 for x in (h, k, l))
    along_h = []
    for i in range(first_h, first_h + 4):
        along_k = []
        for j in range(first_k, first_k + 4):
            along_l = [values(i, j, m) for m in range(first_l, first_l + 4)]
            along_k.append(neville(along_l, first_l, l))
        along_h.append(neville(along_k, first_k, k))
    return neville(along_h, first_h, h)


def neville(values: Sequence[Fraction], first: int, at: Fraction) -> Fraction:
    """The polynomial through `values` at the integers from `first` on, at `at`."""
    now = list(values)
    for width in range(1, len(now)):
        for i in range(len(now) - width):
            left, right = first + i, first + i + width
            now[i] = ((right - at) * now[i] + (at - left) * now[i + 1]) / width
    return now[0]


def ulp_distance(found: float, exact: Fraction, dtype: torch.dtype) -> int:
    """How many representable numbers of `dtype` lie between `found` and `exact` rounded to it; 0: the same number."""
    code, number = (">i", ">f") if dtype == torch.float32 else (">q", ">d")

    def rank(value: float) -> int:
        bits: int = struct.unpack(code, struct.pack(number, value))[0]
        return bits if bits >= 0 else -(bits & ((1 << (struct.calcsize(code) * 8 - 1)) - 1))

    return abs(rank(found) - rank(float(exact)))
