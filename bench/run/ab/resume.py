"""An experiment that ended early, read from its bundles so that it goes on: the same seed, and the pairs so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.compare.likeness.differences import differences
from bench.engine.protocol import Ending
from bench.errors import NotComparable, NotMeasured, UsageError
from bench.record.schema import Experiment, Record, Side
from bench.record.storage.bundle import RECORD, Bundle, read_bundle
from bench.run.baseline import read_results
from bench.run.result.files import restore
from bench.run.result.reading import OneRun, Reading

_UNENDED = frozenset({"interrupted", "not_measured"})
"""Runs that came to no end: their pairs stay half, in the bundles that they lie in."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an experiment has so far. ``first`` is the number of its next pair; every older one was begun.

    ``newest`` has the newest record of each side, of those with runs if there are any, and ``runs`` each one's runs in
    the order of their pairs.
    """

    experiment: Experiment
    first: int
    newest: dict[Side, Record]
    runs: dict[Side, list[tuple[int, OneRun]]]
    resumes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What was measured."""
        return next(iter(self.newest.values())).diagnostic.name


def find_sides(what: str | None, results: Path) -> list[Bundle]:
    """Return all bundles of the experiment to go on with, oldest first.

    Args:
        what: its id, one of its bundles, or the name of a diagnostic; ``None`` for the newest one.
        results: the results folder.

    Raises:
        UsageError: there is no such experiment.
    """
    known = [bundle for bundle in read_results(results) if isinstance(bundle.record.experiment, Experiment)]
    if what is not None and (Path(what) / RECORD).is_file():
        named = read_bundle(Path(what))
        if not isinstance(named.record.experiment, Experiment):
            raise UsageError(f"{what} is no side of an experiment", fix="name a bundle that 'bench ab' wrote")
        if named.path.resolve() not in {bundle.path.resolve() for bundle in known}:
            known += [named]
        what = named.record.experiment.id
    fit = [one for one in known if what is None or what in (_told(one).id, one.record.diagnostic.name)]
    if not fit:
        which = f"no experiment '{what}'" if what is not None else "no experiment"
        raise UsageError(f"{which} lies in {results}", fix="name its id, one of its bundles, or its results folder")
    newest = max(fit, key=lambda one: one.record.stamp)
    return sorted((one for one in known if _told(one).id == _told(newest).id), key=lambda one: one.record.stamp)


def read_earlier(bundles: Sequence[Bundle], folder: Path) -> Earlier:
    """Return what an experiment has so far; a pair that several bundles hold counts once.

    Args:
        bundles: all of it, oldest first, at least one.
        folder: where the evidence of its runs goes, to be copied into the new bundles.

    Raises:
        NotComparable: its bundles do not belong together.
    """
    told = [_told(bundle) for bundle in bundles]
    if len({(one.seed, one.metric, one.effect, one.duet) for one in told}) > 1:
        raise NotComparable(f"the bundles of experiment {told[0].id} do not belong together")
    runs: dict[Side, dict[int, OneRun]] = {"base": {}, "head": {}}
    newest: dict[Side, Record] = {}
    for bundle, one in zip(bundles, told, strict=True):
        if bundle.record.runs or one.side not in newest:  # one that ended before its first run knows no place
            newest[one.side] = bundle.record
        for position, pair in enumerate(one.pair[: len(bundle.record.runs)]):
            if bundle.record.runs[position].outcome not in _UNENDED and pair not in runs[one.side]:
                runs[one.side][pair] = _one_run(bundle, position, folder / f"{one.side}-{pair:04}")
    first = 1 + max((pair for one in told for pair in one.pair), default=-1)
    ordered = {side: _renumbered(sorted(found.items())) for side, found in runs.items()}
    return Earlier(told[-1], first, newest, ordered, tuple(bundle.record.id for bundle in bundles))


def require_all(earlier: Earlier, results: Path) -> None:
    """Refuse to go on beside pairs of a killed command that came to light after the experiment was read.

    They were begun, and somebody may have seen what they showed: to make them anew would be to choose.

    Args:
        earlier: the experiment as it was read.
        results: the results folder.

    Raises:
        NotMeasured: there is more of it by now.
    """
    if {bundle.record.id for bundle in find_sides(earlier.experiment.id, results)} - set(earlier.resumes):
        what = f"{earlier.experiment.id} has more pairs than were read: those of a killed command were just finished"
        raise NotMeasured(what, fix="give the same command again, which goes on after them")


def require_alike(earlier: Record, now: Record, side: Side) -> None:
    """Refuse to go on with other code, or elsewhere: the pairs would not be of one experiment.

    Args:
        earlier: the newest record of a side.
        now: what it would be now.
        side: which one it is.

    Raises:
        NotComparable: they are not alike.
    """
    fix = "begin a new experiment, without --resume"
    if earlier.diagnostic.source.sha256 != now.diagnostic.source.sha256:
        raise NotComparable(f"the code of the {side} is not what the experiment began with", fix=fix)
    for one in differences(earlier, now) if earlier.runs else ():
        if one.forces is not None:
            what = f"the {side} is not what the experiment began with"
            raise NotComparable(what, f"{one.name}: {one.a} then, {one.b} now", fix)


def _told(bundle: Bundle) -> Experiment:
    assert isinstance(bundle.record.experiment, Experiment)  # noqa: S101, only such bundles come here
    return bundle.record.experiment


def _one_run(bundle: Bundle, position: int, out: Path) -> OneRun:
    record = bundle.record
    out.mkdir(parents=True)
    restore(bundle.path, position, max(record.runs_asked or 1, len(record.runs)), out)
    start = f"runs[{position}]."
    unavailable = {path.removeprefix(start): why for path, why in record.unavailable.items() if path.startswith(start)}
    said = bundle.read_text("artifacts/commands.txt") or ""
    commands = tuple(line for line in said.splitlines() if line and not line.startswith("#"))
    run = record.runs[position]
    return OneRun(
        Reading(run, unavailable, record.engine.cgroup_version), out, Ending(run.exit_code, commands=commands)
    )


def _renumbered(found: Iterable[tuple[int, OneRun]]) -> list[tuple[int, OneRun]]:
    """The runs with their numbers in the new result; a warning that runs were missing is of the old one."""
    made = []
    for index, (pair, one) in enumerate(found):
        kept = tuple(warning for warning in one.reading.run.warnings if warning.code != "runs_missing")
        run = msgspec.structs.replace(one.reading.run, index=index, warnings=kept)
        reading = Reading(run, one.reading.unavailable, one.reading.cgroup_version)
        made.append((pair, OneRun(reading, one.out, one.ending)))
    return made
