"""Kill `bench run` at random moments: python -m tests.integration.kills [--engine local|docker] [--times N] [--seed N].

After each kill every bundle of the tree must verify; after the next command, which is let end, nothing of the killed
one may be left: no container, volume, control group, process, temporary folder, store or half-written bundle.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil

from bench.engine.docker.client import connect
from bench.record.storage.find import find_bundles
from tests.integration.command import ROOT
from tests.integration.runs import make_project, pause

LASTS_S = 0.4
WORDS = {
    "local": ("--engine", "local", "--", "sleep", str(LASTS_S)),
    "docker": ("lasts_cpu", "--engine", "docker", "--project", "project"),
}


class Kills:
    """Commands in a folder of their own, one engine's.

    Args:
        folder: an empty folder.
        engine: ``local`` or ``docker``.
    """

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.engine = folder, engine
        for part in ("tmp", "state", "lock"):
            (folder / part).mkdir()
        make_project(folder / "project")
        pause(folder / "project", LASTS_S)
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "BENCH_ENGINE"},
            "PYTHONPATH": str(ROOT),
            "BENCH_WORK": "0",
            "BENCH_LOCK_FOLDER": str(folder / "lock"),
            "TMPDIR": str(folder / "tmp"),
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command."""
        argv = [sys.executable, "-m", "bench", *words]
        return subprocess.Popen(
            argv,
            cwd=self.folder,
            env=self.env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self) -> subprocess.Popen[str]:
        """Start a measurement."""
        named, words = WORDS[self.engine], ("--no-calibration", "--if-busy", "refuse", "--results", "results")
        at = named.index("--") if "--" in named else len(named)
        return self.start("run", *named[:at], *words, *named[at:])

    def whole(self) -> float:
        """Let a measurement end; returns its seconds."""
        began = time.monotonic()
        self._end(self.run())
        return time.monotonic() - began

    def kill_at(self, seconds: float) -> int:
        """Start a measurement and kill the command after so long; returns its process id."""
        process = self.run()
        time.sleep(seconds)
        process.kill()
        process.communicate()
        return process.pid

    def verify(self) -> None:
        """See that all bundles that are there are whole."""
        if (self.folder / "results").is_dir() and find_bundles(str(self.folder / "results")):
            self._end(self.start("verify", "results"))

    def groups(self) -> list[Path]:
        """The control groups of the runs that are under way."""
        entries = (json.loads(path.read_bytes()) for path in self.folder.glob("state/bench/local-runs/*.json"))
        return [Path(folder) for entry in entries for folder in entry["folders"].values()]

    def left(self, pid: int, groups: list[Path]) -> Iterator[str]:
        """What is left of a killed command, after another one has ended.

        Args:
            pid: of the killed one.
            groups: the control groups that it had.
        """
        found = [*(self.folder / "tmp").iterdir(), *self.folder.glob("state/bench/*/*"), *filter(Path.exists, groups)]
        yield from map(str, (*found, *self.folder.glob("results/**/*.partial")))
        for process in psutil.process_iter():
            try:
                if process.environ().get("TMPDIR") == self.env["TMPDIR"]:
                    yield f"process {process.pid}: {process.cmdline()}"
            except psutil.Error:
                continue
        if self.engine == "docker":
            label = {"label": f"bench.owner.pid={pid}"}
            with closing(connect(None)[0]) as client:
                yield from (str(one.name) for one in client.containers.list(all=True, filters=label))
                yield from (str(one.name) for one in client.volumes.list(filters=label))

    def once(self, seconds: float) -> list[str]:
        """Kill, verify, let another command end, and return what is left."""
        pid, groups = self.kill_at(seconds), self.groups()
        self.verify()
        self.whole()
        self.verify()
        return list(self.left(pid, groups))

    def _end(self, process: subprocess.Popen[str]) -> None:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, f"{process.args} ended with {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        assert "could not be finished" not in err, err


def main() -> int:
    """Kill so often as is asked; returns how often something was left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=WORDS, default="local")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        kills = Kills(Path(folder), asked.engine)
        kills.whole()
        lasts = kills.whole()
        for turn in range(asked.times):
            at = rng.uniform(0, lasts)
            left = kills.once(at)
            wrong += bool(left)
            print(f"{turn:3} killed after {at:.2f} of {lasts:.2f} s: {', '.join(left) or 'nothing left'}", flush=True)
        print(f"{len(find_bundles(f'{folder}/results'))} bundles of {asked.times} killed and as many other commands")
    print(f"something was left after {wrong} of {asked.times} kills")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
