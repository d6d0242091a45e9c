"""In which image of ours a test runs if nobody named one: without torch if nothing of its project names torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bench.catalog.model import Diagnostic
from bench.engine.protocol import Tree
from bench.record.schema import Record

WORD = b"torch"
_CODE = (".py", ".pyx", ".pyi", ".ipynb")
_LISTS = (".toml", ".cfg", ".lock")
_MOST_BYTES = 4 * 1024**2
"""A larger file is not looked through; that it names torch is then taken as given, which costs a download only."""


def with_image(diagnostic: Diagnostic, trees: Iterable[Tree], requirements: Iterable[Path | None] = ()) -> Diagnostic:
    """Return the diagnostic with its image settled, and why it is that one.

    A test of a project whose image nobody named runs in the small one if the word torch (in any case, and as a part of
    a word such as pytorch) is nowhere in the project's Python files, in the files that list its packages, or in the
    requirements given. That is more than is needed for a test that imports torch by itself, so the word may stand in a
    comment; a package that needs torch brings it if requirements name the package.

    Args:
        diagnostic: the test.
        trees: the project's files, of each side that is to run in one image.
        requirements: files of packages from the command line.
    """
    if not diagnostic.image_open:
        return diagnostic
    if diagnostic.device == "cuda":
        return replace(diagnostic, image_open=False)
    trees = list(trees)
    named = next(filter(None, (_named_in(tree) for tree in trees)), None)
    own = [tree.source / diagnostic.requirements for tree in trees if diagnostic.requirements is not None]
    named = named or next((path.name for path in (*own, *requirements) if path is not None and _names(path)), None)
    if named is not None:
        return replace(diagnostic, image_open=False, image_because=f"{named} has the word torch")
    because = "no file of the project has the word torch"
    return replace(diagnostic, image="small", image_open=False, image_because=because)


def image_text(diagnostic: Diagnostic) -> str | None:
    """Return which image was chosen, why, and how to choose another; ``None`` if a person chose."""
    if not diagnostic.image_because:
        return None
    kind, other = ("without torch", "torch") if diagnostic.image == "small" else ("with torch", "small")
    return f"an image {kind}, since {diagnostic.image_because} (--image {other} chooses the other)"


def with_image_of(diagnostic: Diagnostic, record: Record) -> Diagnostic:
    """Return the diagnostic in the kind of image that a result ran in, if nobody named one."""
    build = record.image or record.environment
    if not diagnostic.image_open or build is None:
        return diagnostic
    kind = "small" if build.torch is None else diagnostic.image
    return replace(diagnostic, image=kind, image_open=False)


def _named_in(tree: Tree) -> str | None:
    """The first file of a project that names torch."""
    return next((name for name in tree.files if _is_looked_through(name) and _names(tree.source / name)), None)


def _is_looked_through(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in (*_CODE, *_LISTS) or (path.suffix in (".txt", ".in") and "require" in name.lower())


def _names(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError:
        return True  # whoever copies it reports what is wrong
    return len(text) > _MOST_BYTES or WORD in text.lower()
