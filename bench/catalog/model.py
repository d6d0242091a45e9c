"""The words of the catalog: what a diagnostic is, frozen (pure)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Device = Literal["cpu", "cuda"]
SMALL, TORCH = "small", "torch"
"""What a test's image is called on a command line: without torch, and with it for the test's device."""
SELFTEST = "selftest"
"""The one name that is no test of pytest's: loads of known cost, to hold the readings against."""
REFERENCE_NODE = "tests/test_gradients.py::TestPropertyBasedGradients::test_property_gradient_stability"
REFERENCE = "nanobragg-grad"
"""What the test is called whose figures ship as reference: one of another code base, and no diagnostic of ours."""
_LONGEST = 80


def name_of(node: str, device: Device | None) -> str:
    """Return the one name of a pytest node, whoever measured it: of ``tests/test_x.py::test_y`` it is
    ``tests-test-x-test-y_cpu``; without a device if that is not known.
    """
    label = REFERENCE if node == REFERENCE_NODE else label_of(node)
    return f"{label}_{device}" if device is not None else label


def label_of(node: str) -> str:
    """Return a node in lower case letters, digits and dashes; if it is too long, its end and a hash of all."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", re.sub(r"\.py\b", "", node)).strip("-").lower()
    if 0 < len(label) <= _LONGEST:
        return label
    import hashlib  # it reads OpenSSL, for which most names are too short

    digest = hashlib.sha256(node.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{label[-(_LONGEST - 7) :].strip('-') or 'node'}-{digest}"


@dataclass(frozen=True, slots=True)
class Profile:
    """How much of a diagnostic runs: ``full`` or ``smoke``, and what it sets.

    ``ceiling_s`` is this profile's own approved wall time, if it is not the diagnostic's.
    """

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    ceiling_s: float | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the same diagnostic: environment and limits that are laid over it (``whatif``).

    ``preload`` names an allocator library of the image (``jemalloc``, ``tcmalloc``); ``threads``, ``cpuset`` and
    ``security`` replace the limits of the run if they are given.
    """

    name: str
    about: str
    env: Mapping[str, str] = field(default_factory=dict)
    preload: str | None = None
    threads: int | None = None
    cpuset: str | None = None
    security: str | None = None
    engine: str | None = None


DEFAULT_TIMEOUT_S = 1200.0
"""The deadline of a node or a command that nobody gave one, in seconds."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is measured instead of a test.

    ``shell``: its one word is a pipeline for ``/bin/sh``. ``prepare`` is a line for ``/bin/sh`` that runs before each
    run and is not measured; ``input`` the file that it reads as standard input; ``expect_exit`` its exit code if it
    passed.
    """

    words: tuple[str, ...]
    shell: bool = False
    prepare: str | None = None
    input: Path | None = None
    expect_exit: int = 0

    @property
    def line(self) -> str:
        """The command as a person would write it."""
        return self.words[0] if self.shell else shlex.join(self.words)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One test, or one command, on one device. ``name`` is NAME of the command line, ``<diagnostic>_<device>``
    (without a device if it has none).

    ``node`` is relative to the root of its source; times are in seconds. Either ``node`` or ``command`` is there.
    ``image`` is a kind of ours, or of a command any image's name; ``image_open``: nobody named it.
    ``warmup`` is how many runs come before those that are measured.
    """

    name: str
    about: str
    node: str | None
    device: Device
    ceiling_s: float | None
    timeout_s: float
    env: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[Profile, ...] = (Profile("full"),)
    image: str = "cpu"
    image_open: bool = False
    requirements: str | None = None
    command: Command | None = None
    warmup: int = 0

    @property
    def what(self) -> str:
        """What is run, for people: the node, or the command."""
        return self.node or (self.command.line if self.command else self.name)

    def profile(self, name: str) -> Profile | None:
        """Return the profile of that name, or ``None``."""
        return next((profile for profile in self.profiles if profile.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All diagnostics that a command can name, and the variants that ``whatif`` can try."""

    diagnostics: tuple[Diagnostic, ...]
    variants: tuple[Variant, ...] = ()
