"""What of a result cannot be the same on this machine, and which of it must be accepted by name (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from bench.cpuset import parse_cpuset
from bench.engine.protocol import Capacity, Place
from bench.errors import NotComparable, UsageError
from bench.record.schema import HostClass, Limits, Record
from bench.run.plan import Plan
from bench.run.reproduce.limits import fitted_limits
from bench.units import size

Code = Literal["source", "image", "engine", "cgroup", "cpus", "threads", "memory", "gpu", "environment", "host"]
CODES: tuple[str, ...] = get_args(Code)
"""The differences that ``--allow`` can name."""
UNSEEN = "one that cannot be seen from here"


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
    """What this machine offers for a reproduction; no place where none was prepared, since it will be refused."""

    engine: str
    cgroup_version: int | None
    capacity: Capacity
    host_class: HostClass
    place: Place | None
    version: str | None = None


def mismatches(record: Record, plan: Plan, here: Here) -> tuple[Mismatch, ...]:
    """What differs between then and here, the blocking ones first. Another host class blocks nothing.

    A source or an image that one side does not know cannot be shown to be the same, and blocks like another one.

    Raises:
        UsageError: the record's list of CPUs is none.
    """
    limits = plan.task.limits
    found = [
        *_cpus_beyond(limits, here.capacity),
        *_threads_beyond(record, limits, here.capacity),
        *_memory(record, limits, here),
    ]

    def require_same(code: Code, then: str | None, now: str | None) -> None:
        if then is None or then != now:
            found.append(Mismatch(code, _said(then or "not known"), _said(now or "not known"), True))

    def differ(code: Code, then: object, now: object, *, blocking: bool) -> None:
        if then is not None and then != now:
            found.append(Mismatch(code, _said(then), _said(now), blocking))

    require_same("source", record.diagnostic.source.sha256, plan.source.sha256)
    require_same("image", _fingerprint(record), _place_fingerprint(here.place))
    differ("engine", record.engine.name, here.engine, blocking=True)
    differ("cgroup", _version(record.engine.cgroup_version), _version(here.cgroup_version), blocking=False)
    threads = record.host.class_.threads
    if threads is not None and here.capacity.cpus is not None and record.engine.limits.cpus is None:
        differ("cpus", f"{threads} CPUs", f"{here.capacity.cpus} CPUs", blocking=False)
    if record.diagnostic.device == "cuda":
        gpu = _gpu(record, here)
        differ("gpu", record.host.class_.gpu, gpu, blocking=gpu is None)
    differ("host", record.host.class_.cpu_model, here.host_class.cpu_model, blocking=False)
    return tuple(sorted(found, key=lambda mismatch: not mismatch.blocking))


def _cpus_beyond(limits: Limits, capacity: Capacity) -> Iterator[Mismatch]:
    """Limits of CPUs that are not here; where they are allowed, the plan is cut down to those that are."""
    cpus = capacity.cpus
    if cpus is not None and limits.cpus is not None and limits.cpus > cpus:
        yield Mismatch("cpus", f"a limit of {limits.cpus:g} CPUs", f"{cpus} CPUs", True)
    if cpus is not None and limits.cpuset is not None and max(parse_cpuset(limits.cpuset)) >= cpus:
        yield Mismatch("cpus", f"the CPUs {limits.cpuset}", f"0 to {cpus - 1}", True)


def _threads_beyond(record: Record, limits: Limits, capacity: Capacity) -> Iterator[Mismatch]:
    """Threads that would share fewer CPUs here than there. As many as the limit of CPUs, they go along with it."""
    fit = fitted_limits(limits, capacity, record.host.class_.threads)
    if limits.threads is not None and fit.threads != limits.threads:
        along = limits.cpus is not None and limits.threads == math.ceil(limits.cpus)
        yield Mismatch("threads", f"{limits.threads} threads", f"CPUs for {fit.threads}", blocking=not along)


def _memory(record: Record, limits: Limits, here: Here) -> Iterator[Mismatch]:
    """What was used or given there is more than there is here; less memory alone blocks nothing."""
    there, now = record.host.class_.memory_bytes, _installed(here)
    peak = max((run.memory.peak_bytes or 0 for run in record.runs), default=0)
    usable = here.capacity.memory_bytes
    if usable is not None and peak > usable:
        yield Mismatch("memory", f"a peak of {size(peak)}", f"{size(usable)} in all", True)
    elif usable is not None and limits.memory_bytes is not None and limits.memory_bytes > usable:
        yield Mismatch("memory", f"a limit of {size(limits.memory_bytes)}", f"{size(usable)} in all", True)
    elif there is not None and now is not None and now < there:
        yield Mismatch("memory", size(there), size(now), False)


def has_and_lacks(record: Record, here: Here) -> tuple[str, ...]:
    """What there was and what there is here, a line each: engine, control groups, CPUs, memory, GPU, image."""
    there, now = record.host.class_, here.host_class
    rows = {
        "engine": (_joined(record.engine.name, record.engine.version), _joined(here.engine, here.version)),
        "control groups": (_version(record.engine.cgroup_version), _version(here.cgroup_version)),
        "processor": (there.cpu_model, now.cpu_model),
        "CPUs": (there.threads, here.capacity.cpus),
        "memory": (_size(there.memory_bytes), _size(_installed(here))),
        "GPU": (there.gpu, _gpu(record, here)),
        "fingerprint of the image": (_fingerprint(record), _place_fingerprint(here.place)),
    }
    return tuple(
        f"{what}: {_said(then)}" + (", the same here" if then == today else f" there, {_here(today)}")
        for what, (then, today) in rows.items()
        if then is not None or today is not None
    )


def _here(today: object) -> str:
    return UNSEEN if today == UNSEEN else f"{_said(today)} here"


def _gpu(record: Record, here: Here) -> str | None:
    """The GPU here. A place for CUDA is prepared only where there is one, though on another machine nobody sees it."""
    unseen = record.diagnostic.device == "cuda" and here.place is not None
    return here.host_class.gpu or (UNSEEN if unseen else None)


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


def _fingerprint(record: Record) -> str | None:
    if record.image is not None:
        return record.image.fingerprint
    return record.environment.fingerprint if record.environment is not None else None


def _place_fingerprint(place: Place | None) -> str | None:
    if place is None:
        return None
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
