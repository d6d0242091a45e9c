"""`python -m bench …` as a person runs it: a process of its own, its exit code and what it said."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.record.storage.manifest import MANIFEST, hash_file, list_files, render_manifest

ROOT = Path(__file__).parents[2]
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would act on."""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it is."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The last line of standard error, which says what is wrong."""
        return self.err.strip().splitlines()[-1]

    def record(self) -> dict[str, Any]:
        """The record of a run that was asked for as JSON."""
        return self.document["record"]

    def path(self) -> Path:
        """The bundle of a run that was asked for as JSON."""
        return Path(self.document["path"])


@dataclass(frozen=True)
class Command:
    """Runs commands in a folder of their own, one of them at a time and beside everybody else's."""

    folder: Path

    def __call__(self, *words: object, timeout: float = 500, **environ: str) -> Done:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_LOCK_FOLDER": str(self.folder), **environ}
        env.pop("BENCH_ENGINE", None)
        argv = [sys.executable, "-m", "bench", *(str(word) for word in words)]
        done = subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, timeout=timeout, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert not ACTS.search(out + err), "control codes without a terminal"
        assert "Traceback" not in err, err
        return Done(done.returncode, out, err)


def snapshot(root: Path) -> dict[str, tuple[int, int, str]]:
    """Every file of a tree, its time of change included, to see that nobody wrote to it."""
    found = {}
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        found[str(path.relative_to(root))] = (
            stat.st_mtime_ns, stat.st_size, hash_file(path) if path.is_file() else "",
        )  # fmt: skip
    return found


def forge(bundle: Path, target: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a bundle with its record changed and a manifest that holds: what a stranger can send."""
    shutil.copytree(bundle, target)
    record = json.loads((target / "record.json").read_text())
    change(record)
    (target / "record.json").write_text(json.dumps(record))
    digests = {name: hash_file(target / name) for name in list_files(target)[0] if name != MANIFEST}
    (target / MANIFEST).write_text(render_manifest(digests))
    return target
