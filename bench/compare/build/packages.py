"""Which packages two builds do not share, those first that decide a time (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMED = 8
"""Packages that are named; how many more differ is counted."""
_FIRST = (
    r"torch|pytorch|pytorch-gpu|pytorch-cpu",
    r"libtorch|torchvision|torchaudio|triton|pytorch-triton",
    r"numpy|numpy-base|scipy",
    r"mkl.*|intel-openmp|openblas|libopenblas|libblas|blas|onednn|libgomp|llvm-openmp|openmp",
    r"nvidia-.*|cuda.*|cudnn|libcublas|libcudnn|nccl",
    r"jemalloc|libjemalloc|gperftools|mimalloc",
    r"glibc|libgcc.*|libstdcxx.*|python",
    r"pytest|pytest-.*|pluggy",
)
"""Names by how much they are likely to do to a time, the dearest first; all others come after them."""


def packages_apart(a: Mapping[str, str], b: Mapping[str, str]) -> list[tuple[str, str | None, str | None]]:
    """Return name and both versions of each package that differs; ``None`` is one that is not there.

    A build's own package manager may write a name in another way (``PyYAML``, ``pyyaml``): it is one package.

    Args:
        a: versions by name, of the reference.
        b: those of the result.
    """
    one, two = ({canonical(name): version for name, version in side.items()} for side in (a, b))
    found = [(name, one.get(name), two.get(name)) for name in one.keys() | two.keys() if one.get(name) != two.get(name)]
    return sorted(found, key=lambda row: (rank(row[0]), row[0]))


def canonical(name: str) -> str:
    """Return a package's name as the index knows it, as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def rank(name: str) -> int:
    """Return a package's place among those that decide a time: 0 is the dearest."""
    return next((place for place, names in enumerate(_FIRST) if re.fullmatch(names, name)), len(_FIRST))


def in_words(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[str, str] | None:
    """Return both sides' versions of the packages that differ, as two texts; ``None`` if none does.

    Args:
        a: versions by name, of the reference.
        b: those of the result.
    """
    apart = packages_apart(a, b)
    if not apart:
        return None
    more = f", and {len(apart) - NAMED} more" if len(apart) > NAMED else ""
    sides = [
        ", ".join(f"{row[0]} {row[at] if row[at] is not None else 'none'}" for row in apart[:NAMED]) + more
        for at in (1, 2)
    ]
    return sides[0], sides[1]
