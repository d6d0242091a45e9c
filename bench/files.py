"""Reading files that anybody may have put there: no pipe is waited for, no device read, and no size trusted."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_plain(path: Path, most: int) -> bytes:
    """Return the content of a plain file, of which no more than a bound is ever read.

    Args:
        path: the file, or a link to one.
        most: the most bytes that it may have.

    Raises:
        OSError: it cannot be read, is no plain file (``EINVAL``), or has more (``EFBIG``).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        data = b"" if about.st_size > most else file.read(most + 1)
    if about.st_size > most or len(data) > most:
        raise OSError(errno.EFBIG, f"it has over {most} bytes", str(path))
    return data
