"""Like with like: what differs between two results besides their times (pure)."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Collection, Iterator

import msgspec

from bench.compare.build.packages import in_words
from bench.compare.likeness.what_ran import GROUP, code_from_elsewhere, unlike_tests
from bench.errors import UsageError
from bench.record.schema import Diagnostic, Environment, Image, Record, Source, Status

ORDER: tuple[Status, ...] = ("host_differs", "limit_bound", "build_differs", "setup_differs", "tests_differ")
"""Which status is given if several differences force one: another machine first, whatever runs on it."""

GROUPS = (
    "variant",
    "environ",
    "limits",
    "security",
    "engine",
    "image",
    "host",
    "state",
    "source",
    "code",
    "profile",
    "params",
    "node",
    "command",
    "device",
    GROUP,
)
"""What differences are called, or begin with before a full stop."""

MEMORY_TOLERANCE = 0.01
"""A kernel keeps a little memory for itself; so much of a difference is the same module count."""

_LONG = 200
"""So many characters of a command are shown."""

_HASH = re.compile(r"\b[0-9a-f]{40,128}\b")


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not the same on both sides.

    ``forces`` is the status that it decides, ``None`` if it only explains; ``accepted``: the user named it as
    the thing to be tried, so that it forces nothing.
    """

    name: str
    a: str | None
    b: str | None
    meaning: str
    forces: Status | None = None
    accepted: bool = False


def differences(a: Record, b: Record, accept: Collection[str] = ()) -> tuple[Difference, ...]:
    """Return all differences that matter, the forcing ones first.

    Args:
        a: the reference.
        b: the result.
        accept: names of differences, or of their groups (``host``, ``limits``, ``environ``, ``image``), that are the
            thing under test.
    """
    found = [
        msgspec.structs.replace(one, accepted=one.name in accept or one.name.split(".")[0] in accept)
        for one in _all(a, b)
    ]
    return tuple(sorted(found, key=lambda one: one.forces is None or one.accepted))


def known_differences(names: Collection[str], option: str = "accept") -> frozenset[str]:
    """Return names of differences, each one of ``GROUPS`` or in it, as ``limits.cpus``; ``option`` is what gave them.

    Raises:
        UsageError: one of them is none.
    """
    unknown = sorted(name for name in names if name.split(".")[0] not in GROUPS)
    if unknown:
        raise UsageError(f"{option} {unknown[0]} names no difference", fix=f"there are {', '.join(GROUPS)}")
    return frozenset(names)


def forced_status(found: Collection[Difference]) -> Status | None:
    """Return the status that the differences decide, or ``None`` if like stands against like."""
    forced = {difference.forces for difference in found if not difference.accepted}
    return next((status for status in ORDER if status in forced), None)


def _all(a: Record, b: Record) -> Iterator[Difference]:
    yield from _diagnostic(a, b)
    yield from _code_that_ran(a, b)
    yield from _build(a, b)
    yield from _engine(a, b)
    yield from _limits(a, b)
    yield from _threads_used(a, b)
    yield from _ulimits(a, b)
    yield from _outer(a, b)
    yield from _host(a, b)
    yield from _state(a, b)
    for name, first, second, meaning in unlike_tests(a, b):
        yield _difference(name, first, second, meaning, "tests_differ")


def _diagnostic(a: Record, b: Record) -> Iterator[Difference]:
    one, two = a.diagnostic, b.diagnostic
    work = "the test does another amount of work"
    yield from _known("device", one.device, two.device, "the test runs on another kind of device", "build_differs")
    yield from _known("profile", one.profile, two.profile, work, "build_differs")
    yield from _known("node", one.node, two.node, "another test was run", "build_differs")
    yield from _command(one, two)
    for key in sorted((one.params.keys() & two.params.keys()) - _OF_A_COMMAND):
        yield from _known(f"params.{key}", one.params[key], two.params[key], work, "build_differs")
    if one.source.kind != two.source.kind:
        yield _difference(
            "source", one.source.kind, two.source.kind, "the test's code comes from elsewhere", "build_differs"
        )
    elif one.source.kind != "command":  # whose source is the command, with what is around it
        yield from _source(one.source, two.source)
    yield from _either("variant", a.variant, b.variant, "another variant was tried", "setup_differs")


_OF_A_COMMAND = frozenset({"shell", "prepare", "expect_exit", "input_sha256", "image", "warmup"})
"""Keys of ``params`` that a command has, most of them only if they are not as usual. Warm-ups count nowhere."""


def _command(one: Diagnostic, two: Diagnostic) -> Iterator[Difference]:
    """Another command is another measurement, and so is the same one with another input or preparation."""
    a, b = (None if side.command is msgspec.UNSET else in_brief(shlex.join(side.command)) for side in (one, two))
    if "imported" not in (one.source.kind, two.source.kind):
        yield from _either("command", a, b, "another command was run", "build_differs")
    if a is not None and b is not None:
        for key in ("shell", "prepare", "expect_exit", "input_sha256"):
            pair = (one.params.get(key), two.params.get(key))
            yield from _either(f"command.{key}", *pair, "the command has something else around it", "build_differs")


def in_brief(text: str) -> str:
    """Return a text as it is, or the beginning of a long one with a hash of all, so that two of them stay apart."""
    if len(text) <= _LONG:
        return text
    return (
        f"{text[:_LONG]}… ({len(text)} characters, {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]})"
    )


def _source(one: Source, two: Source) -> Iterator[Difference]:
    """Sources of one kind. A project is measured to see what its changes cost: its source is the thing under test."""
    project = one.kind == "project"
    forces: Status | None = None if project else "build_differs"
    meaning = "the code under test has changed" if project else "the diagnostic itself has changed"
    if (one.sha256 is None) != (two.sha256 is None):
        meaning = "the source of one side is not known, so it cannot be shown to be the same"
        yield _difference("source", one.sha256, two.sha256, meaning, forces)
    elif one.sha256 is not None:
        yield from _known("source", one.sha256, two.sha256, meaning, forces)
    elif project:
        yield from _known("source", one.commit, two.commit, meaning, forces)


def _code_that_ran(a: Record, b: Record) -> Iterator[Difference]:
    """A change of the source that may not have been run: both sides would be the same, whatever it costs."""
    told = (code_from_elsewhere(a), code_from_elsewhere(b))
    if told != (None, None) and a.diagnostic.source.sha256 != b.diagnostic.source.sha256:
        meaning = "the source differs, and what ran was not the source that is named"
        yield _difference("code", *told, meaning, "build_differs")


def _build(a: Record, b: Record) -> Iterator[Difference]:
    one, two = _runtime(a), _runtime(b)
    prints = (one.fingerprint if one else None, two.fingerprint if two else None)
    meaning = "another build of Python, torch, their libraries or the diagnostics"
    if None in prints and prints != (None, None):
        meaning = "the build of one side is not known, so it cannot be shown to be the same"
    yield from _either("image.fingerprint", *prints, meaning, "build_differs")
    if one and two:
        yield from _known("image.python", one.python, two.python, "another Python", "build_differs")
        yield from _known("image.torch", one.torch, two.torch, "another torch", "build_differs")
        if one.packages and two.packages and (apart := in_words(one.packages, two.packages)) is not None:
            yield _difference("image.packages", *apart, "other packages", "build_differs")
    project = a.diagnostic.source.kind == b.diagnostic.source.kind == "project"
    for name, first, second in variables_apart(a, b):
        # Where a project's modules lie goes with its source, which is the thing under test.
        forces: Status | None = None if project and name == "PYTHONPATH" else "setup_differs"
        yield _difference(f"environ.{name}", first, second, "a variable that the test can read", forces)


def _runtime(record: Record) -> Image | Environment | None:
    return record.image or record.environment


def _engine(a: Record, b: Record) -> Iterator[Difference]:
    one, two = a.engine, b.engine
    meaning = "two engines do not run alike (sandbox, libraries, accounting)"
    yield from _known("engine", one.name, two.name, meaning, "setup_differs")
    if one.name == two.name:
        yield from _known("engine.version", one.version, two.version, "another version of the engine", None)
        yield from _sandbox(a, b)
    meaning = "counters are read from another kind of control group"
    yield from _known("engine.cgroup_version", one.cgroup_version, two.cgroup_version, meaning, None)


def _profile(key: str, value: object) -> object:
    """What a sandbox has. The seccomp profile that Docker ships is ``default`` in 20.10, and ``builtin`` later."""
    return "default" if key == "seccomp" and value == "builtin" else value


def _sandbox(a: Record, b: Record) -> Iterator[Difference]:
    """What the sandbox allows, within one kind of engine: that two kinds differ in it goes with their names."""
    one, two = a.engine, b.engine
    for key in sorted(one.security.keys() & two.security.keys()):
        pair = _profile(key, one.security[key]), _profile(key, two.security[key])
        yield from _known(f"security.{key}", *pair, "the sandbox can change Python's speed", "setup_differs")


_LIMITS = {
    "cpus": "another CPU quota: the run may have been throttled",
    "cpuset": "other CPUs to run on",
    "memory_bytes": "another memory limit: the run may have been squeezed",
    "threads": "another number of threads",
}


def _limits(a: Record, b: Record) -> Iterator[Difference]:
    one, two = a.engine.limits, b.engine.limits
    for name, meaning in _LIMITS.items():
        yield from _either(f"limits.{name}", getattr(one, name), getattr(two, name), meaning, "limit_bound")
    # Each kind of engine has a limit of its own, or none: that two kinds differ in it goes with their names.
    forces: Status | None = "limit_bound" if a.engine.name == b.engine.name else None
    yield from _either("limits.pids", one.pids, two.pids, "another limit on processes and threads", forces)


def _threads_used(a: Record, b: Record) -> Iterator[Difference]:
    """How many threads really ran, unless another difference says why: the machine, a limit, or a variable.

    A project's own change may ask for more or fewer: then it is a part of what is under test, and only named.
    """
    one, two = a.engine.limits, b.engine.limits
    if (one.threads, one.cpuset, one.cpus) != (two.threads, two.cpuset, two.cpus):
        return
    if a.host.id != b.host.id or any(name in THREADS for name, *_ in variables_apart(a, b)):
        return
    changed = a.diagnostic.source.kind == "project" and a.diagnostic.source.sha256 != b.diagnostic.source.sha256
    meaning = "another number of threads really ran"
    for library in ("torch", "openmp"):
        pair = (_threads_of(a, library), _threads_of(b, library))
        yield from _known(f"limits.threads_used.{library}", *pair, meaning, None if changed else "limit_bound")


def _threads_of(record: Record, library: str) -> str | None:
    """The numbers of threads of all passed runs; ``None`` if one of them does not tell."""
    runs = [run for run in record.measured_runs if run.outcome == "passed"]
    told = [getattr(run.threads_used, library) for run in runs]
    return None if not told or None in told else " or ".join(map(str, sorted(set(told))))


KILLING_LIMITS = frozenset({"as", "cpu", "data", "fsize", "nproc", "rss", "stack"})
"""Resource limits that end a run or slow it down as it nears them; the others only refuse something."""


def _ulimits(a: Record, b: Record) -> Iterator[Difference]:
    """The resource limits that an engine sets unasked, as they were read in the runs (setrlimit(2))."""
    one, two = _ulimits_of(a), _ulimits_of(b)
    for name in sorted(one.keys() & two.keys()):
        forces: Status | None = "limit_bound" if name in KILLING_LIMITS else None
        meaning = "another resource limit (ulimit), set unasked by the engine or around it"
        yield from _either(f"limits.ulimit.{name}", one[name], two[name], meaning, forces)


def _ulimits_of(record: Record) -> dict[str, object]:
    found = next((run.cgroup["ulimits"] for run in record.runs if "ulimits" in run.cgroup), None)
    return found if isinstance(found, dict) else {}


_OUTER = {
    "cpus": "a quota from outside: the run may have been throttled",
    "cpuset": "the command itself could use other CPUs (taskset, an outer cpuset)",
    "memory_bytes": "a memory limit from outside (a group above, ulimit)",
    "pids": "a limit on processes from outside",
    "nice": "the command ran with another niceness: others were served first",
    "cpu_share": "groups of another weight: another share of busy CPUs (cpu.weight, cpu.shares)",
    "scheduling": "the command ran under another policy of the scheduler (chrt)",
    "io_priority": "the command had another priority at the disks (ionice)",
}


def _outer(a: Record, b: Record) -> Iterator[Difference]:
    """What bounded the runs from outside, if it is known of both."""
    if a.engine.outer is None or b.engine.outer is None:
        return
    for name, meaning in _OUTER.items():
        yield from _either(f"limits.outer.{name}", _binding(a, name), _binding(b, name), meaning, "limit_bound")


def _binding(record: Record, name: str) -> object:
    """A limit from outside, unless a limit of the run's own is tighter; a set of CPUs of its own decides alone."""
    outer, own = getattr(record.engine.outer, name), getattr(record.engine.limits, name, None)
    if outer is msgspec.UNSET:
        return None
    if outer is None or own is None:
        return outer
    return None if name == "cpuset" or own <= outer else outer


def _host(a: Record, b: Record) -> Iterator[Difference]:
    one, two = a.host.class_, b.host.class_
    if (one.cpu_model is None) != (two.cpu_model is None) or (_unseen(a) and _unseen(b)):
        meaning = "the processor is not known, so it cannot be shown to be the same machine"
        yield _difference("host.cpu_model", one.cpu_model, two.cpu_model, meaning, "host_differs")
    shared = False
    for name in one.__struct_fields__:
        pair = (getattr(one, name), getattr(two, name))
        if None in pair:
            continue
        shared = True
        if name == "memory_bytes" and abs(pair[0] - pair[1]) <= MEMORY_TOLERANCE * max(pair):
            continue
        yield from _known(f"host.{name}", *pair, "another machine", "host_differs")
    if not shared and a.host.id != b.host.id:
        yield _difference(
            "host.id", a.host.id, b.host.id, "the hosts are not described and have other names", "host_differs"
        )


def _unseen(record: Record) -> bool:
    """Whether the machine is another one that nobody could look at: many have its number of CPUs and its memory."""
    return record.host.class_.cpu_model is None and record.engine.facts.get("remote") is True


def _state(a: Record, b: Record) -> Iterator[Difference]:
    one, two = a.host.before, b.host.before
    for name in ("governor", "boost", "thp"):
        yield from _known(
            f"state.{name}", getattr(one, name), getattr(two, name), "the host was set up otherwise", "host_differs"
        )


def _known(name: str, a: object, b: object, meaning: str, forces: Status | None) -> Iterator[Difference]:
    """A difference if both sides are known."""
    if a is not None and b is not None and a != b:
        yield _difference(name, a, b, meaning, forces)


def _either(name: str, a: object, b: object, meaning: str, forces: Status | None) -> Iterator[Difference]:
    """A difference in what ``None`` is a value of (no limit, no variant)."""
    if a != b:
        yield _difference(name, a, b, meaning, forces)


def _difference(name: str, a: object, b: object, meaning: str, forces: Status | None) -> Difference:
    return Difference(name, _shown(a), _shown(b), meaning, forces)


def _shown(value: object) -> str | None:
    """A value as text; of a hash as much as a person compares, the record has all of it."""
    return None if value is None else _HASH.sub(lambda match: f"{match[0][:12]}…", str(value))


# A record's variables are those of its plan, or what older evidence has of its shell. Any of them can be read by a
# test, so all count but these: who was logged in, on what terminal, in which language, in which folder.
_IDLE = re.compile(
    r"LANG|LANGUAGE|LC_\w+|TERM|COLORTERM|COLUMNS|LINES|NO_COLOR|TZ|HOME|USER|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|HOSTNAME"
    r"|PATH|TMPDIR|VIRTUAL_ENV|CONDA_DEFAULT_ENV|DISPLAY|XDG_\w+|SSH_\w+"
)
THREADS = ("BENCH_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables by which a run's number of threads reaches its libraries."""


def variables_apart(a: Record, b: Record) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield name and both values of each variable that differs and does not merely repeat another field.

    ``None`` is a variable that is not set. If neither side's variables are known, there are none.
    """
    for name in sorted(a.environ.keys() | b.environ.keys()):
        pair = a.environ.get(name), b.environ.get(name)
        said_elsewhere = pair == (_repeated(a, name), _repeated(b, name))
        if pair[0] != pair[1] and not said_elsewhere and not _IDLE.fullmatch(name):
            yield name, *pair


def _repeated(record: Record, name: str) -> str | None:
    """The value that a variable has if it only passes on another field of the record."""
    if name == "BENCH_PROFILE":
        return record.diagnostic.profile
    if name == "BENCH_DEVICE":
        return record.diagnostic.device
    threads = record.engine.limits.threads
    return str(threads) if name in THREADS and threads is not None else None
