"""Which results are sessions of the same code on the same host, to take the A/A noise of a reference from (pure)?"""

from __future__ import annotations

from collections.abc import Sequence

from bench.compare.likeness import differences
from bench.compare.noise import aa_noise
from bench.record.schema import Record


def reference_noise(a: Sequence[Record], b: Sequence[Record], history: Sequence[Record]) -> float | None:
    """The A/A noise of the reference: of its sessions, and of those in the history that are like it.

    What is judged is none of them, wherever it lies: a regression that counts as noise acquits itself. Other sources
    are none either, even of a project, whose source forces no status: what its commits change is no noise.
    """
    reference, judged = a[-1], {record.id for record in b}
    sessions = {record.id: record for record in (*history, *a) if record.id not in judged}
    return aa_noise([record for record in sessions.values() if _same_code(record, reference)])


def _same_code(record: Record, reference: Record) -> bool:
    return (
        record.diagnostic.name == reference.diagnostic.name
        and _code(record) == _code(reference)
        and not record.profiler
        and all(difference.forces is None for difference in differences(reference, record))
    )


def _code(record: Record) -> str | None:
    source = record.diagnostic.source
    return source.sha256 or source.commit
