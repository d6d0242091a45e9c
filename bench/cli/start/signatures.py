"""For a TAB and a verb's help: its module is read for the words that the command takes, not for what it does with them.

Somebody waits for the answer, and the command itself does not run in this process. So whatever lies above the catalog
is not read: in its place stand modules whose every name is an empty class. Annotations are text and stay unread too,
but for those of the command's own parameters, which name nothing of these modules.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

UNREAD = frozenset({"compare", "engine", "fleet", "host", "importer", "record", "report", "run"})
"""The packages of bench that no parameter of a verb needs."""


def read_only_signatures() -> None:
    """From now on, and for good, this process reads nothing of those packages that it has not read yet."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds an empty module for each that stays unread."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002, the protocol has it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        root, _, below = fullname.partition(".")
        if root != "bench" or below.partition(".")[0] not in UNREAD:
            return None
        return ModuleSpec(fullname, _Loader(), is_package=True)


class _Loader(Loader):
    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = _empty_class  # type: ignore[method-assign]


def _empty_class(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {"__init__": lambda *_given, **_named: None})
