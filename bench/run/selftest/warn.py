"""Whether this host's readings are known to be wrong: the newest self-test says so in every later record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.catalog.model import SELFTEST
from bench.record.find import scan
from bench.record.schema import Record, Warning_

CODE = "selftest_failed"
_SHOWN = 5


def selftest_warning(results: Path, host_id: str, engine: str) -> Warning_ | None:
    """The warning that a run on this host in this engine carries; ``None`` where the newest self-test held.

    Args:
        results: the folder of results.
        host_id: the host that is about to measure.
        engine: ``docker`` or ``local``: each reads in its own way.
    """
    folder = results / host_id / SELFTEST
    if not folder.is_dir():
        return None
    return warning_of([bundle.record for bundle in scan(folder).bundles], engine)


def warning_of(records: Sequence[Record], engine: str) -> Warning_ | None:
    """The same from the self-tests of one host (pure). One that was not finished says nothing."""
    told = [one for one in records if one.engine.name == engine and one.outcome in ("passed", "failed")]
    newest = max(told, key=lambda record: record.stamp, default=None)
    if newest is None or newest.outcome == "passed":
        return None
    failed = [test.node for run in newest.runs for test in run.tests if test.outcome == "failed"]
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    message = (
        f"the self-test of this host with the {engine} engine failed ({newest.stamp}): "
        f"{', '.join(failed[:_SHOWN])}{more}; readings may be wrong until 'bench run selftest' passes"
    )
    return Warning_(CODE, message, float(len(failed)), "readings")
