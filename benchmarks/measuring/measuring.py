"""The same commands under our engines, GNU time, BenchExec and hyperfine: what each reads, and what reading costs.

    python benchmarks/measuring/measuring.py [--rounds N] [--pairs N] [--engine local|docker|both] [--markdown FILE]
    python benchmarks/measuring/measuring.py --glance       whether it works: a few seconds, figures mean nothing

Every figure is a ratio within one run of this script: the tools take turns with each command, and ratios are of the
same round. Targets: CPU and memory within 1 % of runexec's and GNU time's; the supervisor under 15 MB and 0.2 % of a
core at 1 Hz; a run beyond the container's own life under 1.5 s with Docker and 0.3 s locally; a memory-bandwidth run
with sampling on (the supervisor's and the host's) within 0.5 % of one with it off. That one has two rows: runs in
pairs, and, since a machine's own bandwidth may vary too much for those, the copies during a sample against their
neighbours of that run. A target of a ratio is met where its whole interval lies within, and "not told" where the
interval reaches both sides.
Needs `benchexec`, `hyperfine` and GNU time; a tool that is not there has no row.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

from tools import Command, Read, Tool, gnu_time, hyperfine, ours, runexec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.engine.choose import choose
from bench.engine.protocol import Engine, Need, Place
from bench.errors import BenchError
from bench.host.identity import read_class
from bench.record.host_id import host_id

LOAD = ("{python}", "-I", "-S", "-B", "{agent}/loads")
COMMANDS: Mapping[str, Command] = {
    "2 s of CPU, one thread": (*LOAD, "cpu", "seconds=2"),
    "2 s of CPU, two threads": (*LOAD, "threads", "seconds=2"),
    "double fork, 2 s": (*LOAD, "orphan", "seconds=2"),
    "1 GiB touched": (*LOAD, "memory", "mib=1024", "hold=1"),
    "100 000 page faults": (*LOAD, "faults", "count=100000"),
    "1000 context switches": (*LOAD, "switches", "count=1000"),
}
LONG = [name for name in COMMANDS if "2 s" in name]
"""Those that use enough CPU time for 1 % of it to be more than the start of an interpreter."""
UNSEEN = ["double fork, 2 s"]
"""Those of which a tool that reads no control group misses the most."""
LARGE = ["1 GiB touched"]
"""Those beside which our supervisor's own memory, which lies in the container, is small."""
SHORT = ["1000 context switches"]
"""Those that a glance runs."""
IDLE: Command = ("{python}", "-I", "-S", "-c", "import sys, time; time.sleep(int(sys.argv[1]))")
COPY: Command = ("{python}", "-I", "-S", "-c", Path(__file__).with_name("bandwidth.py").read_text())
REACH_S = 0.02
"""How long before and after its time a sample may act: it takes a millisecond, and the clocks agree to a tick."""
Row = list[str]


def compare(
    tools: Mapping[str, Tool], commands: Mapping[str, Command], rounds: int
) -> tuple[list[Row], dict[str, dict[str, list[Read]]]]:
    """One row a command and tool: medians, and the median ratio to runexec in the same round. And what was read."""
    rows = []
    taken = {}
    for name, command in commands.items():
        reads: dict[str, list[Read]] = {tool: [] for tool in tools}
        for turn in range(rounds):
            order = list(tools)
            for tool in order[turn % len(order) :] + order[: turn % len(order)]:
                reads[tool].append(tools[tool](command))
        rows += [_row(name, tool, reads[tool], reads.get("runexec")) for tool in tools]
        taken[name] = reads
        say(f"{name}: done")
    return rows, taken


def agreement(engine: str, other: str, taken: Mapping[str, Mapping[str, Sequence[Read]]]) -> list[Row]:
    """Our engine's readings over another tool's in the same round, over the commands where 1 % means something.

    An interpreter's start and end take more CPU time in one run than in the next: each reading is over what that very
    run says of itself. Peaks are the control group's, or, beside a tool that reads none, those of the largest process.
    """

    def ratios(commands: Sequence[str], figure: Callable[[Read], float | None]) -> list[float]:
        known = [name for name in commands if name in taken]
        pairs = [pair for name in known for pair in zip(taken[name][engine], taken[name][other], strict=True)]
        figures = [(figure(mine), figure(theirs)) for mine, theirs in pairs]
        return [mine / theirs for mine, theirs in figures if mine and theirs]

    if not all(other in reads for reads in taken.values()):
        return []
    grouped = other == "runexec"
    seen = LONG if grouped else [name for name in LONG if name not in UNSEEN]
    cpu = ratios(seen, lambda read: read.cpu_s / read.truth["cpu_total_s"])
    peak = ratios(LARGE, lambda read: read.peak_bytes if grouped else read.rss_bytes)
    return [
        within(f"{engine}: {what} to {other}'s", found, 1.0)
        for what, found in (("CPU time", cpu), ("peak memory" if grouped else "largest process", peak))
        if found
    ]


def _row(name: str, tool: str, reads: Sequence[Read], reference: Sequence[Read] | None) -> Row:
    truth = [read.cpu_s / read.truth["cpu_total_s"] - 1 for read in reads if "cpu_total_s" in read.truth]
    memory = [read.peak_bytes or read.rss_bytes for read in reads]
    known = [value for value in memory if value is not None]
    pairs = list(zip(reads, reference or (), strict=False))
    cpu = [ours.cpu_s / other.cpu_s - 1 for ours, other in pairs]
    peaks = [ours.peak_bytes / other.peak_bytes - 1 for ours, other in pairs if ours.peak_bytes and other.peak_bytes]
    return [
        name,
        tool,
        f"{median(read.wall_s for read in reads):.3f}",
        f"{median(read.cpu_s for read in reads):.3f}",
        _percent(truth),
        _percent(cpu),
        f"{median(known) / 2**20:.1f}" if known else "–",
        _percent(peaks),
        f"{median(read.whole_s - read.wall_s for read in reads):.3f}",
    ]


def cost(name: str, tool: Tool, starts: int, idle_s: int) -> list[Row]:
    """What our supervisor and engine cost: with a command that does nothing for a while, and with one of no length."""
    idle = tool((*IDLE, str(idle_s)))
    own = (idle.result or {})["supervisor"]
    short = [tool(("{python}", "-I", "-S", "-c", "")) for _ in range(starts)]
    beyond = median(read.beyond_s for read in short if read.beyond_s is not None)
    limit = 1.5 if name == "docker" else 0.3
    return [
        target(f"{name}: the supervisor's memory", own["max_rss_bytes"] / 1e6, 15.0, "MB"),
        target(f"{name}: the supervisor's CPU at 1 Hz", own["cpu_s"] / idle.wall_s * 100, 0.2, "% of a core"),
        target(f"{name}: a run beyond the container's life", beyond, limit, "s"),
        [f"{name}: a run beyond the command", f"{median(r.whole_s - r.wall_s for r in short):.3f} s", "", ""],
    ]


def sampling(name: str, engine: Engine, place: Place, pairs: int, copy_s: float) -> list[Row]:
    """A memory-bandwidth run with sampling at 1 Hz and without, in turn; and its turns that a sample fell into."""
    on, off = ours(engine, place, 1.0), ours(engine, place, 0.0)
    ratios, kept = [], []
    for turn in range(pairs):
        order: tuple[Tool, ...] = (on, off) if turn % 2 == 0 else (off, on)
        reads = {tool: tool((*COPY, f"seconds={copy_s}")) for tool in order}
        rates = {tool: float(read.truth["bytes_per_s"]) for tool, read in reads.items()}
        ratios.append(rates[on] / rates[off])
        kept.append(1 - lost(reads[on]))
        say(f"{name}: pair {turn + 1} of {pairs}: {ratios[-1]:.4f}, during samples {kept[-1]:.5f}")
    return [
        within(f"{name}: bandwidth, sampling on against off", ratios, 0.5),
        within(f"{name}: bandwidth, what the samples themselves took", kept, 0.5),
    ]


def lost(read: Read) -> float:
    """The part of a bandwidth run's time that its samples took: the turns during one, beyond as many of the others.

    A machine whose bandwidth drifts by some per cent from run to run hides so small an effect between two runs; within
    one, the turns that a sample fell into have their neighbours of the same seconds beside them.
    """
    inside, outside = read.sampled_s
    samples = [*(float(read.truth["began_s"]) + t for t in inside), *outside]
    turns = [(float(began), float(spent)) for began, spent in read.truth["turns"]]

    def touched(began: float, spent: float) -> bool:
        return any(began < sample + REACH_S and began + spent > sample - REACH_S for sample in samples)

    during = [spent for began, spent in turns if touched(began, spent)]
    others = [spent for began, spent in turns if not touched(began, spent)]
    if not others:  # at a glance
        return math.nan
    return (sum(during) - len(during) * fmean(others)) / (sum(during) + sum(others))


def interval(ratios: Sequence[float], draws: int = 10_000) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval of the median."""
    chance = random.Random(1)
    medians = sorted(median(chance.choices(ratios, k=len(ratios))) for _ in range(draws))
    return medians[int(draws * 0.025)], medians[int(draws * 0.975)]


def target(what: str, value: float, limit: float, unit: str) -> Row:
    """A row of the second table."""
    return [what, f"{value:.3g} {unit}", f"{limit:g} {unit}", "met" if value <= limit else "NOT met"]


def within(what: str, ratios: Sequence[float], limit: float) -> Row:
    """A row for a target of a ratio: the whole interval within ``limit`` per cent of 1, outside, or neither."""
    low, high = interval(ratios)
    reach = limit / 100
    nearest = 0.0 if low <= 1 <= high else min(abs(low - 1), abs(high - 1))
    state = "met" if max(abs(low - 1), abs(high - 1)) <= reach else "NOT met" if nearest > reach else "not told"
    figures = f"{(median(ratios) - 1) * 100:+.2f} % (95 %: {(low - 1) * 100:+.2f} to {(high - 1) * 100:+.2f} %"
    return [what, f"{figures}, {len(ratios)} pairs)", f"±{limit:g} %", state]


def _percent(values: Sequence[float]) -> str:
    return f"{median(values) * 100:+.2f} %" if values else "–"


def markdown(header: Row, rows: Sequence[Row]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)) + "\n"


def say(line: str) -> None:
    """Progress."""
    sys.stderr.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each tool runs each command")
    parser.add_argument("--pairs", type=int, default=20, help="pairs of bandwidth runs")
    parser.add_argument("--engine", choices=["local", "docker", "both"], default="both")
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    parser.add_argument("--glance", action="store_true", help="one round of one short command: whether it works")
    given = parser.parse_args()
    commands, idle_s, copy_s, starts = COMMANDS, 30, 5.0, max(given.rounds, 5)
    if given.glance:
        commands, idle_s, copy_s, starts = {name: COMMANDS[name] for name in SHORT}, 1, 0.2, 1
        given.rounds = given.pairs = 1
    places: dict[str, tuple[Engine, Place]] = {}
    for name in ("local", "docker") if given.engine == "both" else (given.engine,):
        try:
            engine = choose(name, None, say)
            places[name] = engine, engine.prepare(Need("small"), say)
        except BenchError as error:
            say(f"no row for {name}: {error}")
    if not places:
        return 6
    tools: dict[str, Tool] = {name: ours(*where) for name, where in places.items()}
    host_place = places["local"][1] if "local" in places else choose("local", None, say).prepare(Need("small"), say)
    others: tuple[tuple[str, Callable[[Place], Tool]], ...] = (
        ("time", gnu_time),
        ("runexec", runexec),
        ("hyperfine", hyperfine),
    )
    for name, make in others:
        if shutil.which(name) or Path(sys.executable).with_name(name).is_file():
            tools[name] = make(host_place)
        else:
            say(f"no row for {name}: not installed")
    load = os.getloadavg()
    rows, taken = compare(tools, commands, given.rounds)
    costs: list[Row] = []
    for name, (engine, place) in places.items():
        costs += [*agreement(name, "runexec", taken), *agreement(name, "time", taken)]
        costs += cost(name, tools[name], starts, idle_s)
        costs += sampling(name, engine, place, given.pairs, copy_s)
    header = [
        "command",
        "tool",
        "wall s",
        "CPU s",
        "CPU to truth",
        "CPU to runexec",
        "peak MiB",
        "to runexec",
        "beyond s",
    ]
    text = f"{time.strftime('%Y-%m-%d')}, {host_id(read_class()[0])}, Linux {os.uname().release}, "
    text += f"load {load[0]:.1f} before and {os.getloadavg()[0]:.1f} after\n\n"
    text += markdown(header, rows) + "\n" + markdown(["what it costs", "measured", "target", ""], costs)
    print(text)
    if given.markdown:
        given.markdown.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
