"""What the runner asks of an engine: prepare a place once, then execute tasks in it, each in a fresh container.

An engine measures nothing itself. It starts ``bench/agent`` (the supervisor) as the first process of the task, follows
the JSON lines that it prints, and brings its ``out`` folder back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bench.record.schema import Engine as EngineRecord
from bench.record.schema import Environment, Image, Limits
from bench.times import parse_moment

Notify = Callable[[str], None]
"""Takes one plain line for the person who waits."""

Event = Mapping[str, Any]
"""One JSON line of the supervisor (see ``bench/agent/events.py``)."""

OnEvent = Callable[[Event], None]

KILLED = "the command that started this run was killed"
"""The ``error`` of an ending that a later command found."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the host offers: a number of CPUs and bytes of memory; ``None`` if it is not known."""

    cpus: int | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A prepared image or environment: absolute paths as the task sees them, and what the record reports of it.

    ``handle`` is the engine's own business (an image id). ``preloads`` maps an allocator's name to its library.
    ``owned``: the image has the run's folders, and they are its user's, as new volumes there then are. ``bytecode`` is
    where the supervisor's compiled modules are kept, empty if they lie beside it.
    ``launcher`` stands before ``python`` if that cannot start alone, and ``runtime`` names the volume that brings both
    into an image that is not ours. ``env`` are variables of the place's own, ``path`` its PATH and ``folder`` where a
    command without a project runs there. Without ``has_python``, ``python`` is ours alone and no part of the place.
    With ``has_own`` it may have a project's own modules installed, ``own`` among others.
    """

    python: str
    agent: str
    diagnostics: str
    handle: str
    image: Image | None = None
    environment: Environment | None = None
    preloads: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    owned: bool = False
    bytecode: str = ""
    launcher: tuple[str, ...] = ()
    runtime: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    folder: str | None = None
    has_python: bool = True
    has_own: bool = False
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """Files to copy to ``/src`` in the task (never mounted): paths relative to ``root``.

    ``links`` holds, by their paths, where links lead from where they lie; never out of the tree. ``left_out`` says in
    plain lines what the project has and the copy has not. ``folders`` hold nothing. ``kept`` is the folder of the copy
    that a command works from, so that ``root`` may be edited meanwhile.
    """

    root: Path
    files: tuple[str, ...]
    sha256: str
    links: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    kept: Path | None = None

    @property
    def entries(self) -> tuple[str, ...]:
        """Its files, and its folders that hold nothing with a slash at the end."""
        return (*self.files, *(f"{name}/" for name in self.folders))

    @property
    def source(self) -> Path:
        """Where its files are read."""
        return self.kept or self.root

    def at(self, path: Path) -> Path:
        """Return where a file is read: one of the project in the copy that a command works from, any other in place."""
        if self.kept is None or not path.is_relative_to(self.root):
            return path
        name = path.relative_to(self.root)
        return self.kept / name if str(name) in self.files or str(name) in self.links else path


@dataclass(frozen=True, slots=True)
class Need:
    """What a place must offer. ``kind`` is ``cpu``, ``cuda`` or ``small`` (no torch).

    ``tree`` is the project whose ``requirements`` they are: they may name files of it, or itself. ``program`` is the
    first word of a command, which needs no pytest; ``None`` for a test. ``image`` is an image that is not ours, by any
    name that the engine takes; ``python`` an interpreter, or the folder of an environment, that lies on this host.
    ``hint`` is what to tell before the place is made, if it is not there yet.
    """

    kind: str
    requirements: Path | None = None
    tree: Tree | None = field(default=None, hash=False)
    program: str | None = None
    image: str | None = None
    python: str | None = None
    hint: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Around:
    """What a command has around it. ``prepare`` runs before it, unmeasured; ``input`` is a file of this machine that it
    reads as standard input; ``expect_exit`` its exit code if it passed.
    """

    prepare: tuple[str, ...] = ()
    input: Path | None = None
    expect_exit: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One life of a container.

    Args:
        argv: the child's command; ``{python}``, ``{diagnostics}``, ``{out}`` and ``{src}`` are filled in by the engine.
        env: the child's whole environment, beside what the engine must add (HOME, PATH, TMPDIR); the same placeholders.
        cwd: the child's working folder; the same placeholders, and ``{here}`` for the place's own.
        timeout_s: the deadline that the supervisor enforces.
        grace_s: seconds from TERM to KILL.
        sample_hz: samples a second.
        limits: what the group may use; ``None`` is no limit.
        gpu: whether the task needs the GPU.
        tree: a project's files, or ``None``.
        preload: an allocator of the place, or ``None`` for the C library's.
        security: ``default`` or ``unconfined`` (no seccomp or AppArmor profile), for measuring what the sandbox costs.
        describe: whether the place is asked about itself after the run (see ``bench/agent/facts.py``).
        torch: whether torch is asked, too.
        labels: what marks the container as ours (see ``bench.engine.labels``).
        command: what a command has around it, whose words are taken as they are; ``None`` for a test of pytest's.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    timeout_s: float
    limits: Limits
    grace_s: float = 10.0
    sample_hz: float = 1.0
    gpu: bool = False
    tree: Tree | None = None
    preload: str | None = None
    security: str = "default"
    describe: bool = False
    torch: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    command: Around | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How the container ended, as the engine saw it; the measurements lie in the ``out`` folder (``result.json``).

    ``exit_code`` is the supervisor's own (137 if it was killed). ``oom_killed`` is the engine's word, ``None`` if
    it has none. ``error`` says in one line what broke on the way (the daemon died). ``interrupted``: the user stopped
    it. ``notes`` name what was left behind of the ``out`` folder (a link, a file beyond the bound). ``no_overhead``:
    why ``overhead_s`` could not be had. ``killed``: the command that followed it was killed, and a later one found it.
    ``ended`` is the supervisor's last event, which holds outcome and counters; ``None`` if it was not heard.
    ``left`` is the run's id if the engine has kept something of it (it was gone as its traces were to be removed).
    """

    exit_code: int | None
    oom_killed: bool | None = None
    interrupted: bool = False
    error: str | None = None
    commands: tuple[str, ...] = ()
    overhead_s: float | None = None
    notes: tuple[str, ...] = ()
    no_overhead: str | None = None
    killed: bool = False
    ended: Event | None = None
    left: str | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a killed command of ours left behind: a container, volumes, or a local process group.

    ``labels`` are those of its task. ``running`` says whether the task goes on; ``evidence``, whether an ``out`` folder
    can still be had. ``handle`` and ``volumes`` are the engine's own business.
    """

    run_id: str
    labels: Mapping[str, str]
    running: bool
    evidence: bool
    handle: str | None = None
    volumes: tuple[str, ...] = ()


class Engine(Protocol):
    """Where a task runs."""

    @property
    def name(self) -> str:
        """``docker`` or ``local``."""
        ...

    @property
    def address(self) -> str:
        """What tells it from another engine of its name: its URL; empty if there is only one."""
        ...

    @property
    def remote(self) -> bool:
        """Whether it may be on another machine than this command."""
        ...

    @property
    def machine(self) -> str:
        """What tells the machine that it measures on from others, whatever way leads there; empty for this one."""
        ...

    def describe(self, limits: Limits, security: str = "default") -> EngineRecord:
        """The engine as the record shows it, with what was asked for."""
        ...

    def capacity(self) -> Capacity:
        """What the host of this engine offers, for refusing limits that it cannot give."""
        ...

    def neighbour(self) -> str | None:
        """Who measures there now from another machine, as a few words; ``None`` if nobody is seen."""
        ...

    def prepare(self, need: Need, notify: Notify) -> Place:
        """Find or build the image or environment. Raises NotMeasured if it cannot be had."""
        ...

    def execute(self, place: Place, task: Task, out: Path, on_event: OnEvent) -> Ending:
        """Run one task to its end in a fresh container and copy its out folder into ``out`` (existing and empty).

        The first KeyboardInterrupt stops the task in order (TERM, grace, evidence kept) and returns an ``interrupted``
        ending; a second one kills. Whatever happens, container and volumes are gone afterwards.
        Raises NotMeasured if nothing could be started at all.

        Args:
            place: what :meth:`prepare` gave.
            task: what to run.
            out: an existing, empty folder.
            on_event: takes each of the supervisor's events.
        """
        ...

    def sweep(self, notify: Notify, keep: Collection[str] = ()) -> None:
        """Remove what a crash of ours left behind, and only what is ours and no longer in use.

        The runs in ``keep`` stay: their evidence is nowhere else yet.
        """
        ...

    def orphans(self) -> list[Orphan]:
        """What a crash of ours left behind; never what belongs to a command that lives, or to another host."""
        ...

    def recover(self, orphan: Orphan, out: Path) -> Ending:
        """Stop an orphan in order if it still runs, and copy its ``out`` folder into ``out``; it stays.

        The ending is ``killed``, and ``interrupted`` if the task had not ended by itself. Its ``error`` reports
        evidence that is damaged or gone for good. Raises NotMeasured if it may be had another time: this side's disk is
        full, the engine does not answer, the task does not end.
        """
        ...

    def discard(self, orphan: Orphan) -> bool:
        """Remove an orphan whose evidence is safe; whether all of it is gone."""
        ...


class EngineLost(Exception):
    """A call to an engine that was refused or not answered; its text says why in a few words."""


@dataclass(frozen=True, slots=True)
class State:
    """What the engine reports of a container. Times are the engine's own clock, ``None`` before they have come."""

    running: bool
    exit_code: int | None
    oom_killed: bool | None
    started_at: str | None
    ended_at: str | None

    @property
    def lasted_s(self) -> float | None:
        """Seconds from start to end by the engine's clock, or ``None``."""
        begin, end = parse_time(self.started_at), parse_time(self.ended_at)
        return None if begin is None or end is None or end < begin else (end - begin).total_seconds()


def parse_time(text: str | None) -> datetime | None:
    """Return a time of the API; ``None`` for none and for year 1, which stands for "not yet"."""
    return None if not text or text.startswith("0001-") else parse_moment(text)
