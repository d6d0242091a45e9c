"""Words by which JSON shows which tool wrote it, also if it was cut off soon after its beginning (pure)."""

from __future__ import annotations

_SIGNS = (
    ('"results"', '"command"', '"mean"'),
    ('"results"', '"command"', '"times"'),
    ('"results"', '"command"', '"measurements"'),
    ('"machine_info"', '"benchmarks"'),
    ('"context"', '"benchmarks"', '"num_cpus"'),
    ('"context"', '"benchmarks"', '"library_build_type"'),
    ('"benchmarks"', '"runs"'),
    ('"primaryMetric"',),
    ('"sampling_mode"', '"iters"'),
    ('"criterion_estimates_v1"',),
    ('"results"', '"commit_hash"'),
    ('"session_info"', '"runs"'),
    ('"lastUpdate"', '"entries"', '"benches"'),
)


def has_signs(text: str) -> bool:
    """Return whether a text, or the beginning of one, has the words of a known tool's JSON."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") and any(
        all(sign in text for sign in signs) for signs in _SIGNS
    )
