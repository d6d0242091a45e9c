"""How N unit cells in a row scatter together: sin(πNh) / sin(πh), with no hole at integer h."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def interference(h: Tensor, count: int) -> Tensor:
    """sin(π `count` h) / sin(πh) for h of any shape, with its limits ±`count` at integers.

    The quotient is the Chebyshev polynomial of the second kind U_{count-1} at x = cos πh (Abramowitz and Stegun
    22.3.16), and is computed as such by its recurrence U_n = 2x U_{n-1} - U_{n-2} (22.7.5). A polynomial in a cosine
    has no 0/0, so value and every derivative are finite and right at integers too. The usual remedy, a quotient with
    the limit put in by `where`, has neither: its gradient at an integer is that of a constant, or not a number.
    """
    if count < 1:
        raise ValueError(f"interference: {count} unit cells in a row; at least one is needed")
    doubled = 2.0 * torch.cos(math.pi * h)
    before, now = torch.ones_like(h), doubled
    if count == 1:
        return before
    for _ in range(count - 2):
        before, now = now, doubled * now - before
    return now


def lattice_transform(h: Tensor, counts: Sequence[int]) -> Tensor:
    """Product of the three axes' interference, shape (...), for fractional indices h of shape (3, ...)."""
    if len(set(counts)) == 1:
        along = interference(h, counts[0])
        return along[0] * along[1] * along[2]
    first, second, third = (interference(h[axis], count) for axis, count in enumerate(counts))
    return first * second * third
