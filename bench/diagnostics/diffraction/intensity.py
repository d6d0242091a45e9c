"""The model itself: from six cell parameters to an image and to the image's sum, in blocks that fit a cache.

Two things keep a 1024×1024 image in float64 small and quick, both explained in docs/diagnostics.md. The image is
worked through in blocks of rows, so that a temporary fits a cache. And a block's graph is made again in the backward
pass, so that never more than one block's graph is alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .cell import real_basis
from .detector import Geometry
from .lattice import lattice_transform

# Whatever number of threads there is: a host with more of them is asked for the same operations on the same shapes, so
# that counts of them can be held against one another. torch hands a thread at least 32768 elements of an operation
# (at::internal::GRAIN_SIZE), and a block's operations are mostly on three numbers a pixel: enough for twelve threads,
# and 3 MiB a temporary, which a cache of the last level holds.
CPU_PIXELS = 1 << 17
# An accelerator wants few, large kernels: a whole 1024×1024 image, 24 MiB for three float64 numbers a pixel.
ACCELERATOR_PIXELS = 1 << 20


def block_rows(columns: int, *, on_cpu: bool) -> int:
    """Rows of an image that are worked through at a time, at least one."""
    return max(1, (CPU_PIXELS if on_cpu else ACCELERATOR_PIXELS) // columns)


@dataclass(frozen=True, slots=True)
class DiffractionModel:
    """I = |F · F_latt|² · polarisation · solid angle, for a crystal of `cells` unit cells along a, b and c.

    The constant electron radius and flux are left out: intensities are in units of r_e² times the beam's fluence. The
    image's dtype and device are those of the geometry, whatever the parameters' dtype. `rows` sets the rows of a block
    (None: as many as suit the device).
    """

    geometry: Geometry
    cells: tuple[int, int, int] = (5, 5, 5)
    structure_factor: float = 100.0
    rows: int | None = None

    def image(self, parameters: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Image of shape (pixels, pixels) of cell parameters of shape (6,), into `out` if given; outside autograd."""
        pixels, weight = self.geometry.detector.pixels, self.geometry.weight
        target = torch.empty_like(weight) if out is None else out.view(-1)
        with torch.no_grad():
            basis = self._basis(parameters)
            for block in self._blocks():
                squared = self.squared_amplitude(basis, self.geometry.scattering[:, block])
                torch.mul(squared, weight[block], out=target[block])
        return target.view(pixels, pixels)

    def loss(self, parameters: Tensor) -> Tensor:
        """Sum of the image, a scalar, differentiable (once) in parameters of shape (6,)."""
        basis = self._basis(parameters)
        parts = [_BlockSum.apply(basis, self, block) for block in self._blocks()]
        return torch.stack(parts).sum()

    def squared_amplitude(self, basis: Tensor, scattering: Tensor) -> Tensor:
        """|F · F_latt|², shape (n,), for a real basis of shape (3, 3) and scattering vectors of shape (3, n)."""
        indices = basis @ scattering  # h = s·a, k = s·b, l = s·c
        amplitude = self.structure_factor * lattice_transform(indices, self.cells)
        return amplitude * amplitude

    def block_sum(self, basis: Tensor, block: slice) -> Tensor:
        """Sum of the image over one block of pixels, a scalar, through plain autograd."""
        squared = self.squared_amplitude(basis, self.geometry.scattering[:, block])
        return torch.dot(squared, self.geometry.weight[block])

    def _basis(self, parameters: Tensor) -> Tensor:
        return real_basis(parameters).to(self.geometry.weight.dtype)

    def _blocks(self) -> Iterator[slice]:
        weight, columns = self.geometry.weight, self.geometry.detector.pixels
        rows = self.rows or block_rows(columns, on_cpu=weight.device.type == "cpu")
        step = rows * columns
        for start in range(0, weight.numel(), step):
            yield slice(start, min(start + step, weight.numel()))


class _BlockSum(torch.autograd.Function):  # type: ignore[misc]
    """`DiffractionModel.block_sum` whose graph is built in the backward pass, differentiated by autograd and dropped.

    torch.utils.checkpoint does the same for any function, but its first call imports torch's compiler, some 100 MB that
    the diagnostic has no use for, and it is a third slower here.
    """

    @staticmethod
    def forward(ctx: Any, basis: Tensor, model: DiffractionModel, block: slice) -> Tensor:
        ctx.save_for_backward(basis)
        ctx.model, ctx.block = model, block
        return model.block_sum(basis, block)  # autograd is off here: temporaries are freed as soon as they are used

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        (basis,) = ctx.saved_tensors
        with torch.enable_grad():
            leaf = basis.detach().requires_grad_()
            total = ctx.model.block_sum(leaf, ctx.block)
        (gradient,) = torch.autograd.grad(total, leaf, above)
        return gradient, None, None
