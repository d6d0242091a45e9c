"""The shipped reference: six runs of the gradient check that this tool's own diagnostic comes from.

Run ``python -m bench.importer.shipped FOLDER`` to write them anew. The figures are those of the project's design notes;
what these do not give is null, with the reason. Two of the runs have a known time; the others have only their order
(that of their phases' letters), so their stamps are placeholders a second apart and the records mark it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.catalog.model import REFERENCE_NODE, name_of
from bench.compare.ceiling_review import timeout_decision
from bench.compare.verdict import verdict_of
from bench.importer.convert import ENGINE
from bench.importer.reasons import missing
from bench.names import record_id
from bench.record.host_id import host_id
from bench.record.schema import (
    Cpu,
    Diagnostic,
    Engine,
    Environment,
    Faults,
    Host,
    HostClass,
    Memory,
    Record,
    Run,
    Source,
    Verdict,
)
from bench.record.storage.bundle import Content, write_bundle
from bench.report.files.analysis import analysis_name, analysis_time_txt
from bench.report.files.ceiling_review import timeout_decision_text
from bench.report.files.summary import render_summary

NAME = name_of(REFERENCE_NODE, "cpu")
CEILING_S = 905.0
TIMEOUT_S = 1200.0
HOST_CLASS = HostClass(
    cpu_model="AMD Ryzen 9 5950X 16-Core Processor",
    cpu_stepping=2,
    cores=16,
    threads=32,
    numa_nodes=1,
    kernel="6.14.0-29-generic",
    gpu="NVIDIA GeForce RTX 3090",
    driver="570.172.08",
)
"""The one machine of all six, as the evidence of two of them describes it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of the table. Seconds, bytes and counts; ``None`` is not given."""

    phase: str
    stamp: str
    stamp_known: bool = False
    wall_s: float | None = None
    pytest_s: float | None = None
    user_s: float | None = None
    system_s: float | None = None
    max_rss_bytes: int | None = None
    minor_faults: int | None = None
    note: str | None = None
    variant: str | None = None


TABLE: tuple[Figures, ...] = (
    Figures("D", "20251015T134434Z", True, 844.94, None, 5167.74, 5772.58, 8844712 * 1024, 1065734110),
    Figures("F", "20251015T134435Z", pytest_s=844.15, note="the table gives pytest's time, not the wall time"),
    Figures("I", "20251015T173309Z", True, 846.68, None, 5153.23, 5801.29, 8801020 * 1024, 1072139865),
    Figures("O", "20251015T173310Z", wall_s=845.68),
    Figures("Q", "20251015T173311Z", wall_s=839.14),
    Figures("R", "20251015T173312Z", wall_s=900.02, note="measured inside the full suite", variant="full-suite"),
)
"""The runs in the order of their phases' letters."""


def reference_records() -> list[Record]:
    """Return the six records, in the order of their stamps, each with its verdict."""
    return [_record(figures) for figures in TABLE]


def write_reference(folder: Path) -> list[Path]:
    """Write the six bundles below ``folder``; those that are there are refused, as ever.

    Raises:
        UsageError: one of them exists, or the folder cannot be written.
    """
    paths: list[Path] = []
    before: list[Record] = []
    for record in reference_records():
        files: dict[str, Content] = {
            "summary.md": render_summary,
            analysis_name(record): analysis_time_txt,
            "analysis/timeout_decision.md": timeout_decision_text(timeout_decision(record, tuple(before))).encode(),
        }
        paths.append(write_bundle(folder, record, files, secrets=(), taken="refuse"))
        before.append(record)
    return paths


def _record(figures: Figures) -> Record:
    host = host_id(HOST_CLASS)
    user_s, system_s = figures.user_s, figures.system_s
    run = Run(
        index=0,
        outcome="passed",
        wall_s=figures.wall_s,
        pytest_s=figures.pytest_s,
        effective_timeout_s=TIMEOUT_S,
        cpu=Cpu(
            user_s=user_s,
            system_s=system_s,
            total_s=round(user_s + system_s, 6) if user_s is not None and system_s is not None else None,
        ),
        memory=Memory(max_rss_bytes=figures.max_rss_bytes),
        faults=Faults(minor=figures.minor_faults),
    )
    record = Record(
        id=record_id(host, NAME, figures.stamp),
        stamp=figures.stamp,
        outcome="passed",
        diagnostic=Diagnostic(
            name=NAME,
            node=REFERENCE_NODE,
            device="cpu",
            profile=None,
            ceiling_s=CEILING_S,
            timeout_s=TIMEOUT_S,
            source=Source("imported"),
        ),
        environment=Environment(
            "3.13.5", "2.7.1+cu126", None, None, note="reference figures; run by hand, in no image"
        ),
        engine=Engine(ENGINE, None, None),
        host=Host(host, HOST_CLASS),
        runs=(run,),
        verdict=Verdict("ok"),
        tool={"imported_from": "reference table", "phase": figures.phase}
        | ({"note": figures.note} if figures.note else {}),
        # Another way to run it: in the history, but no baseline for isolated runs.
        variant=figures.variant,
        environ={"CUDA_VISIBLE_DEVICES": "-1", "KMP_DUPLICATE_LIB_OK": "TRUE", "NANOBRAGG_DISABLE_COMPILE": "1"},
    )
    verdict = verdict_of(record) if figures.wall_s is not None else Verdict("not_measured", (figures.note or "",))
    return msgspec.structs.replace(record, unavailable=_unavailable(record, figures), verdict=verdict)


def _unavailable(record: Record, figures: Figures) -> dict[str, str]:
    reasons = {
        "diagnostic": "the reference table does not give it",
        "diagnostic.profile": "older evidence knows no profiles",
        "environment": "run by hand, in no image",
        "engine": "run by hand, without an engine of this tool",
        "host": "the reference table does not give it",
        "runs": "the reference table does not give it",
        "runs[0].pytest_s": "the table gives the wall time, not pytest's",
        "runs[0].wall_s": figures.note or "",
    }
    fixed = {
        "image": "run in no image",
        "calibration": "the reference has none",
        "runs[0].tests": "the reference table does not give it",
    }
    if not figures.stamp_known:
        fixed["stamp"] = (
            "when it ran is not known; the stamp is a placeholder that keeps the order of the phases' letters"
        )
    return missing(record, reasons) | fixed


def main(arguments: Sequence[str]) -> int:
    """Write the reference into the folder named on the command line."""
    write_reference(Path(arguments[0]) if arguments else Path("results/reference"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
