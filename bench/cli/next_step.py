"""What to do next, as one whole command: how a verb for people ends."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.output import notify
from bench.report.text import without_passwords

if TYPE_CHECKING:
    from bench.record.schema import Record

CALLED = "BENCH_CALLED"
"""The variable in which whoever starts bench says how a person calls it, as the nox sessions do."""


def suggest(*words: object) -> None:
    """Print one command of bench that can be pasted, on standard error."""
    notify(f"next: {command(*words)}")


def command(*words: object) -> str:
    """Return a whole command of bench, called as this one was."""
    return f"{called()} {shlex.join(without_passwords(str(word)) for word in words)}"


def called() -> str:
    """Return what stands before the verb: ``bench``, or what finds it where a shell does not.

    ``uvx`` runs it from an environment that no shell looks into, so it is called through ``uvx`` again.
    """
    said = os.environ.get(CALLED)
    if said:
        return said
    script = Path(sys.argv[0])
    if script.name != "bench":  # python -m bench, or called from Python
        return "bench"
    if not any(part.startswith(_CACHED) for part in script.parts):
        return "bench" if shutil.which("bench") else shlex.quote(str(script))
    # uvx puts its own folder first in PATH, for this process alone.
    others = [folder for folder in os.get_exec_path() if Path(folder) != script.parent]
    source = None if shutil.which("bench", path=os.pathsep.join(others)) else _source()
    return "bench" if source is None else shlex.join(["uvx", "--from", source, "bench"])


_CACHED = ("archive-v", "environments-v")
"""How folders of uv's cache begin, where what ``uvx`` runs lies."""


def _source() -> str | None:
    """What this installation was made of: a folder, an address, or the project's name in an index."""
    # Read here, since uvx alone asks: they take longer to read than all else of this file.
    from importlib.metadata import Distribution, PackageNotFoundError
    from urllib.parse import unquote, urlsplit

    import msgspec

    try:
        found = Distribution.from_name("bench-reproducer").read_text("direct_url.json")
        url = str(msgspec.json.decode(found, type=dict[str, object])["url"]) if found else ""
    except (PackageNotFoundError, msgspec.DecodeError, KeyError):
        return None
    return unquote(urlsplit(url).path) if url.startswith("file:") else url or "bench-reproducer"


def project_words(project: Path | None) -> tuple[str, ...]:
    """Return the option that names a project, if there is one."""
    return () if project is None else ("--project", str(project))


def usual_results() -> Path:
    """Return the folder of results that a command without ``--results`` takes."""
    return Path(os.environ.get("BENCH_RESULTS") or "results")


def results_words(results: Path) -> tuple[str, ...]:
    """Return the option that names the folder of results, unless the next command finds it by itself."""
    return () if results.absolute() == usual_results().absolute() else ("--results", str(results))


def doctor_words(host: str | None) -> tuple[str, ...]:
    """Return the command that looks at the machine that was to measure: that of the address, if one was given."""
    if not host:
        return ("doctor",)
    from bench.engine.docker.address import shown  # here: what asks no engine reads nothing of one

    return ("doctor", "--host", shown(host))


def after_run(record: Record, path: Path, host: str | None = None) -> None:
    """Suggest what to do once a result is there.

    Args:
        record: the result.
        path: its bundle.
        host: the engine's address, if one was given.
    """
    if not record.runs:
        suggest(*doctor_words(host))
    elif record.outcome == "failed":
        suggest("report", path)
    else:
        suggest("explain", path)
