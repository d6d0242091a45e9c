"""Options that several verbs share, each defined once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.output import Console, notify
from bench.errors import BenchError, UsageError
from bench.units import parse_duration, parse_size

if TYPE_CHECKING:  # a help and most words at a TAB need no catalog
    from bench.catalog.model import Catalog, Diagnostic


def _silence(quiet: bool) -> bool:
    Console.quiet = quiet
    return quiet


def one_of(*words: str) -> Callable[[str], list[str]]:
    """Return what a shell offers where one of a few words is wanted."""

    def offered(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return offered


EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="auto, docker, podman or local.",
        envvar="BENCH_ENGINE",
        show_default="auto",
        metavar="NAME",
        autocompletion=one_of("auto", "docker", "podman", "local"),
    ),
]
HostUrl = Annotated[
    str | None, typer.Option("--host", help="The Docker engine's URL; else the current context.", metavar="URL")
]
Results = Annotated[
    Path, typer.Option("--results", help="The folder of results.", envvar="BENCH_RESULTS", metavar="DIR")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", callback=_silence)]
Profile = Annotated[
    str,
    typer.Option("--profile", help="full or smoke.", metavar="NAME", autocompletion=one_of("full", "smoke")),
]
Cpus = Annotated[float | None, typer.Option("--cpus", help="CPUs to give, as in 1.5.", metavar="X")]
Cpuset = Annotated[str | None, typer.Option("--cpuset", help="CPUs to run on, as in 0-2,5.", metavar="LIST")]
Memory = Annotated[str | None, typer.Option("--memory", help="Memory to give, as in 4GiB.", metavar="SIZE")]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads of torch and OpenMP.", metavar="N")]
Timeout = Annotated[str | None, typer.Option("--timeout", help="Deadline in seconds.", metavar="S")]
Ceiling = Annotated[str | None, typer.Option("--ceiling", help="Approved wall time in seconds.", metavar="S")]
Env = Annotated[list[str], typer.Option("--env", help="A variable of the test; may be repeated.", metavar="K=V")]
Work = Annotated[
    bool | None,
    typer.Option(
        "--work/--no-work",
        help="Count the work in one more run, not timed.",
        show_default="auto: if the first run took under 120 s",
        envvar="BENCH_WORK",
    ),
]
FailOn = Annotated[
    list[str],
    typer.Option("--fail-on", help="End with 1 if there is so much more work, as in work:1%.", metavar="WHAT:SHARE"),
]
Project = Annotated[Path | None, typer.Option("--project", help="A checkout whose test to run.", metavar="DIR")]
Node = Annotated[list[str], typer.Option("--node", help="A pytest node of the project.", metavar="NODEID")]
MetricName = Annotated[
    str,
    typer.Option("--metric", help="The figure that decides: wall, call, cpu, or a test's own number.", metavar="NAME"),
]
Device = Annotated[
    str,
    typer.Option("--device", help="cpu or cuda, with --node.", metavar="NAME", autocompletion=one_of("cpu", "cuda")),
]
Calibration = Annotated[
    bool, typer.Option("--calibration/--no-calibration", help="Calibrate the host before and after.")
]
Busy = Annotated[
    str,
    typer.Option(
        "--if-busy",
        help="If another run is under way: wait or refuse.",
        metavar="WHAT",
        autocompletion=one_of("wait", "refuse"),
    ),
]

DEFAULT_RESULTS = Path("results")
WALL = "wall"
"""The figure that decides if nobody names another; as in :mod:`bench.compare.measures`."""


def size_of(text: str | None) -> int | None:
    """Return bytes of ``--memory``."""
    return parse_size(text) if text is not None else None


def duration_of(text: str | None) -> float | None:
    """Return seconds of ``--timeout`` or ``--ceiling``."""
    return parse_duration(text) if text is not None else None


def node_of(nodes: Sequence[str]) -> str | None:
    """Return the node of ``--node``.

    Raises:
        UsageError: it was given more than once: each result is of one node.
    """
    if len(nodes) > 1:
        named = " and ".join(nodes)
        raise UsageError(f"--node was given for {named}", fix="run one after the other, or give what holds both")
    return nodes[0] if nodes else None


def project_here(node: str | None = None, name: str | None = None) -> Path | None:
    """Return the current folder if it is the project of a test: the node's file is there, or its ``bench.toml`` has
    the name.
    """
    file = (node or "").split("::", 1)[0]
    if file:
        return Path() if (Path() / file).exists() else None
    return Path() if name is not None and name in named_in(Path()) else None


def named_in(folder: Path) -> dict[str, Diagnostic]:
    """Return by its name what a folder's ``bench.toml`` names; nothing if it is not one of ours."""
    from bench.catalog.project import FILE, read_catalog

    if not (folder / FILE).is_file():
        return {}
    try:
        return {diagnostic.name: diagnostic for diagnostic in read_catalog(folder).diagnostics}
    except BenchError as error:
        notify(f"passed over: {error}")
        return {}


def catalog_with(project: Path | None) -> Catalog:
    """Return the built-in catalog; with a project, what its ``bench.toml`` names as well."""
    from bench.catalog.load import builtin, merged

    if project is None:
        return builtin()
    from bench.catalog.project import read_catalog

    return merged(builtin(), read_catalog(project))


def diagnostic_called(name: str, project: Path | None = None) -> tuple[Catalog, Diagnostic]:
    """Return the catalog and the diagnostic of that name in it."""
    from bench.catalog.load import find

    catalog = catalog_with(project)
    return catalog, find(catalog, name)
