"""What does not depend on the cell: the flat detector, its scattering vectors and the weight of each pixel.

It is computed once for a model. Laboratory axes: the beam travels along +z and meets the detector's middle at a right
angle; columns run along +x, rows along +y.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Detector:
    """A flat square detector: pixels a side, pixel and distance in mm, wavelength in Å."""

    pixels: int = 1024
    pixel_mm: float = 0.1
    distance_mm: float = 100.0
    wavelength_a: float = 6.2


@dataclass(frozen=True, slots=True)
class Geometry:
    """Per pixel, row by row: `scattering` of shape (3, pixels²) in Å⁻¹, `weight` of shape (pixels²,) in steradian."""

    detector: Detector
    scattering: Tensor
    weight: Tensor


def pixel_positions(detector: Detector, *, dtype: torch.dtype, device: torch.device | str) -> Tensor:
    """Centres of all pixels in mm from the crystal, shape (3, pixels²), row by row."""
    along = torch.arange(detector.pixels, dtype=dtype, device=device)
    along = (along - (detector.pixels - 1) / 2.0) * detector.pixel_mm
    y, x = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([x, y, torch.full_like(x, detector.distance_mm)]).reshape(3, -1)


def solid_angle(positions: Tensor, pixel_mm: float) -> Tensor:
    """Solid angle in steradian of each pixel: its area times the cosine of its tilt, over the distance squared."""
    square = positions.square().sum(0)
    return pixel_mm**2 * positions[2] / (square * torch.sqrt(square))


def polarisation(cos_two_theta: Tensor) -> Tensor:
    """Factor (1 + cos² 2θ) / 2 of an unpolarised beam (Kahn et al., J. Appl. Cryst. 15, 1982, 330, equation 1)."""
    return 0.5 * (1.0 + cos_two_theta.square())


def make_geometry(
    detector: Detector, *, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
) -> Geometry:
    """Scattering vectors s = (k' - k) / λ with unit k', k, and polarisation times solid angle, for all pixels."""
    positions = pixel_positions(detector, dtype=dtype, device=device)
    outgoing = positions / torch.linalg.vector_norm(positions, dim=0)
    weight = polarisation(outgoing[2]) * solid_angle(positions, detector.pixel_mm)
    scattering = outgoing.clone()
    scattering[2] -= 1.0
    scattering /= detector.wavelength_a
    return Geometry(detector, scattering.contiguous(), weight)
