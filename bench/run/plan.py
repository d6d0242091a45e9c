"""Diagnostic and options to a plan: every decision about a run, as data, before anything is touched (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.catalog.command import KINDS
from bench.catalog.load import find_profile
from bench.catalog.model import SELFTEST, Diagnostic, Variant
from bench.compare.likeness.differences import THREADS
from bench.cpuset import parse_cpuset
from bench.engine.protocol import Capacity, Need, Task, Tree
from bench.errors import UsageError
from bench.names import NAMES, is_diagnostic_name
from bench.record.schema import Limits, Source
from bench.run.command import command_source, need_for, params_of, placed

PIDS = 512
"""Processes and threads that a run may have: many for torch, few for a fork bomb."""

LEAST_CPUS = 0.01
"""The least quota of Linux: 1 ms in its usual period of 100 ms."""

BASE_ENV: Mapping[str, str] = {
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
}
_OURS = {
    "BENCH_PROFILE": "--profile",
    "BENCH_DEVICE": "NAME",
    "BENCH_PROFILER_OUT": "--profiler",
    "BENCH_WORK_OUT": "--work",
}
"""Variables that a plan sets, and what on the command line sets them: by ``--env`` the record would not show it."""
_PROFILER_FOLDER = "{diagnostics}/profiler"
_PROFILER_ENV = {"BENCH_PROFILER_OUT": "{out}"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line may set of a run; ``None`` leaves the diagnostic's own value. Seconds and bytes."""

    repeat: int = 1
    profile: str = "full"
    cpus: float | None = None
    cpuset: str | None = None
    memory_bytes: int | None = None
    threads: int | None = None
    timeout_s: float | None = None
    ceiling_s: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    profiler: bool = False
    warmup: int | None = None
    python: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be run. ``diagnostic`` carries the ceiling and timeout that hold for this run.

    ``repeat`` runs are judged; ``warmup`` come before them, are kept and are not. ``params`` are those of a command.
    """

    diagnostic: Diagnostic
    profile: str
    source: Source
    need: Need
    task: Task
    repeat: int
    variant: Variant | None = None
    profiler: bool = False
    warmup: int = 0
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many runs are made in all."""
        return self.warmup + self.repeat


def make_plan(
    diagnostic: Diagnostic,
    options: Options,
    source: Source,
    *,
    tree: Tree | None = None,
    need: Need | None = None,
    variant: Variant | None = None,
) -> Plan:
    """Decide everything about a run.

    Args:
        diagnostic: what to run.
        options: what the command line sets.
        source: where the test's code comes from, for the record.
        tree: a project's files; the node is then relative to their root, else to the shipped diagnostics.
        need: what the place must offer; the diagnostic's own image if it is not given.
        variant: a way to run it, laid over the options.

    Raises:
        UsageError: a number that makes no sense, a profile that the diagnostic lacks, or a name that no folder has.
    """
    if diagnostic.name == SELFTEST:
        raise UsageError("the self-test is no test of pytest's", fix="run it with 'bench run selftest'")
    if not is_diagnostic_name(diagnostic.name):
        raise UsageError(f"{diagnostic.name!r:.150} cannot name a folder of results", NAMES, "choose another name")
    profile = find_profile(diagnostic, options.profile)
    if options.repeat < 1:
        raise UsageError(f"--repeat {options.repeat} runs nothing", fix="give 1 or more")
    warmup = diagnostic.warmup if options.warmup is None else options.warmup
    if warmup < 0:
        raise UsageError(f"--warmup {warmup} is no number of runs", fix="give 0 or more")
    command = diagnostic.command
    if command is not None and options.profiler:
        raise UsageError("--profiler goes with a test of pytest's", fix="leave it away")
    made = placed(command, tree) if command is not None else None
    ceiling = _positive("--ceiling", options.ceiling_s, profile.ceiling_s or diagnostic.ceiling_s)
    timeout = _positive("--timeout", options.timeout_s, diagnostic.timeout_s) or diagnostic.timeout_s
    cpus = _positive("--cpus", options.cpus, None)
    if cpus is not None and cpus < LEAST_CPUS:
        raise UsageError(f"--cpus {cpus:g} is less than a kernel gives", fix=f"give {LEAST_CPUS:g} or more")
    limits = Limits(
        cpus=cpus,
        cpuset=(variant.cpuset if variant else None) or options.cpuset,
        memory_bytes=options.memory_bytes,
        pids=PIDS,
        threads=(variant.threads if variant else None) or _threads(options.threads, cpus),
    )
    if limits.threads is not None and limits.threads < 1:
        raise UsageError(f"--threads {limits.threads} is no number of threads", fix="give 1 or more")
    # Threads that only follow from the CPUs are not complained about: the host's CPUs are fewer, reported later.
    asked = options.threads is not None or (variant is not None and variant.threads is not None)
    if asked and limits.threads is not None and limits.threads >= PIDS:
        what = f"{limits.threads} threads are more than a run may have"
        raise UsageError(what, f"its limit of processes and threads is {PIDS}", f"give fewer than {PIDS}")
    env = {
        **BASE_ENV,
        **diagnostic.env,
        **profile.env,
        "BENCH_DEVICE": diagnostic.device,
        **{name: str(limits.threads) for name in THREADS if limits.threads is not None},
        **(variant.env if variant else {}),
        **(_PROFILER_ENV if options.profiler else {}),
        **options.env,
    }
    path = _python_path(env.get("PYTHONPATH"), tree, profiler=options.profiler)
    if path and command is None:
        env["PYTHONPATH"] = path
    task = Task(
        argv=made.argv if made else _pytest(diagnostic.what, in_project=tree is not None, profiler=options.profiler),
        env=env,
        cwd="{src}" if tree is not None else "{here}" if made else "{diagnostics}",
        timeout_s=timeout,
        limits=limits,
        gpu=diagnostic.device == "cuda",
        tree=tree,
        preload=variant.preload if variant else None,
        security=(variant.security if variant else None) or "default",
        torch=diagnostic.image != "small" and (made is None or diagnostic.image in KINDS),
        command=made.around if made else None,
    )
    return Plan(
        diagnostic=replace(diagnostic, ceiling_s=ceiling, timeout_s=timeout),
        profile=profile.name,
        source=command_source(command, made.around) if command and made and tree is None else source,
        need=need_for(need or Need(diagnostic.image), diagnostic, options.python, own=tree is not None),
        task=task,
        repeat=options.repeat,
        variant=variant,
        profiler=options.profiler,
        warmup=warmup,
        params={**params_of(command, made.around), "image": diagnostic.image} if command and made else {},
    )


def check_capacity(limits: Limits, capacity: Capacity) -> None:
    """Refuse limits that the host cannot give.

    Raises:
        UsageError: more CPUs, a CPU that is not there or more memory than the host has.
    """
    if limits.cpus is not None and capacity.cpus is not None and limits.cpus > capacity.cpus:
        raise UsageError(f"--cpus {limits.cpus:g} is more than this host's {capacity.cpus}", fix="ask for fewer CPUs")
    if limits.cpuset is not None:
        wanted = parse_cpuset(limits.cpuset)
        if capacity.cpus is not None and max(wanted) >= capacity.cpus:
            raise UsageError(
                f"--cpuset {limits.cpuset} names CPU {max(wanted)}", f"this host has 0 to {capacity.cpus - 1}"
            )
    if limits.memory_bytes is not None:
        if limits.memory_bytes < 16 * 1024**2:
            raise UsageError(f"--memory {limits.memory_bytes} bytes holds no Python", fix="give 64MiB or more")
        if capacity.memory_bytes is not None and limits.memory_bytes > capacity.memory_bytes:
            raise UsageError(
                "--memory is more than this host has",
                f"{limits.memory_bytes} of {capacity.memory_bytes} bytes",
                "ask for less",
            )


def parse_env(items: list[str]) -> dict[str, str]:
    """Return the mapping that ``K=V`` items make.

    Raises:
        UsageError: an item without ``=`` or without a name, or a variable that another option sets.
    """
    pairs = [item.partition("=") for item in items]
    for item, (name, equals, _) in zip(items, pairs, strict=True):
        if not equals or not name or any(letter in name for letter in " \t\n\0"):
            raise UsageError(f"--env '{item}' is not K=V", fix="write it as in --env OMP_PROC_BIND=close")
        if name in _OURS:
            raise UsageError(f"--env {name} is not yours to set", fix=f"{_OURS[name]} sets it")
    return {name: value for name, _, value in pairs}


def _pytest(node: str, *, in_project: bool, profiler: bool) -> tuple[str, ...]:
    """The command of the child. Of a project nothing is overruled but what would write outside or break the test."""
    around = ("-p", "bench_profiler") if profiler else ()
    common = ("-vv", "--durations=0", "--junitxml={out}/pytest.junit.xml", *around)
    if in_project:
        # The one family that takes record_property of a test: the other warns, which a project may make an error.
        # Options and fixtures of pytest's cache (--ff, cache) work as ever, in a folder that is new in each run.
        project = ("-o", "junit_family=xunit1", "-o", "cache_dir={src}/.bench-pytest-cache", "--rootdir={src}")
        return ("{python}", "-m", "pytest", *common, *project, node)
    return (
        "{python}",
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *common,
        "-c",
        "{diagnostics}/pytest.ini",
        "{diagnostics}/" + node,
    )


def _python_path(asked: str | None, tree: Tree | None, *, profiler: bool) -> str:
    """Where Python looks beside its own folders: what was asked for, else a project's ``src``, and the profiler's.

    A project with a ``src`` layout is usually installed before its tests run; here its folder on the path serves.
    """
    has_src = tree is not None and any(re.fullmatch(r"src/.+\.py", name) for name in tree.files)
    parts = (_PROFILER_FOLDER if profiler else "", asked or ("{src}/src" if has_src else ""))
    return ":".join(part for part in parts if part)


def _threads(asked: int | None, cpus: float | None) -> int | None:
    """As many threads as a quota pays for: torch sees all CPUs of the host, and threads that spin eat the quota."""
    return math.ceil(cpus) if asked is None and cpus is not None else asked


def _positive(option: str, value: float | None, otherwise: float | None) -> float | None:
    if value is None:
        return otherwise
    if not math.isfinite(value) or value <= 0:
        raise UsageError(f"{option} {value:g} must be more than 0")
    return value


def need_of(diagnostic: Diagnostic, root: Path | None, requirements: Path | None, tree: Tree | None = None) -> Need:
    """Return what the place must offer: the diagnostic's image, and the requirements given or named by ``bench.toml``.

    Args:
        diagnostic: what will run there.
        root: the project's root, to which its own requirements are relative; ``None`` for a shipped diagnostic.
        requirements: a pip requirements file from the command line, which counts before the diagnostic's own.
        tree: the project's files, which the requirements may name.

    Raises:
        UsageError: the requirements are not a file.
    """
    if requirements is None and root is not None and diagnostic.requirements is not None:
        requirements = root / diagnostic.requirements
        if not requirements.is_file():
            what = f"'{diagnostic.requirements}', the requirements in bench.toml, is not a file of {root}"
            raise UsageError(what, fix="add the file, or leave that line out if the test needs no package")
    if requirements is not None and not requirements.is_file():
        raise UsageError(f"--requirements {requirements} is not a file", fix="give a pip requirements file")
    hint = SMALLER if root is not None and diagnostic.image_open and diagnostic.image == "cpu" else ""
    if requirements is None:
        return Need(diagnostic.image, hint=hint)
    return Need(diagnostic.image, requirements.resolve(), tree, hint=hint)


SMALLER = "does the test need neither PyTorch nor NumPy? Then press Ctrl-C, and add --image small: 60 MB to download"
"""Told of a project's test of which nobody named the image, before the larger one is made."""
