"""What every image adds to its base beside packages: a user, two allocators, bytecode of the standard library."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .install import clamp, compile_bytecode
from .sources import BUILD, Sources, StepFailed, finish, must, read_sources

USER, UID = "bench", 10001
# The name in the image, and the file's name in the distribution's library folder.
ALLOCATORS = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4")


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """One line of debian.lock."""

    suite: str
    architecture: str
    package: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """The file's name as the archive has it."""
        return f"{self.package}_{self.version}_{self.architecture}.deb"


def parse_debian_lock(text: str) -> list[DebianPackage]:
    """Return the packages of debian.lock."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [DebianPackage(*fields) for fields in lines]


def parse_suite(os_release: str) -> str:
    """Return the release's code name from the text of /etc/os-release, or an empty string."""
    for line in os_release.splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return ""


def add_user(etc: Path, target: Path) -> None:
    """Write passwd and group with the image's user, who owns nothing and cannot log in, to `target`/etc."""
    (target / "etc").mkdir(parents=True, exist_ok=True)
    lines = {"passwd": f"{USER}:x:{UID}:{UID}::/tmp:/usr/sbin/nologin\n", "group": f"{USER}:x:{UID}:\n"}
    for name, line in lines.items():
        before = (etc / name).read_text(encoding="utf-8")
        (target / "etc" / name).write_text(before + line, encoding="utf-8")
        (target / "etc" / name).chmod(0o644)


def add_allocators(sources: Sources, root: Path, target: Path) -> None:
    """Copy both allocators to `target`/opt/bench/lib: from the base, else from Debian packages verified by hash.

    Raises:
        StepFailed: the base has none, and the lock or the archive has no package for it.
    """
    folder = target / "opt/bench/lib"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in ALLOCATORS if not _copy_library(root, name, folder)]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as unpacked:
        for package in _wanted(sources, root):
            archive = _fetch(sources, package)
            must(["dpkg-deb", "-x", str(archive), unpacked], sources, f"{package.filename} cannot be unpacked")
        left = [name for name in missing if not _copy_library(Path(unpacked), name, folder)]
    if left:
        raise StepFailed(f"the locked Debian packages hold no {', '.join(left)}")


def _copy_library(root: Path, name: str, folder: Path) -> bool:
    found = sorted(root.glob(f"usr/lib/*/{name}"))
    if found:
        shutil.copyfile(found[0], folder / name)
        (folder / name).chmod(0o644)
    return bool(found)


def _wanted(sources: Sources, root: Path) -> list[DebianPackage]:
    suite = parse_suite((root / "etc/os-release").read_text(encoding="utf-8"))
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    lock = parse_debian_lock((sources.build / "locks/debian.lock").read_text(encoding="utf-8"))
    wanted = [package for package in lock if (package.suite, package.architecture) == (suite, architecture)]
    if not wanted:
        raise StepFailed(f"debian.lock holds no allocators for {suite or 'this base'} on {architecture}")
    return wanted


def _fetch(sources: Sources, package: DebianPackage) -> Path:
    given = sources.wheels / package.filename
    if not given.exists():
        if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
            must(["apt-get", "update", "-q"], sources, "Debian's archive does not answer")
        sources.wheels.mkdir(exist_ok=True)
        command = ["sh", "-c", 'cd "$1" && apt-get download -q "$2"', "sh", str(sources.wheels)]
        must([*command, f"{package.package}={package.version}"], sources, f"{package.filename} cannot be had")
    if hashlib.sha256(given.read_bytes()).hexdigest() != package.sha256:
        raise StepFailed(f"{package.filename} is not the file that debian.lock names")
    return given


def add_stdlib_bytecode(sources: Sources, stdlib: Path, target: Path) -> None:
    """Copy compiled standard library modules to `target`, for bases that ship none; others keep their own."""
    if any((stdlib / "__pycache__").glob("*.pyc")):
        return
    compile_bytecode(sources, Path(sys.executable), stdlib)
    for cache in sorted(stdlib.rglob("__pycache__")):
        if "site-packages" not in cache.parts:
            shutil.copytree(cache, target / cache.relative_to("/"))


def main(sources: Sources, target: Path, mounts: Path) -> None:
    """Write the overlay, and the folders that volumes are mounted on."""
    add_user(Path("/etc"), target)
    add_allocators(sources, Path("/"), target)
    add_stdlib_bytecode(sources, Path(sysconfig.get_path("stdlib")), target)
    for name in ("out", "src"):
        (mounts / name).mkdir(parents=True)
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    clamp(target, epoch)
    clamp(mounts, epoch)


if __name__ == "__main__":
    finish(lambda: main(read_sources(), BUILD / "overlay", BUILD / "mounts"))
