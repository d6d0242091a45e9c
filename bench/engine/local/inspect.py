"""What is in an environment: its Python, its packages and its torch, without importing torch."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import NotMeasured

_ASK = """
import importlib.metadata as m, json, sys
packages = {d.metadata["Name"]: d.version for d in m.distributions()}
text = None
for d in m.distributions(name="torch"):
    text = open(str(d.locate_file("torch/version.py")), encoding="utf-8").read()
print(json.dumps({"python": sys.version, "packages": packages, "torch": text}))
"""


@dataclass(frozen=True, slots=True)
class Inside:
    """The content of an environment. ``python`` is ``sys.version``; ``torch`` has its build (``2.7.1+cu126``)."""

    python: str
    torch: str | None
    torch_git: str | None
    packages: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For the marker file."""
        return asdict(self)


def read_inside(python: Path) -> Inside:
    """Ask an environment's Python.

    Raises:
        NotMeasured: it does not start.
    """
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return parse_inside(done.stdout)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        raise NotMeasured(f"{python} does not work", str(error), "remove that environment and run again") from error


def parse_inside(text: str) -> Inside:
    """The answer of an environment. Raises ValueError or KeyError if it is none."""
    data = json.loads(text)
    version, git = parse_torch(data["torch"]) if data["torch"] is not None else (None, None)
    return Inside(data["python"], version, git, dict(sorted(data["packages"].items())))


def parse_torch(text: str) -> tuple[str | None, str | None]:
    """Version with its build, and commit, from the text of ``torch/version.py``."""
    version = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    git = re.search(r"^git_version\s*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return (version[1] if version else None), (git[1] if git else None)
