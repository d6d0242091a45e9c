"""The part of the result that pytest tells: tests, session, metrics, facts, threads, and what qualifies them."""

from __future__ import annotations

from typing import Any, NamedTuple

from .checked import count, text
from .session import UNKNOWN
from .testlog import TestLog

UNAVAILABLE = "unavailable:"
"""Begins the name of a fact that says why a metric could not be had."""
REASON_CHARACTERS = 300
NAMED = 5
"""Tests that a warning names."""
LIBRARIES = ("torch", "openmp")
NOT_ASKED = "pytest did not end its session, which is when they are asked"
NO_PLUGIN = "the pytest plugin told nothing"
ASKED = {"OMP_NUM_THREADS": LIBRARIES, "MKL_NUM_THREADS": ("torch",)}
"""Variables that ask for a number of threads, and whose they are: MKL's decides what torch gives to OpenMP."""


class Told(NamedTuple):
    """``fields`` of the result, why values of it are missing (by path), and warnings."""

    fields: dict[str, Any]
    unavailable: dict[str, str]
    warnings: list[dict[str, Any]]


def read_told(log: TestLog, env: dict[str, str]) -> Told:
    """What a closed log gives. ``env`` is the child's, which says how many threads were asked for."""
    unavailable: dict[str, str] = {}
    if log.pytest_s is None:
        unavailable["pytest_s"] = "pytest did not finish a session that the plugin saw"
    session = log.describe_session()
    if session is None:
        unavailable["session"] = "no session of pytest was seen"
    else:
        unavailable |= {f"session.{key}": why for key, why in session.pop(UNKNOWN).items()}
    facts, missing = _facts(log.facts)
    unavailable |= {f"metrics.{name}": why for name, why in {**log.missing, **missing}.items()}
    unavailable |= {f"tests[{at}].marker_timeout_s": why for at, why in log.unread_markers.items()}
    threads, why = _threads(log)
    unavailable |= why
    fields = {
        "tests": log.tests,
        "metrics": log.metrics,
        "facts": facts,
        "pytest_s": log.pytest_s,
        "session": session,
        "threads_used": threads,
    }
    return Told(fields, unavailable, [*_bounds(log), *_repeated(log), *_asked(threads, env)])


def early_end(log: TestLog) -> str | None:
    """Why the session ended early, as far as it said anything; ``None`` where it came to its end, or just vanished."""
    session = log.describe_session()
    if session is None or not session["ended_early"] or not (log.finished or log.session.reason):
        return None
    return str(session["reason"])


def _facts(facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts, and apart from them why a metric is missing (``unavailable:NAME``), by its name."""
    missing = {name: why for name, why in facts.items() if name.startswith(UNAVAILABLE)}
    kept = {name: value for name, value in facts.items() if name not in missing}
    return kept, {name[len(UNAVAILABLE) :]: text(f"{why}", REASON_CHARACTERS) for name, why in missing.items()}


def _threads(log: TestLog) -> tuple[dict[str, int | None], dict[str, str]]:
    """The most of what each process of the session used."""
    found: dict[str, int | None] = {}
    why = {}
    for at, library in enumerate(LIBRARIES):
        told = [line[at] for line in log.session.threads]
        counts = [number for number in map(count, told) if number]
        found[library] = max(counts, default=None)
        if not counts:
            said = [word for word in told if type(word) is str]
            nothing = NOT_ASKED if log.loaded else NO_PLUGIN
            why[f"threads_used.{library}"] = text(said[0], REASON_CHARACTERS) if said else nothing
    return found, why


def _asked(threads: dict[str, int | None], env: dict[str, str]) -> list[dict[str, Any]]:
    """MKL caps OMP_NUM_THREADS at the cores, and a test may set what it likes: then another number ran."""
    found = []
    told = set()
    for name, libraries in ASKED.items():
        first = env.get(name, "").partition(",")[0].strip()
        asked = int(first) if first.isascii() and first.isdigit() and len(first) < 10 else None
        for library in libraries:
            number = threads[library]
            if asked and number is not None and number != asked and (library, asked) not in told:
                told.add((library, asked))
                message = f"{name} asked for {asked} threads, and {library} used {number}"
                found.append(_warning("threads_differ", message, number, "threads"))
    torch, openmp = threads["torch"], threads["openmp"]
    if not found and torch is not None and openmp is not None and torch != openmp:
        message = f"torch used {torch} threads and OpenMP {openmp}"
        found.append(_warning("threads_differ", message, torch, "threads"))
    return found


def _repeated(log: TestLog) -> list[dict[str, Any]]:
    repeated = log.repeated
    if not repeated:
        return []
    named = ", ".join(f"{node} ({times} attempts)" for node, times in list(repeated.items())[:NAMED])
    more = f" and {len(repeated) - NAMED} more" if len(repeated) > NAMED else ""
    message = f"{len(repeated)} test(s) ran more than once, and their time holds all attempts: {named}{more}"
    return [_warning("tests_repeated", message, len(repeated), "tests")]


def _bounds(log: TestLog) -> list[dict[str, Any]]:
    told = (
        ("events_lost", log.lost, "line(s) of the pytest plugin had no room on the disk: tests and metrics lack them"),
        ("events_unreadable", log.unreadable, "line(s) in the pytest plugin's file were not its own, and passed over"),
        ("events_cut", log.passed_over_bytes, "bytes in the pytest plugin's file were not read: tests may be missing"),
        ("tests_left_out", log.tests_left_out, "test(s) are beyond what a run may keep"),
        ("fact_left_out", log.facts_left_out, "fact(s) of the tests are beyond what a run may keep"),
        ("metric_left_out", log.metrics_left_out, "metric(s) of the tests are beyond what a run may keep"),
        ("warnings_left_out", log.warnings_left_out, "more warning(s) came from the tests"),
    )  # fmt: skip
    return [_warning(code, f"{value} {message}", value) for code, value, message in told if value]


def _warning(code: str, message: str, value: float | None = None, unit: str | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "value": value, "unit": unit}
