"""``bench run selftest``: loads of known cost, read by the real supervisor in the real engine."""

from __future__ import annotations

from bench.catalog.model import Diagnostic
from bench.cli.output import Console, complain_of, print_json
from bench.errors import UsageError
from bench.report.terminal.selftest import selftest_view
from bench.run.plan import Options
from bench.run.selftest.run import self_test
from bench.run.session import Session


def refuse_options(chosen: Options, variant: str | None) -> None:
    """The loads are what they are: nothing about them can be chosen.

    Raises:
        UsageError: an option that says how a diagnostic is run.
    """
    if chosen != Options(profile=chosen.profile) or variant is not None:
        raise UsageError(
            "the self-test runs fixed loads with limits of its own",
            fix="leave out options that change a run; --engine, --host, --results and --json may be given",
        )


def run_selftest(diagnostic: Diagnostic, session: Session, *, json: bool) -> int:
    """Make every check, keep the evidence, and show each reading beside the truth."""
    checked = self_test(session, diagnostic)
    record, path = checked.finished.record, str(checked.finished.path)
    if json:
        print_json({"path": path, "record": record, "readings": checked.held, "not_made": dict(checked.not_made)})
    else:
        Console.out().print(selftest_view(record, checked.held, checked.not_made, path))
    complain_of(checked.finished.complaints)
    return int(checked.finished.exit_code)
