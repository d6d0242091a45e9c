"""The files of a bundle, from what the runs and the host left (text is redacted when the bundle is written)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.record.names import numbered
from bench.run.session import Observation, OneRun

_FROM_OUT = {
    "logs/pytest.log": "pytest.log",
    "artifacts/pytest.junit.xml": "pytest.junit.xml",
    "artifacts/samples.csv": "samples.csv",
    "artifacts/facts.json": "facts.json",
    "artifacts/profiler.json": "profiler.json",
}
"""A bundle's file for each run, and its name in the run's ``out`` folder."""

_REQUIRED = ("logs/pytest.log", "artifacts/pytest.junit.xml", "artifacts/samples.csv")


def collect(runs: Sequence[OneRun], before: Observation, after: Observation | None) -> dict[str, bytes | Path]:
    """Every file that is not rendered from the record: name in the bundle to content or to the file that holds it.

    A required file that a run did not leave holds one line that says so.
    """
    files: dict[str, bytes | Path] = {}
    for position, run in enumerate(runs):
        for name, left in _FROM_OUT.items():
            target = numbered(name, position, len(runs))
            if (run.out / left).is_file():
                files[target] = run.out / left
            elif name in _REQUIRED:
                files[target] = _absent(left, run)
    files["env/torch_env.txt"] = _first(runs, "torch_env.txt")
    files["env/system_load.txt"] = _twice(before.system_load, after.system_load if after else None).encode()
    files["env/disk_usage.txt"] = before.disk_usage.encode()
    files["artifacts/commands.txt"] = _commands(runs).encode()
    return files


def _absent(name: str, run: OneRun) -> bytes:
    why = run.reading.run.signature or f"the run ended as {run.reading.run.outcome}"
    return f"# {name} was not written: {' '.join(why.split())}\n".encode()


def _first(runs: Sequence[OneRun], name: str) -> bytes | Path:
    found = next((run.out / name for run in runs if (run.out / name).is_file()), None)
    return found if found is not None else f"# {name} was not written by any run\n".encode()


def _twice(before: str, after: str | None) -> str:
    """The host before the first run and, where it was looked at again, after the last."""
    return before if after is None else f"{before.rstrip()}\n\n# after the last run\n{after}"


def _commands(runs: Sequence[OneRun]) -> str:
    lines: list[str] = []
    for run in runs:
        lines += [line for line in run.ending.commands if line not in lines]
    return "\n".join(lines) + "\n"


def environ_of(environ: Mapping[str, str]) -> str:
    """An environment as sorted ``K=V`` lines."""
    return "".join(f"{name}={value}\n" for name, value in sorted(environ.items()))
