"""How far apart are two results of the same code on the same host? The A/A noise (pure).

Runs of one session share what the session had: a memory layout of the host, a temperature, a neighbour. Two sessions
of the same code therefore differ by more than their runs do, and no statistics on the runs of one session can see it.
A history of sessions can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.compare.stats.quantiles import student_quantile
from bench.compare.stats.values import logs

FEWEST_SESSIONS = 4
CONFIDENCE = 0.99
_MAD_TO_SIGMA = 1.4826


def session_noise(sessions: Sequence[Sequence[float]]) -> float | None:
    """Return the difference between two results of the same code on one host that one pair in a hundred exceeds.

    A ratio minus 1: 0.02 says that two results may be 2 % apart with nothing changed. From the variance *between* the
    sessions' median logarithms, less what the runs within them explain (one-way random effects, method of moments;
    Searle, Casella & McCulloch 1992, Variance Components, section 3.6), times Student's t for the sessions and
    sqrt(2) for a pair. If all sessions have one run each the two cannot be told apart, and the whole scatter counts.

    Args:
        sessions: wall times in seconds, one sequence a session; empty ones are left out.

    Returns:
        ``None`` for fewer than ``FEWEST_SESSIONS`` sessions.
    """
    samples = [logs(session) for session in sessions if session]
    if len(samples) < FEWEST_SESSIONS:
        return None
    middles = np.array([float(np.median(sample)) for sample in samples])
    between = float(middles.var(ddof=1))
    repeated = [sample - np.median(sample) for sample in samples if sample.size > 1]
    if repeated:
        rest = np.abs(np.concatenate(repeated))
        # The median of the distances, so that a wild run does not pass for noise within and hide the noise between. A
        # session's median scatters more than its mean: this takes out too little, which is the safe side.
        within = (_MAD_TO_SIGMA * float(np.median(rest))) ** 2 * rest.size / (rest.size - len(repeated))
        between = max(0.0, between - within * float(np.mean([1 / sample.size for sample in samples])))
    reach = student_quantile(len(samples) - 1, (1 + CONFIDENCE) / 2)
    return math.expm1(reach * math.sqrt(2 * between))
