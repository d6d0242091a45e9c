"""What a requirements file names on this machine, as it travels into the container that installs it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.engine.images.context import source_files
from bench.engine.images.named import Kind, Named, read_named, rewrite_named, with_variables
from bench.engine.images.requirements import is_hash_locked, read_requirements
from bench.engine.protocol import Tree
from bench.errors import UsageError

SOURCE = "/src"
"""Where a project lies while it is installed, and where it lies in each run: one that is installed to be edited is the
run's own copy."""
MAX_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Installable:
    """A requirements file that was read once, with all that it names: what is hashed is what is installed.

    Attributes:
        path: the file.
        content: its text as it is installed: what it names is named as it lies in the container.
        files: what else travels into the build's folder, by its name there.
        project: the project, if it or something that lies in it is installed.
        named: what it names here.
        apart: the project's root: what lies there is hashed with the project.
    """

    path: Path
    content: bytes
    files: Mapping[str, Path | bytes]
    project: Tree | None
    named: Named
    apart: Path | None

    @property
    def hash_locked(self) -> bool:
        """Whether every requirement carries a hash."""
        return is_hash_locked(self.content.decode("utf-8"))

    @property
    def parts(self) -> tuple[str, ...]:
        """What decides what is installed, beside the content: hashes."""
        beside = self.named.sha256(self.apart)
        return tuple(part for part in (beside, self.project.sha256 if self.project else None) if part)


def read_installable(
    path: Path, tree: Tree | None, folder: str, environ: Mapping[str, str] = os.environ
) -> Installable:
    """Return a requirements file with all that it names, ready to travel.

    Args:
        path: the file.
        tree: the project that it belongs to, if any.
        folder: the build's folder in the container.
        environ: the variables that may stand in the file.

    Raises:
        UsageError: something that it names cannot be read, is not there, or is very large.
    """
    where = tree.root if tree else path.parent
    named = read_named(path, where, environ, tree)
    texts = {file: f"requirements/{number}.txt" for number, file in enumerate(named.files)}
    texts[path] = "requirements.txt"
    inside = {one for one in named.paths if tree and _in_tree(tree, one)}
    outside = {one: f"beside/{number}/{one.name}" for number, one in enumerate(named.paths) if one not in inside}
    files: dict[str, Path | bytes] = {}
    for one, name in outside.items():
        files |= _files_of(one, name)

    def install_text(file: Path) -> bytes:
        def moved(kind: Kind, written: str) -> str:
            here = Path(os.path.normpath((file.parent if kind == "file" else where) / Path(written).expanduser()))
            if kind == "file":
                return f"{folder}/{texts[here]}"
            return f"{folder}/{outside[here]}" if here in outside else f"{SOURCE}/{here.relative_to(where)}"

        def fixed(written: str) -> bool:
            return Path(os.path.normpath(where / Path(written).expanduser())) in outside

        text = read_requirements(tree.at(file) if tree else file).decode("utf-8")
        if not (named.files or named.paths or named.variables):
            return text.encode()
        return rewrite_named(with_variables(text, environ), moved, fixed).encode()

    files |= {texts[file]: install_text(file) for file in named.files}
    return Installable(path, install_text(path), files, tree if inside else None, named, tree.root if tree else None)


def _in_tree(tree: Tree, path: Path) -> bool:
    """Whether a path is of the files that the run gets: a wheel that git ignores is not."""
    if path == tree.root:
        return True
    if not path.is_relative_to(tree.root):
        return False
    name = path.relative_to(tree.root).as_posix()
    return name in tree.files or any(file.startswith(f"{name}/") for file in tree.files)


def _files_of(path: Path, name: str) -> dict[str, Path | bytes]:
    """The file, or the files of a folder, by their names in the build's folder."""
    if not path.exists():
        raise UsageError(f"requirements name {path}", "it is not there", "mend the path, or make it first")
    if path.is_file():
        found: dict[str, Path | bytes] = {name: path}
    else:
        found = {f"{name}/{file.relative_to(path).as_posix()}": file for file in source_files(path)}
    size = sum(file.stat().st_size for file in found.values() if isinstance(file, Path))
    if size > MAX_BYTES:
        raise UsageError(f"requirements name {path}", f"it holds {size} bytes", f"at most {MAX_BYTES} travel")
    return found
