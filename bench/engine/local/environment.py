"""The environment that stands in for the image with the local engine: made once from the same locks, and cached."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from filelock import FileLock

from bench.engine.assets import agent_folder, diagnostics_folder, project_root
from bench.engine.images.context import diagnostics_sha256
from bench.engine.images.facts import fingerprint
from bench.engine.images.named import Named, read_named
from bench.engine.images.options import BuildOptions
from bench.engine.images.requirements import MAX_REQUIREMENTS_BYTES, is_hash_locked, read_requirements, unverified
from bench.engine.local.find_python import Python, find_python
from bench.engine.local.inspect import Inside, read_inside
from bench.engine.local.installer import Installer, InstallError, check_room, find_uv
from bench.engine.protocol import Need, Notify, Place, Tree
from bench.engine.transfer.plain import copy_tree
from bench.engine.waiting.progress import still_at_it
from bench.errors import NotMeasured, UsageError
from bench.files import read_plain
from bench.record.schema import Environment

MARKER = "bench-environment.json"
PROJECT = "project"
"""The folder in an environment that holds the project, if it is installed."""
PYPI_TORCH = "torch is PyPI's build: PyTorch's CPU index could not be reached"
_TORCH_ROOM_BYTES = 8_000_000_000
_SMALL_ROOM_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that meets a need. ``backend`` is where torch's own build comes from; ``note`` goes into the record."""

    file: str
    backend: str | None = None
    note: str | None = None


LOCKS: Mapping[str, tuple[Lock, ...]] = {
    "cpu": (Lock("image-cpu.txt", "cpu"), Lock("image-pypi.txt", note=PYPI_TORCH)),
    "cuda": (Lock("image-pypi.txt"),),
    "small": (Lock("image-small.txt"),),
}
"""The locks of each kind, the best first."""


COSTS = {
    "cpu": "0.3 GB to download and 1 GB of disk; 2.7 GB and 5.2 GB if PyTorch's CPU index cannot be reached",
    "cuda": "2.7 GB to download and 5.2 GB of disk",
    "small": "5 MB to download and 30 MB of disk",
}
"""What an environment costs the first time; a project's own requirements come on top."""


def default_cache() -> Path:
    """Where environments lie: this user's cache."""
    return platformdirs.user_cache_path("bench") / "environments"


def is_made(kind: str, python: Python, cache: Path | None = None) -> bool:
    """Return whether the environment of a kind, without anybody's own requirements, is there for a Python.

    Args:
        kind: of the environment.
        python: what it is made with.
        cache: where environments lie; this user's cache if not given.
    """
    folder = project_root() / "requirements"
    need, where = Need(kind), cache or default_cache()
    return any(Build(where, need, lock, folder / lock.file, python, b"").made() for lock in LOCKS[kind])


def prepare_environment(
    need: Need, notify: Notify, cache: Path | None = None, installer: Installer | None = None
) -> Place:
    """Return the environment that meets a need, found or made. The second call finds it and installs nothing.

    Args:
        need: what it must offer.
        notify: takes each line for the person who waits.
        cache: where environments lie; this user's cache if not given.
        installer: what installs packages; found if not given.

    Raises:
        NotMeasured: no Python, no room, or the packages cannot be had.
        UsageError: an unknown kind, or a requirements file that cannot be read.
    """
    if need.kind not in LOCKS:
        raise UsageError(f"there is no environment of kind '{need.kind}'", fix=f"known: {', '.join(LOCKS)}")
    cache = cache or default_cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotMeasured(f"{cache} cannot be made", str(error), "set XDG_CACHE_HOME to a folder of yours") from error
    installer = installer or Installer(find_uv(), BuildOptions.from_environment(os.environ))
    known = cache.glob(f"{need.kind}-*/{MARKER}")
    python = find_python(notify, installer.uv, may_install=not any(known))
    extra = read_requirements(_read_at(need, need.requirements)) if need.requirements else b""
    folder = project_root() / "requirements"
    named = read_named(need.requirements, _where(need), tree=need.tree) if need.requirements else Named()
    builds = [Build(cache, need, lock, folder / lock.file, python, extra, named) for lock in LOCKS[need.kind]]
    for build in builds:
        inside = build.made()
        if inside is not None:
            return build.place(inside)
    return _make_first(builds, installer, notify)


@dataclass(frozen=True, slots=True)
class Build:
    """One environment: what it is made from, and where."""

    cache: Path
    need: Need
    lock: Lock
    lock_file: Path
    python: Python
    extra: bytes
    named: Named = field(default_factory=Named)

    @property
    def lock_sha256(self) -> str:
        """The hash of the lock, of a project's own requirements and of what those name outside the project.

        Paths in the project are left out: they are its source, the thing under test.
        """
        own = _read(self.lock_file)
        parts = [own, self.extra] if self.extra else [own]
        beside = self.named.sha256(apart=self.need.tree.root if self.need.tree else None)
        return hashlib.sha256(b"\0".join([*parts, *([beside.encode()] if beside else [])])).hexdigest()

    @property
    def project(self) -> Tree | None:
        """The project, if its requirements install it or something that lies in it."""
        tree = self.need.tree
        return tree if tree and any(path.is_relative_to(tree.root) for path in self.named.paths) else None

    @property
    def folder(self) -> Path:
        """Named after everything that decides what is in it."""
        parts = [self.lock_sha256, self.python.version]
        if self.project:
            parts += [str(self.project.root), self.project.sha256]
        # A package that is installed to be edited stays where it lies.
        parts += [str(path) for path in self.named.beside(self.need.tree.root if self.need.tree else None)]
        key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape"))
        return self.cache / f"{self.need.kind}-{key.hexdigest()[:16]}"

    def made(self) -> Inside | None:
        """Return what is in it, or ``None`` if it is not there or was not completed."""
        try:
            data = json.loads((self.folder / MARKER).read_text(encoding="utf-8"))
            return Inside(**data) if (self.folder / "bin" / "python").exists() else None
        except (OSError, ValueError, TypeError):
            return None

    def make(self, installer: Installer) -> Inside:
        """Make it, and mark it as complete last of all. Raises InstallError."""
        shutil.rmtree(self.folder, ignore_errors=True)
        python = installer.make_venv(self.python.path, self.folder)
        installer.install(python, self.lock_file, torch_backend=self.lock.backend)
        inside = read_inside(python)
        if self.need.requirements is not None:
            locked = is_hash_locked(self.extra.decode("utf-8", "replace"))
            if self.named.paths:
                file, where = self._installed_from(self.need.requirements)
                installer.install(python, file, hashes=locked, where=where)
            else:
                installer.install(python, self._file(self.need.requirements), hashes=locked)
            before, inside = inside, read_inside(python)
            if inside.torch != before.torch:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise UsageError(
                    f"{self.need.requirements.name} replaces torch {before.torch} by {inside.torch}",
                    fix="leave torch out of it: the diagnostic's own is what is measured",
                )
        fresh = self.folder / f"{MARKER}.new"
        fresh.write_text(json.dumps(inside.as_dict()), encoding="utf-8")
        fresh.replace(self.folder / MARKER)
        return inside

    def _installed_sha256(self, inside: Inside) -> str:
        """The lock; with a project that is installed also what that brought along, but not the project itself."""
        if self.project is None:
            return self.lock_sha256
        own = _own_name(self.project.source)
        others = {name: version for name, version in sorted(inside.packages.items()) if _plain(name) != own}
        return hashlib.sha256(json.dumps([self.lock_sha256, others]).encode()).hexdigest()

    def _file(self, requirements: Path) -> Path:
        """The requirements file in the copy of the project, if the files that it names are there beside it."""
        tree = self.need.tree
        others = self.named.files if tree is not None else ()
        whole = tree is not None and all(tree.at(path) != path for path in others)
        return _read_at(self.need, requirements) if whole else requirements

    def _installed_from(self, requirements: Path) -> tuple[Path, Path]:
        """The requirements file to install, and where: in a copy of the project, since a build writes beside sources.

        A package that is installed to be edited then lies in the copy, which nobody edits.
        """
        tree = self.project
        if tree is None:
            return requirements, _where(self.need)
        copy = self.folder / PROJECT
        copy_tree(tree, copy)
        git = tree.root / ".git"
        if git.is_dir():  # a version may be made of the commit
            (copy / ".git").write_text(f"gitdir: {git}\n", encoding="utf-8")
        name = requirements.relative_to(tree.root) if requirements.is_relative_to(tree.root) else None
        return (copy / name if name is not None and str(name) in tree.files else requirements), copy

    def place(self, inside: Inside) -> Place:
        """The environment as a place to run."""
        diagnostics = diagnostics_folder()
        libc = "-".join(platform.libc_ver())
        notes = [note for note in (self.python.note, self.lock.note) if note]
        lock_sha256 = self._installed_sha256(inside)
        environment = Environment(
            python=inside.python,
            torch=inside.torch,
            lock_sha256=lock_sha256,
            fingerprint=fingerprint(
                base_digest=f"local {platform.machine()} {libc}",
                lock_sha256=lock_sha256,
                python=inside.python,
                torch=inside.torch,
                torch_git=inside.torch_git,
                diagnostics_sha256=diagnostics_sha256(),
            ),
            packages=dict(inside.packages),
            note="; ".join(notes) or None,
        )
        warnings: tuple[str, ...] = ()
        if self.need.requirements is not None and not is_hash_locked(self.extra.decode("utf-8", "replace")):
            frozen = tuple(f"{name}=={version}" for name, version in sorted(inside.packages.items()))
            warnings = (unverified(self.need.requirements.name, frozen),)
        return Place(
            python=str(self.folder / "bin" / "python"),
            agent=str(agent_folder()),
            diagnostics=str(diagnostics),
            handle=str(self.folder),
            environment=environment,
            preloads=find_preloads(),
            warnings=warnings,
            bytecode=str(self.folder / "supervisor-bytecode"),
        )


def _make_first(builds: list[Build], installer: Installer, notify: Notify) -> Place:
    """Make the first environment that can be made; another command that makes it too is waited for."""
    failures: list[str] = []
    packages = "pytest" if builds[0].need.kind == "small" else "torch and pytest"
    version = builds[0].python.version.split()[0]
    notify(f"installing {packages} for Python {version} (once; later runs find it): {COSTS[builds[0].need.kind]}")
    if builds[0].need.hint:
        notify(builds[0].need.hint)
    for build in builds:
        with FileLock(build.folder.with_suffix(".lock")):
            inside = build.made()
            if inside is None:
                small = build.need.kind == "small"
                check_room(build.cache, _SMALL_ROOM_BYTES if small else _TORCH_ROOM_BYTES)
                try:
                    with still_at_it("installing", notify):
                        inside = build.make(installer)
                except InstallError as error:
                    shutil.rmtree(build.folder, ignore_errors=True)
                    failures.append(str(error))
                    continue
        if build.lock.note and failures:
            notify(build.lock.note)
        return build.place(inside)
    raise NotMeasured(
        "the diagnostic's environment cannot be made", failures[-1], "see that the package index can be reached"
    )


def find_preloads(roots: tuple[str, ...] = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib")) -> dict[str, str]:
    """Allocators on this host, by the names that variants use."""
    names = {"jemalloc": ("libjemalloc.so.2",), "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")}
    found: dict[str, str] = {}
    for allocator, files in names.items():
        for root in roots:
            for file in files:
                paths = [Path(root, file), *sorted(Path(root).glob(f"*-linux-*/{file}"))]
                hit = next((path for path in paths if path.is_file()), None)
                if hit is not None:
                    found.setdefault(allocator, str(hit))
    return found


def _own_name(root: Path) -> str | None:
    """What a project calls its package; ``None`` if it does not say so as data."""
    try:
        about = tomllib.loads(read_plain(root / "pyproject.toml", MAX_REQUIREMENTS_BYTES).decode("utf-8"))
        return _plain(about["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _where(need: Need) -> Path:
    """Where the paths in requirements begin: at the project, as for somebody who installs them there."""
    if need.tree is not None:
        return need.tree.root
    return need.requirements.parent if need.requirements else Path.cwd()


def _read_at(need: Need, requirements: Path) -> Path:
    return requirements if need.tree is None else need.tree.at(requirements)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read", error.strerror or str(error)) from error
