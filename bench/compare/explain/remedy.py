"""Which variants fit a result's machine and test, and the command that tries them (pure)."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from bench.catalog.model import SELFTEST, name_of
from bench.compare.explain.breakdown import cpus_usable
from bench.record.schema import Record

ALLOCATORS = ("glibc-keep", "jemalloc", "tcmalloc", "thp")
"""Variants that keep memory, or take it in larger pages; ``glibc`` is what they are held against."""
_PRELOADED = frozenset({"jemalloc", "tcmalloc"})
_THREADS = tuple(f"threads-{count}" for count in (1, 2, 4, 8))
PARALLEL = (*_THREADS, "pinned")
"""Variants of a test that runs in several threads."""


def fitting(record: Record, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return those of the variants that this result's test could run under where it ran.

    Args:
        record: the result.
        wanted: names of the catalog's variants.
    """
    if record.diagnostic.name == SELFTEST:
        return ()
    return tuple(name for name in wanted if _fits(record, name))


def commands(record: Record, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return whole commands that try the variants, none twice; none for a test that the catalog does not know.

    Args:
        record: the result.
        wanted: names of variants that fit.
    """
    diagnostic = record.diagnostic
    names = {name_of(diagnostic.node, device) for device in ("cpu", "cuda", None)} if diagnostic.node else set()
    if diagnostic.source.kind not in ("catalog", "project") or diagnostic.name in names:
        return ()
    words = ["bench", "whatif", diagnostic.name]
    words += ["--project", "."] if diagnostic.source.kind == "project" else []
    words += ["--profile", diagnostic.profile] if diagnostic.profile not in (None, "full") else []
    words += ["--engine", "local"] if record.engine.name == "local" else []
    keepers = [name for name in ALLOCATORS if name in wanted]
    parallel = [name for name in PARALLEL if name in wanted]
    threads = [name for name in parallel if name in _THREADS]
    lists = ["glibc", *keepers] if keepers else [], threads if len(threads) > 1 else []
    return tuple(shlex.join([*words, "--variants", ",".join(names)]) for names in lists if names)


def _fits(record: Record, name: str) -> bool:
    cpus, build = cpus_usable(record), record.image or record.environment
    torch = build is None or build.torch is not None
    if name in _PRELOADED:
        return record.engine.name != "local"  # an image has the libraries; a host may
    if name == "thp":
        return torch
    if name in _THREADS:
        return _threaded(record) and (cpus is None or int(name.removeprefix("threads-")) <= cpus)
    if name == "pinned":
        return _threaded(record) and cpus is not None and cpus > 1
    return True


def _threaded(record: Record) -> bool:
    """Whether torch or OpenMP was there to make threads; unknown of older evidence, which counts as yes."""
    build = record.image or record.environment
    used = any(run.threads_used.torch or run.threads_used.openmp for run in record.runs)
    return used or build is None or build.torch is not None
