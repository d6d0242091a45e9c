"""The tools under comparison: each runs one command and says what it read. What a tool does not say is None."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.engine.protocol import Engine, Place, Task
from bench.host.monitor.monitor import HostMonitor
from bench.record.schema import Limits

TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Read:
    """What a tool said of a command. Seconds and bytes.

    ``peak_bytes`` is the control group's, page cache included; ``rss_bytes`` the largest of one process. ``whole_s`` is
    the tool's own wall time from its start to its end, ``beyond_s`` what our engines took beside the container's life.
    ``truth`` is what the command said itself, ``result`` all that our supervisor wrote, ``sampled_s`` when it and the
    monitor of the host took their samples: after the command's start, and on the monotonic clock.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int | None
    rss_bytes: int | None
    whole_s: float
    truth: Mapping[str, Any]
    beyond_s: float | None = None
    result: Mapping[str, Any] | None = None
    sampled_s: tuple[Sequence[float], Sequence[float]] = ((), ())


Command = tuple[str, ...]
"""Words in which ``{python}`` and ``{agent}`` are filled in for the place where the command runs."""
Tool = Callable[[Command], Read]


def ours(engine: Engine, place: Place, sample_hz: float = 1.0) -> Tool:
    """One of our engines, as ``bench run`` uses it: sampled from inside, and the host monitored from outside."""

    def measure(command: Command) -> Read:
        words = tuple(word.replace("{agent}", place.agent) for word in command)
        task = Task(words, {}, "{out}", TIMEOUT_S, Limits(), sample_hz=sample_hz, torch=False)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            began = time.monotonic()
            with HostMonitor() if sample_hz else nullcontext() as monitor:
                ending = engine.execute(place, task, Path(folder), lambda _: None)
            whole = time.perf_counter() - start
            result = json.loads(Path(folder, "result.json").read_text())
            said = _truth(Path(folder, "pytest.log").read_text())
            rows = Path(folder, "samples.csv").read_text().splitlines()[1:]
        inside = [float(row.split(",")[0]) for row in rows]
        outside = [began + sample.t_s for sample in monitor.summary().samples] if monitor else []
        cpu, memory = result["cpu"]["total_s"], result["memory"]
        peak, rss = memory["peak_bytes"], memory["max_rss_bytes"]
        return Read(result["wall_s"], cpu, peak, rss, whole, said, ending.overhead_s, result, (inside, outside))

    return measure


def gnu_time(place: Place) -> Tool:
    """``/usr/bin/time -v``: getrusage(2) of the children that were waited for."""

    def measure(command: Command) -> Read:
        with tempfile.TemporaryDirectory() as folder:
            said, whole = _run(["/usr/bin/time", "-v", "-o", f"{folder}/time", *_words(command, place)])
            text = Path(folder, "time").read_text()
        lines = dict(line.strip().rsplit(": ", 1) for line in text.splitlines() if ": " in line)
        wall = 0.0
        for part in lines["Elapsed (wall clock) time (h:mm:ss or m:ss)"].split(":"):
            wall = wall * 60 + float(part)
        cpu = float(lines["User time (seconds)"]) + float(lines["System time (seconds)"])
        return Read(wall, cpu, None, int(lines["Maximum resident set size (kbytes)"]) * 1024, whole, _truth(said))

    return measure


def runexec(place: Place) -> Tool:
    """BenchExec's ``runexec``: a control group of its own, without its container, which needs newer kernels' mounts."""

    def measure(command: Command) -> Read:
        with tempfile.TemporaryDirectory() as folder:
            tool = [_program("runexec"), "--quiet", "--no-container", "--output", f"{folder}/out", "--"]
            said, whole = _run([*tool, *_words(command, place)])
            text = Path(folder, "out").read_text()
        values = dict(re.findall(r"^(walltime|cputime|memory)=([\d.]+)", said, re.MULTILINE))
        memory = int(values["memory"]) if "memory" in values else None
        return Read(float(values["walltime"]), float(values["cputime"]), memory, None, whole, _truth(text))

    return measure


def hyperfine(place: Place) -> Tool:
    """hyperfine, one run of the command without a shell: getrusage(2) of its children; says nothing of memory."""

    def measure(command: Command) -> Read:
        with tempfile.TemporaryDirectory() as folder:
            words = " ".join(_words(command, place))
            told = ["--export-json", f"{folder}/json", "--style", "none", "--output", f"{folder}/out"]
            _, whole = _run([_program("hyperfine"), "-N", "--runs", "1", *told, words])
            one = json.loads(Path(folder, "json").read_text())["results"][0]
            said = _truth(Path(folder, "out").read_text())
        return Read(one["times"][0], one["user"] + one["system"], None, None, whole, said)

    return measure


def _words(command: Command, place: Place) -> list[str]:
    return [word.replace("{python}", place.python).replace("{agent}", place.agent) for word in command]


def _program(name: str) -> str:
    """A tool beside this Python, else on the path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else (shutil.which(name) or name)


def _run(words: list[str]) -> tuple[str, float]:
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    return done.stdout, time.perf_counter() - start


def _truth(text: str) -> Mapping[str, Any]:
    found = [line for line in text.splitlines() if line.startswith("{")]
    return dict(json.loads(found[-1])) if found else {}
