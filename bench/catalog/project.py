"""Somebody's project: the diagnostics that its ``bench.toml`` names, or a single pytest node of it."""

from __future__ import annotations

import re
from pathlib import Path

from bench.catalog.load import builtin, parse
from bench.catalog.model import DEFAULT_TIMEOUT_S, Catalog, Device, Diagnostic, Profile, name_of
from bench.errors import UsageError
from bench.files import read_plain
from bench.names import NAMES, is_diagnostic_name

FILE = "bench.toml"
MAX_BYTES = 1024**2


def read_catalog(root: Path) -> Catalog:
    """Return what ``bench.toml`` in the project's root names; an empty catalog if there is no such file.

    Raises:
        UsageError: not a folder, not TOML, an unknown key, a name that a shipped diagnostic has, or one under which no
            result can be kept.
    """
    if not root.is_dir():
        raise UsageError(f"--project {root} is not a folder", fix="give the folder of a checkout")
    path = root / FILE
    if not path.is_file():
        return Catalog(())
    try:
        text = read_plain(path, MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read", why, "name the project's diagnostics in it") from None
    catalog = parse(text, str(path))
    shipped = {diagnostic.name for diagnostic in builtin().diagnostics}
    taken = sorted(shipped & {diagnostic.name for diagnostic in catalog.diagnostics})
    if taken:
        raise UsageError(f"{path} names {', '.join(taken)}", "a shipped diagnostic has that name", "choose another")
    for diagnostic in catalog.diagnostics:
        if not is_diagnostic_name(diagnostic.name):
            what = f"{path} names a diagnostic {diagnostic.name!r:.150}, which cannot name a folder of results"
            raise UsageError(what, NAMES, "choose another")
    return catalog


def project_above(path: Path) -> Path | None:
    """Return the project that a folder of evidence lies in: the nearest, here or above, that has a ``bench.toml``."""
    return next((folder for folder in path.absolute().parents if (folder / FILE).is_file()), None)


def of_node(node: str, device: Device = "cpu") -> Diagnostic:
    """Return a diagnostic made of one pytest node, as in ``tests/test_x.py::test_y``, and named after it.

    Raises:
        UsageError: the text cannot be a node of a project, or has no letter or digit of ASCII to name its results by.
    """
    path = node.split("::", 1)[0]
    if not path or path.startswith(("/", "-")) or ".." in Path(path).parts:
        raise UsageError(f"--node '{node}' is not a node of the project", fix="write it as in tests/test_x.py::test_y")
    if not re.search(r"[A-Za-z0-9]", re.sub(r"\.py\b", "", node)):
        raise UsageError(
            f"--node '{node}' gives no name for its results",
            "it has neither a letter nor a digit of ASCII",
            f"name it in the project's {FILE}: [diagnostic.NAME] and node = '{node}', then run NAME_{device}",
        )
    env = {"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}
    return Diagnostic(
        name=name_of(node, device),
        about=f"{node} of a project",
        node=node,
        device=device,
        ceiling_s=None,
        timeout_s=DEFAULT_TIMEOUT_S,
        env=env,
        profiles=(Profile("full", {"BENCH_PROFILE": "full"}), Profile("smoke", {"BENCH_PROFILE": "smoke"})),
        image=device,
        image_open=True,
    )
