"""A copy of a project's code as it lay when a command began: whoever edits it meanwhile changes no run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.engine.protocol import Tree
from bench.engine.transfer import copy_tree
from bench.errors import NotMeasured
from bench.record.schema import Source
from bench.record.storage.disk import remove_tree
from bench.record.storage.temporary import remove_left, temporary_folder
from bench.run.source.read import Checkout, list_code, unreadable, with_sha256

Code = tuple[Source, Tree]
"""Where a test's code comes from, and its files."""

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
    with temporary_folder("code") as folder:
        yield keep_code(checkout, folder / "code")


def keep_code(checkout: Checkout, target: Path) -> Code:
    """Copy a project's code into a folder that is not there yet, and return it; what is hashed is the copy.

    Raises:
        UsageError: as :func:`bench.run.source.read.read_project` does.
        NotMeasured: the disk has no room for it, or files vanish again and again.
    """
    gone: FileNotFoundError | None = None
    freed = False
    for _ in range(TRIES):
        try:
            source, tree = list_code(checkout.root, checkout.results)
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
