"""A bundle from elsewhere, run again here: the plan that it implies and what cannot be matched (pure).

A bundle is data. Only a diagnostic of this catalog runs, with the code that lies here; of the bundle's environment only
variables that steer threads, allocators and the diagnostics are taken over, unless the user trusts it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from bench.catalog.load import find_variant
from bench.catalog.model import Catalog, Diagnostic
from bench.engine.protocol import Capacity, Need, Place, Tree
from bench.errors import BenchError, NotComparable, UsageError
from bench.record.schema import HostClass, Record, Source
from bench.run.plan import Options, Plan, make_plan
from bench.units import size

_HARMLESS = re.compile(
    r"(OMP|MKL|KMP|OPENBLAS|MALLOC|THP|TORCH|BENCH|NANOBRAGG|NVIDIA)_[A-Z0-9_]+|CUDA_VISIBLE_DEVICES|LANG|PYTHONHASHSEED"
    r"|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE",
)

Code = Literal["source", "image", "engine", "cgroup", "cpus", "memory", "gpu", "environment", "host"]
CODES: tuple[str, ...] = get_args(Code)
"""The differences that ``--allow`` can name."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that is not as it was. ``blocking`` ones must be accepted by name before anything runs."""

    code: Code
    then: str
    here: str
    blocking: bool

    def __str__(self) -> str:
        return f"{self.code}: {self.then} there, {self.here} here"


@dataclass(frozen=True, slots=True)
class Here:
    """What this machine offers for a reproduction."""

    engine: str
    cgroup_version: int | None
    capacity: Capacity
    host_class: HostClass
    place: Place
    version: str | None = None


def options_of(record: Record) -> Options:
    """The options of the command line that made a record; the environment comes later (see :func:`plan_again`)."""
    limits = record.engine.limits
    return Options(
        repeat=max(1, len(record.runs)),
        profile=record.diagnostic.profile or "full",
        cpus=limits.cpus,
        cpuset=limits.cpuset,
        memory_bytes=limits.memory_bytes,
        threads=limits.threads,
        timeout_s=record.diagnostic.timeout_s,
        ceiling_s=record.diagnostic.ceiling_s,
        profiler=record.profiler,
    )


def plan_again(
    record: Record,
    diagnostic: Diagnostic,
    catalog: Catalog,
    source: Source,
    *,
    trust: bool,
    tree: Tree | None = None,
    need: Need | None = None,
) -> tuple[Plan, tuple[Mismatch, ...]]:
    """The plan that does here what the record did there, and what of its environment was left out.

    Raises:
        UsageError: a profile or variant that this catalog lacks.
    """
    variant = find_variant(catalog, record.variant) if record.variant else None
    options = options_of(record)
    usual = make_plan(diagnostic, options, source, tree=tree, need=need, variant=variant).task.env
    wanted = {name: value for name, value in record.environ.items() if usual.get(name) != value}
    taken = {
        name: value
        for name, value in wanted.items()
        if (trust or _harmless(name, value)) and "[redacted" not in value.lower()
    }
    left = sorted(wanted.keys() - taken.keys())
    problems = (
        (Mismatch("environment", f"{', '.join(left)} set", "not taken over (--trust would, where not redacted)", True),)
        if left
        else ()
    )
    chosen = Options(**{name: getattr(options, name) for name in Options.__slots__} | {"env": taken})
    return make_plan(diagnostic, chosen, source, tree=tree, need=need, variant=variant), problems


def _harmless(name: str, value: str) -> bool:
    """Whether a stranger may set it. A value with a path could name a library to load, as OMP_TOOL_LIBRARIES does."""
    return _HARMLESS.fullmatch(name) is not None and "/" not in value


def mismatches(record: Record, plan: Plan, here: Here) -> tuple[Mismatch, ...]:
    """What differs between then and here, the blocking ones first. Another host class blocks nothing."""
    found: list[Mismatch] = []

    def differ(code: Code, then: object, now: object, *, blocking: bool) -> None:
        if then is not None and then != now:
            found.append(Mismatch(code, _said(then), _said(now), blocking))

    differ("source", record.diagnostic.source.sha256, plan.source.sha256, blocking=True)
    differ("image", _fingerprint(record), _place_fingerprint(here.place), blocking=True)
    differ("engine", record.engine.name, here.engine, blocking=True)
    differ("cgroup", _version(record.engine.cgroup_version), _version(here.cgroup_version), blocking=False)
    threads = record.host.class_.threads
    if threads is not None and here.capacity.cpus is not None and record.engine.limits.cpus is None:
        differ("cpus", f"{threads} CPUs", f"{here.capacity.cpus} CPUs", blocking=False)
    there = record.host.class_.memory_bytes
    peak = max((run.memory.peak_bytes or 0 for run in record.runs), default=0)
    now = _installed(here)
    if here.capacity.memory_bytes is not None and peak > here.capacity.memory_bytes:
        usable = size(here.capacity.memory_bytes)
        found.append(Mismatch("memory", f"a peak of {size(peak)}", f"{usable} in all", blocking=True))
    elif there is not None and now is not None and now < there:
        differ("memory", size(there), size(now), blocking=False)
    if record.diagnostic.device == "cuda":
        differ("gpu", record.host.class_.gpu, here.host_class.gpu, blocking=here.host_class.gpu is None)
    differ("host", record.host.class_.cpu_model, here.host_class.cpu_model, blocking=False)
    return tuple(sorted(found, key=lambda mismatch: not mismatch.blocking))


def has_and_lacks(record: Record, here: Here) -> tuple[str, ...]:
    """What there was and what there is here, a line each: engine, control groups, CPUs, memory, GPU, image."""
    there, now = record.host.class_, here.host_class
    rows = {
        "engine": (_joined(record.engine.name, record.engine.version), _joined(here.engine, here.version)),
        "control groups": (_version(record.engine.cgroup_version), _version(here.cgroup_version)),
        "processor": (there.cpu_model, now.cpu_model),
        "CPUs": (there.threads, here.capacity.cpus),
        "memory": (_size(there.memory_bytes), _size(_installed(here))),
        "GPU": (there.gpu, now.gpu),
        "fingerprint of the image": (_fingerprint(record), _place_fingerprint(here.place)),
    }
    return tuple(
        f"{what}: {_said(then)}" + (", the same here" if then == today else f" there, {_said(today)} here")
        for what, (then, today) in rows.items()
        if then is not None or today is not None
    )


def require(found: Collection[Mismatch], allowed: Collection[str]) -> None:
    """Refuse what blocks and was not allowed.

    Raises:
        NotComparable: names it, and the option that accepts it.
    """
    refused = [mismatch for mismatch in found if mismatch.blocking and mismatch.code not in allowed]
    if refused:
        codes = ",".join(dict.fromkeys(mismatch.code for mismatch in refused))
        raise NotComparable(
            "this host cannot do the same",
            "; ".join(str(mismatch) for mismatch in refused),
            f"--allow {codes} accepts it",
        )


def parse_allow(text: str) -> frozenset[str]:
    """The differences that ``--allow`` accepts: ``engine,image``.

    Raises:
        UsageError: one of them is none.
    """
    codes = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(codes.difference(CODES))
    if unknown:
        raise UsageError(f"--allow {unknown[0]} names no difference", fix=f"there are {', '.join(CODES)}")
    return codes


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


def _fingerprint(record: Record) -> str | None:
    if record.image is not None:
        return record.image.fingerprint
    return record.environment.fingerprint if record.environment is not None else None


def _place_fingerprint(place: Place) -> str | None:
    if place.image is not None:
        return place.image.fingerprint
    return place.environment.fingerprint if place.environment is not None else None


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _installed(here: Here) -> int | None:
    """The memory of the host as its class says it, as that of the record is; else what the engine counts."""
    return here.host_class.memory_bytes or here.capacity.memory_bytes


def _size(value: int | None) -> str | None:
    return None if value is None else size(value)


def _version(version: int | None) -> str | None:
    return None if version is None else f"version {version}"


def _said(value: object) -> str:
    text = "none" if value is None else str(value)
    return text[:16] + "…" if re.fullmatch(r"[0-9a-f]{40,}|sha256:[0-9a-f]{64}", text) else text
