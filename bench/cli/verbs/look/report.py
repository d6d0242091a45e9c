"""The verb ``report``: one page, Markdown, JSON, JUnit and the formats of other tools."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import READING, entry_of, own_results, read_comparisons, samples_of
from bench.cli.next_step import results_words, suggest
from bench.cli.output import Console, complain_of, notify, print_json, print_json_parts
from bench.cli.progress import busy
from bench.compare.reference import without
from bench.errors import BenchError, ExitCode, UsageError
from bench.record.schema import Experiment, Record
from bench.record.storage.bundle import Bundle, read_bundle
from bench.record.storage.find import NoBundle, Read, scan_named
from bench.record.storage.output import find_output, write_output
from bench.report.entry import Entry, timeline_entries
from bench.run.baseline import read_results

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison

SAMPLES_BYTES_EACH, SAMPLES_BYTES, SAMPLES_BYTES_LEAST = 8 << 20, 48 << 20, 256 << 10
"""Of the samples that a page is drawn from: of one result, of all together, and of one after so many others."""


@app.command()
def report(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Results: ids, bundles, folders of them, or host ids.", show_default=False, metavar="RESULT..."
        ),
    ],
    results: options.Results = options.DEFAULT_RESULTS,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Bundles that each result is compared with.", metavar="PATH")
    ] = None,
    compared: Annotated[
        list[Path], typer.Option("--compared", help="What 'bench compare --json' said of them, instead.", metavar="F")
    ] = [],  # noqa: B006, typer copies it
    html: Annotated[Path | None, typer.Option("--html", help="One self-contained page.", metavar="F")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="For a pull request.", metavar="F")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="JUnit XML.", metavar="F")] = None,
    pyperf: Annotated[Path | None, typer.Option("--pyperf", help="pyperf's JSON.", metavar="F")] = None,
    smaller: Annotated[
        Path | None, typer.Option("--smaller-is-better", help="For github-action-benchmark.", metavar="F")
    ] = None,
    bigger: Annotated[
        Path | None, typer.Option("--bigger-is-better", help="For github-action-benchmark.", metavar="F")
    ] = None,
    site: Annotated[Path | None, typer.Option("--site", help="A folder of static pages.", metavar="DIR")] = None,
    site_url: Annotated[
        str | None, typer.Option("--site-url", help="Where the folder will be served.", metavar="URL")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Show any number of results for people and for programs.

    Example: bench report results --html report.html --markdown report.md
    """
    if compared and baseline is not None:
        raise UsageError("a report takes --baseline or --compared", fix="give one of them")
    asked = {
        "--html": html,
        "--markdown": markdown,
        "--junit": junit,
        "--pyperf": pyperf,
        "--smaller-is-better": smaller,
        "--bigger-is-better": bigger,
    }
    files = {option: path for option, path in asked.items() if path is not None}
    _check(files)
    url = _check_site(site, site_url, files)
    if json and not (files or site is not None or compared or baseline is not None):
        code = _streamed(paths, results)
        if code is not None:
            return code
    bundles, problems = _read(paths, results)
    bundles = own_results(paths, bundles)
    entries = _entries(bundles)
    wrong: Sequence[BenchError] = ()
    compared_none = False
    if compared:
        from bench.report.against import with_comparisons

        entries = with_comparisons(entries, [one for path in compared for one in read_comparisons(path)])
    elif baseline is not None:
        from bench.report.against import against

        try:
            known, damaged = _read([str(baseline)], results)
        except NoBundle:
            known, damaged = [], []
        entries, wrong = against(entries, _records(known), _records(read_results(results, READING)))
        problems += damaged
        names = sorted({entry.record.diagnostic.name for entry in entries})
        missing = [found for name in names if (found := without(name, _records(known))) is not None]
        for one in missing:
            notify(f"{one}: nothing is compared with it")
        compared_none = len(missing) == len(names)
    unread = [str(problem) for problem in problems]
    said = [*unread, *map(str, wrong)]
    comparisons = [entry.comparison for entry in entries if entry.comparison is not None]
    for option, path in files.items():
        with busy(f"making {path.name}"):
            text = _made(option, entries, comparisons, unread)
        _write(path, text, option)
    if site is not None:
        _write_site(site, url, entries, unread)
    if pyperf is not None and not any(entry.passed for entry in _apart(entries)):
        notify(
            f"{pyperf} has no benchmark: none of these results has a run that passed, and pyperf reads no empty suite"
        )
    if json:
        from bench.report.export.json_document import report_document

        print_json(report_document(entries, comparisons, unreadable=said))
    elif not files and site is None:
        from bench.report.terminal.results import results_table

        Console.out().print(results_table(entries))
        suggest("report", *paths, "--html", "report.html", *results_words(results))
    else:
        suggest("history", entries[-1].record.diagnostic.name, *results_words(results))
    complain_of(said)
    return ExitCode.DAMAGED if said else ExitCode.NOT_MEASURED if compared_none else ExitCode.OK


def _streamed(words: Sequence[str], results: Path) -> int | None:
    """The document of results by themselves, one at a time; ``None`` if there are experiments among them."""
    from bench.cli.verbs.look.streamed import Streamed

    streamed = Streamed()
    bundles, problems = _read(words, results, streamed.read)
    if streamed.sides:
        return None
    said = [str(problem) for problem in problems]
    print_json_parts(streamed.document(own_results(words, bundles), said))
    complain_of(said)
    return ExitCode.DAMAGED if said else ExitCode.OK


def _check_site(site: Path | None, url: str | None, files: Mapping[str, Path]) -> str | None:
    """Refuse before any work a folder or an address that cannot be had; returns the address.

    Raises:
        UsageError: so it is.
    """
    if site is None:
        if url is not None:
            raise UsageError("--site-url is the address of a site", fix="give its folder with --site")
        return None
    from bench.report.site.feed import check_url
    from bench.report.site.folder import find_site

    folder = find_site(site, "--site")
    for option, path in files.items():
        if folder in Path(os.path.realpath(path)).parents:
            raise UsageError(f"{option} names a file in the folder of --site", fix="give it a place elsewhere")
    return None if url is None else check_url(url)


def _write_site(site: Path, url: str | None, entries: Sequence[Entry], unread: Sequence[str]) -> None:
    from bench.report.html.page import Content
    from bench.report.site.folder import write_site
    from bench.report.site.pages import site_files

    comparisons = [entry.comparison for entry in entries if entry.comparison is not None]
    with busy(f"making {site.name}"):
        files = site_files(Content(entries, comparisons, unreadable=unread), url)
        write_site(site, {name: text.encode() for name, text in files.items()}, "--site")
    notify(f"written to {site / 'index.html'}")


def _made(option: str, entries: Sequence[Entry], comparisons: Sequence[Comparison], unread: Sequence[str]) -> str:
    """The text that an option asks for; each form is read once it is asked for."""
    match option:
        case "--html":
            from bench.report.html.page import render_page

            return render_page(entries, comparisons=comparisons, unreadable=unread)
        case "--markdown":
            from bench.report.export.pull_request import render_markdown

            return render_markdown(entries, comparisons, unreadable=unread)
        case "--junit":
            from bench.report.export.junit import render_junit

            return render_junit(entries)
        case "--pyperf":
            from bench.report.export.pyperf import pyperf_document

            return _json(pyperf_document(_apart(entries)))
        case _:
            from bench.report.export.action_benchmark import bigger_is_better, smaller_is_better

            return _json((smaller_is_better if option == "--smaller-is-better" else bigger_is_better)(_apart(entries)))


def _apart(entries: Sequence[Entry]) -> list[Entry]:
    """Every result by itself, as other tools take it: they compare as they do."""
    from bench.report.experiments import sides_apart

    return list(sides_apart(entries))


def _read(words: Sequence[str], results: Path, read: Read = read_bundle) -> tuple[list[Bundle], list[BenchError]]:
    """The bundles that words name, each once, and what could not be read beside them.

    Raises:
        UsageError: a word names nothing.
        DamagedData: nothing can be read.
    """
    found = [scan_named(word, results, READING, read) for word in words]
    problems = list({str(problem): problem for one in found for problem in one.problems}.values())
    bundles = sorted((bundle for one in found for bundle in one.bundles), key=lambda bundle: bundle.record.stamp)
    if problems and not bundles:
        raise problems[0]
    return list({bundle.path.resolve(): bundle for bundle in bundles}.values()), problems


def _entries(bundles: Sequence[Bundle]) -> list[Entry]:
    """Entries, an experiment as one, with samples for those alone whose timeline is drawn; reports how far it is if
    there are many.
    """
    found = [entry_of(bundle) for bundle in bundles]
    if any(isinstance(entry.record.experiment, Experiment) for entry in found):
        from bench.report.experiments import with_experiments  # it brings the statistics

        found = with_experiments(found)
    drawn = {entry.origin for entry in timeline_entries(found)}
    sampled, left = {}, SAMPLES_BYTES
    for bundle in READING(bundles):
        if (path := str(bundle.path)) in drawn:
            sampled[path] = samples_of(bundle, min(SAMPLES_BYTES_EACH, max(left, SAMPLES_BYTES_LEAST)))
            left -= sum(map(len, sampled[path].values()))
    return [replace(entry, samples=sampled[entry.origin]) if entry.origin in sampled else entry for entry in found]


def _records(bundles: Sequence[Bundle]) -> list[Record]:
    return [bundle.record for bundle in bundles]


def _check(files: Mapping[str, Path]) -> None:
    """Refuse before any work what cannot be written, and two forms in one file.

    Raises:
        UsageError: so it is.
    """
    plain: dict[Path, str] = {}
    for option, path in files.items():
        output = find_output(path, option)
        if output.replaced and plain.setdefault(output.path, option) != option:
            raise UsageError(f"{plain[output.path]} and {option} both name {path}", fix="give each a file of its own")


def _write(path: Path, text: str, option: str) -> None:
    write_output(path, text.encode(), option)
    notify(f"written to {path}")


def _json(document: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
