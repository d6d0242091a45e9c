"""Whether this host's readings are known to be wrong: the newest self-test says so in every later record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.catalog.model import SELFTEST
from bench.record.find import scan
from bench.record.schema import Record, Warning_
from bench.run.selftest.last import Told, recall, told_by

CODE = "selftest_failed"
_SHOWN = 5


def selftest_warning(results: Path, host_id: str, engine: str) -> Warning_ | None:
    """The warning that a run on this host in this engine carries; ``None`` where the newest self-test held.

    Args:
        results: the folder of results. A self-test of this user that went to another one counts as well.
        host_id: the host that is about to measure.
        engine: ``docker`` or ``local``: each reads in its own way.
    """
    folder = results / host_id / SELFTEST
    records = [bundle.record for bundle in scan(folder).bundles] if folder.is_dir() else []
    last = recall(host_id, engine)
    return warning_of(records, engine, (last,) if last else ())


def warning_of(records: Sequence[Record], engine: str, told: Sequence[Told] = ()) -> Warning_ | None:
    """The same from the self-tests of one host (pure). One that was not finished says nothing."""
    here = [said for one in records if one.engine.name == engine and (said := told_by(one)) is not None]
    newest = max((*here, *told), key=lambda one: one.stamp, default=None)
    if newest is None or newest.held:
        return None
    more = f" and {len(newest.failed) - _SHOWN} more" if len(newest.failed) > _SHOWN else ""
    message = (
        f"the self-test of this host with the {engine} engine failed ({newest.stamp}): "
        f"{', '.join(newest.failed[:_SHOWN])}{more}; readings may be wrong until 'bench run selftest' passes"
    )
    return Warning_(CODE, message, float(len(newest.failed)), "readings")
