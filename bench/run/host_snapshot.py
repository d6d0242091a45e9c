"""The host around the runs: its class, and its state, calibration and evidence at one moment.

If the engine is on another machine, its class, state and calibration are had there by a helper container; its texts are
missing with the reason. Where no helper can run, its host is what the engine reports of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.protocol import Engine
from bench.engine.there.look import Seen
from bench.host.calibration import calibrate
from bench.host.gpu import parse_driver_files
from bench.host.identity import parse_class, read_class
from bench.host.monitor.monitor import HostMonitor
from bench.host.state import Earlier, parse_state, read_earlier, read_state
from bench.host.system_texts import read_disk_usage, read_system_load
from bench.host.virtualization import parse_virtualization
from bench.record.schema import HostClass, HostState, Limits

ELSEWHERE = "the engine is on another machine, which this command cannot look at"

NOT_ASKED = "no calibration was asked for"


@dataclass(frozen=True, slots=True)
class HostProbes:
    """What looks at the machine that this command runs on, each by itself: a test hands in what it wants to be seen.

    Args:
        read_class: returns the class, and the reasons for what is missing of it.
        read_state: returns the state now, likewise; given what ``read_earlier`` returned, it need not wait.
        calibrate: returns the figures of a calibration, likewise.
        read_system_load: returns the text of a bundle's ``system_load.txt``.
        read_disk_usage: returns the text on the disk of a folder.
        read_earlier: returns what a state that is read later begins with.
        follow: makes what follows the host while a run goes on, a context manager.
    """

    read_class: Callable[[], tuple[HostClass, dict[str, str]]] = read_class
    read_state: Callable[[Earlier | None], tuple[HostState, dict[str, str]]] = read_state
    calibrate: Callable[[], tuple[dict[str, float | None], dict[str, str]]] = calibrate
    read_system_load: Callable[[], str] = read_system_load
    read_disk_usage: Callable[[Path], str] = read_disk_usage
    read_earlier: Callable[[], Earlier] = read_earlier
    follow: Callable[[], HostMonitor] = HostMonitor


THIS_MACHINE = HostProbes()


@dataclass(frozen=True, slots=True)
class HostSnapshot:
    """The host at one moment: state, calibration and evidence, with the reasons for what is missing by field.

    The reason for a whole calibration has the empty name.
    """

    state: HostState
    state_unavailable: Mapping[str, str]
    calibration: Mapping[str, float | None]
    calibration_unavailable: Mapping[str, str]
    system_load: str
    disk_usage: str


def take_snapshot(
    probes: HostProbes,
    engine: Engine,
    results: Path,
    *,
    calibration: bool,
    seen: Seen | None = None,
    earlier: Earlier | None = None,
) -> HostSnapshot:
    """Return the engine's host now, as far as it can be seen from here.

    Args:
        probes: what looks at this machine.
        engine: the engine whose host it is.
        results: the folder whose disk is described.
        calibration: whether the host is calibrated, for a few seconds.
        seen: what was read on an engine's machine that may be another one; ``None`` if nothing could be.
        earlier: what was read of this machine a moment ago.
    """
    if engine.remote and (seen is None or not seen.is_here):
        return unseen(ELSEWHERE) if seen is None else _from_there(seen)
    texts = probes.read_system_load(), probes.read_disk_usage(existing(results))
    state, state_missing = probes.read_state(earlier)
    figures, figures_missing = probes.calibrate() if calibration else ({}, {"": NOT_ASKED})
    return HostSnapshot(state, state_missing, figures, figures_missing, *texts)


def _from_there(seen: Seen) -> HostSnapshot:
    state, missing = parse_state(seen.texts, seen.earlier_stat)
    not_asked = {"": NOT_ASKED}
    return replace(unseen(ELSEWHERE), state=state, state_unavailable=missing, calibration_unavailable=not_asked)


def unseen(why: str) -> HostSnapshot:
    """Return a host that nobody looked at."""
    line = f"# not looked at: {why}\n"
    return HostSnapshot(HostState(), dict.fromkeys(HostState.__struct_fields__, why), {}, {"": why}, line, line)


def host_class(probes: HostProbes, engine: Engine, seen: Seen | None = None) -> tuple[HostClass, dict[str, str]]:
    """Return the class of the engine's host, and why fields of it are missing.

    Args:
        probes: what looks at this machine.
        engine: the engine whose host it is.
        seen: what was read on an engine's machine that may be another one; ``None`` if nothing could be.
    """
    if not engine.remote or (seen is not None and seen.is_here):
        return probes.read_class()
    if seen is not None:
        virtualization = parse_virtualization(seen.texts)
        why = "" if virtualization else "no firmware text or processor flag tells"
        return parse_class(seen.texts, (virtualization, why), parse_driver_files(seen.texts))
    capacity, facts = engine.capacity(), engine.describe(Limits()).facts
    kernel = facts.get("kernel")
    known = HostClass(
        threads=capacity.cpus,
        memory_bytes=capacity.memory_bytes,
        kernel=kernel if isinstance(kernel, str) else None,
    )
    return known, {name: ELSEWHERE for name in known.__struct_fields__ if getattr(known, name) is None}


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
