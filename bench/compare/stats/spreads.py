"""How far pairs lie apart from those before them (pure)."""

from __future__ import annotations

import numpy as np

from bench.compare.stats.values import Floats

SHAMOS = 1.0483


def scales(pairs: Floats) -> Floats:
    """Return for each pair a standard deviation of the pairs before it; not a number for the first two.

    From the median distance of two pairs, which needs no centre, and is wrong for a quarter of outliers at most by a
    constant (Shamos 1976; Rousseeuw & Croux 1993, J. Am. Stat. Assoc. 88:1273). All distances are sorted once, and
    those of one pair after the other are taken out again, the last first, so that the median moves by one place at
    most each time: for n pairs that is n² steps, and not the n³ of a median of its own for each.
    """
    found: Floats = np.full(pairs.size, np.nan)
    if pairs.size < 3:
        return found
    one, other = np.tril_indices(pairs.size - 1, -1)  # nothing comes after the last pair
    apart = np.abs(pairs[one] - pairs[other])  # the distances between the first three come first, and so on
    order = np.argsort(apart, kind="stable")
    ranks = np.empty(apart.size, dtype=np.intp)
    ranks[order] = np.arange(apart.size)
    sizes, places = apart[order].tolist(), ranks.tolist()
    before, after = list(range(-1, apart.size - 1)), list(range(1, apart.size + 1))
    left = apart.size
    middle = (left - 1) // 2
    for at in range(pairs.size - 1, 1, -1):
        median = sizes[middle] if left % 2 else (sizes[middle] + sizes[after[middle]]) / 2
        found[at] = SHAMOS * median
        fewer = (at - 1) * (at - 2) // 2
        for place in places[fewer:left]:
            if left % 2 == 0 and place <= middle:
                middle = after[middle]
            elif left % 2 and place >= middle:
                middle = before[middle]
            left -= 1
            if before[place] >= 0:
                after[before[place]] = after[place]
            if after[place] < apart.size:
                before[after[place]] = before[place]
    return found
