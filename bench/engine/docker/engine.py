"""The Docker engine: each task in a fresh, sandboxed container, over the engine's API and never through a shell."""

from __future__ import annotations

import errno
import shlex
import tarfile
import time
import uuid
from collections.abc import Collection, Sequence
from pathlib import Path

from docker import DockerClient
from docker.errors import NotFound

from bench.engine.docker import orphans as docker_orphans
from bench.engine.docker.answers import facts
from bench.engine.docker.client import CALL_ERRORS, Endpoint, reason
from bench.engine.docker.config import as_command, container_config, container_folders, helper_config, run_names
from bench.engine.docker.container import Container
from bench.engine.docker.info import check_limits_hold, engine_name, engine_record
from bench.engine.docker.machine import machine_of, may_be_remote
from bench.engine.docker.place import prepare_place
from bench.engine.gpu import check_docker, device_request, read_signs
from bench.engine.interrupt import Interrupts
from bench.engine.labels import ROLE, current_owner, owner_labels
from bench.engine.protocol import Capacity, Ending, EngineLost, Need, Notify, OnEvent, Orphan, Place, State, Task
from bench.engine.supervise import RETURN_PATIENCE_S, Follower, Followup
from bench.engine.task import command_of, latest_end_s, stop_s
from bench.engine.transfer.bounds import Bounds
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Engine as EngineRecord
from bench.record.schema import Limits

_OUR_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG})

_HELPERS_PIDS = 16
"""Of a helper, beside two a CPU for a calibration of all cores."""


class DockerEngine:
    """An engine that answered. Made by :func:`bench.engine.choose.choose`.

    Args:
        client: a client of it.
        endpoint: where it is.
        preferred: whether nobody asked for it by name, so that this host itself may stand in for it.

    Raises:
        NotMeasured: it does not say what it is.
    """

    def __init__(self, client: DockerClient, endpoint: Endpoint, *, preferred: bool = False) -> None:
        self.preferred = preferred
        self._client = client
        self._api = client.api
        self._endpoint = endpoint
        try:
            self._info, self._version = facts(client.info()), facts(client.version())
        except CALL_ERRORS as error:
            raise NotMeasured(
                f"the engine at {endpoint.shown} does not say what it is", reason(error), "see that it is Docker's"
            ) from error

    @property
    def name(self) -> str:
        """``docker`` or ``podman``: what answers, whatever it was asked for as."""
        return engine_name(self._version)

    @property
    def version(self) -> str:
        """The engine's version."""
        return str(self._info.get("ServerVersion") or "of unknown version")

    @property
    def address(self) -> str:
        """Its URL, without a password."""
        return self._endpoint.shown

    @property
    def remote(self) -> bool:
        """Whether the engine may be on another machine."""
        return may_be_remote(self._endpoint.url)

    @property
    def machine(self) -> str:
        """What its daemon says that tells its machine from others; empty if it is on this machine."""
        return machine_of(self._endpoint.url, self._info, self.name)

    def describe(self, limits: Limits, security: str = "default") -> EngineRecord:
        """The engine as the record shows it, with what was asked for."""
        return engine_record(self._info, self._version, limits, security, self.remote)

    def capacity(self) -> Capacity:
        """CPUs and memory of the engine's host."""
        return Capacity(self._info.get("NCPU") or None, self._info.get("MemTotal") or None)

    def neighbour(self) -> str | None:
        """Whose run goes on there that was started from another machine."""
        return docker_orphans.neighbour(self._api)

    def prepare(self, need: Need, notify: Notify) -> Place:
        """Find or build the image; for ``cuda`` see first whether a GPU can be had.

        Raises:
            NotMeasured: no image, or no GPU.
        """
        if need.kind == "cuda":
            check_docker(None if self.remote else read_signs(), self._info)
        if need.python is not None:
            raise UsageError("--python goes with the local engine", fix="leave --engine docker away")
        return prepare_place(self._client, need, notify)

    def execute(self, place: Place, task: Task, out: Path, on_event: OnEvent) -> Ending:
        """Run one task in a fresh container; see :class:`bench.engine.protocol.Engine`."""
        began = time.monotonic()
        check_limits_hold(self._info, task.limits, self.name)
        run_id = uuid.uuid4().hex[:12]
        given = task.command.input if task.command else None
        names = run_names(run_id, task.tree is not None, given is not None)
        labels = {**task.labels, **owner_labels(current_owner(), run_id)}
        config = container_config(place, task, names, labels, self._gpu(task), self.name)
        commands = (as_command(config, self.name), _child_command(place, task))
        with Interrupts() as interrupts, Container(self._api, config, names, self.name) as container:
            container.fill(helper_config(place, names, labels), task.tree, given, owned=place.owned)
            if interrupts.count:
                return Ending(None, interrupted=True, commands=commands)
            try:
                reader = container.events()
            except EngineLost as error:
                raise NotMeasured("the container's output cannot be followed", str(error)) from error
            container.start()
            follower = Follower(container, interrupts, on_event, latest_s=latest_end_s(task), stop_s=stop_s(task))
            followup = follower.follow(reader)
            problem, notes = copy_evidence(container, out, followup, interrupts)
            state = followup.state
            if problem is None and state is not None and state.exit_code not in (0, 137) and reader.tail:
                problem = f"the supervisor failed: {reader.tail.splitlines()[-1][:300]}"
        overhead_s, no_overhead = overhead(time.monotonic() - began, state)
        return Ending(
            exit_code=state.exit_code if state else None,
            oom_killed=state.oom_killed if state else None,
            interrupted=followup.interrupted,
            ended=followup.ended,
            error=problem,
            commands=commands,
            notes=notes,
            overhead_s=overhead_s,
            no_overhead=no_overhead,
            left=None if container.gone else run_id,
        )

    def helper(self, place: Place, argv: Sequence[str]) -> Container:
        """Return a container that runs the place's Python with ``argv`` beside the runs, shielded as they are."""
        run_id = uuid.uuid4().hex[:12]
        names = run_names(run_id, with_tree=False)
        labels = {**owner_labels(current_owner(), run_id), ROLE: "helper"}
        pids = _HELPERS_PIDS + 2 * (self.capacity().cpus or 0)
        task = Task(argv=(), env={}, cwd="{out}", timeout_s=0.0, limits=Limits(pids=pids))
        words = (*place.launcher, place.python, "-I", "-S", "-B", *argv)
        config = container_config(place, task, names, labels, None, self.name)
        return Container(self._api, config | {"Entrypoint": [words[0]], "Cmd": [*words[1:]]}, names, self.name)

    def sweep(self, notify: Notify, keep: Collection[str] = ()) -> None:
        """Remove what a crash of ours left behind, but for the runs in ``keep``."""
        docker_orphans.sweep(self._api, notify, keep, self.name)

    def orphans(self) -> list[Orphan]:
        """What a crash of ours left behind and may still hold evidence."""
        return docker_orphans.find(self._api)

    def recover(self, orphan: Orphan, out: Path) -> Ending:
        """Stop an orphan that still runs and copy its evidence into ``out``."""
        return docker_orphans.recover(self._api, orphan, out)

    def discard(self, orphan: Orphan) -> bool:
        """Remove an orphan whose evidence is safe."""
        return docker_orphans.remove(self._api, orphan)

    def _gpu(self, task: Task) -> dict[str, object] | None:
        if not task.gpu:
            return None
        specs = False if self.remote else bool(read_signs().cdi_specs)
        return device_request(self._info, specs)


def copy_evidence(
    container: Container, out: Path, followup: Followup, interrupts: Interrupts | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """Copy what the run left; tries again for a while if the engine has just gone away.

    An interrupt that comes meanwhile ends it, with what has come so far: the result comes first.

    Returns what is wrong with the run, or ``None``, and what was left behind of the folder.

    Args:
        container: the run's container.
        out: an existing folder on this side.
        followup: how the container ended.
        interrupts: counts the user's interrupts; ``None`` for nobody who could.

    Raises:
        NotMeasured: this side's disk is full or cannot be written, and nothing else tells how the run ended.
    """
    if followup.state is None:
        return followup.error or "the engine is gone, and with it the evidence", ()
    until = time.monotonic() + RETURN_PATIENCE_S
    asked = interrupts.count if interrupts else 0
    bounds = Bounds(gave_up=lambda: interrupts is not None and interrupts.count > asked)
    while True:
        try:
            return followup.error, container.copy_out(out, bounds).notes
        except NotFound as error:
            problem = reason(error)
            break
        except (tarfile.TarError, *CALL_ERRORS) as error:
            if isinstance(error, OSError) and error.errno in _OUR_DISK:
                full = NotMeasured(
                    f"the evidence cannot be written to {out}", error.strerror or str(error), "make room there"
                )
                if (out / "result.json").is_file() or followup.ended is not None:
                    return followup.error, (f"the rest was not copied: {full}",)  # what counts is here
                raise full from error
            problem = reason(error)
            if time.monotonic() > until or bounds.gave_up():
                break
        time.sleep(0.5)
    return "; ".join(filter(None, (followup.error, f"the evidence could not be copied whole: {problem}"))), ()


def overhead(elapsed_s: float, state: State | None) -> tuple[float | None, str | None]:
    """What the engine took around the container's life, or why it cannot be told (pure).

    ``elapsed_s`` is of our monotonic clock; the container's times are of the engine's wall clock, which can be set.
    """
    lasted_s = state.lasted_s if state else None
    if lasted_s is None:
        return None, "the engine did not say when the container began and ended"
    if lasted_s > elapsed_s:
        return (
            None,
            f"the engine's clock was set: it says that the container alone lasted {lasted_s - elapsed_s:.3f} s more",
        )
    return elapsed_s - lasted_s, None


def _child_command(place: Place, task: Task) -> str:
    folders = container_folders(place)
    return shlex.join(command_of(place, task, folders))
