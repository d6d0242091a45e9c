"""``bench explain``: where the time went, with small bars, what stands out, and why two results differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bench import units
from bench.compare.explain.difference import DeltaExplanation, DeltaTerm, Explanation
from bench.compare.work.wording import total_text
from bench.report.status import spoken
from bench.report.terminal.cells import bar, bullets, signed_bar, table, text, whole, work_tables
from bench.report.terminal.narrow import Whole

_BAR, _HALF = 16, 7
_STYLES = {"user": "blue", "system": "red", "rest": "dim"}


@dataclass(frozen=True, slots=True)
class Decided:
    """What an experiment decided: its sentence, both medians of the figure that decided, and the difference of the mean
    time in the tests' calls in seconds, ``None`` if no run has it or if the wall time itself decided.
    """

    sentence: str
    medians: str
    calls_s: float | None = None


def explanation_view(explanation: Explanation) -> RenderableType:
    """Return one result: its wall time as terms with bars, efficiency, fault rate and findings."""
    spent = explanation.budget
    ended = " stopped at the timeout" if explanation.timed_out else ""
    runs = f"mean of {units.counted(spent.runs, 'run')}{ended}"
    head = Whole.assemble(text(explanation.diagnostic, "bold"), f": where {units.seconds(spent.wall_s)} went ({runs})")
    id_ = whole(text(explanation.id, "dim"))
    made = table("=", ">wall", ">share", f"={'':{_BAR}}", "what it is")
    for term in spent.terms:
        share = term.seconds / spent.wall_s if spent.wall_s else None
        unknown = term.name in spent.unknown
        made.add_row(
            text(spoken(term.name)),
            units.NOT_KNOWN if unknown else units.seconds(term.seconds),
            units.NOT_KNOWN if unknown else units.percent(share),
            Text() if unknown else bar(share, _BAR, _STYLES.get(term.name, "yellow")),
            Text("not measured", style="dim") if unknown else text(term.meaning),
        )
    parts: list[RenderableType] = [head, id_, made, *_figures(explanation)]
    parts += _findings(explanation)
    return Group(*parts)


def difference_view(difference: DeltaExplanation, decided: Decided | None = None) -> RenderableType:
    """Return two results: the terms of the difference in wall time, what each is tied to, and what else differs.

    ``decided`` is what their experiment decided, which leads.
    """
    a, b = difference.a, difference.b
    head = Whole.assemble(
        text(a.diagnostic, "bold"),
        f": {units.seconds(a.budget.wall_s)} became {units.seconds(b.budget.wall_s)}, ",
        (_signed(difference.delta_s), "bold"),
    )
    sides = whole(Whole.assemble(("from ", "dim"), text(a.id), ("\nto   ", "dim"), text(b.id)))
    most = max((abs(term.seconds) for term in difference.terms), default=0.0)
    made = table("", ">before", ">after", ">difference", f"={'less':<{_HALF}}│{'more':>{_HALF}}")
    for term in difference.terms:
        made.add_row(
            text(spoken(term.name)),
            units.seconds(term.a_s),
            units.seconds(term.b_s),
            units.NOT_KNOWN if term.a_s is None else _signed(term.seconds),
            signed_bar(term.seconds, most, _HALF),
        )
    parts: list[RenderableType] = [head, sides]
    if decided is not None:
        wall = f"\nWhere the wall time of a run went: {units.seconds(a.budget.wall_s)} became "
        wall += f"{units.seconds(b.budget.wall_s)}, {_signed(difference.delta_s)}"
        first = Whole.assemble(text(a.diagnostic, "bold"), f": {decided.medians}")
        shares = [] if decided.calls_s is None else [_share(difference.delta_s, decided.calls_s)]
        parts = [first, text(decided.sentence, "bold"), sides, text(wall, "bold"), *shares]
    parts += [made, *_ties(difference.terms)]
    tied = [tie for term in difference.terms if term.seconds for tie in term.ties]
    others = [one for one in difference.differences if not any(tie.startswith(f"{one.name}: ") for tie in tied)]
    if others:
        lines = (
            Text.assemble(text(one.name), ": ", text(one.a or "none", width=60), " → ", text(one.b or "none", width=60))
            for one in others
        )
        parts += [Text("\nWhat else differs", style="bold"), bullets(lines)]
    if difference.work is not None:
        parts += [
            Text("\nThe work", style="bold"),
            bullets([text(difference.work.said)]),
            *work_tables(difference.work),
        ]
    parts += _findings(b)
    return Group(*parts)


def _share(wall_s: float, calls_s: float) -> Text:
    """How a difference in wall time is shared by the tests' calls and all around them, as Python's start."""
    around = wall_s - calls_s
    return text(
        f"of it {_signed(calls_s)} within the tests' calls, {_signed(around)} around them: start, fixtures, end"
    )


def _figures(explanation: Explanation) -> list[Text]:
    spent = explanation.budget
    lines = []
    if spent.efficiency is not None and spent.cpus is not None:
        share = units.percent(spent.efficiency, 0)
        lines.append(Text(f"CPU time {units.seconds(spent.cpu_s)}: {share} of the {spent.cpus:g} CPUs it was given"))
    if explanation.faults_per_s is not None:
        lines.append(Text(f"{units.count(explanation.faults_per_s)} minor page faults a second"))
    if explanation.work is not None:
        lines.append(text(f"work: {total_text(explanation.work)}"))
    return lines


def _findings(explanation: Explanation) -> list[RenderableType]:
    found = explanation.findings
    if not found:
        return [Text("\nNothing stands out.", style="dim")]
    parts: list[RenderableType] = [Text("\nWhat stands out", style="bold")]
    for finding in found:
        body = Whole.assemble(text(finding.meaning), "\n", text(finding.evidence, "dim"), "\n→ ", text(finding.remedy))
        parts += [Whole.assemble("• ", text(spoken(finding.code), "bold")), Padding(body, (0, 0, 0, 2))]
    variants = list(dict.fromkeys(name for finding in found for name in finding.variants))
    if variants and not explanation.commands:
        parts.append(Whole.assemble("\nVariants of 'bench whatif' to try: ", text(", ".join(variants), "cyan")))
    if explanation.commands:
        parts.append(Text("\nTo try it", style="bold"))
        parts += [Whole.assemble("  ", text(command, "cyan")) for command in explanation.commands]
    return parts


def _ties(terms: Sequence[DeltaTerm]) -> list[RenderableType]:
    """What each term may come from, the largest term first; a term without a share has nothing to explain."""
    parts: list[Text] = []
    for term in sorted(terms, key=lambda term: -abs(term.seconds)):
        if not term.seconds or not term.ties:
            continue
        head = Whole.assemble(
            text(spoken(term.name), "bold"), f" {_signed(term.seconds)}: ", text("; ".join(term.ties), "dim")
        )
        parts.append(head)
    return [Text("\nWhat it may come from", style="bold"), bullets(parts)] if parts else []


def _signed(seconds: float) -> str:
    return f"{'+' if seconds > 0 else ''}{units.seconds(seconds)}"
