"""The verb ``explain``: where the time went, and why two results differ."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated

import msgspec
import typer

from bench import units
from bench.catalog.project import project_above
from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import bundles_named
from bench.cli.next_step import results_words, suggest
from bench.cli.output import Console, print_json
from bench.compare.experiment import are_sides, trial_of
from bench.compare.explain.difference import explain, explain_difference
from bench.compare.measures import CALL, WALL, measures
from bench.compare.reasons import trial_reason
from bench.errors import BenchError, UsageError
from bench.record.schema import Record
from bench.report.export.json_document import explanation_document
from bench.report.terminal.explain import Decided, difference_view, explanation_view


@app.command("explain")
def explain_(
    a: Annotated[str, typer.Argument(help="A result: its id or its bundle.", metavar="RESULT")],
    b: Annotated[
        str | None, typer.Argument(help="Another: why do they differ?", show_default=False, metavar="[RESULT]")
    ] = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Report where the time went; with two results, why they differ.

    Example: bench explain HOST/grad_cpu/STAMP
    """
    first = _one(a, results)
    if b is None:
        explanation = explain(first)
        if json:
            print_json(explanation_document(explanation))
        else:
            Console.out().print(explanation_view(explanation), crop=False)
            suggest(*_next(explanation.commands, first, results))
        return
    second = _one(b, results)
    difference = explain_difference(first, second)
    if json:
        print_json(explanation_document(difference))
    else:
        Console.out().print(difference_view(difference, _decided(first, second)), crop=False)
        suggest(*_next((), first, results))


def _decided(a: Record, b: Record) -> Decided | None:
    """What the experiment of both decided; ``None`` if they are not of one."""
    if not are_sides(a, b):
        return None
    try:
        trial = trial_of(a, b, informs=False)
    except BenchError:  # both are explained all the same
        return None
    decides = trial.decides
    medians = " became ".join(units.figure(value, decides.unit) for value in (decides.a, decides.b))
    calls = None if trial.metric == WALL else _calls_s(a, b)
    return Decided(trial_reason(trial), f"{trial.metric} {medians}", calls)


def _calls_s(a: Record, b: Record) -> float | None:
    """The difference of the mean time in the tests' calls, over the runs that passed."""
    means = []
    for record in (a, b):
        known = measures(
            msgspec.structs.replace(record, runs=[run for run in record.measured_runs if run.outcome == "passed"])
        )
        values = [value for value in known[CALL].values if value is not None] if CALL in known else []
        means.append(mean(values) if values else None)
    first, second = means
    return None if first is None or second is None else second - first


def _next(tries: Sequence[str], record: Record, results: Path) -> tuple[object, ...]:
    """The command that tries what may help, if the test is at hand; else its other results."""
    of_project = record.diagnostic.source.kind == "project"
    project = project_above(Path.cwd() / "here") if of_project else None
    if tries and not of_project:
        return (*shlex.split(tries[0])[1:], *results_words(results))
    if tries and project is not None and record.diagnostic.name in options.named_in(project):
        words = shlex.split(tries[0])[1:]
        words[words.index("--project") + 1] = str(project)
        return (*words, *results_words(results))
    return ("history", record.diagnostic.name, *results_words(results))


def _one(word: str, results: Path) -> Record:
    (found,) = bundles_named([word], results)
    if len(found) != 1:
        raise UsageError(f"'{word}' names {len(found)} bundles", fix="name one of them")
    return found[0].record
