"""What an imported result is called: as ``bench run`` would call it, or as the project's ``bench.toml`` does (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from bench.catalog.model import Catalog, Device, label_of, name_of
from bench.importer.files import Evidence
from bench.record.schema import TestResult

_FEW = 3
"""So many test files are all named."""


def device_of(evidence: Evidence, env: Mapping[str, str]) -> Device | None:
    """Return ``cpu`` if the GPUs were hidden or torch can use none, ``cuda`` if one was chosen, else ``None``."""
    visible = env.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return "cpu" if visible.strip() in ("", "-1") else "cuda"
    torch = evidence.torch
    if torch is not None and (torch.cuda is False or (torch.torch or "").endswith("+cpu")):
        return "cpu"
    return None


def node_of_run(evidence: Evidence, tests: Sequence[TestResult]) -> str | None:
    """Return the one node, file or folder that ran: what the command names, else the one test that there is."""
    command = evidence.commands
    wanted = command.node if command is not None else None
    single = tests[0].node if len(tests) == 1 else None
    if wanted is not None and single is not None and (wanted.startswith("/") or wanted.endswith(f"/{single}")):
        return single  # the command was given from another folder; the log has the name from the project's root
    if wanted is not None:
        return wanted
    return single if command is None or not command.targets else None


def name_of_run(evidence: Evidence, tests: Sequence[TestResult], device: Device | None, catalog: Catalog) -> str:
    """Return the diagnostic's name.

    Args:
        evidence: what the files hold.
        tests: the tests that ran, as far as they are known by name.
        device: what they ran on; if nobody speaks of a GPU the name is that of a run without one.
        catalog: what the project's ``bench.toml`` names.
    """
    certain = device or (None if evidence.torch is not None and evidence.torch.cuda else "cpu")
    node = node_of_run(evidence, tests)
    if node is None:
        return name_of(_suite(evidence, tests), certain)
    for diagnostic in catalog.diagnostics:
        if diagnostic.node == node and diagnostic.device == certain:
            return diagnostic.name
    return name_of(node, certain)


def _suite(evidence: Evidence, tests: Sequence[TestResult]) -> str:
    """A name for several tests: what the command chose, else the files that they are in."""
    command = evidence.commands
    if command is not None and command.targets and len(command.targets) <= _FEW:
        return " ".join([*command.targets, *command.chosen])
    files = sorted({test.node.partition("::")[0] for test in tests} | set(evidence.log.files if evidence.log else ()))
    if command is not None and command.chosen:
        return " ".join(["suite", *command.chosen])
    if not files:
        return "suite"
    if len(files) == 1:
        return files[0]
    folder = _common(files)
    if len(files) <= _FEW:
        return " ".join([folder, *(PurePosixPath(file).name for file in files)])
    digest = hashlib.sha256("\n".join(files).encode()).hexdigest()[:4]
    return f"{label_of(folder) if folder else 'suite'}-{len(files)}-files-{digest}"


def _common(files: Sequence[str]) -> str:
    parts = [PurePosixPath(file).parent.parts for file in files]
    common = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    return "/".join(common)
