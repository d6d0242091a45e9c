"""A copy of a project's code as it lay when a command began: whoever edits it meanwhile changes no run."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.engine.protocol import Tree
from bench.engine.transfer.plain import copy_tree
from bench.errors import NotMeasured
from bench.host.mounts import lies_in_memory
from bench.record.schema import Source
from bench.record.storage.disk import remove_tree
from bench.record.storage.temporary import remove_left, spare_folder, temporary_folder
from bench.run.source.read import Checkout, list_code, unreadable, with_sha256

Code = tuple[Source, Tree]
"""Where a test's code comes from, and its files."""

SMALL_BYTES = 64 * 1024**2
"""A project that is no larger may lie in memory."""
TRIES = 3
"""How often a project is listed in which files vanish before they are copied: an editor's, a compiler's."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


@contextmanager
def kept_code(checkout: Checkout | None) -> Iterator[Code | None]:
    """Yield a project's code, copied for as long as a command works with it; ``None`` without a project.

    Raises:
        UsageError: as :func:`bench.run.source.read.read_project` does.
        NotMeasured: it cannot be copied.
    """
    if checkout is None:
        yield None
        return
    listed: Code | None = None
    with contextlib.suppress(OSError):  # whoever copies it tells
        listed = list_code(checkout.root, checkout.results)
    with temporary_folder("code", _roomy(listed[1]) if listed else None) as folder:
        yield keep_code(checkout, folder / "code", listed)


def _roomy(tree: Tree) -> Path | None:
    """The folder for the copy of a large project if the temporary files lie in memory, or there is no room there."""
    needed = sum(map(_size, (tree.root / name for name in tree.files)))
    usual, spare = Path(tempfile.gettempdir()), spare_folder()
    if needed <= SMALL_BYTES or not (lies_in_memory(usual) or shutil.disk_usage(usual).free < needed):
        return None
    try:
        spare.mkdir(mode=0o700, parents=True, exist_ok=True)
        roomy = not lies_in_memory(spare) and shutil.disk_usage(spare).free > needed
    except OSError:
        return None
    return spare if roomy else None


def _size(path: Path) -> int:
    """Bytes that a copy takes: of a sparse file what is no hole."""
    try:
        about = path.stat()
    except OSError:
        return 0
    return min(about.st_size, about.st_blocks * 512)


def keep_code(checkout: Checkout, target: Path, listed: Code | None = None) -> Code:
    """Copy a project's code into a folder that is not there yet, and return it; what is hashed is the copy.

    Args:
        checkout: the project.
        target: the folder.
        listed: what :func:`bench.run.source.read.list_code` has just returned of it, if somebody asked.

    Raises:
        UsageError: as :func:`bench.run.source.read.read_project` does.
        NotMeasured: the disk has no room for it, or files vanish again and again.
    """
    gone: FileNotFoundError | None = None
    freed = False
    for _ in range(TRIES):
        try:
            source, tree = listed or list_code(checkout.root, checkout.results)
            listed = None
            target.mkdir()
            copy_tree(tree, target)
            return with_sha256(source, replace(tree, kept=target))
        except FileNotFoundError as error:
            gone = error
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise unreadable(checkout.root, error) from error
            if freed or not remove_left():  # a killed command's copy may take the room, and nobody else removes it
                fix = "make room, or set TMPDIR to a disk with room"
                raise _uncopied(checkout, str(error.strerror), fix) from error
            freed = True
        if target.is_dir():
            remove_tree(target)
    assert gone is not None  # noqa: S101, there is no other way here
    fix = "have git ignore what is written there, or wait until nothing writes into it"
    raise _uncopied(checkout, f"{gone.filename} vanished while it was read", fix)


def _uncopied(checkout: Checkout, why: str, fix: str) -> NotMeasured:
    return NotMeasured(f"the project {checkout.root} cannot be copied", why, fix)
