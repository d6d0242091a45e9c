"""Quantiles and tails of the distributions that the rules use, by scipy (pure).

It is imported at the first call: its start costs more than that of everything else, and most commands ask for none.
"""

from __future__ import annotations


def student_quantile(freedom: float, probability: float) -> float:
    """The value below which Student's t with ``freedom`` degrees lies with that probability."""
    from scipy import special

    return float(special.stdtrit(freedom, probability))


def student_below(freedom: float, value: float) -> float:
    """The probability that Student's t with ``freedom`` degrees lies below the value."""
    from scipy import special

    return float(special.stdtr(freedom, value))


def chi_squared_exceeded(freedom: float, probability: float) -> float:
    """The value above which chi squared with ``freedom`` degrees lies with that probability."""
    from scipy import special

    return float(special.chdtri(freedom, probability))


def normal_quantile(probability: float) -> float:
    """The value below which a standard normal variable lies with that probability."""
    from scipy import special

    return float(special.ndtri(probability))
