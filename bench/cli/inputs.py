"""What the words of a command line name, read: bundles, entries of a report, archives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.output import notify
from bench.cli.progress import Steps
from bench.errors import BenchError, DamagedData, UsageError
from bench.names import numbered
from bench.record.index.entries import Entry as Listed
from bench.record.index.results import Listing
from bench.report.entry import NO_SAMPLES, Entry
from bench.units import counted

if TYPE_CHECKING:  # each is read once something is to be read with it
    from bench.compare.comparison import Comparison
    from bench.record.schema import Record
    from bench.record.storage.bundle import Bundle

SAMPLES = "artifacts/samples.csv"
REFERENCE = "reference"
"""The folder of the results that ship with the project: no run of anybody's here."""
READING = Steps("reading results")


def entry_of(bundle: Bundle) -> Entry:
    """Return a bundle as a report takes it, without samples."""
    return Entry(bundle.record, str(bundle.path), NO_SAMPLES)


def samples_of(bundle: Bundle, most: int) -> Mapping[int, str]:
    """Return at most so many bytes of the samples of a bundle's typical run, the one that is drawn, by its index."""
    record, typical = bundle.record, entry_of(bundle).typical
    if typical is None:
        return NO_SAMPLES
    total = max(record.runs_asked or 1, len(record.runs))
    text = _samples(bundle, record.runs.index(typical), total, most)
    return NO_SAMPLES if text is None else {typical.index: text}


def _samples(bundle: Bundle, at: int, total: int, most: int) -> str | None:
    """The samples of a run, even if an older version numbered by the runs that were made; whole lines of ASCII."""
    text = bundle.read_text(numbered(SAMPLES, at, total), most)
    text = bundle.read_text(SAMPLES, most) if text is None and at == 0 else text
    if text is None:
        return None
    text = text.encode("ascii", "replace").decode("ascii")  # any other letter makes all of them wider
    return text if len(text) < most else text[: text.rfind("\n") + 1]


def bundles_named(words: Sequence[str], results: Path) -> list[list[Bundle]]:
    """Return for each word the bundles that it names, oldest first."""
    from bench.record.storage.find import find_bundles

    found = [find_bundles(word, results, READING, lambda twin: notify(f"passed over: {twin}")) for word in words]
    return [sorted(group, key=lambda bundle: bundle.record.stamp) for group in found]


def own_results(words: Sequence[str], bundles: list[Bundle]) -> list[Bundle]:
    """Return the bundles without those that ship with the project, if there are others and no word names these.

    Args:
        words: what was named; the shipped ones lie in a folder of it.
        bundles: what was found there.
    """
    named = [Path(word).resolve() for word in words]
    shipped = [path / REFERENCE for path in named if path.is_dir()]
    shipped = [folder for folder in shipped if not any(path.is_relative_to(folder) for path in named)]
    own = [one for one in bundles if not any(one.path.resolve().is_relative_to(folder) for folder in shipped)]
    if not own or len(own) == len(bundles):
        return bundles
    left = counted(len(bundles) - len(own), "result")
    notify(f"left out: {left} in {shipped[0]}, which ship with bench; name that folder to see them")
    return own


def this_host() -> str:
    """Return the id of the machine that this command runs on."""
    from bench.host.identity import read_class  # a third of a second, for those alone who ask
    from bench.record.host_id import host_id

    return host_id(read_class()[0])


def listed(results: Path) -> Listing:
    """Return the bundles of the results folder by what is known of them; a line for each that is passed over."""
    if not results.is_dir():
        return Listing(results)
    from bench.record.index.listing import list_results

    listing = list_results(results, READING)
    passed_over(listing)
    return listing


def passed_over(listing: Listing) -> None:
    """A line for each bundle that is damaged, of a newer schema, or there twice."""
    for problem in (*listing.problems, *listing.twins):
        notify(f"passed over: {problem}")


def read_listed(listing: Listing, entries: Iterable[Listed], *, explained: bool = True) -> list[Bundle]:
    """Return bundles of a listing, read.

    Args:
        listing: has them.
        entries: which of them.
        explained: as of :func:`each_listed`.
    """
    return list(each_listed(listing, entries, explained=explained))


def each_listed(listing: Listing, entries: Iterable[Listed], *, explained: bool = True) -> Iterator[Bundle]:
    """Yield bundles of a listing, read; a line for each that cannot be read any more.

    Args:
        listing: has them.
        entries: which of them.
        explained: whether the records have the reasons for their nulls, which takes longer than to read all the rest.
    """
    for entry in entries:
        from bench.record.storage.bundle import read_bundle  # here, since there may be none

        try:
            found = read_bundle(listing.path(entry), explained=explained)
        except BenchError as error:  # changed or removed since it was listed
            notify(f"passed over: {error}")
        else:
            yield found


def read_comparisons(path: Path) -> tuple[Comparison, ...]:
    """Return what ``bench compare --json`` wrote into a file.

    Raises:
        UsageError: there is no such file.
        DamagedData: it holds something else.
    """
    import msgspec

    from bench.compare.comparison import Comparison

    document = msgspec.defstruct("Compared", [("comparisons", tuple[Comparison, ...])])  # the part that is taken up
    try:
        read: Any = msgspec.json.decode(path.read_bytes(), type=document)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read", str(error.strerror), "give what 'bench compare --json' wrote"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedData(f"{path} holds no comparisons", str(error), "write it with 'bench compare --json'") from None
    return tuple(read.comparisons)


def original(word: str, results: Path) -> Record:
    """Return the record that is meant, of a bundle that is as it was written.

    Raises:
        DamagedData: it is not, or has a wall time that nothing can be compared with.
        UsageError: the word names no bundle, or more than one.
    """
    from bench.compare.sample import sample_of
    from bench.record.storage.verify import verify_bundle

    with _bundle(word, results) as found:
        problems = verify_bundle(found.path)
        if problems:
            raise DamagedData(f"{found.path} is not as it was written", str(problems[0]), "restore it from its source")
        sample_of(found.record)  # after the runs it would be too late
        return found.record


@contextmanager
def _bundle(word: str, results: Path) -> Iterator[Bundle]:
    """The one bundle that is meant; of an archive, unpacked to a folder that goes."""
    from bench.record.storage.bundle import read_bundle
    from bench.record.storage.find import find_bundles

    path = Path(word)
    if path.is_file() and path.name != "record.json":
        from bench.record.storage.archive import import_archive
        from bench.record.storage.temporary import temporary_folder

        with temporary_folder("import") as folder:
            imported = import_archive(path, folder).imported
            if len(imported) != 1:
                raise UsageError(f"{path} holds {len(imported)} bundles", fix="import it and name one of them")
            yield read_bundle(imported[0])
        return
    bundles = find_bundles(word, results)
    if len(bundles) != 1:
        raise UsageError(f"'{word}' names {len(bundles)} bundles", fix="name one of them")
    yield bundles[0]
