"""`python -m bench.engine base|lock`: what the nox sessions `base_image` and `lock` call."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.engine.docker.sdk import connect
from bench.engine.images.base import SUITES, make_base_image
from bench.engine.images.context import assets
from bench.engine.images.locks import make_locks
from bench.errors import BenchError


def say(line: str) -> None:
    """Write one line for the person who waits."""
    sys.stderr.write(f"{line}\n")


def make_base(suite: str) -> None:
    """Make the base image in the engine that `bench run` would use."""
    client, _ = connect(None)
    try:
        make_base_image(client, say, suite)
    finally:
        client.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two jobs and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    base = jobs.add_parser("base", help="make a base image with Python 3.13 from Debian's packages")
    base.add_argument("--suite", default="trixie", choices=sorted(SUITES))
    lock = jobs.add_parser("lock", help="make the locks under requirements/ anew")
    lock.add_argument("--upgrade", action="store_true", help="take newer versions if there are any")
    given = parser.parse_args(arguments)
    try:
        if given.job == "base":
            make_base(given.suite)
        else:
            for path in make_locks(assets(), given.upgrade):
                say(f"wrote {Path(path.parent.name, path.name)}")
    except BenchError as error:
        say(f"error: {error}")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
