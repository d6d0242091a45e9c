"""The pytest that a test starts: as a test's author does, but for hypothesis' plugin, which takes two thirds of its start."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import pytest

ROOT = Path(__file__).parents[2]
INNER_PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-q")
FRESH_PYTEST = (sys.executable, "-u", *INNER_PYTEST[1:])
"""The same, always in an interpreter of its own: for tests that look at what a process has loaded."""

_OURS = {"bench", "bench_pytest_plugin", "conftest", "execnet", "tests", "xdist"}
"""What is read anew: the project's own, and what looks at the process once, when it is read."""


def bytecode() -> dict[str, str]:
    """Variables with which a Python keeps its bytecode where the tests' own does, or keeps none."""
    prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    return {"PYTHONPYCACHEPREFIX": prefix} if prefix else {"PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def started_at_once() -> Iterator[None]:
    """Meanwhile a forked child that is to become :data:`INNER_PYTEST` is that pytest, without a new interpreter.

    It is a process of its own with its own folder, environment and output, and three quarters of what it takes are
    saved: reading pytest's modules, which this process has. Every other command is executed.
    """
    execute = os.execvpe

    def become(file: str, argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
        # With torch in it a process has threads that no fork has, and the tests seem to have imported it.
        if tuple(argv[:3]) != INNER_PYTEST[:3] or "torch" in sys.modules:
            execute(file, argv, env)
        _be_pytest(argv[3:], env)

    with patch.object(os, "execvpe", become):
        yield


def _be_pytest(words: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Drop what the outer pytest has put into this process, and end as ``python -m pytest`` does."""
    gc.freeze()  # what the outer session holds is no garbage of this one's, and looking through it copies its pages
    os.closerange(3, 1024)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # these two as Python does when it starts
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.settrace(None)
    threading.settrace(None)
    outer = {str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    os.environ.clear()
    os.environ.update(env)
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_pytest.")]
    given = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [str(Path.cwd()), *given, *(path for path in sys.path if path not in outer)]
    sys.argv[:] = ["pytest", *words]
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace" if number == 2 else "strict")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    warnings.resetwarnings()
    logging.getLogger().handlers.clear()
    sys.excepthook, sys.unraisablehook = sys.__excepthook__, sys.__unraisablehook__
    threading.excepthook = threading.__excepthook__
    code: Any = 1
    try:
        code = pytest.console_main()
    except SystemExit as error:
        code = error.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
