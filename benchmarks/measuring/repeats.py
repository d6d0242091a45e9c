"""What a run costs beside its test: each further repeat, and a whole command with one, beside runexec and `docker run`.

    python benchmarks/measuring/repeats.py [--rounds N] [--repeat N] [--engine local|docker|both]
    python benchmarks/measuring/repeats.py --glance --engine local

The test sleeps for 0.4 s. In each round every tool has a turn; differences and ratios are of the same round, and the
medians over all rounds count, since other work on the machine makes all of them slower alike. `bench run --repeat N
--no-calibration` tells the cost of a repeat by its own record: from one run's start to the next one's, less the first
one's wall time. What the command took beside that and its last test is the cost of a first run; everything is cached.
As calibration has a price of its own, so has the run that counts a short test's work: it has a row of its own.
Targets: a local repeat within runexec's own cost and 0.15 s, one in Docker within twice `docker run --rm` of the same
image, a first run within 1.5 s (local) and 2 s (Docker), the largest process of ours within 60 MB.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measuring import Row, markdown, say
from tools import runexec  # finds this checkout, as does the line above

from bench.engine.choose import choose
from bench.engine.protocol import Need, Place
from bench.errors import BenchError
from bench.times import parse_moment

ROOT = Path(__file__).resolve().parents[2]
TEST = "import time\n\n\ndef test_short():\n    time.sleep(0.4)\n"
IMAGES = {"small": "small", "torch": "cpu"}
"""A diagnostic of the project that is measured, and its image."""
PROJECT = "".join(
    f'[diagnostic.{name}]\nabout = "0.4 s"\nnode = "test_short.py::test_short"\ndevices = ["cpu"]\nimage = "{image}"\n'
    for name, image in IMAGES.items()
)
FIRST_S = {"local": 1.5, "docker": 2.0}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds beside the test of each further repeat and of a first run; bytes of the largest process of ours."""

    repeat_s: float
    first_s: float = 0.0
    process_bytes: int = 0


Tool = Callable[[], Cost]


COUNTED = "counted"


def ours(project: Path, name: str, engine: str, repeat: int, *more: str) -> Tool:
    """``bench run`` as anybody starts it, with more options."""

    def measure() -> Cost:
        with tempfile.TemporaryDirectory() as results:
            words = ["run", f"{name}_cpu", "--project", str(project), "--engine", engine, "--results", results]
            command = [
                sys.executable,
                "-m",
                "bench",
                *words,
                "--repeat",
                str(repeat),
                "--no-calibration",
                "--quiet",
                "--json",
                *more,
            ]
            began = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
                said = process.stdout.read() if process.stdout else b""
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            whole_s = time.perf_counter() - began
        return cost_of(json.loads(said)["record"]["runs"], whole_s, used.ru_maxrss * 1024)

    return measure


def cost_of(runs: Sequence[dict[str, object]], whole_s: float, process_bytes: int) -> Cost:
    """The cost of a command's runs, from its record and its own time."""
    starts = [moment.timestamp() for run in runs if (moment := parse_moment(str(run["started_at"]))) is not None]
    walls = [float(str(run["wall_s"])) for run in runs]
    gaps = [after - before - wall for before, after, wall in zip(starts, starts[1:], walls, strict=False)]
    return Cost(median(gaps), whole_s - (starts[-1] - starts[0]) - walls[-1], process_bytes)


def of_runexec(place: Place, project: Path) -> Tool:
    """BenchExec's runexec of the same test."""
    tool = runexec(place)

    def measure() -> Cost:
        read = tool(("{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project / "test_short.py")))
        return Cost(read.whole_s - read.wall_s)

    return measure


def bare(place: Place) -> Tool:
    """``docker run --rm`` of the same image with a Python that does nothing."""
    command = ["docker", "run", "--rm", "--network", "none", place.handle, place.python, "-I", "-S", "-c", ""]

    def measure() -> Cost:
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return Cost(time.perf_counter() - began)

    return measure


def interleave(tools: dict[str, Tool], rounds: int) -> dict[str, list[Cost]]:
    """Every tool once a round, in an order of its own each time; the first round only warms up."""
    chance, costs = random.Random(1), {name: list[Cost]() for name in tools}
    for turn in range(rounds + 1):
        order = list(tools)
        chance.shuffle(order)
        for name in order:
            cost = tools[name]()
            if turn:
                costs[name].append(cost)
        say(f"round {turn} of {rounds}: done")
    return costs


def row(what: str, values: Sequence[float], target: float, unit: str, limit: str | None = None) -> Row:
    """A row with the median, its range from quarter to quarter, and whether the median meets the target."""
    low, high = (sorted(values)[int((len(values) - 1) * part)] for part in (0.25, 0.75))
    middle = median(values)
    state = "" if limit and math.isinf(target) else "met" if middle <= target else "NOT met"
    figure = f"{middle:.2f}{unit} ({low:.2f} to {high:.2f})"
    return [what, figure, limit or f"{target:g}{unit}", state]


def against_targets(costs: dict[str, list[Cost]]) -> list[Row]:
    """The targets, each from the costs of the same rounds."""
    rows = []
    for name, own in costs.items():
        engine, _, image = name.partition(", ")
        if engine not in FIRST_S or image.endswith(COUNTED):
            continue
        beside = costs.get("runexec") if engine == "local" else costs.get(f"docker run --rm, {image}")
        pairs = list(zip(own, beside or (), strict=False))
        if pairs and engine == "local":
            beyond = [one.repeat_s - other.repeat_s for one, other in pairs]
            rows.append(row(f"{name}: a repeat less runexec's own", beyond, 0.15, " s"))
            rows.append(row(f"{name}: a repeat by runexec's own", [a.repeat_s / b.repeat_s for a, b in pairs], 2, ""))
        elif pairs:
            ratios = [one.repeat_s / other.repeat_s for one, other in pairs]
            rows.append(row(f"{name}: a repeat by `docker run --rm`", ratios, 2, ""))
        rows.append(row(f"{name}: a first run", [one.first_s for one in own], FIRST_S[engine], " s"))
        if counted := costs.get(f"{name}, {COUNTED}"):
            more = [with_it.first_s - without.first_s for with_it, without in zip(counted, own, strict=True)]
            rows.append(row(f"{name}: its work counted", more, math.inf, " s", "none of its own"))
        rows.append(row(f"{name}: the largest process", [one.process_bytes / 1e6 for one in own], 60, " MB"))
    return rows


@contextmanager
def apart() -> Iterator[Path]:
    """Yield a project to measure, with a state and a lock that nobody else has."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        for part in ("project", "state", "lock"):
            Path(folder, part).mkdir()
        (project / "test_short.py").write_text(TEST)
        (project / "bench.toml").write_text(PROJECT)
        os.environ.update(XDG_STATE_HOME=f"{folder}/state", BENCH_LOCK_FOLDER=f"{folder}/lock")
        yield project


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="how often each tool has its turn")
    parser.add_argument("--repeat", type=int, default=4, help="runs of each of our commands")
    parser.add_argument("--engine", choices=["local", "docker", "both"], default="both")
    parser.add_argument("--glance", action="store_true", help="one round without torch: whether it works")
    given = parser.parse_args()
    images = {"small": "small"} if given.glance else IMAGES
    if given.glance:
        given.rounds, given.repeat = 1, 2
    with apart() as project:
        tools: dict[str, Tool] = {}
        for name in ("local", "docker") if given.engine == "both" else (given.engine,):
            try:
                engine = choose(name, None, say)
                places = {image: engine.prepare(Need(kind), say) for image, kind in images.items()}
            except BenchError as error:
                say(f"no row for {name}: {error}")
                continue
            for image, place in places.items():
                tools[f"{name}, {image}"] = ours(project, image, name, given.repeat, "--no-work")
                tools[f"{name}, {image}, {COUNTED}"] = ours(project, image, name, given.repeat)
                if name == "docker" and shutil.which("docker"):
                    tools[f"docker run --rm, {image}"] = bare(place)
            if name == "local" and (shutil.which("runexec") or Path(sys.executable).with_name("runexec").is_file()):
                tools["runexec"] = of_runexec(places["small"], project)
        if not tools:
            return 6
        load = os.getloadavg()[0]
        costs = interleave(tools, given.rounds)
    rows = [[name, f"{median(one.repeat_s for one in own):.3f}"] for name, own in costs.items()]
    print(f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after, {given.rounds} rounds of {given.repeat} runs\n")
    print(markdown(["tool", "a further run beside its test, s"], rows))
    print(markdown(["what", "median (quartiles)", "target", ""], against_targets(costs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
