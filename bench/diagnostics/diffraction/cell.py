"""What a triclinic cell is: six parameters, their real and reciprocal bases, volume and d-spacings.

Conventions are those of International Tables for Crystallography, volume B, section 1.1: a lies along x, b in the xy
plane, and the reciprocal basis is the dual one without the factor 2π (a · a* = 1).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor

SHORTEST_A, LONGEST_A = 50.0, 200.0
SMALLEST_DEG, LARGEST_DEG = 60.0, 120.0
# V / (a b c) of a cell below which it counts as degenerate: three angles of 120° give a flat cell of volume zero, and
# close to it every derivative by an angle grows without bound.
FLATTEST = 0.1


@dataclass(frozen=True, slots=True)
class Cell:
    """Six cell parameters as plain numbers: lengths in Å, angles in degrees."""

    a: float
    b: float
    c: float
    alpha: float
    beta: float
    gamma: float

    def tensor(self, *, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu") -> Tensor:
        """The parameters as a leaf of shape (6,), in the order a, b, c, α, β, γ, that wants a gradient."""
        values = [self.a, self.b, self.c, self.alpha, self.beta, self.gamma]
        return torch.tensor(values, dtype=dtype, device=device, requires_grad=True)

    def flatness(self) -> float:
        """V / (a b c), between 0 (flat) and 1 (orthogonal); 0 too where the angles close to no cell at all."""
        ca, cb, cg = (math.cos(math.radians(x)) for x in (self.alpha, self.beta, self.gamma))
        return math.sqrt(max(0.0, 1.0 - ca * ca - cb * cb - cg * cg + 2.0 * ca * cb * cg))


def draw_cells(count: int, seed: int) -> list[Cell]:
    """Draw `count` cells, lengths of 50 to 200 Å and angles of 60° to 120°; degenerate ones are drawn again.

    Python's own generator serves: its sequence for a seed is the same on every version and machine, and the first n
    cells of a seed do not depend on `count`.
    """
    source = random.Random(seed)  # noqa: S311 - a reproducible draw, nothing secret
    cells: list[Cell] = []
    while len(cells) < count:
        a, b, c = (source.uniform(SHORTEST_A, LONGEST_A) for _ in range(3))
        alpha, beta, gamma = (source.uniform(SMALLEST_DEG, LARGEST_DEG) for _ in range(3))
        cell = Cell(a, b, c, alpha, beta, gamma)
        if cell.flatness() >= FLATTEST:
            cells.append(cell)
    return cells


def real_basis(parameters: Tensor) -> Tensor:
    """Real basis, shape (3, 3), rows a, b, c in Å, of parameters of shape (6,)."""
    a, b, c = parameters[:3].unbind()
    cos_alpha, cos_beta, cos_gamma = torch.cos(torch.deg2rad(parameters[3:])).unbind()
    sin_gamma = torch.sin(torch.deg2rad(parameters[5]))
    zero = torch.zeros_like(a)
    # c's components follow from c · a = a c cos β and c · b = b c cos α; the third from |c|.
    cx = cos_beta
    cy = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    cz = torch.sqrt(1.0 - cx * cx - cy * cy)
    rows = [a, zero, zero, b * cos_gamma, b * sin_gamma, zero, c * cx, c * cy, c * cz]
    return torch.stack(rows).reshape(3, 3)


def volume(basis: Tensor) -> Tensor:
    """Volume of a cell in Å³ (or of a reciprocal one in Å⁻³) by the triple product a · (b × c)."""
    return torch.dot(basis[0], torch.linalg.cross(basis[1], basis[2]))


def reciprocal_basis(basis: Tensor) -> Tensor:
    """Dual basis, shape (3, 3), rows a*, b*, c* in Å⁻¹: (b × c) / V and its cyclic exchanges."""
    a, b, c = basis.unbind()
    rows = [torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)]
    return torch.stack(rows) / volume(basis)


def d_spacing(basis: Tensor, hkl: Tensor) -> Tensor:
    """Distance in Å between the lattice planes (h, k, l): 1 / |h a* + k b* + l c*|, for `hkl` of shape (..., 3)."""
    vectors = hkl.to(basis) @ reciprocal_basis(basis)
    return 1.0 / torch.linalg.vector_norm(vectors, dim=-1)
