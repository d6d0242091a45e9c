"""Brings older evidence and bundles in, a whole tree by one call: figures as records, the files beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from bench.errors import DamagedData, UsageError
from bench.importer.convert import Given
from bench.importer.read.clean import cleaned, decode, is_text
from bench.importer.read.groups import Group, groups_of, home_of
from bench.importer.read.kinds import Kind, kinds_of
from bench.importer.read.walk import File, read, walk
from bench.importer.result.bundles import bundle_homes, import_bundle
from bench.importer.result.rows import ImportedTree, Row
from bench.importer.result.write import Run, within, write_result
from bench.importer.tools.load import beside_tools, load_tools
from bench.importer.tools.write import check_tools, write_tools
from bench.record.storage.find import Follow
from bench.record.storage.manifest import Problem

MAX_TEXT_BYTES = 32 * 1024**2
"""So much text of one folder is read at a time."""
MAX_RUNS = 200
_PRIMARY: frozenset[Kind] = frozenset(("log", "junit", "time"))
_NO_EVIDENCE = (
    "no file shows that something ran: no log of pytest, no output of time, no JUnit report, no tool's results"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line sets of the results: ``stamp`` is for one, the rest for one diagnostic."""

    given: Given = field(default_factory=Given)
    stamp: str | None = None

    @property
    def is_any(self) -> bool:
        """Whether it sets anything."""
        return (self.given.name, self.given.ceiling_s, self.stamp) != (None, None, None)


def import_tree(source: Path, results: Path, asked: Asked | None = None, follow: Follow = iter) -> ImportedTree:
    """Import what a folder, or a single file, holds: any number of bundles and of runs' older evidence.

    Args:
        source: only read; files are recognised by content, links are not followed.
        results: the results folder.
        asked: what the files do not hold.
        follow: given each folder that is read.

    Raises:
        UsageError: no such folder, or ``asked`` is for one result and there are several.
        DamagedData: it holds no evidence of any run.
        NotMeasured: the disk is full.
    """
    asked = asked or Asked()
    if source.is_dir():
        files, problems = walk(source)
    elif source.is_file():
        about = source.stat()
        files, problems = [File(source.name, source, about.st_size, about.st_mtime)], []
    else:
        raise UsageError(f"there is no file or folder {source}", fix="give an archive or a folder of older evidence")
    bundles = bundle_homes(files)
    if bundles and asked.is_any:
        raise UsageError(
            "--stamp, --name and --ceiling go with older evidence", fix="leave them away: bundles have theirs"
        )
    inside = [file for file in files if not any(_below(file.name, home) for home in bundles)]
    runs, refused, said = _runs(source, inside, follow)
    tools = load_tools(inside)
    _check(asked, runs)
    # What is given beside older evidence is for that; a tool's file that lies in its folder says enough itself.
    for_tools = asked if not runs else Asked(Given(catalog=asked.given.catalog))
    check_tools(tools, for_tools.given, for_tools.stamp)
    rows = [import_bundle(source / home, home or source.name, results) for home in bundles]
    rows += [write_result(run, results, asked.given, asked.stamp) for run in runs]
    rows += write_tools(tools, results, for_tools.given, for_tools.stamp)
    of_tools = {home_of(file.name) or source.name for file in beside_tools(inside, tools)}
    rows += [row for row in refused if row.reason != _NO_EVIDENCE or row.source not in of_tools]
    if all(row.came == "refused" for row in rows):
        if taken := [row.reason for row in rows if row.record is not None]:
            raise UsageError(f"{taken[0]}", fix="compare the two, or remove the old one")
        raise DamagedData(
            f"{source} is no evidence of a run" if source.is_file() else f"the folder {source} is no evidence of a run",
            _worst(refused) or _NO_EVIDENCE,
            "give the folder that holds them, its env/ logs/ artifacts/, or a file of a tool that docs/import.md lists",
        )
    return ImportedTree(tuple(sorted(rows, key=lambda row: row.source)), (*problems, *said))


def _runs(source: Path, files: Sequence[File], follow: Follow) -> tuple[list[Run], list[Row], list[Problem]]:
    """The runs that a tree's files are evidence of, and a row for each folder that has none."""
    kinds: dict[str, frozenset[Kind]] = {}
    problems: list[Problem] = []
    unread: dict[str, list[Problem]] = {}
    for file in files:
        text, said = _text_of(file)
        kinds[file.name] = kinds_of(_unpacked_name(file.name), text) if text is not None else frozenset()
        if any(problem.reason.startswith("damaged") for problem in said):
            unread.setdefault(home_of(file.name), []).extend(said)
        elif not kinds[file.name]:
            problems += [problem for problem in said if "UTF-8" not in problem.reason]
    by_name = {file.name: file for file in files}
    homes = sorted({home_of(name) for name, found in kinds.items() if found & _PRIMARY})
    places = {name: _nearest(name, homes, kinds[name]) for name in by_name}
    runs: list[Run] = []
    rows: list[Row] = []
    at = {str(source / home): home for home in homes}
    for folder in follow([Path(path) for path in at]):
        home = at[str(folder)]
        mine = [by_name[name] for name, place in places.items() if place == home]
        made, said = _runs_of(source, home, mine, kinds)
        runs += made
        if made:
            problems += said
        else:
            rows.append(
                Row(home or source.name, "refused", said[0].reason if said else _NO_EVIDENCE, problems=tuple(said))
            )
    lost = sorted({home_of(name) for name, place in places.items() if place is None})
    for home in lost:
        if home in unread:
            rows.append(Row(home or source.name, "damaged", str(unread[home][0]), problems=tuple(unread[home])))
        else:
            rows.append(Row(home or source.name, "refused", _NO_EVIDENCE))
    problems += [problem for home, found in unread.items() if home not in lost for problem in found]
    return runs, rows, problems


def _runs_of(
    source: Path, home: str, files: Sequence[File], kinds: Mapping[str, frozenset[Kind]]
) -> tuple[list[Run], list[Problem]]:
    """The runs of one folder, with the folder's other files if there is one run alone."""
    found: dict[str, tuple[frozenset[Kind], str]] = {}
    problems: list[Problem] = []
    size = 0
    known = [(kinds[file.name], _within(file, home)) for file in files]
    files = [file for _, file in known]
    for what, file in known:
        if not what:
            continue
        text, said = _text_of(file)
        problems += said
        size += len(text or "")
        if size > MAX_TEXT_BYTES:
            problems.append(Problem(file.name, f"not read: the folder holds over {MAX_TEXT_BYTES} bytes of evidence"))
        elif text is not None:
            found[file.name] = (what, text)
    groups, said = groups_of(found)
    problems += said
    if len(groups) > MAX_RUNS:
        return [], [Problem(home, f"holds {len(groups)} runs, over {MAX_RUNS}; import its files one by one")]
    folder = source.resolve() / home if source.is_dir() else source.resolve().parent
    folders = list(reversed(folder.parts))[:3]
    runs = []
    for group in groups:
        used = {piece.name for piece in group.pieces.values()}
        modified = max((file.modified for file in files if file.name in used), default=0.0)
        if len(groups) == 1:
            rest = [file for file in files if file.name not in used]
            return [
                Run(home, home or source.name, group.pieces, rest, [_main(group), *folders], modified, problems)
            ], []
        label = f"{home}/{group.label}" if home else group.label
        runs.append(Run(home, label, group.pieces, [], [_main(group), *folders], modified, []))
    return runs, [within(problem, home) for problem in problems]


def _within(file: File, home: str) -> File:
    """The file by its name from the folder of its run, which is the same wherever the folder lies."""
    return replace(file, name=file.name.removeprefix(f"{home}/") if home else file.name)


def _main(group: Group) -> str:
    """The name of the file that the run is known by, without its suffix."""
    anchor = group.pieces.get("log") or group.pieces.get("junit") or group.pieces.get("time")
    return PurePosixPath(anchor.name).name.partition(".")[0] if anchor is not None else ""


def _text_of(file: File) -> tuple[str | None, list[Problem]]:
    data, problems = read(file)
    if problems and not data:
        return None, problems
    if not is_text(data):
        return None, problems
    text, bad = decode(data)
    if bad is not None:
        problems.append(Problem(file.name, "not UTF-8; the bad bytes are marked", bad))
    return cleaned(text), problems


def _check(asked: Asked, runs: Sequence[Run]) -> None:
    """Refuse before anything is written what is given for one result and would go to several."""
    if asked.stamp is not None and len(runs) > 1:
        raise UsageError(f"--stamp is for one result, and here are {len(runs)}", fix="import them one by one")
    if (asked.given.name, asked.given.ceiling_s) != (None, None):
        names = sorted({run.name(Given(catalog=asked.given.catalog)) for run in runs})
        if len(names) > 1:
            several = f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"
            raise UsageError(
                f"--name and --ceiling are for one diagnostic, and here are {len(names)}",
                several,
                "import them one by one",
            )


def _worst(rows: Sequence[Row]) -> str | None:
    return next((row.reason for row in rows if row.reason != _NO_EVIDENCE), None)


def _nearest(name: str, homes: Sequence[str], kinds: frozenset[Kind]) -> str | None:
    """The folder with evidence that a file belongs to; a file that shows nothing goes with one above it."""
    home = home_of(name)
    known = set(homes)
    while home not in known:
        if kinds or not home:
            return home if home in known else None
        home = home.rpartition("/")[0]
    return home


def _below(name: str, home: str) -> bool:
    return not home or name.startswith(f"{home}/")


def _unpacked_name(name: str) -> str:
    return name.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz")
