"""Where packages come from while an image is built, and with whose certificates."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

BUILD = Path("/build")


class StepFailed(Exception):
    """A step of the build failed; the message is the last thing that the build prints."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Addresses and files given from outside.

    Attributes:
        build: the folder with locks, uv, and the optional wheels.
        python_index: another index than PyPI, or empty.
        torch_index: another index for the CPU build of torch, or empty for the one that uv knows.
        ca_bundle: certificates to trust beside the system's, or None.
    """

    build: Path
    python_index: str = ""
    torch_index: str = ""
    ca_bundle: Path | None = None

    @property
    def wheels(self) -> Path:
        """The folder of wheels and Debian packages for builds without a network."""
        return self.build / "wheels"

    @property
    def offline(self) -> bool:
        """Whether wheels were given: then no index is asked."""
        return any(self.wheels.glob("*.whl"))

    def redact(self, text: str) -> str:
        """Return `text` without the given addresses, which may hold a password."""
        for address in filter(None, (self.python_index, self.torch_index)):
            text = text.replace(address, "INDEX").replace(address.rstrip("/"), "INDEX")
        return text


def read_sources(environ: Mapping[str, str] = os.environ, build: Path = BUILD) -> Sources:
    """Return what the build arguments and the build's files say."""
    sources = Sources(build, environ.get("PYTHON_INDEX", ""), environ.get("TORCH_INDEX", ""))
    return replace(sources, ca_bundle=write_bundle(build / "ca"))


def write_bundle(folder: Path) -> Path | None:
    """Join the system's certificates and those in `folder` (*.pem, *.crt) into one file; None where there are none."""
    extra = sorted(path for path in folder.glob("*") if path.suffix in (".pem", ".crt"))
    if not extra:
        return None
    system = ssl.get_default_verify_paths().cafile
    parts = [Path(system).read_text(encoding="utf-8")] if system else []
    parts += [path.read_text(encoding="utf-8") for path in extra]
    bundle = folder / "bundle"
    bundle.write_text("\n".join(parts), encoding="utf-8")
    return bundle


def tool_environment(sources: Sources, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for pip and uv: proxies and certificates, nothing of the user's settings."""
    kept = {key: value for key, value in environ.items() if key.lower().endswith("_proxy")}
    kept |= {
        "PATH": environ.get("PATH", os.defpath),
        "HOME": str(sources.build),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",  # written where a step asks for it, and nowhere by the way
    }
    kept |= {"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "PIP_CONFIG_FILE": os.devnull}
    if sources.ca_bundle:
        kept |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), str(sources.ca_bundle))
    if sources.python_index and not sources.offline:
        kept |= {"UV_DEFAULT_INDEX": sources.python_index, "PIP_INDEX_URL": sources.python_index}
    return kept


def uv_command(sources: Sources, python: Path, lock: Path, *, torch_cpu: bool = False) -> list[str]:
    """Return the uv command that installs a hash-locked file into the environment of `python`.

    With `torch_cpu`, torch comes from an index of its own; the hashes make it safe to ask both for everything.
    """
    command = [str(sources.build / "uv/bin/uv"), "pip", "install", "--python", str(python), "--no-cache", "--no-build"]
    command += ["--require-hashes", "--requirements", str(lock)]
    if sources.offline:
        command += ["--no-index", "--find-links", str(sources.wheels)]
    elif torch_cpu and sources.torch_index:
        command += ["--index", sources.torch_index, "--index-strategy", "unsafe-best-match"]
    elif torch_cpu:
        command += ["--torch-backend", "cpu"]
    return command


def say(text: str) -> None:
    """Write to the build's output; the engine passes it on line by line."""
    sys.stdout.write(text)
    sys.stdout.flush()


def run(command: list[str], sources: Sources) -> subprocess.CompletedProcess[str]:
    """Run a command, passing on each line that it says, without the addresses; the caller reads the exit status."""
    said: list[str] = []
    with subprocess.Popen(
        command,
        env=tool_environment(sources),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            said.append(sources.redact(line))
            say(said[-1])
    return subprocess.CompletedProcess(command[:1], process.returncode, "".join(said), "")


def finish(step: Callable[[], None]) -> None:
    """Run a whole step; a failure ends the process with its message in the last line, which the host looks for."""
    try:
        step()
    except StepFailed as error:
        sys.exit(f"*** {error}")


def must(command: list[str], sources: Sources, what: str) -> None:
    """Run a command that has to succeed.

    Raises:
        StepFailed: with `what` and the last lines of the output.
    """
    done = run(command, sources)
    if done.returncode != 0:
        last = " / ".join(line.strip() for line in done.stdout.strip().splitlines()[-8:] if line.strip())
        raise StepFailed(f"{what}: {last}")
