"""The timeout decision as Markdown, for ``analysis/timeout_decision.md`` (pure)."""

from __future__ import annotations

from bench import units
from bench.compare.ceiling_review import Action, Decision
from bench.report.text import markdown, markdown_code, markdown_table

_ADVICE: dict[Action, str] = {
    "keep": "Keep the ceiling",
    "raise": "Raise the ceiling",
    "lower": "Lower the ceiling",
    "none": "There is no ceiling",
}
SHOWN = 20
"""The newest runs of the history that are listed."""


def timeout_decision_text(decision: Decision) -> str:
    """Return the decision, its figures, the history and what speaks against; ends with a line feed."""
    advice = _ADVICE[decision.action]
    if decision.action == "keep":
        advice += f" of {units.seconds(decision.ceiling_s)}"
    elif decision.proposed_s is not None:
        before = f" from {units.seconds(decision.ceiling_s)}" if decision.ceiling_s is not None else "; proposed"
        advice += f"{before}{' to' if decision.ceiling_s is not None else ''} {units.seconds(decision.proposed_s)}"
    typical = "–"
    if decision.typical_s is not None:
        typical = f"{units.seconds(decision.typical_s.low)} to {units.seconds(decision.typical_s.high)}"
    figures = [
        ("ceiling", units.seconds(decision.ceiling_s)),
        ("margin of this result's slowest run", units.seconds(decision.margin_s)),
        ("timeout", units.seconds(decision.timeout_s)),
        ("effective timeout", units.seconds(decision.effective_timeout_s)),
        ("next run, 99 % prediction interval", typical),
        ("needed to hold with outliers kept", units.seconds(decision.needed_s)),
    ]
    lines = [
        "# Timeout decision",
        "",
        f"**{advice}.** {_sentence(decision.reasons)} {markdown(decision.timeout)}".rstrip(),
        "",
    ]
    lines += [markdown_table(("", ""), [(name, markdown(value)) for name, value in decision.about])]
    lines += [markdown_table(("figure", "value"), figures)]
    lines += [f"## History of {_code(decision.host)}", ""]
    shown = decision.history[-SHOWN:]
    if len(shown) < len(decision.history):
        lines += [f"The newest {len(shown)} of {len(decision.history)} runs.", ""]
    rows = [
        (_code(stamp), units.seconds(wall) + (" (outlier, set aside)" if wall in decision.set_aside_s else ""))
        for stamp, wall in shown
    ]
    lines += [markdown_table(("result", "wall"), rows) or "No run of this host class has passed.\n"]
    lines += ["## What speaks against", ""]
    lines += [f"- {markdown(one)}" for one in decision.against] or ["- nothing in the numbers"]
    return "\n".join(lines) + "\n"


def _sentence(reasons: tuple[str, ...]) -> str:
    text = "; ".join(reasons)
    return f"{markdown(text[:1].upper() + text[1:])}." if text else ""


def _code(text: str) -> str:
    """Return a name from a record as a code span."""
    return markdown_code(text) or units.NOT_KNOWN
