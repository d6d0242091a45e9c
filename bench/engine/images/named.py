"""What a requirements file names besides packages of an index: other files, folders and wheels of this machine.

The forms are pip's (https://pip.pypa.io/en/stable/reference/requirements-file-format/): a file that is named by ``-r``
or ``-c`` is looked for beside the file that names it, a path of a package where pip is run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from bench.engine.images.context import content_sha256
from bench.engine.images.requirements import read_requirements
from bench.engine.protocol import Tree
from bench.errors import UsageError

_MAX_FILES = 100
_OPTION = re.compile(
    r"(?:(?P<file>-r|-c|--requirement|--constraint)|(?P<path>-e|--editable|-f|--find-links))[ \t=]*(?P<value>.+)"
)
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ARCHIVES = (".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".tar")
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^]]*\])?\s*@\s*(?P<where>.+)")

Kind = Literal["file", "path"]


@dataclass(frozen=True, slots=True)
class Named:
    """What a requirements file, and those that it names, name on this machine.

    ``files`` are requirements and constraints, the first one left out, and ``hashes`` those of their contents;
    ``paths`` folders, wheels and archives of packages; ``variables`` what stands for ``${NAME}``.
    """

    files: tuple[Path, ...] = ()
    paths: tuple[Path, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    hashes: tuple[str, ...] = ()

    def sha256(self, apart: Path | None = None) -> str | None:
        """Return one hash over the names and contents of all that is named but what lies in ``apart``; ``None`` if
        nothing is. Where it lies does not count: another machine has it elsewhere.

        Raises:
            UsageError: a file is not there or cannot be read.
        """
        paths = self.beside(apart)
        if not (self.files or paths or self.variables):
            return None
        parts = [f"{name}={value}" for name, value in self.variables]
        parts += self.hashes
        parts += [f"{path.name} {_content(path)}" for path in paths]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def beside(self, apart: Path | None) -> tuple[Path, ...]:
        """Return the paths that do not lie in ``apart``."""
        return tuple(path for path in self.paths if apart is None or not path.is_relative_to(apart))


def read_named(path: Path, folder: Path, environ: Mapping[str, str] = os.environ, tree: Tree | None = None) -> Named:
    """Return what a requirements file names, and the files that it names.

    Args:
        path: the file.
        folder: where pip is run: paths of packages are relative to it.
        environ: the variables that may stand in the file.
        tree: the project that the files may be of: these are read in its copy.

    Raises:
        UsageError: a file among them cannot be read, or there are very many.
    """
    files: list[Path] = []
    paths: list[Path] = []
    variables: dict[str, str] = {}
    hashes: dict[Path, str] = {}
    open_ = [path]
    while open_:
        file = open_.pop(0)
        content = read_requirements(tree.at(file) if tree else file)
        hashes[file], text = hashlib.sha256(content).hexdigest(), content.decode("utf-8")
        variables |= {name: environ[name] for name in _VARIABLE.findall(text) if name in environ}
        for kind, value in parse_named(with_variables(text, environ)):
            where = Path(os.path.normpath((file.parent if kind == "file" else folder) / Path(value).expanduser()))
            if kind == "path":
                paths.append(where)
            elif where != path and where not in files:
                files.append(where)
                open_.append(where)
        if len(files) > _MAX_FILES:
            raise UsageError(f"requirements {path} name more than {_MAX_FILES} files", fix="join them")
    read = tuple(hashes[file] for file in files)
    return Named(tuple(files), tuple(sorted(set(paths))), tuple(sorted(variables.items())), read)


def parse_named(text: str) -> Iterator[tuple[Kind, str]]:
    """Yield what the text of a requirements file names on this machine: files to read, and paths to install."""
    for line in _lines(text):
        found = _named_in(line)
        if found:
            yield found.kind, _path_of(found.written)


def rewrite_named(text: str, moved: Callable[[Kind, str], str], fixed: Callable[[str], bool]) -> str:
    """Return the text of a requirements file, with what it names on this machine named as it is elsewhere.

    Args:
        text: the text; lines that are continued come out as one.
        moved: returns the absolute path elsewhere of what is named, by its kind and its path here.
        fixed: whether a path, as it is here, lies elsewhere where nobody can edit it: then it is installed as it is.
    """
    return "".join(f"{_rewritten(line, moved, fixed)}\n" for line in _lines(text))


def _rewritten(line: str, moved: Callable[[Kind, str], str], fixed: Callable[[str], bool]) -> str:
    found = _named_in(line)
    if found is None:
        return line
    here = _path_of(found.written)
    there = moved(found.kind, here)
    new = f"file://{quote(there)}" if found.written.startswith("file:") else there
    head = "" if found.head.startswith("-e") or found.head.startswith("--editable") else found.head
    return (head if fixed(here) else found.head) + found.rest.replace(found.written, new, 1)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a line names: ``written`` as it stands in ``rest``, the part of the line that follows ``head``."""

    kind: Kind
    written: str
    head: str
    rest: str


def _lines(text: str) -> Iterator[str]:
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        yield re.sub(r"(^|\s)#.*", "", raw).strip()


def _named_in(line: str) -> _Found | None:
    option = _OPTION.fullmatch(line)
    rest = option["value"] if option else line
    head = line[: len(line) - len(rest)]
    if option and option["file"]:
        if "://" in rest and not rest.startswith("file:"):
            return None
        return _Found("file", rest.strip().strip("'\""), head, rest)
    if not option and (not line or line.startswith("-")):
        return None
    named = _NAMED.fullmatch(rest)
    if named:
        head, rest = line[: len(line) - len(named["where"])], named["where"]
    local = _local(rest, is_path=option is not None and not rest.partition("+")[2])
    return _Found("path", local, head, rest) if local else None


def _local(requirement: str, *, is_path: bool) -> str | None:
    """The path that a requirement names, as it is written; ``None`` if it is one of an index, a server or a history."""
    word = re.split(r"\s+;|;\s+|\s+--", requirement, maxsplit=1)[0].strip().strip("'\"")
    if word.startswith("file:"):
        return word
    if "://" in word:
        return None
    bare = re.sub(r"\[[^]]*\]$", "", word)
    looks_like_one = bare.startswith((".", "/", "~")) or "/" in bare or bare.lower().endswith(_ARCHIVES)
    return bare if bare and (is_path or looks_like_one) else None


def _path_of(word: str) -> str:
    """A path, also one that is written as a URL: ``file:///a%20b#egg=x``."""
    return unquote(urlsplit(word).path) if word.startswith("file:") else word.strip("'\"")


def with_variables(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the text of a requirements file with its ``${VARIABLE}`` filled in, as far as they are set."""
    return _VARIABLE.sub(lambda found: environ.get(found[1], found[0]), text)


def _content(path: Path) -> str:
    try:
        if path.is_dir():
            return content_sha256(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "not there"  # the installer says so, in its own words
