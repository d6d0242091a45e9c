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
    """:func:`aa_noise` of plain wall times, one sequence a session."""
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
