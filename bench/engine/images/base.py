"""A base image from Debian's own packages, for machines that reach no container registry."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from bench.engine.images.building import Notify, patience
from bench.engine.images.rootfs import EPOCH, write_tar
from bench.engine.waiting.progress import still_at_it
from bench.errors import NotMeasured, UsageError

BASE_REPOSITORY = "bench-base"
PYTHON_VERSION = "3.13.5"
RECIPE_LABEL = "bench.recipe"

# What the image needs beside Debian's minimal system. Allocators: present for LD_PRELOAD, loaded by nothing.
SUITES: Mapping[str, tuple[str, ...]] = {
    "trixie": ("python3", "python3-venv", "ca-certificates", "libjemalloc2", "libtcmalloc-minimal4t64"),
}
_RECIPE_VERSION = 1  # raise when the recipe makes another content from the same packages


def base_tag(suite: str = "trixie") -> str:
    """Return the local name of the base made from `suite`."""
    return f"{BASE_REPOSITORY}:{PYTHON_VERSION}-{suite}"


def recipe(suite: str) -> str:
    """Return the hash of what decides the base's content, apart from the archive's packages themselves."""
    return hashlib.sha256(json.dumps([_RECIPE_VERSION, suite, SUITES[suite], EPOCH]).encode()).hexdigest()


def debootstrap_command(suite: str, target: Path, mirror: str) -> list[str]:
    """Return the command that unpacks and configures `suite` in `target`.

    Args:
        suite: Debian's suite, as in ``trixie``.
        target: the folder to unpack into.
        mirror: the address of the package mirror.
    """
    include = ",".join(SUITES[suite])
    return ["debootstrap", "--variant=minbase", f"--include={include}", suite, str(target), mirror]


def parse_mirror(targets: str) -> str | None:
    """Return the first Debian archive in the output of `apt-get indextargets`, or None.

    Each line holds address, release, component and origin, parted by "|". Security and update archives hold no whole
    system and are passed over. The origin is empty before the first `apt-get update`.
    """
    for line in targets.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 4:
            continue
        address, release, component, origin = fields
        if component == "main" and origin in ("Debian", "") and "-" not in release:
            return address
    return None


def read_mirror(environ: Mapping[str, str] = os.environ) -> str:
    """Return the address of the Debian archive that this machine uses, or BENCH_DEBIAN_MIRROR.

    Raises:
        UsageError: this is not Debian, or apt knows of no archive.
    """
    if given := environ.get("BENCH_DEBIAN_MIRROR"):
        return given
    fix = "set BENCH_DEBIAN_MIRROR to a Debian archive, or BENCH_BASE to an image with Python 3.13"
    if shutil.which("apt-get") is None:
        raise UsageError("no Debian archive is known", "this machine has no apt-get", fix)
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    mirror = parse_mirror(done.stdout)
    if mirror is None:
        raise UsageError("no Debian archive is known", "apt's configuration names none", fix)
    return mirror


def make_base_image(client: docker.DockerClient, notify: Notify, suite: str = "trixie") -> str:
    """Make the base image with Python 3.13.5 from Debian's packages unless it is there already, and return its tag.

    Two machines that get the same packages get the same image content, to the byte.

    Args:
        client: a client of the engine.
        notify: takes each line for the person who waits.
        suite: Debian's suite.

    Raises:
        UsageError: not root, no debootstrap, an unknown suite, or no Debian archive known.
        NotMeasured: debootstrap or the import failed.
    """
    if suite not in SUITES:
        raise UsageError(f"no base can be made from {suite}", "", f"known: {', '.join(SUITES)}")
    tag = base_tag(suite)
    try:
        if client.images.get(tag).labels.get(RECIPE_LABEL) == recipe(suite):
            notify(f"base image {tag} is there already")
            return tag
    except ImageNotFound:
        pass
    _require_tools()
    mirror = read_mirror()
    with _scratch() as folder:
        notify(f"unpacking Debian {suite}: about 60 MB to download, 170 MB of disk, one to three minutes")
        with still_at_it("unpacking", notify):
            _debootstrap(debootstrap_command(suite, folder / "root", mirror), mirror)
        found = read_python_version(folder / "root")
        if found != PYTHON_VERSION:
            notify(f"this archive's Python is {found or 'not known'}, not {PYTHON_VERSION}; the record will say so")
        with (folder / "root.tar").open("wb") as target:
            digest = write_tar(folder / "root", target)
        with patience(client):
            _import(client, folder / "root.tar", tag, recipe(suite))
    notify(f"made {tag}, content sha256:{digest}")
    return tag


def parse_python_version(status: str) -> str | None:
    """Return the upstream version of the package python3.13 in the text of dpkg's status file, or None."""
    found = re.search(r"^Package: python3\.13$(?:\n.+)*?\nVersion: ([0-9.]+)", status, re.MULTILINE)
    return found[1] if found else None


def read_python_version(root: Path) -> str | None:
    """Return the Python version that a root file system holds by its package list, or None."""
    status = root / "var/lib/dpkg/status"
    return parse_python_version(status.read_text(encoding="utf-8", errors="replace")) if status.is_file() else None


def why_not(client: docker.DockerClient) -> str | None:
    """Return why this machine can make no base image for an engine; None if it can."""
    try:
        _require_tools()
        read_mirror()
    except UsageError as error:
        return error.cause
    engine, here = (_ARCHITECTURES.get(name, name) for name in (str(client.version().get("Arch")), platform.machine()))
    return None if engine == here else f"the engine's machine is {engine}, and this one {here}"


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What Docker calls a processor that the kernel calls otherwise."""


def _require_tools() -> None:
    if shutil.which("debootstrap") is None:
        raise UsageError("a base image cannot be made", "debootstrap is missing", "apt-get install debootstrap")
    if os.geteuid() != 0:
        raise UsageError("a base image cannot be made", "debootstrap needs root", "run this as root")


def _debootstrap(command: list[str], mirror: str) -> None:
    environ = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PYTHONHASHSEED": "0"}
    environ |= {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environ, check=False
    )
    if done.returncode != 0:
        # The mirror's address may hold a password.
        lines = [line.replace(mirror, "MIRROR") for line in done.stdout.strip().splitlines() if line.strip()]
        raise NotMeasured("debootstrap failed", " / ".join(lines[-3:]), "see whether apt-get update works here")


def _import(client: docker.DockerClient, tar: Path, tag: str, label: str) -> None:
    repository, _, version = tag.partition(":")
    changes = [f"LABEL {RECIPE_LABEL}={label}", 'CMD ["/usr/bin/python3"]']
    try:
        client.api.import_image(src=str(tar), repository=repository, tag=version, changes=changes)
        client.images.get(tag)
    except (APIError, DockerException) as error:
        raise NotMeasured(
            "the engine did not take the base image", str(error), "see whether its disk is full"
        ) from error


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for one root file system, removed afterwards, with whatever debootstrap left mounted in it."""
    folder = Path(tempfile.mkdtemp(prefix="bench-base-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        if unmount_below(folder):
            shutil.rmtree(folder, ignore_errors=True)


def unmount_below(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Unmount everything below `folder`, deepest first; return whether nothing is mounted there any more."""
    for point in reversed(mounted_below(folder, mounts.read_text(encoding="utf-8"))):
        subprocess.run(["umount", point], capture_output=True, check=False)
    return not mounted_below(folder, mounts.read_text(encoding="utf-8"))


def mounted_below(folder: Path, mounts: str) -> list[str]:
    """Return the mount points below `folder` named by the text of /proc/self/mounts, in order."""
    points = [fields[1] for line in mounts.splitlines() if len(fields := line.split()) > 1]
    return sorted(point for point in points if point.startswith(f"{folder}/"))
