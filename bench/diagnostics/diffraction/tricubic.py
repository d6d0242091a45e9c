"""Structure factors between the points of a table, by tricubic interpolation over 4×4×4 neighbours at once."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor


class OutsideTableWarning(UserWarning):
    """Some indices had no 4×4×4 neighbourhood in the table and got the default."""


class TricubicTable:
    """A table of structure factors F(h, k, l) that can be asked at fractional indices.

    Args:
        values: table of shape (nh, nk, nl), at least 4 each way; its dtype and device are those of all results.
        origin: indices (h, k, l) of `values[0, 0, 0]`.
        default: F where the neighbourhood floor(h) - 1 … floor(h) + 2 leaves the table, or an index is not a number.

    Each axis takes the cubic through four neighbours (Lagrange's form, Abramowitz and Stegun 25.2.13), so tables that
    are cubic or less in each index are met exactly. The first time that the default is used, an OutsideTableWarning
    says so; later uses of the same table are silent.
    """

    def __init__(self, values: Tensor, *, origin: tuple[int, int, int], default: float = 0.0) -> None:
        if values.dim() != 3 or min(values.shape) < 4:
            raise ValueError(f"structure factors: a table of shape {tuple(values.shape)}; at least (4, 4, 4) is needed")
        self.values, self.origin, self.default = values, origin, default
        self._warned = False

    def __call__(self, hkl: Tensor) -> Tensor:
        """F of shape (...) for indices of shape (..., 3), of any floating dtype; differentiable in both."""
        if hkl.shape[-1:] != (3,):
            raise ValueError(f"structure factors: indices of shape {tuple(hkl.shape)}; (..., 3) is needed")
        points = hkl.to(self.values).reshape(-1, 3)
        inside = self._inside(points)
        if not self._warned and not bool(inside.all()):
            self._warned = True
            warnings.warn(
                f"structure factors: {int((~inside).sum())} of {len(points)} indices are outside the table; "
                f"the default {self.default} is returned for those",
                OutsideTableWarning,
                stacklevel=2,
            )
        found = self._interpolate(torch.where(inside[:, None], points, self._somewhere_inside()))
        return torch.where(inside, found, torch.full_like(found, self.default)).reshape(hkl.shape[:-1])

    def _inside(self, points: Tensor) -> Tensor:
        low = torch.tensor(self.origin).to(points)
        size = torch.tensor(self.values.shape).to(points)
        base = torch.floor(points.detach())
        return ((base - 1 >= low) & (base + 2 <= low + size - 1)).all(-1)

    def _somewhere_inside(self) -> Tensor:
        # Stands in for points outside, so that what is thrown away has a finite gradient: 0 · NaN would be NaN.
        return torch.tensor(self.origin).to(self.values) + 1

    def _interpolate(self, points: Tensor) -> Tensor:
        """F of shape (n,) for points of shape (n, 3) that all lie inside."""
        base = torch.floor(points.detach())
        weights = cubic_weights(points - base)
        first = base.long() - 1 - torch.tensor(self.origin, device=base.device)
        h, k, l = (first[:, :, None] + torch.arange(4, device=base.device)).unbind(1)  # noqa: E741
        near = self.values[h[:, :, None, None], k[:, None, :, None], l[:, None, None, :]]  # (n, 4, 4, 4)
        near = (near * weights[:, 2, None, None, :]).sum(-1)
        near = (near * weights[:, 1, None, :]).sum(-1)
        return (near * weights[:, 0]).sum(-1)


def cubic_weights(t: Tensor) -> Tensor:
    """Lagrange's weights of the nodes -1, 0, 1, 2 at t in [0, 1), shape (..., 4) for t of shape (...)."""
    before, after, far = t + 1.0, t - 1.0, t - 2.0
    return torch.stack(
        [-t * after * far / 6.0, before * after * far / 2.0, -before * t * far / 2.0, before * t * after / 6.0], dim=-1
    )
