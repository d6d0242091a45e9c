"""The same command under `bench run -- COMMAND`, BenchExec's runexec and hyperfine: CPU time and peak of memory.

    python benchmarks/measuring/commands.py [--rounds N] [--markdown FILE]
    python benchmarks/measuring/commands.py --glance        whether it works: a few seconds, figures mean nothing

The tools take turns with each command, in an order of chance that each round draws anew; a ratio is ours to theirs of
the same round, and the table has the median of the rounds with the least and the most. Target: within 1 %. Commands and
shells of the host, no Python of ours among them; a tool that is not there has no row, and hyperfine says nothing of the
peak.

A command that does nothing shows what each tool counts beside it, in milliseconds: the fork of its own process, above
all. It is the same in every other row. Seven rounds take three to five minutes; hyperfine comes from Debian, runexec as
`pip install benchexec` beside this Python.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from tools import Command, Read, Tool, hyperfine, runexec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.engine.protocol import Place

ROOT = Path(__file__).resolve().parents[2]
HERE = Place(sys.executable, "", "", "")
PYTHON = (sys.executable, "-I", "-S", "-c")
TARGET = 0.01
NOTHING = "does nothing"
_HASH = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'a', b'b', {})"
_HOLD = "x = b'x' * {}; import hashlib; hashlib.pbkdf2_hmac('sha256', b'a', b'b', {})"
_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {!r}], check=True)"


def commands(scale: float) -> Mapping[str, Command]:
    """One that does nothing, one that computes, one that holds memory, one whose work is in a child of its own."""
    rounds, held = int(6_000_000 * scale), int(400_000_000 * scale)
    return {
        NOTHING: ("/bin/true",),
        "computes": (*PYTHON, _HASH.format(rounds)),
        "holds memory": (*PYTHON, _HOLD.format(held, rounds)),
        "computes in a child": (*PYTHON, _CHILD.format(_HASH.format(rounds))),
    }


def bench(command: Command) -> Read:
    """What `bench run -- COMMAND` has in its record, on the local engine."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"XDG_STATE_HOME": folder, "BENCH_LOCK_FOLDER": folder, "BENCH_RESULTS": f"{folder}/results"}
        options = ("--engine", "local", "--no-calibration", "--json", "--quiet")
        argv = [sys.executable, "-m", "bench", "run", *options, "--name", "command", "--", *command]
        done = subprocess.run(argv, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=True)
    (run,) = json.loads(done.stdout)["record"]["runs"]
    cpu, memory = run["cpu"]["total_s"], run["memory"]
    return Read(run["wall_s"], cpu, memory["peak_bytes"], memory["max_rss_bytes"], 0.0, {})


def quoted(tool: Tool) -> Tool:
    """A tool that takes the command as one line, which it takes apart again itself."""
    return lambda command: tool(tuple(shlex.quote(word) for word in command))


def row(name: str, tool: str, ours: Sequence[Read], theirs: Sequence[Read]) -> list[str]:
    """A line of the table: both medians, and the ratios of the rounds."""
    pairs = list(zip(ours, theirs, strict=True))
    typical = f"{median(read.cpu_s for read in ours):.3f} s"
    if name == NOTHING:
        apart = [1e3 * (one.cpu_s - other.cpu_s) for one, other in pairs]
        return [name, tool, typical, f"{median(apart):+.2f} ms ({min(apart):+.2f} to {max(apart):+.2f})", "–"]
    cpu = [one.cpu_s / other.cpu_s - 1 for one, other in pairs]
    peak = [one.peak_bytes / other.peak_bytes - 1 for one, other in pairs if one.peak_bytes and other.peak_bytes]
    return [name, tool, typical, percent(cpu), percent(peak)]


def percent(ratios: Sequence[float]) -> str:
    """The median of ratios less one, with the least and the most, and whether it is within the target."""
    if not ratios:
        return "–"
    middle = median(ratios)
    met = "met" if abs(middle) <= TARGET else "missed"
    return f"{middle:+.2%} ({min(ratios):+.2%} to {max(ratios):+.2%}), {met}"


def main() -> None:
    """Measure, print the table and, if asked for, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--glance", action="store_true")
    options = parser.parse_args()
    rounds, scale = (1, 0.02) if options.glance else (options.rounds, 1.0)
    beside = Path(sys.executable).with_name("runexec").is_file() or shutil.which("runexec")
    tools: dict[str, Tool] = {"runexec": runexec(HERE)} if beside else {}
    if shutil.which("hyperfine"):
        tools["hyperfine"] = quoted(hyperfine(HERE))
    chance = random.Random(15)
    lines = ["| command | tool | CPU time, ours | ours to theirs | peak, ours to theirs |", "|---|---|---|---|---|"]
    for name, command in commands(scale).items():
        reads: dict[str, list[Read]] = {tool: [] for tool in ("bench", *tools)}
        measures: dict[str, Tool] = {"bench": bench, **tools}
        for _ in range(rounds):
            for tool in chance.sample(list(measures), len(measures)):
                reads[tool].append(measures[tool](command))
        lines += [f"| {' | '.join(row(name, tool, reads['bench'], reads[tool]))} |" for tool in tools]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
