"""The files that go to the engine for a build: found without git, the same bytes whatever a checkout's dates are."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import bench
from bench.engine.images.options import BuildOptions
from bench.engine.images.rootfs import EPOCH
from bench.engine.transfer.packing import packing
from bench.errors import UsageError
from bench.record.storage.manifest import hash_file

_PACKAGE = Path(bench.__file__).parent
_LOCKS = ("build.txt", "debian.lock", "image-small.txt")
_KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "small": ("Dockerfile", ()),
    "cpu": ("Dockerfile", ("image-cpu.txt", "image-pypi.txt")),
    "cuda": ("Dockerfile.cuda", ("image-pypi.txt",)),
}


def dockerfile_of(kind: str) -> str:
    """Return the name of the Dockerfile with the stage `kind`.

    Raises:
        UsageError: there is no such kind of image.
    """
    if kind not in _KINDS:
        raise UsageError(f"there is no image of kind {kind!r}", "", f"known: {', '.join(_KINDS)}")
    return _KINDS[kind][0]


def assets(package: Path = _PACKAGE) -> Path:
    """Return the folder with the Dockerfiles and requirements/: the checkout, or the installed package's copy.

    Raises:
        UsageError: neither is there.
    """
    for folder in (package.parent, package / "_assets"):
        if (folder / "Dockerfile").is_file() and (folder / "requirements").is_dir():
            return folder
    raise UsageError("no image can be built", "the Dockerfile is missing from this installation", "install bench anew")


def source_files(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder` that are source: no bytecode, no caches, nothing hidden; sorted by name."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).parts
        if path.is_file() and path.suffix != ".pyc" and not any(p.startswith(".") or p == "__pycache__" for p in parts):
            yield path


def content_sha256(folder: Path) -> str:
    """Return the sha256 over the names and contents of the source files below `folder`, not their dates or modes.

    Modes do not count: whoever copies the files into an image sets them. See :func:`bench.run.source.read.tree_sha256`.
    """
    names = [(path.relative_to(folder).as_posix(), hash_file(path)) for path in source_files(folder)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def diagnostics_sha256(package: Path = _PACKAGE) -> str:
    """Return the content hash of the shipped diagnostics, as in the fingerprint."""
    return content_sha256(package / "diagnostics")


def context_files(kind: str, package: Path = _PACKAGE) -> dict[str, Path]:
    """Return what decides the image's content, by the name that the Dockerfiles use."""
    folder = assets(package)
    dockerfile, locks = dockerfile_of(kind), _KINDS[kind][1]
    files = {dockerfile: folder / dockerfile}
    files |= {f"requirements/{name}": folder / "requirements" / name for name in (*_LOCKS, *locks)}
    for part in ("engine/images/inside", "agent", "diagnostics"):
        found = source_files(package / part)
        files |= {f"bench/{part}/{path.relative_to(package / part).as_posix()}": path for path in found}
    return dict(sorted(files.items()))


def input_hash(kind: str, options: BuildOptions, base_digest: str | None = None, package: Path = _PACKAGE) -> str:
    """Return the hash of everything that decides the image's content, as far as it is known before building.

    An index for torch counts, since it decides which build is found, but not where locked packages come from.

    Args:
        kind: "cpu", "cuda" or "small".
        options: how images are built here.
        base_digest: the digest of the base's content, if its name does not pin it.
        package: the folder of this package.
    """
    named = [(name, hash_file(path)) for name, path in context_files(kind, package).items()]
    torch_wheels = sorted(path.name for path in options.wheels.glob("torch-*.whl")) if options.wheels else []
    return hashlib.sha256(
        json.dumps([kind, options.base, base_digest, bool(options.torch_index), torch_wheels, named]).encode()
    ).hexdigest()


def open_context(kind: str, options: BuildOptions, package: Path = _PACKAGE) -> IO[bytes]:
    """Return the build context as an open temporary tar file, at its beginning.

    Args:
        kind: "cpu", "cuda" or "small".
        options: how images are built here.
        package: the folder of this package.
    """
    files: dict[str, Path | bytes] = {**context_files(kind, package)}
    if options.extra_ca:
        files["extra-ca.pem"] = options.extra_ca
    if options.wheels:
        files |= {f"wheels/{path.name}": path for path in sorted(options.wheels.iterdir()) if path.is_file()}
    # In memory, unless wheels make it large.
    target = tempfile.SpooledTemporaryFile(max_size=64 * 1024 * 1024)  # noqa: SIM115 (the caller closes it)
    write_tree(target, files)
    return target


def write_tree(target: IO[bytes], files: Mapping[str, Path | bytes]) -> None:
    """Write files, given as paths or as content, to a tar: sorted, with their folders, of one owner, mode and date."""
    folders = {parent.as_posix() for name in files for parent in Path(name).parents if parent.as_posix() != "."}
    with packing(target) as tar:
        for name in sorted({*files, *folders}):
            entry = tarfile.TarInfo(name)
            entry.mtime = EPOCH
            if name in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
                continue
            given = files[name]
            entry.mode = 0o644
            with io.BytesIO(given) if isinstance(given, bytes) else given.open("rb") as source:
                entry.size = source.seek(0, io.SEEK_END)
                source.seek(0)
                tar.addfile(entry, source)
