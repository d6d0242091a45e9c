"""``bench verify``: every file that is not as its bundle says."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from bench.record.storage.verify import VerifyReport
from bench.report.terminal.cells import table, text
from bench.units import counted


def verify_view(report: VerifyReport) -> RenderableType:
    """Return one line if all is well, else a line per file with its bundle and what is wrong."""
    count = len(report.bundles)
    looked = counted(count, "bundle")
    if report.ok:
        return Text.assemble(("✓ ", "green"), f"{looked}, every file as its manifest and the schema say")
    made = table("bundle", "file", "what is wrong")
    for one in report.problems:
        made.add_row(text(one.bundle), text(one.problem.file, "bold"), text(one.problem.reason))
    damaged, newer = len(report.damaged), report.newer
    said = [f"{damaged} of {looked} {'is' if damaged == 1 else 'are'} damaged"] if damaged else []
    if newer:
        remedies = " and ".join(dict.fromkeys(newer.values()))
        said.append(f"{len(newer)} of {looked} {'is' if len(newer) == 1 else 'are'} of a newer version: {remedies}")
    return Group(Text.assemble(("✕ ", "bold red"), text("; ".join(said))), made)
