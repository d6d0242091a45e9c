"""The record that an older folder's evidence adds up to (pure). What is absent is null with its reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import msgspec

from bench.catalog.model import Catalog
from bench.importer.files import Evidence
from bench.importer.machine import Lscpu
from bench.importer.nodes import agreed, tests_of
from bench.importer.reasons import fixed, missing, reasons_of
from bench.importer.result.ending import ending_of
from bench.importer.result.naming import device_of, name_of_run, node_of_run
from bench.importer.stamp import Stamp
from bench.names import record_id
from bench.record.redact import allowed_environ
from bench.record.schema import (
    ContextSwitches,
    Cpu,
    Diagnostic,
    Engine,
    Environment,
    Faults,
    Host,
    HostClass,
    HostState,
    Io,
    Memory,
    Metric,
    Record,
    Run,
    Source,
    Verdict,
    Warning_,
)
from bench.record.storage.manifest import Problem
from bench.report.files.gnu_time import BLOCK_BYTES

ENGINE = "native"
"""Engine of imported evidence: run by hand, in no container."""


def host_class(evidence: Evidence) -> tuple[HostClass, list[Problem]]:
    """Return the machine's class from lscpu's and torch's text; if the two contradict each other, null."""
    problems: list[Problem] = []
    one, two = evidence.torch_cpu or Lscpu(), evidence.lscpu or Lscpu()
    file = evidence.files.get("env/system_load.txt", "system_load.txt")
    values: dict[str, Any] = {}
    for name in ("cpu_model", "cpu_stepping", "cores", "threads", "numa_nodes", "virtualization"):
        values[name], said = agreed(getattr(one, name), getattr(two, name), f"{name} contradicts torch_env.txt", file)
        problems += said
    torch = evidence.torch
    return (
        HostClass(
            **values,
            kernel=torch.kernel if torch else None,
            gpu=torch.gpu if torch else None,
            driver=torch.driver if torch else None,
        ),
        problems,
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What is given of a run beside its files. ``catalog`` is what the project's ``bench.toml`` names."""

    name: str | None = None
    ceiling_s: float | None = None
    catalog: Catalog = field(default_factory=lambda: Catalog(()))


def make_record(
    evidence: Evidence, host_id: str, host: HostClass, stamp: Stamp, given: Given
) -> tuple[Record, list[Problem]]:
    """Return the record of a run; its verdict is still to be given.

    Args:
        evidence: what the files of the run hold.
        host_id: the id of the machine that it ran on.
        host: the class of that machine.
        stamp: when it ran, and how that is known.
        given: what the command line gives beside the files.

    Returns:
        The record, and the contradictions between files.
    """
    commands, torch = evidence.commands, evidence.torch
    env = dict(commands.env) if commands else {}
    run, problems = _run(evidence)
    device = device_of(evidence, env)
    name = given.name or name_of_run(evidence, run.tests, device, given.catalog)
    timeouts = [
        value for value in (run.effective_timeout_s, commands.timeout_s if commands else None) if value is not None
    ]
    state = evidence.lscpu or Lscpu()
    boost = state.boost if state.boost is not None else evidence.torch_cpu.boost if evidence.torch_cpu else None
    record = Record(
        id=record_id(host_id, name, stamp.text),
        stamp=stamp.text,
        outcome=run.outcome,
        diagnostic=Diagnostic(
            name=name,
            node=node_of_run(evidence, run.tests),
            device=device,
            profile=None,
            ceiling_s=given.ceiling_s,
            timeout_s=min(timeouts, default=None),
            source=Source("imported"),
        ),
        environment=Environment(
            python=(evidence.log.python if evidence.log else None) or (torch.python if torch else None),
            torch=torch.torch if torch else None,
            lock_sha256=None,
            fingerprint=None,
            packages=dict(torch.packages) if torch else {},
            note="imported evidence; the environment is what its files say",
        ),
        engine=Engine(ENGINE, None, None),
        host=Host(
            host_id,
            host,
            before=HostState(governor=state.governor, boost=boost, frequency_hz=state.frequency_hz),
        ),
        runs=(run,),
        verdict=Verdict("ok"),
        tool={"imported_from": "older evidence", "stamp_from": stamp.source, "digest": _digest(evidence)},
        environ=allowed_environ(env),
    )
    reasons = reasons_of(evidence)
    if stamp.reason:
        reasons["stamp"] = stamp.reason
    return msgspec.structs.replace(record, unavailable={**missing(record, reasons), **fixed(stamp)}), problems


def with_problems(record: Record, problems: list[Problem]) -> Record:
    """Return the record whose run reports what was wrong with its files."""
    run = record.runs[0]
    warnings = tuple(Warning_("import_problem", str(problem)) for problem in problems)
    return msgspec.structs.replace(record, runs=(msgspec.structs.replace(run, warnings=(*run.warnings, *warnings)),))


def _run(evidence: Evidence) -> tuple[Run, list[Problem]]:
    time, log, junit = evidence.time, evidence.log, evidence.junit
    problems: list[Problem] = []
    files = evidence.files
    exit_code, said = _exit_code(evidence)
    problems += said
    pytest_s, said = agreed(
        junit.total_s if junit else None,
        log.total_s if log else None,
        "its time in all contradicts the JUnit report's",
        files.get("logs/pytest.log", "pytest.log"),
        slack=0.1,
    )
    problems += said
    wall_s = time.wall_s if time else None
    if wall_s is not None and pytest_s is not None and pytest_s > wall_s + 1:
        problems.append(Problem(files["artifacts/time.txt"], f"{wall_s} s in all contradicts pytest's {pytest_s} s"))
    tests, said = tests_of(evidence)
    problems += said
    user_s, system_s = (time.user_s, time.system_s) if time else (None, None)
    ending = ending_of(evidence, tests, exit_code)
    started = junit.started if junit else None
    cases = [case for case in junit.cases if case.time_s is not None] if junit else []
    return (
        Run(
            index=0,
            outcome=ending.outcome,
            exit_code=exit_code,
            signal=time.signal if time else None,
            signature=ending.signature,
            warnings=(Warning_("outcome_inferred", ending.inferred),) if ending.inferred else (),
            facts=_facts(evidence),
            started_at=started.astimezone(UTC).isoformat()
            if started is not None and started.tzinfo is not None
            else None,
            wall_s=wall_s,
            effective_timeout_s=log.timeout_s if log else None,
            cpu=Cpu(
                user_s=user_s,
                system_s=system_s,
                total_s=round(user_s + system_s, 6) if user_s is not None and system_s is not None else None,
            ),
            memory=Memory(max_rss_bytes=time.max_rss_bytes if time else None),
            faults=Faults(time.minor_faults, time.major_faults) if time else Faults(),
            context_switches=ContextSwitches(time.voluntary, time.involuntary) if time else ContextSwitches(),
            io=Io(_blocks(time.read_blocks), _blocks(time.write_blocks)) if time else Io(),
            tests=tests,
            metrics={"junit_case_s": Metric(cases[0].time_s, "s", "none")} if len(cases) == 1 else {},
            pytest_s=pytest_s,
        ),
        problems,
    )


def _exit_code(evidence: Evidence) -> tuple[int | None, list[Problem]]:
    """The exit code; none if a signal ended the run, which a shell reports as a code of its own."""
    time = evidence.time
    if time is not None and time.signal is not None and evidence.exit_code in (None, time.signal, 128 + time.signal):
        return None, []
    if time is not None and time.signal is not None:
        said = f"{evidence.exit_code} contradicts the signal {time.signal} in {evidence.files['artifacts/time.txt']}"
        return None, [Problem(evidence.files["artifacts/exit_code.txt"], said, 1)]
    return agreed(
        time.exit_status if time else None,
        evidence.exit_code,
        "contradicts the exit status in time.txt",
        evidence.files.get("artifacts/exit_code.txt", "exit_code.txt"),
    )


def _digest(evidence: Evidence) -> str:
    """SHA-256 of what was read: two runs may have the same figures, and files to distinguish them."""
    found = hashlib.sha256()
    for place, text in sorted(evidence.texts.items()):
        found.update(f"{place} {len(text)} ".encode() + text.encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _facts(evidence: Evidence) -> dict[str, Any]:
    """How many tests ended how, as pytest counts them: all there is if the log names none."""
    return {"tests_counted": dict(evidence.log.counts)} if evidence.log and evidence.log.counts else {}


def _blocks(count: int | None) -> int | None:
    return None if count is None else count * BLOCK_BYTES
