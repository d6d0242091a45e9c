"""How a result is put in words, whatever shows it: figures of a run, reasons, a change with its interval (pure)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from bench import units
from bench.names import stamp_time
from bench.record.schema import Environment, Image, Record, Run
from bench.report.entry import Entry
from bench.report.files.gnu_time import cpu_ratio
from bench.report.status import STATES, State
from bench.report.text import plain

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison, Side
    from bench.compare.experiment import PairedChange, Trial

_MARKDOWN_SIGNS = {"bad": "❌", "caution": "⚠️", "good": "✅", "none": "⬜"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of a run. ``name`` heads a column, ``line`` a line of its own, which has room for more words."""

    name: str
    read: Callable[[Run], float | None]
    form: Callable[[float | None], str] = units.seconds
    long: str = ""

    @property
    def line(self) -> str:
        """The long name if there is one."""
        return self.long or self.name

    def text(self, run: Run) -> str:
        """Return the run's figure with its unit."""
        return self.form(self.read(run))


def _call_s(run: Run) -> float | None:
    """Return the seconds in the tests' own calls, summed; ``None`` if no test was timed."""
    times = [test.call_s for test in run.tests if test.call_s is not None]
    return sum(times) if times else None


WALL = Reading("wall", lambda run: run.wall_s)
USER = Reading("user", lambda run: run.cpu.user_s)
SYSTEM = Reading("system", lambda run: run.cpu.system_s)
THROTTLED = Reading("throttled", lambda run: run.cpu.throttled_s)
ANONYMOUS = Reading(
    "anonymous peak", lambda run: run.memory.anon_peak_bytes, units.size, "peak of anonymous memory, sampled"
)
RESIDENT = Reading("max RSS", lambda run: run.memory.max_rss_bytes, units.size, "largest resident set of one process")
MINOR_FAULTS = Reading("minor faults", lambda run: run.faults.minor, units.count, "minor page faults")

TIMING = (
    WALL,
    Reading("pytest", lambda run: run.pytest_s),
    Reading("call", _call_s),
    USER,
    SYSTEM,
    Reading("CPU", cpu_ratio, lambda ratio: units.percent(ratio, 0)),
    THROTTLED,
)
"""What a run took, as a bundle's files list it."""
MEMORY = (
    Reading("peak", lambda run: run.memory.peak_bytes, units.size, "peak of the control group, page cache included"),
    ANONYMOUS,
    RESIDENT,
    MINOR_FAULTS,
    Reading("major faults", lambda run: run.faults.major, units.count, "major page faults"),
    Reading("voluntary", lambda run: run.context_switches.voluntary, units.count, "voluntary context switches"),
    Reading("involuntary", lambda run: run.context_switches.involuntary, units.count, "involuntary context switches"),
)
"""Memory, faults and context switches of a run, as a bundle's files list them."""
RUN_COLUMNS = (WALL, USER, SYSTEM, THROTTLED, ANONYMOUS, MINOR_FAULTS)
"""What a table has of each run, in the terminal and on a page."""


_KERNEL_PEAK = MEMORY[0]


def run_columns(runs: Iterable[Run], columns: tuple[Reading, ...] = RUN_COLUMNS) -> tuple[Reading, ...]:
    """Return the columns of a table of runs. If the kernel killed one for memory, its own peak stands for the sampled
    one, which misses what grew since the last sample.
    """
    if not any(run.outcome == "oom_killed" and run.memory.peak_bytes is not None for run in runs):
        return columns
    return tuple(_KERNEL_PEAK if one is ANONYMOUS else one for one in columns)


def build_of(record: Record) -> Image | Environment | None:
    """Return what a result ran in: an image, or the local engine's environment."""
    return record.image or record.environment


def engine_text(record: Record) -> str:
    """Return the engine with its version, if that is known."""
    return " ".join(part for part in (record.engine.name, record.engine.version) if part)


def margin_text(bound: float | None, wall_s: float | None) -> str:
    """Return what is left, in seconds, between a time and the ceiling or timeout above it."""
    return units.NOT_KNOWN if bound is None or wall_s is None else f"{bound - wall_s:+.2f} s"


def decided_by(entry: Entry) -> Trial | None:
    """Return what an experiment shows by a figure that both sides have; ``None`` of any other result."""
    trial = entry.comparison.experiment if entry.comparison is not None and entry.base is not None else None
    return None if trial is None or trial.decides.a is None or trial.decides.b is None else trial


def medians_text(figure: PairedChange) -> str:
    """Return both medians of a figure, as in ``149 ms → 207 ms``."""
    return " → ".join(units.figure(value, figure.unit) for value in (figure.a, figure.b))


def time_text(entry: Entry) -> str:
    """Return the median wall time; of an experiment both medians of the figure that decided, with its name."""
    trial = decided_by(entry)
    return units.seconds(entry.wall_s) if trial is None else f"{trial.metric} {medians_text(trial.decides)}"


def stamp_text(stamp: str, form: str, width: int | None = None) -> str:
    """Return a stamp in another form; what is no stamp is shown as it is.

    Args:
        stamp: as in a record's id.
        form: of ``strftime``.
        width: the most characters of what is no stamp.
    """
    moment = stamp_time(stamp)
    return plain(stamp, width) if moment is None else moment.strftime(form)


def signatures(record: Record) -> list[str]:
    """Return how runs failed, in their order."""
    return [run.signature for run in record.measured_runs or record.runs if run.signature]


def what_ran(record: Record) -> str | None:
    """Return the test or the command of a result, on one line; ``None`` if it is not known."""
    words = record.diagnostic.command
    if words is msgspec.UNSET:
        return record.diagnostic.node
    return plain(words[0] if record.diagnostic.params.get("shell") is True and words else shlex.join(words))


def warmup_mark(run: Run) -> str:
    """Return what stands behind the outcome of a run that only warmed up, which is not judged."""
    return " (warm-up)" if run.warmup is True else ""


def reasons(entry: Entry, most: int | None = None) -> list[str]:
    """Return why a result is what it is, each sentence once: its verdict's reasons, then how runs failed.

    Args:
        entry: the result.
        most: the most sentences; if there are more, the last one counts them. How runs failed then stands first, since
            a reason may only repeat that one failed.
    """
    parts = (entry.reasons, signatures(entry.record))
    if most is None:
        return list(dict.fromkeys([*parts[0], *parts[1]]))
    found = list(dict.fromkeys([*parts[1], *parts[0]]))
    more = [f"and {len(found) - most} more in its summary.md"] if len(found) > most else []
    return [*found[:most], *more]


def state_text(state: State) -> str:
    """Return a state's name after its sign, so that it reads without colour too."""
    return f"{state.glyph} {state.label}"


def markdown_sign(state: State) -> str:
    """Return a sign for a state that has a colour of its own, since Markdown has none."""
    return _MARKDOWN_SIGNS[state.level]


def ordered(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return comparisons by severity, the worst first, then by diagnostic, host and stamp."""
    return sorted(comparisons, key=lambda one: (STATES[one.status].rank, one.diagnostic, one.b.host, one.b.stamp))


def side_name(side: Side) -> str:
    """Return the stamp whole, as it names the result on the command line, and the variant."""
    return f"{side.stamp} {side.variant}" if side.variant else side.stamp


def change_text(comparison: Comparison) -> str:
    """Return the change of wall time, in percent or beyond 100 % as a factor: above 0, or 1x, is slower."""
    return units.change(None if comparison.ratio is None else comparison.ratio - 1)


def change_interval(comparison: Comparison) -> str | None:
    """Return the 99 % interval of the change, in the same form; ``None`` if there were too few runs for one."""
    return units.interval(less_one(comparison.ratio_low), less_one(comparison.ratio_high)) or None


def less_one(ratio: float | None) -> float | None:
    """Return a ratio as a change."""
    return None if ratio is None else ratio - 1


def ratio_text(ratio: float | None) -> str:
    """Return a ratio of wall times with three decimals."""
    return units.NOT_KNOWN if ratio is None else f"{ratio:.3f}"


def ratio_interval(comparison: Comparison) -> str:
    """Return the 99 % interval of the ratio, or that there is none."""
    if comparison.ratio_low is None or comparison.ratio_high is None:
        return units.NOT_KNOWN if comparison.ratio is None else "too few runs"
    return f"{comparison.ratio_low:.3f} to {comparison.ratio_high:.3f}"


def other_reasons(comparison: Comparison, *shown: str) -> list[str]:
    """Return the reasons but those that are shown otherwise, as the differences are in a table.

    Args:
        comparison: what was compared.
        shown: how sentences begin that are shown otherwise too.
    """
    from bench.compare.reasons import difference_reason  # whoever reads results only needs no comparison

    named = (*map(difference_reason, comparison.differences), *shown)
    return [reason for reason in comparison.reasons if not reason.startswith(named)]
