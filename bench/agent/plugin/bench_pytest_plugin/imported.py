"""Which of a project's modules the tests took from elsewhere than the run's copy: asked of what is loaded already."""

from __future__ import annotations

import os
import sys

NAMES, ROOTS = "BENCH_OWN_MODULES", "BENCH_OWN_ROOTS"
"""Lists with colons: the project's modules that the environment has as well, and the folders where they may lie."""
MAX_SHOWN = 5


class Own:
    """The project's modules, read before any test can change the environment."""

    def __init__(self) -> None:
        self._names = [name for name in os.environ.get(NAMES, "").split(":") if name]
        self._roots = tuple(
            os.path.join(os.path.realpath(one), "") for one in os.environ.get(ROOTS, "").split(":") if one
        )

    def elsewhere(self) -> list[str]:
        """The names of those that were imported from another folder."""
        return [name for name in self._names if self._is_elsewhere(name)]

    def _is_elsewhere(self, name: str) -> bool:
        module = sys.modules.get(name)
        places = [getattr(module, "__file__", None), *list(getattr(module, "__path__", ()))[:1]]
        place = next((one for one in places if type(one) is str), None)
        return place is not None and not os.path.realpath(place).startswith(self._roots)


def told(names: list[str]) -> str:
    """The warning's words."""
    shown = ", ".join(names[:MAX_SHOWN])
    return f"the tests imported {shown} from the environment, where it is installed, and not from the project's copy"
