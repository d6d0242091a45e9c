"""Put uv, by its own lock, beside the build's files."""

from __future__ import annotations

import sys

from .sources import Sources, finish, must, read_sources


def bootstrap(sources: Sources) -> None:
    """Make an environment in the build folder and install uv into it, verified by hash.

    Raises:
        StepFailed: the base has no venv module, or uv cannot be had.
    """
    folder = sources.build / "uv"
    must([sys.executable, "-m", "venv", str(folder)], sources, "the base's Python cannot make an environment")
    command = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
    if sources.offline:
        command += ["--no-index", "--find-links", str(sources.wheels)]
    command += ["--requirement", str(sources.build / "locks/build.txt")]
    must(command, sources, "uv cannot be installed")


if __name__ == "__main__":
    finish(lambda: bootstrap(read_sources()))
