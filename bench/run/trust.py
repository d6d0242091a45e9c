"""The last self-test of each host in each engine, kept for this user wherever its results went."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import platformdirs

from bench.catalog.model import SELFTEST
from bench.files import read_plain
from bench.names import is_file_name, is_stamp
from bench.record.schema import Record, Warning_
from bench.record.storage.find import scan

_MAX_BYTES = 64 * 1024


class SelftestResult(msgspec.Struct, frozen=True):
    """What a self-test that came to its end found: when, whether every reading held, and those that did not."""

    stamp: str
    held: bool
    failed: tuple[str, ...] = ()


def selftest_result(record: Record) -> SelftestResult | None:
    """Return what the self-test of a record found; ``None`` for one that did not come to its end."""
    if record.outcome not in ("passed", "failed"):
        return None
    failed = tuple(test.node for run in record.runs for test in run.tests if test.outcome == "failed")
    return SelftestResult(record.stamp, record.outcome == "passed", failed)


def remember(record: Record, folder: Path | None = None) -> None:
    """Keep what a record's self-test found, unless a newer one is known; nothing, if the folder cannot be written."""
    found = selftest_result(record)
    known = recall(record.host.id, record.engine.name, folder)
    if found is None or (known is not None and known.stamp > found.stamp):
        return
    path = _path(record.host.id, record.engine.name, folder)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(found))
        fresh.replace(path)


def recall(host_id: str, engine: str, folder: Path | None = None) -> SelftestResult | None:
    """Return what the last self-test of a host in an engine found; ``None`` if none is known.

    Args:
        host_id: the host that was tested.
        engine: ``docker`` or ``local``.
        folder: where such results are kept; by default in the user's state.
    """
    path = _path(host_id, engine, folder)
    try:
        found = msgspec.json.decode(read_plain(path, _MAX_BYTES), type=SelftestResult)
    except (OSError, ValueError, RecursionError):
        return None
    return found if is_stamp(found.stamp) else None


def _path(host_id: str, engine: str, folder: Path | None) -> Path:
    name = f"{host_id}.{engine}.json"
    assert is_file_name(name), name  # noqa: S101, a host's id names a folder of results as well
    return (folder or platformdirs.user_state_path("bench") / "selftests") / name


CODE = "selftest_failed"
_SHOWN = 5


def selftest_warning(results: Path, host_id: str, engine: str) -> Warning_ | None:
    """Return the warning that a run on this host in this engine carries; ``None`` if the newest self-test held.

    Args:
        results: the folder of results. A self-test of this user that went to another one counts as well.
        host_id: the host that is about to measure.
        engine: ``docker`` or ``local``: each reads in its own way.
    """
    folder = results / host_id / SELFTEST
    records = [bundle.record for bundle in scan(folder).bundles] if folder.is_dir() else []
    last = recall(host_id, engine)
    return warning_of(records, engine, (last,) if last else ())


def warning_of(records: Sequence[Record], engine: str, remembered: Sequence[SelftestResult] = ()) -> Warning_ | None:
    """Return the warning of a host's newest self-test (pure); ``None`` if it held. One cut short counts for nothing.

    Args:
        records: the self-tests of one host, in any engine.
        engine: ``docker`` or ``local``; those of the other do not count.
        remembered: further ones in this engine that are in no record at hand.
    """
    here = [found for one in records if one.engine.name == engine and (found := selftest_result(one)) is not None]
    newest = max((*here, *remembered), key=lambda one: one.stamp, default=None)
    if newest is None or newest.held:
        return None
    more = f" and {len(newest.failed) - _SHOWN} more" if len(newest.failed) > _SHOWN else ""
    message = (
        f"the self-test of this host with the {engine} engine failed ({newest.stamp}): "
        f"{', '.join(newest.failed[:_SHOWN])}{more}; readings may be wrong until 'bench run selftest' passes"
    )
    return Warning_(CODE, message, float(len(newest.failed)), "readings")
