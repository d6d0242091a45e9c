"""Which tool wrote a file, by its content whatever it is called, and what that tool's parser finds in it (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.importer.tools.document import parse_document
from bench.importer.tools.fields import Unreadable
from bench.importer.tools.formats import (
    action_benchmark,
    asv,
    benchexec,
    criterion,
    gobench,
    google_benchmark,
    hyperfine,
    jmh,
    perf_stat,
    pyperf,
    pytest_benchmark,
    reframe,
)
from bench.importer.tools.mixed import problems_of_others
from bench.importer.tools.model import Content, ToolFile
from bench.importer.tools.signs import has_signs

Parse = Callable[[Content], ToolFile]


def _parse_gobench(content: Content) -> ToolFile:
    found = gobench.parse_gobench(content)
    return replace(found, problems=(*found.problems, *problems_of_others(content.text, content.name)))


_TEXTS: Sequence[tuple[Callable[[str], bool], Parse]] = (
    (action_benchmark.is_data_js, action_benchmark.parse_data_js),
    (benchexec.is_benchexec, benchexec.parse_benchexec),
    (perf_stat.is_perf_stat, perf_stat.parse_perf_stat),
    (gobench.is_gobench, _parse_gobench),
)
_DOCUMENTS: Sequence[tuple[Callable[[Any], bool], Parse]] = (
    (hyperfine.is_hyperfine, hyperfine.parse_hyperfine),
    (pytest_benchmark.is_pytest_benchmark, pytest_benchmark.parse_pytest_benchmark),
    (google_benchmark.is_google_benchmark, google_benchmark.parse_google_benchmark),
    (pyperf.is_pyperf, pyperf.parse_pyperf),
    (jmh.is_jmh, jmh.parse_jmh),
    (criterion.is_sample, criterion.parse_sample),
    (criterion.is_critcmp, criterion.parse_critcmp),
    (asv.is_asv, asv.parse_asv),
    (reframe.is_reframe, reframe.parse_reframe),
    (action_benchmark.is_history, action_benchmark.parse_data_js),
)
COMPANIONS = frozenset((*criterion.COMPANIONS, *asv.COMPANIONS))
"""Names of files that lie beside those of a tool and hold nothing else."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file of a known tool: its content and the tool's parser."""

    content: Content
    parse: Parse


def is_companion(path: Path) -> bool:
    """Return whether a file has a name that those have which a tool writes beside its results."""
    return path.name in COMPANIONS or path.parent.name == criterion.REPORT


def recognise(content: Content) -> Recognised | None:
    """Return what a file is; ``None`` if no tool that is known wrote it.

    Raises:
        Unreadable: it begins as a tool's JSON does and is cut off or not JSON.
    """
    text = content.text.lstrip("\ufeff \t\r\n")
    for is_it, parse in _TEXTS:
        if is_it(text):
            return Recognised(replace(content, text=text), parse)
    if not has_signs(text):
        return None
    try:
        document = parse_document(text)
    except ValueError as error:
        if getattr(error, "msg", "") == "Extra data":
            _refuse_several(text, getattr(error, "lineno", 1))
            return None
        raise Unreadable(
            f"cut off or not JSON: {getattr(error, 'msg', 'not text')}, column {getattr(error, 'colno', 1)}",
            getattr(error, "lineno", 1),
        ) from None
    reads = _parser_of(document)
    return None if reads is None else Recognised(replace(content, text=text, document=document), reads)


def _parser_of(document: Any) -> Parse | None:
    return next((parse for fits, parse in _DOCUMENTS if fits(document)), None)


def _refuse_several(text: str, line: int) -> None:
    """Several documents in one file are no tool's, unless the first is: then nothing is guessed of the others.

    Raises:
        Unreadable: the first is a tool's whole document.
    """
    first, _ = json.JSONDecoder().raw_decode(text)
    if _parser_of(first) is not None:
        raise Unreadable("another document follows a tool's first; give each a file of its own", line)
