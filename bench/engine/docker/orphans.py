"""What a killed command left in the engine: found by its labels, evidence copied, removed. Never another's."""

from __future__ import annotations

import contextlib
import tarfile
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound

from bench.engine.docker.answers import understood
from bench.engine.docker.client import CALL_ERRORS, reason
from bench.engine.docker.container import copy_folder, parse_state
from bench.engine.docker.info import DOCKER
from bench.engine.labels import ROLE, RUN, TOOL, TOOL_NAME, Owner, current_owner, is_gone, parse_owner
from bench.engine.protocol import KILLED, Ending, Notify, Orphan, State
from bench.errors import NotMeasured
from bench.times import utc_text

STOP_S = 30.0
KILL_S = 15.0
_FILTER = {"label": f"{TOOL}={TOOL_NAME}"}
NEVER_RAN = frozenset({"created", "configured", "initialized"})
"""States of a container that was not started; the last two are Podman's, whose attaching initialises one."""


def find(api: APIClient, here: Owner | None = None) -> list[Orphan]:
    """Everything of ours whose maker is gone, one entry a run; an engine that does not answer has none to show."""
    here = here or current_owner()
    try:
        with understood():
            containers: list[dict[str, Any]] = api.containers(all=True, filters=_FILTER)
            volumes: list[dict[str, Any]] = api.volumes(filters=_FILTER).get("Volumes") or []
            return sort_out(containers, volumes, here)
    except CALL_ERRORS:
        return []


def sort_out(containers: list[dict[str, Any]], volumes: list[dict[str, Any]], here: Owner) -> list[Orphan]:
    """Return the orphans among containers and volumes (pure but for asking whether a process lives).

    Args:
        containers: as the API lists them.
        volumes: as the API lists them.
        here: this process.
    """
    runs: dict[str, dict[str, Any]] = {}
    for item in [*containers, *volumes]:
        labels: Mapping[str, str] = item.get("Labels") or {}
        owner = parse_owner(labels)
        run_id = labels.get(RUN)
        if owner is None or not run_id:
            continue
        run = runs.setdefault(run_id, {"gone": True, "running": False, "labels": labels, "main": None, "volumes": []})
        running = item.get("State") == "running"
        run["gone"] = run["gone"] and is_gone(owner, here, running)
        run["running"] = run["running"] or running
        if "Id" not in item:
            run["volumes"].append(item["Name"])
        elif labels.get(ROLE) != "helper":
            run["main"], run["labels"] = item, labels
        else:
            run["volumes"].append("")  # a helper goes with its run, by its label
    return [
        Orphan(
            run_id=run_id,
            labels=dict(run["labels"]),
            running=run["running"],
            evidence=run["main"] is not None and run["main"].get("State") not in NEVER_RAN,
            handle=run["main"]["Id"] if run["main"] else None,
            volumes=tuple(name for name in run["volumes"] if name),
        )
        for run_id, run in sorted(runs.items())
        if run["gone"]
    ]


def neighbour(api: APIClient, here: Owner | None = None) -> str | None:
    """Whose run goes on there that was started from another host; nobody is seen if the engine does not answer."""
    here = here or current_owner()
    try:
        with understood():
            containers: list[dict[str, Any]] = api.containers(all=True, filters=_FILTER)
            return next(filter(None, (_measures(item, here) for item in containers)), None)
    except CALL_ERRORS:
        return None


def _measures(item: Mapping[str, Any], here: Owner) -> str | None:
    """Who measures in a container that the API lists, if it is somebody of another host."""
    labels: Mapping[str, str] = item.get("Labels") or {}
    owner = parse_owner(labels)
    runs = item.get("State") == "running" and labels.get(ROLE) != "helper"
    if not runs or owner is None or owner.host == here.host:
        return None
    since = utc_text(item.get("Created") or 0)
    return f"process {owner.pid} of machine {owner.host[:8]}, since {since}"


def recover(api: APIClient, orphan: Orphan, out: Path) -> Ending:
    """Stop an orphan in order and copy its evidence into ``out`` (see ``bench.engine.protocol.Engine``).

    Args:
        api: the engine's API.
        orphan: what was left.
        out: an existing folder on this side.
    """
    error = KILLED
    state = None
    notes: tuple[str, ...] = ()
    try:
        if orphan.handle is not None:
            if orphan.running:
                stop(api, orphan.handle)
            state = _state(api, orphan.handle)
            if orphan.evidence:
                notes = copy_folder(api, orphan.handle, out).notes
    except tarfile.TarError as problem:
        error = f"{error}, and its evidence is damaged: {problem}"
    except APIError as problem:
        error = f"{error}, and its evidence could not be copied: {reason(problem)}"
    except CALL_ERRORS as problem:  # the engine does not answer, or the disk here is full: another time it may do
        raise NotMeasured(f"the evidence of run {orphan.run_id} could not be copied", reason(problem)) from problem
    return Ending(
        exit_code=state.exit_code if state else None,
        oom_killed=state.oom_killed if state else None,
        interrupted=orphan.running,
        error=error,
        notes=notes,
        killed=True,
    )


def stop(api: APIClient, handle: str) -> None:
    """TERM, and after a while KILL; the engine's own ``stop`` call would hold the line for as long.

    Raises:
        NotMeasured: it outlives both.
    """
    for name, patience_s in (("SIGTERM", STOP_S), ("SIGKILL", KILL_S)):
        with contextlib.suppress(APIError):  # it has ended meanwhile
            api.kill(handle, name)
        until = time.monotonic() + patience_s
        while _state(api, handle).running:
            if time.monotonic() > until:
                break
            time.sleep(0.2)
        else:
            return
    raise NotMeasured(f"container {handle[:12]} does not end", "it outlived its kill", "restart the engine")


def _state(api: APIClient, handle: str) -> State:
    with understood():
        return parse_state(api.inspect_container(handle))


def remove(api: APIClient, orphan: Orphan) -> bool:
    """Remove all containers and volumes of the orphan's run; whether all are gone."""
    done = True
    try:
        with understood():
            of_run = {"label": [f"{TOOL}={TOOL_NAME}", f"{RUN}={orphan.run_id}"]}
            for container in api.containers(all=True, filters=of_run):
                done &= _gone(partial(api.remove_container, container["Id"], force=True))
    except CALL_ERRORS:
        return False
    for name in orphan.volumes:
        done &= _gone(partial(api.remove_volume, name, force=True))
    return done


def sweep(api: APIClient, notify: Notify, keep: Collection[str] = (), engine: str = DOCKER) -> None:
    """Remove every orphan but those in ``keep``, with its evidence (recover it first if that is wanted).

    Args:
        api: the engine's API.
        notify: takes each line for the person who waits.
        keep: the ids of runs that stay.
        engine: its name.
    """
    where = f"the {engine.capitalize()} engine"
    for orphan in find(api):
        if orphan.run_id in keep:
            continue
        if remove(api, orphan):
            notify(f"removed what a killed command had left in {where} (run {orphan.run_id})")
        else:
            notify(f"what a killed command left in {where} could not be removed (run {orphan.run_id})")


def _gone(call: Callable[[], object]) -> bool:
    try:
        call()
    except NotFound:
        return True
    except CALL_ERRORS:
        return False
    return True
