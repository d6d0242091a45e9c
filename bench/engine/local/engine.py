"""The local engine: the same supervisor on this host itself, in a control group of its own where we may make one."""

from __future__ import annotations

import os
import secrets
import shlex
import tempfile
import time
import uuid
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import psutil

from bench.cpuset import parse_cpuset
from bench.engine.gpu import check_local, read_signs
from bench.engine.interrupt import Interrupts
from bench.engine.labels import read_start
from bench.engine.local import orphans as local_recover
from bench.engine.local.cgroup import Group, GroupError, make_group, planned_folders
from bench.engine.local.cgroup_mounts import read_hierarchy
from bench.engine.local.environment import prepare_environment
from bench.engine.local.grouping import Mode, above, find_mode, refuse_unheld
from bench.engine.local.info import local_record
from bench.engine.local.ledger import Entry, Ledger
from bench.engine.local.process import LocalProcess, kill_strays
from bench.engine.local.systemd_scope import read_scope, scope_argv, scope_environment
from bench.engine.present.existing import existing_environment
from bench.engine.present.host_place import host_place, is_host
from bench.engine.present.own import with_own_modules
from bench.engine.protocol import Capacity, Ending, Event, Need, Notify, OnEvent, Orphan, Place, Task, Tree
from bench.engine.supervise import Follower
from bench.engine.task import MARK, Folders, command_of, latest_end_s, stop_s, supervisor_argv, supervisor_spec
from bench.engine.transfer.plain import copy_tree, set_aside
from bench.errors import NotMeasured, UsageError
from bench.host.outer import read_outer
from bench.record.schema import Engine as EngineRecord
from bench.record.schema import Limits
from bench.record.storage.disk import discard_tree

_BY_AFFINITY = frozenset({"cpuset"})
"""What holds also without the controller: the supervisor is bound, and what it starts."""


class LocalEngine:
    """This host. ``ledger`` keeps what is under way; ``mode`` is found out if it is not given."""

    def __init__(self, ledger: Ledger | None = None, mode: Mode | None = None) -> None:
        self._ledger = ledger or Ledger()
        self._given_mode = mode

    @property
    def name(self) -> str:
        """``local``."""
        return "local"

    @property
    def address(self) -> str:
        """Empty: a host has one of it."""
        return ""

    @property
    def remote(self) -> bool:
        """Never: it is this host."""
        return False

    @property
    def machine(self) -> str:
        """This one."""
        return ""

    @cached_property
    def mode(self) -> Mode:
        """Whether we may make a group: found out by making one."""
        return self._given_mode or find_mode()

    def describe(self, limits: Limits, security: str = "default") -> EngineRecord:  # noqa: ARG002 - there is none here
        """The engine as the record shows it, with what was asked for."""
        hierarchy = read_hierarchy()
        version = hierarchy.version if hierarchy else None
        outer = read_outer(version, above(hierarchy, self.mode.name), psutil.virtual_memory().total)
        return local_record(self.mode.name, self.mode.why, version, limits, outer)

    def capacity(self) -> Capacity:
        """CPUs and memory of this host."""
        return Capacity(os.cpu_count(), psutil.virtual_memory().total)

    def neighbour(self) -> str | None:
        """Nobody: this machine is the only one that measures here."""
        return None

    def prepare(self, need: Need, notify: Notify) -> Place:
        """Find or make the environment; for ``cuda`` see first whether there is a GPU.

        Raises:
            NotMeasured: no Python, no packages, or no GPU.
        """
        if need.kind == "cuda":
            check_local(read_signs())
        if need.image is not None:
            raise NotMeasured(f"the image {need.image} runs in a container", fix="use a Docker engine, or no --image")
        if need.python is not None:
            return existing_environment(need, notify)
        return host_place(need.program) if is_host(need) else prepare_environment(need, notify)

    def execute(self, place: Place, task: Task, out: Path, on_event: OnEvent) -> Ending:
        """Run one task as processes of this user; see :class:`bench.engine.protocol.Engine`."""
        began = time.monotonic()
        run_id = uuid.uuid4().hex[:12]
        with Interrupts() as interrupts, ExitStack() as stack:
            work = Path(tempfile.gettempdir()) / f"{local_recover.WORK}{run_id}{secrets.token_hex(4)}"
            entry = self._begin(run_id, task, out, work)  # before the folder is there, which a kill would leave
            stack.callback(self._ledger.forget, run_id)
            stack.callback(discard_tree, work)
            work.mkdir(mode=0o700)
            folders = replace(make_folders(work, place, out, task.tree), input=_input_of(task))
            group = self._group(run_id, task.limits)
            if group is not None:
                stack.callback(group.remove)
            stack.callback(kill_strays, run_id)
            task = with_own_modules(place, task)
            marked = replace(task, env={**task.env, MARK: run_id})
            argv = supervisor_argv(place, supervisor_spec(place, marked, folders, group.spec() if group else None))
            argv[-1] = f"@{_apart(work, argv[-1])}"
            env = {"PATH": folders.path, "HOME": folders.home, "LANG": "C.UTF-8", MARK: run_id}
            if self.mode.name == "scope":
                argv, env = scope_argv(f"bench-{run_id}", task.limits, argv), env | scope_environment()
            commands = (shlex.join([*argv[:-1], "SPEC"]), shlex.join(command_of(place, task, folders)))
            if interrupts.count:
                return Ending(None, interrupted=True, commands=commands)
            cpus = _affinity(task.limits, group, self.mode)
            try:
                process = stack.enter_context(LocalProcess(argv, env, cpus))
            except OSError as error:
                raise NotMeasured(f"{argv[0]} could not be started", error.strerror or str(error)) from error
            started = time.monotonic()
            self._ledger.write(replace(entry, pid=process.pid, start=read_start(process.pid)), task.labels)
            if self.mode.name == "scope":
                on_event = _checking_scope(process.pid, task.limits, stack, on_event)
            follower = Follower(process, interrupts, on_event, latest_s=latest_end_s(task), stop_s=stop_s(task))
            followup = follower.follow(process.events())
            lasted = time.monotonic() - started
            state = process.state()
            notes = set_aside(out)
            problem, said = followup.error, process.errors()
            if problem is None and state.exit_code not in (0, None) and said:
                problem = f"the supervisor failed: {said.splitlines()[-1][:300]}"
        return Ending(
            exit_code=state.exit_code,
            interrupted=followup.interrupted,
            ended=followup.ended,
            error=problem,
            commands=commands,
            notes=notes,
            overhead_s=max(time.monotonic() - began - lasted, 0.0),
        )

    def sweep(self, notify: Notify, keep: Collection[str] = ()) -> None:
        """Remove what a crash of ours left behind, but for the runs in ``keep``."""
        local_recover.sweep(self._ledger, notify, keep)

    def orphans(self) -> list[Orphan]:
        """What a crash of ours left behind and may still hold evidence."""
        return local_recover.find(self._ledger)

    def recover(self, orphan: Orphan, out: Path) -> Ending:
        """Stop an orphan that still runs and copy its evidence into ``out``."""
        return local_recover.recover(self._ledger, orphan, out)

    def discard(self, orphan: Orphan) -> bool:
        """Remove an orphan whose evidence is safe."""
        return local_recover.discard(self._ledger, orphan)

    def _begin(self, run_id: str, task: Task, out: Path, work: Path) -> Entry:
        """Put the run on record before any of it is there."""
        entry = Entry(run_id=run_id, labels={}, out=str(out.resolve()), work=str(work))
        hierarchy = read_hierarchy()
        if hierarchy is not None and self.mode.name == "group":
            planned = planned_folders(hierarchy, f"bench-{run_id}")
            entry = replace(entry, version=hierarchy.version, folders={k: str(v) for k, v in planned.items()})
        try:
            self._ledger.write(entry, task.labels)
        except OSError as error:
            raise NotMeasured(
                "the local run cannot be put on record", str(error), "make that folder writable"
            ) from error
        return entry

    def _group(self, run_id: str, limits: Limits) -> Group | None:
        """The run's own group with its limits, or ``None`` if we may not make one and no limit needs it."""
        if self.mode.name == "none":
            refuse_unheld(limits, _BY_AFFINITY, self.mode.why or "no control group can be made")
        if self.mode.name != "group":
            return None
        try:
            group = make_group(f"bench-{run_id}", limits)
        except GroupError as error:
            raise NotMeasured("the run's control group could not be made", str(error)) from error
        try:
            refuse_unheld(
                limits, group.held | _BY_AFFINITY, "; ".join(group.notes) or "this kernel lacks the controller"
            )
        except NotMeasured:
            group.remove()
            raise
        return group


def make_folders(work: Path, place: Place, out: Path, tree: Tree | None) -> Folders:
    """Return the run's folders, with a copy of a project's files: the checkout itself is never written to.

    Args:
        work: an existing folder of the run's own.
        place: the environment that it runs in.
        out: the folder of its evidence.
        tree: the project's files, or ``None``.

    Raises:
        UsageError: a file of the tree cannot be read.
    """
    folders = {name: work / name for name in ("home", "tmp", "src")}
    for folder in folders.values():
        folder.mkdir()
    if tree is not None:
        try:
            copy_tree(tree, folders["src"])
        except OSError as error:
            raise UsageError(f"the project {tree.root} cannot be copied", str(error)) from error
    path = place.path or os.pathsep.join([str(Path(place.python).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    home, tmp, src = (str(folders[name]) for name in ("home", "tmp", "src"))
    here = place.folder or str(Path.cwd())
    return Folders(out=str(out.resolve()), src=src, home=home, tmp=tmp, path=path, here=here)


def _apart(work: Path, spec: str) -> Path:
    """Put the specification into a file of this user's alone: every user can read a command line, and it has variables.

    Raises:
        NotMeasured: the disk refuses.
    """
    path = work / "spec.json"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(spec)
    except OSError as error:
        raise NotMeasured(f"{path} cannot be written", error.strerror or str(error), "make room there") from error
    return path


def _input_of(task: Task) -> str | None:
    return str(task.command.input.resolve()) if task.command and task.command.input else None


def _affinity(limits: Limits, group: Group | None, mode: Mode) -> frozenset[int] | None:
    """The CPUs to bind to if no group holds the run to them."""
    if limits.cpuset is None or mode.name == "scope" or (group is not None and "cpuset" in group.held):
        return None
    wanted = parse_cpuset(limits.cpuset)
    allowed = os.sched_getaffinity(0)
    if not wanted <= allowed:
        raise UsageError(f"--cpuset {limits.cpuset} names a CPU that this process may not use", fix="see 'nproc'")
    return wanted


def _checking_scope(pid: int, limits: Limits, stack: ExitStack, on_event: OnEvent) -> OnEvent:
    """Look at the first event whether systemd's scope really holds the run to its limits."""
    checked = False

    def check(event: Event) -> None:
        nonlocal checked
        if not checked:
            checked = True
            group = read_scope(pid, limits)
            refuse_unheld(limits, group.held if group else frozenset(), "the user's systemd was not delegated it")
            if group is not None:
                stack.callback(group.kill)
        on_event(event)

    return check
