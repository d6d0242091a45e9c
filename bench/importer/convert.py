"""The record that an older folder's evidence adds up to (pure). What is absent is null with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec

from bench.importer.evidence import Evidence
from bench.importer.machine import Lscpu
from bench.importer.nodes import agreed, outcome_of, tests_of
from bench.importer.reasons import fixed, missing, reasons_of
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
_GRADIENT = "test_property_gradient_stability"


def host_class(evidence: Evidence) -> tuple[HostClass, list[Problem]]:
    """The machine's class from lscpu's and torch's text; where the two contradict each other, null."""
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


def make_record(evidence: Evidence, host_id: str, host: HostClass, stamp: Stamp) -> tuple[Record, list[Problem]]:
    """The record; its verdict is still to be given.

    Returns:
        The record, and the contradictions between files.
    """
    commands, torch = evidence.commands, evidence.torch
    env = dict(commands.env) if commands else {}
    run, problems = _run(evidence)
    node = (commands.node if commands else None) or (run.tests[0].node if len(run.tests) == 1 else None)
    device = _device(env)
    name = _name(node, device)
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
            node=node,
            device=device,
            profile=None,
            ceiling_s=None,
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
        tool={"imported_from": "older evidence", "stamp_from": stamp.source},
        environ=allowed_environ(env),
    )
    reasons = reasons_of(evidence)
    reasons |= {f"runs[0].tests[{at}].started_s": "no file of the evidence says it" for at in range(len(run.tests))}
    if stamp.reason:
        reasons["stamp"] = stamp.reason
    return msgspec.structs.replace(record, unavailable={**missing(record, reasons), **fixed(stamp)}), problems


def with_problems(record: Record, problems: list[Problem]) -> Record:
    """The record whose run says what was wrong with its files."""
    run = record.runs[0]
    warnings = tuple(Warning_("import_problem", str(problem)) for problem in problems)
    return msgspec.structs.replace(record, runs=(msgspec.structs.replace(run, warnings=(*run.warnings, *warnings)),))


def _run(evidence: Evidence) -> tuple[Run, list[Problem]]:
    time, log, junit = evidence.time, evidence.log, evidence.junit
    problems: list[Problem] = []
    files = evidence.files
    exit_code, said = agreed(
        time.exit_status if time else None,
        evidence.exit_code,
        "contradicts the exit status in time.txt",
        files.get("artifacts/exit_code.txt", "exit_code.txt"),
    )
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
    started = junit.started if junit else None
    cases = [case for case in junit.cases if case.time_s is not None] if junit else []
    return (
        Run(
            index=0,
            outcome=outcome_of(evidence, tests, exit_code),
            exit_code=exit_code,
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


def _blocks(count: int | None) -> int | None:
    return None if count is None else count * BLOCK_BYTES


def _device(env: Mapping[str, str]) -> str | None:
    """``cpu`` where the GPUs were hidden, ``cuda`` where one was chosen; not known where nobody said."""
    visible = env.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return None
    return "cpu" if visible.strip() in ("", "-1") else "cuda"


def _name(node: str | None, device: str | None) -> str:
    test = re.split(r"\[", (node or "unknown").rpartition("::")[2])[0]
    base = (
        "grad" if test == _GRADIENT else re.sub(r"[^a-z0-9]+", "_", test.lower()).strip("_").removeprefix("test_")[:80]
    )
    return f"{base or 'unknown'}_{device}" if device else base or "unknown"
