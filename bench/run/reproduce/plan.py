"""A bundle from elsewhere, run again here: the plan that it implies (pure).

A bundle is data. Only a diagnostic of this catalog runs, with the code that lies here; of the bundle's environment only
variables that steer threads and allocators are taken over, and the number of runs and their deadline have bounds,
unless the user trusts it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

from bench.catalog.load import find_variant
from bench.catalog.model import Catalog, Diagnostic
from bench.engine.protocol import Need, Tree
from bench.errors import BenchError, NotComparable, UsageError
from bench.record.schema import Record, Source
from bench.run.plan import Options, Plan, make_plan
from bench.run.reproduce.mismatch import Mismatch

MAX_REPEAT = 100
"""Runs that a bundle can ask for by itself."""
MAX_VALUE = 1000
"""Characters of a variable's value that a bundle can set by itself."""

_HARMLESS = re.compile(
    r"(OMP|MKL|KMP|OPENBLAS|MALLOC|THP|TORCH|NANOBRAGG|NVIDIA)_[A-Z0-9_]+|CUDA_VISIBLE_DEVICES|LANG|PYTHONHASHSEED"
    r"|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE",
)


def options_of(record: Record) -> Options:
    """Return the command-line options that made a record; the environment comes later (see :func:`plan_again`)."""
    limits = record.engine.limits
    return Options(
        repeat=max(1, len(record.measured_runs)),
        warmup=warmups_of(record),
        profile=record.diagnostic.profile or "full",
        cpus=limits.cpus,
        cpuset=limits.cpuset,
        memory_bytes=limits.memory_bytes,
        threads=limits.threads,
        timeout_s=record.diagnostic.timeout_s,
        ceiling_s=record.diagnostic.ceiling_s,
        profiler=record.profiler,
    )


def warmups_of(record: Record) -> int:
    """Return how many runs of a record came before those that are judged."""
    return len(record.runs) - len(record.measured_runs)


def bounded(options: Options, diagnostic: Diagnostic) -> Options:
    """Return what a stranger may ask for: no more runs than anybody needs, none longer than the diagnostic may take."""
    timeout = None if options.timeout_s is None else min(options.timeout_s, diagnostic.timeout_s)
    warmup = min(options.warmup or 0, MAX_REPEAT)
    return replace(options, repeat=min(options.repeat, MAX_REPEAT), warmup=warmup, timeout_s=timeout)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the code of a test comes from here: its source, a project's files and needs, a person's own environment."""

    source: Source
    tree: Tree | None = None
    need: Need | None = None
    python: str | None = None


def plan_again(
    record: Record, diagnostic: Diagnostic, catalog: Catalog, origin: Origin, *, trust: bool
) -> tuple[Plan, tuple[Mismatch, ...]]:
    """Return the plan that does here what the record did there, and what of its environment was left out.

    Args:
        record: what was done there.
        diagnostic: the same one here.
        catalog: the variants that there are here.
        origin: where its code comes from here.
        trust: whether the record may ask for more than a stranger's.

    Raises:
        UsageError: a profile or variant that this catalog lacks, or a variant without a sandbox that nobody trusts.
    """
    variant = find_variant(catalog, record.variant) if record.variant else None
    if variant is not None and variant.security not in (None, "default") and not trust:
        raise UsageError(
            f"the variant '{variant.name}' is run only with --trust",
            "it takes a part of the sandbox away, and a bundle can name it",
            "look at the bundle, then add --trust",
        )
    options = options_of(record) if trust else bounded(options_of(record), diagnostic)
    options = replace(options, python=origin.python)
    made = partial(make_plan, diagnostic, source=origin.source, tree=origin.tree, need=origin.need, variant=variant)
    usual = made(options).task.env
    wanted = {name: value for name, value in record.environ.items() if usual.get(name) != value}
    taken = {
        name: value for name, value in wanted.items() if _possible(name, value) and (trust or _harmless(name, value))
    }
    left = sorted(wanted.keys() - taken.keys())
    problems = (
        (Mismatch("environment", f"{', '.join(left)} set", "not taken over (--trust would, if it is known)", True),)
        if left
        else ()
    )
    return made(replace(options, env=taken)), problems


def _possible(name: str, value: str) -> bool:
    """Whether it can be set at all: a process has no variable with a NUL, and what was redacted is not known."""
    return (
        bool(name)
        and not any(sign in name for sign in "=\0")
        and "\0" not in value
        and "[redacted" not in value.lower()
    )


def _harmless(name: str, value: str) -> bool:
    """Whether a stranger may set it.

    A value with a path could name a library to load, as OMP_TOOL_LIBRARIES does; one in braces is filled in by the
    engine. What the diagnostics read (BENCH_*) the plan sets itself.
    """
    plain = len(value) <= MAX_VALUE and value.isprintable() and not any(sign in value for sign in "/{}")
    return plain and _HARMLESS.fullmatch(name) is not None


def check_origin(record: Record, diagnostic_known: bool) -> None:
    """Refuse what is not a diagnostic of this catalog.

    Raises:
        NotComparable: evidence that was imported from elsewhere, or a project's test without its checkout.
    """
    if record.diagnostic.source.kind == "imported":
        raise _cannot(record, "it was imported from older evidence, which has no image", "compare it instead")
    if not diagnostic_known:
        raise _cannot(record, "this catalog has no such diagnostic", "give its checkout with --project and --trust")


def _cannot(record: Record, cause: str, fix: str) -> BenchError:
    return NotComparable(f"{record.diagnostic.name} of {record.id} cannot be reproduced here", cause, fix)
