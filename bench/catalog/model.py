"""The words of the catalog: what a diagnostic is, frozen (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Device = Literal["cpu", "cuda"]
SELFTEST = "selftest"
"""The one name that is no test of pytest's: loads of known cost, to hold the readings against."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How much of a diagnostic runs: ``full`` or ``smoke``, and what it sets."""

    name: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the same diagnostic: environment and limits that are laid over it (``whatif``).

    ``preload`` names an allocator library of the image (``jemalloc``, ``tcmalloc``); ``threads``, ``cpuset`` and
    ``security`` replace the limits of the run where they are given.
    """

    name: str
    about: str
    env: Mapping[str, str] = field(default_factory=dict)
    preload: str | None = None
    threads: int | None = None
    cpuset: str | None = None
    security: str | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One test on one device. ``name`` is NAME of the command line, ``<diagnostic>_<device>``
    (without a device where it has none).

    ``node`` is relative to the root of its source; times are in seconds.
    """

    name: str
    about: str
    node: str
    device: Device
    ceiling_s: float | None
    timeout_s: float
    env: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[Profile, ...] = (Profile("full"),)
    image: str = "cpu"
    requirements: str | None = None

    def profile(self, name: str) -> Profile | None:
        """The profile of that name, or ``None``."""
        return next((profile for profile in self.profiles if profile.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All diagnostics that a command can name, and the variants that ``whatif`` can try."""

    diagnostics: tuple[Diagnostic, ...]
    variants: tuple[Variant, ...] = ()
