"""The command of an experiment once more, with something else in it: what comes next if one decided nothing."""

from __future__ import annotations

from pathlib import Path

from bench.cli.next_step import results_words
from bench.compare.experiment import PairedChange, Trial
from bench.compare.measures import CPU
from bench.compare.reasons import change_with_bounds, outcome_word
from bench.compare.stats.pairs import EFFECT
from bench.record.redact import redact_words
from bench.run.ab.pairs import Rules
from bench.run.ab.words import Words

_OPTIONS = (
    "name", "project", "node", "base", "head", "requirements", "engine", "host", "cpus", "cpuset", "memory", "threads",
    "timeout", "ceiling", "image", "prepare", "input", "python",
)  # fmt: skip
"""Fields of the words that are options of the same name, left out if nobody gave them; ``name`` is the argument."""
_USUAL = Rules()


def decided_otherwise(trial: Trial) -> PairedChange | None:
    """Return a time that its pairs decide, if the one that was to decide is undecided; CPU time before others."""
    if trial.decides.outcome != "undecided" or trial.decides.why is not None:
        return None
    found = [one for one in trial.informs if one.unit == "s" and one.decided_after is not None]
    return min(found, key=lambda one: one.name != CPU, default=None)


def otherwise_text(trial: Trial, figure: PairedChange) -> str:
    """Return in a line that another time is decided; an experiment of its own makes it certain."""
    shown = f"{outcome_word(figure)}, {change_with_bounds(figure.change, figure.low, figure.high)}"
    why = ": it leaves out the time that others had the CPUs" if figure.name == CPU else ""
    return f"{trial.metric} is undecided, but {figure.name} is {shown}{why}; let --metric {figure.name} decide"


def again(words: Words, rules: Rules, effect: float, **changes: str) -> tuple[str, ...] | None:
    """Return the words of a command of ``ab`` like the one that was given; ``None`` if one of them is a secret.

    Args:
        words: what was asked.
        rules: when it was to end.
        effect: the least change that was looked for, a ratio minus 1.
        changes: fields of the words that are to be other ones, and options that were not given, as ``metric``.

    Returns:
        The words behind the program's own.
    """
    made = ["ab"]
    for name in _OPTIONS:
        value = changes.pop(name, None) or getattr(words, name)
        if value not in (None, ""):
            made += [str(value)] if name == "name" else [f"--{name}", str(value)]
    made += ["--device", words.device] if words.device != "cpu" else []
    made += ["--profile", words.profile] if words.profile != "full" else []
    made += ["--name", words.called] if words.called else []
    made += ["--expect-exit", str(words.expect_exit)] if words.expect_exit else []
    made += ["--warmup", str(words.warmup)] if words.warmup is not None else []
    for name in ("duet", "torch", "shell"):
        made += [f"--{name}"] if getattr(words, name) else []
    for variable in words.env:
        made += ["--env", variable]
    made += ["--effect", f"{effect * 100:g}%"] if effect != EFFECT else []
    made += ["--max-pairs", str(rules.max_pairs)] if rules.max_pairs != _USUAL.max_pairs else []
    made += ["--min-pairs", str(rules.min_pairs)] if rules.min_pairs != _USUAL.min_pairs else []
    made += ["--budget", f"{rules.budget_s:.0f}s"] if rules.budget_s else []
    for name, value in changes.items():
        made += [f"--{name}", value]
    made += results_words(Path(words.results))
    made += ["--", *words.command] if words.command is not None else []
    return tuple(made) if redact_words(made) == made else None
