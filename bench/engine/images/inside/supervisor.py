"""Compile the supervisor: nothing can be written beside it in a container, and each run would compile it anew."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .install import clamp, compile_bytecode
from .sources import Sources, finish, read_sources

AGENT = Path("/opt/bench/agent")


def main(sources: Sources, agent: Path = AGENT) -> None:
    """Compile and date it."""
    compile_bytecode(sources, Path(sys.executable), agent)
    clamp(agent, int(os.environ["SOURCE_DATE_EPOCH"]))


if __name__ == "__main__":
    finish(lambda: main(read_sources()))
