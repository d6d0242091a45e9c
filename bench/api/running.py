"""Measures, as ``bench run`` does, in a process of its own: a notebook's memory and threads are no part of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import msgspec

from bench.api.results import Result
from bench.errors import (
    BenchError,
    DamagedData,
    ExitCode,
    Interrupted,
    NotComparable,
    NotMeasured,
    UsageError,
)
from bench.record.storage.bundle import read_bundle

_START = "import sys; sys.path.insert(0, {root!r}); from bench.cli import main; sys.exit(main(sys.argv[1:]))"
_ERRORS: Mapping[int, type[BenchError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.NOT_COMPARABLE: NotComparable,
    ExitCode.DAMAGED: DamagedData,
    ExitCode.INTERRUPTED: Interrupted,
}
Given = str | int | float | bool | os.PathLike[str] | Mapping[str, str] | None


class Options(TypedDict, total=False):
    """What may be set of a run, called as the options of ``bench run``; what is left out is as usual there.

    ``timeout`` and ``ceiling`` are seconds, ``memory`` bytes, or a text with a unit as in ``"905 s"`` and ``"8 GiB"``.
    """

    engine: Literal["auto", "docker", "local"]
    host: str
    repeat: int
    profile: Literal["full", "smoke"]
    cpus: float
    cpuset: str
    memory: int | str
    threads: int
    timeout: float | str
    ceiling: float | str
    env: Mapping[str, str]
    baseline: str | os.PathLike[str]
    variant: str
    profiler: bool
    project: str | os.PathLike[str]
    node: str
    device: Literal["cpu", "cuda"]
    requirements: str | os.PathLike[str]
    name: str
    image: str
    torch: bool
    shell: bool
    prepare: str
    input: str | os.PathLike[str]
    expect_exit: int
    warmup: int
    python: str | os.PathLike[str]
    calibration: bool
    work: bool
    if_busy: Literal["wait", "refuse"]


class _Said(msgspec.Struct, frozen=True):
    """What ``bench run --json`` prints: where the bundle lies, or why there is none."""

    path: str | None = None
    error: dict[str, str | None] | None = None


def run(
    what: str | Sequence[str] | None = None,
    *,
    results: str | os.PathLike[str] = "results",
    quiet: bool = False,
    **options: Unpack[Options],
) -> Result:
    """Measure, keep the evidence, and return the result, however it ended: ``outcome`` has that.

    Args:
        what: a NAME that ``bench list`` shows, or a list of a command's words; ``None`` with ``node``.
        results: the folder that takes the bundle.
        quiet: whether progress is kept from standard error.
        options: as of ``bench run`` (:class:`Options`).

    Raises:
        UsageError: no such name, or an option that makes no sense.
        NotMeasured: no bundle could be written.
        Interrupted: somebody else stopped it before there was anything to keep.
        KeyboardInterrupt: Ctrl-C; what had been measured by then is kept in a bundle.
    """
    words = arguments(what, results, options)
    command = [sys.executable, "-P", "-c", _START.format(root=str(Path(__file__).parents[2])), *words]
    interrupted, said = False, subprocess.DEVNULL if quiet else None
    # A group of its own: a notebook interrupts its kernel alone, a terminal all that it runs, and here each comes once.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, process_group=0
    ) as process:
        while True:
            try:
                out, _ = process.communicate()
                break
            except KeyboardInterrupt:
                interrupted = True
                process.send_signal(signal.SIGINT)
    if interrupted:
        raise KeyboardInterrupt
    return _result(out, process.returncode)


def arguments(
    what: str | Sequence[str] | None, results: str | os.PathLike[str], options: Mapping[str, Any]
) -> list[str]:
    """Return the words of the command line (pure).

    Args:
        what: a NAME, or a command's words.
        results: the folder that takes the bundle.
        options: what is set, by the names of :class:`Options`.

    Raises:
        UsageError: an option that there is not.
    """
    unknown = sorted(options.keys() - Options.__annotations__.keys())
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no option of a run", fix=f"there are {', '.join(Options.__annotations__)}")
    words = ["run", *([what] if isinstance(what, str) else []), "--json", "--results", os.fspath(results)]
    for name, value in options.items():
        words += _option(f"--{name.replace('_', '-')}", value)
    words += ["--", *what] if what is not None and not isinstance(what, str) else []
    if any("\0" in word for word in words):
        raise UsageError("a command or an option holds a NUL", "no process can be given one")
    return words


def _option(option: str, value: Given) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [word for name, one in value.items() for word in (option, f"{name}={one}")]
    if option in ("--calibration", "--work") and value is False:
        return [option.replace("--", "--no-", 1)]
    if isinstance(value, bool):
        return [option] * value
    if isinstance(value, float):
        return [option, f"{value:.9f}"]
    return [option, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]


def _result(out: bytes, code: int) -> Result:
    try:
        said = msgspec.json.decode(out, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = _Said()
    if said.path is not None:
        bundle = read_bundle(Path(said.path))
        return Result(bundle.record, bundle.path)
    error = said.error or {}
    kind = _ERRORS.get(code, NotMeasured)
    what = error.get("what") or f"bench ended with {code} and named no bundle"
    raise kind(what, error.get("cause") or "", error.get("fix") or "")
