"""How a command ends that failed: one line on standard error; with ``--json`` a document on standard output too."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bench.cli import stream
from bench.cli.console import Console, complain, print_json
from bench.errors import BenchError, ExitCode


@dataclass(frozen=True, slots=True)
class Failure:
    """Says what failed. ``json``: whether standard output was promised one JSON document."""

    json: bool

    def __call__(self, code: ExitCode, error: BenchError | None) -> int:
        """Say it, unless there is nothing to say; returns ``code`` as a command ends with it."""
        if error is not None:
            complain(str(error))
            if self.json and not Console.answered:
                self._answer(code, error)
        return int(code)

    def _answer(self, code: ExitCode, error: BenchError) -> None:
        said = {"what": error.what, "cause": error.cause or None, "fix": error.fix or None}
        try:
            print_json({"error": said, "exit_code": int(code)})
            stream.out().flush()
        except OSError:  # the line above was said, and the code is the failure's
            stream.silence(sys.stdout)
