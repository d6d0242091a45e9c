"""What of a result cannot be the same on this machine, and which of it must be accepted by name (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from bench.compare.likeness.differences import differences
from bench.cpuset import parse_cpuset
from bench.engine.protocol import Capacity
from bench.errors import NotComparable, UsageError
from bench.record.schema import Limits, Record
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
class _Fact:
    """What compare calls a difference, the word of ``--allow`` for it, and what a record has there.

    A blocking one that a side does not know cannot be shown to be the same.
    """

    name: str
    code: Code
    of: Callable[[Record], str | None]
    blocking: bool


def mismatches(record: Record, here: Record, capacity: Capacity) -> tuple[Mismatch, ...]:
    """Return what differs between then and here, the blocking ones first. Another host class blocks nothing.

    Args:
        record: what was done there.
        here: the record that this machine begins before the first run.
        capacity: what the engine here can give.

    Raises:
        UsageError: the record's list of CPUs is none.
    """
    limits = here.engine.limits
    found = [
        *_cpus_beyond(limits, capacity),
        *_threads_beyond(record, limits, capacity),
        *_memory(record, here, capacity),
        *_facts_apart(record, here),
    ]
    threads = record.host.class_.threads
    if None not in (threads, capacity.cpus) and threads != capacity.cpus and record.engine.limits.cpus is None:
        found.append(Mismatch("cpus", f"{threads} CPUs", f"{capacity.cpus} CPUs", blocking=False))
    gpu, there = _gpu(record, here), record.host.class_.gpu
    if record.diagnostic.device == "cuda" and there is not None and gpu != there:
        found.append(Mismatch("gpu", _said(there), _said(gpu), blocking=gpu is None))
    return tuple(sorted(found, key=lambda mismatch: (not mismatch.blocking, mismatch.code == "host")))


def _facts_apart(record: Record, here: Record) -> Iterator[Mismatch]:
    """What compare will find to differ, and what it cannot since this side, or either, does not know it."""
    apart = {one.name: one for one in differences(record, here)}
    for fact in _FACTS:
        then, now = fact.of(record), fact.of(here)
        unknown = None in (then, now) and (fact.blocking or then is not None)
        if fact.name in apart and then == now:  # of one content, and of two kinds
            then, now = apart[fact.name].a, apart[fact.name].b
        if unknown or fact.name in apart:
            nothing = "not known" if fact.blocking else None
            yield Mismatch(fact.code, _said(then or nothing), _said(now or nothing), fact.blocking)


def _cpus_beyond(limits: Limits, capacity: Capacity) -> Iterator[Mismatch]:
    """Limits of CPUs that are not here; if they are allowed, the plan is cut down to those that are."""
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


def _memory(record: Record, here: Record, capacity: Capacity) -> Iterator[Mismatch]:
    """What was used or given there is more than there is here; less memory alone blocks nothing."""
    there, now, limits = record.host.class_.memory_bytes, _installed(here, capacity), here.engine.limits
    peak = max((run.memory.peak_bytes or 0 for run in record.runs), default=0)
    usable = capacity.memory_bytes
    if usable is not None and peak > usable:
        yield Mismatch("memory", f"a peak of {size(peak)}", f"{size(usable)} in all", True)
    elif usable is not None and limits.memory_bytes is not None and limits.memory_bytes > usable:
        yield Mismatch("memory", f"a limit of {size(limits.memory_bytes)}", f"{size(usable)} in all", True)
    elif there is not None and now is not None and now < there:
        yield Mismatch("memory", size(there), size(now), False)


def has_and_lacks(record: Record, here: Record, capacity: Capacity) -> tuple[str, ...]:
    """Return what there was and what there is here, a line each: engine, control groups, CPUs, memory, GPU, image.

    Args:
        record: what was done there.
        here: the record that this machine begins before the first run.
        capacity: what the engine here can give.
    """
    there, now = record.host.class_, here.host.class_
    rows = {
        "engine": (_engine(record), _engine(here)),
        "control groups": (_cgroup(record), _cgroup(here)),
        "processor": (there.cpu_model, now.cpu_model),
        "CPUs": (there.threads, capacity.cpus),
        "memory": (_size(there.memory_bytes), _size(_installed(here, capacity))),
        "GPU": (there.gpu, _gpu(record, here)),
        "fingerprint of the image": (_fingerprint(record), _fingerprint(here)),
    }
    return tuple(
        f"{what}: {_said(then)}" + (", the same here" if then == today else f" there, {_here(today)}")
        for what, (then, today) in rows.items()
        if then is not None or today is not None
    )


def _here(today: object) -> str:
    return UNSEEN if today == UNSEEN else f"{_said(today)} here"


def _gpu(record: Record, here: Record) -> str | None:
    """The GPU here. A place for CUDA is prepared only if there is one, though on another machine nobody sees it."""
    unseen = record.diagnostic.device == "cuda" and (here.image or here.environment) is not None
    return here.host.class_.gpu or (UNSEEN if unseen else None)


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
    """Return the differences that ``--allow`` accepts: ``engine,image``.

    Raises:
        UsageError: one of them is none.
    """
    codes = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(codes.difference(CODES))
    if unknown:
        raise UsageError(f"--allow {unknown[0]} names no difference", fix=f"there are {', '.join(CODES)}")
    return codes


def _fingerprint(record: Record) -> str | None:
    build = record.image or record.environment
    return build.fingerprint if build is not None else None


def _engine(record: Record) -> str:
    return " ".join(part for part in (record.engine.name, record.engine.version) if part)


def _installed(here: Record, capacity: Capacity) -> int | None:
    """The memory of the host as its class has it, as that of the record is; else what the engine counts."""
    return here.host.class_.memory_bytes or capacity.memory_bytes


def _size(value: int | None) -> str | None:
    return None if value is None else size(value)


def _cgroup(record: Record) -> str | None:
    version = record.engine.cgroup_version
    return None if version is None else f"version {version}"


def _said(value: object) -> str:
    text = "none" if value is None else str(value)
    return text[:16] + "…" if re.fullmatch(r"[0-9a-f]{40,}|sha256:[0-9a-f]{64}", text) else text


_FACTS = (
    _Fact("source", "source", lambda record: record.diagnostic.source.sha256, blocking=True),
    _Fact("image.fingerprint", "image", _fingerprint, blocking=True),
    _Fact("engine", "engine", lambda record: record.engine.name, blocking=True),
    _Fact("engine.cgroup_version", "cgroup", _cgroup, blocking=False),
    _Fact("host.cpu_model", "host", lambda record: record.host.class_.cpu_model, blocking=False),
)
