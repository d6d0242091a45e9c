"""Diagnostic `grad`: are the model's gradients stable? torch's gradcheck on 25 triclinic cells, one test each."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import pytest
import torch

from .diffraction import Cell, Detector, DiffractionModel, make_geometry
from .gradient import ATOL, ObservedLoss, check_gradient
from .metrics import Metrics
from .settings import Settings

SEED = 44
# Below this a slope would be accepted by gradcheck's absolute tolerance alone, whatever its analytical value.
LEAST_SLOPE = 100.0 * ATOL


@dataclass(slots=True)
class SoFar:
    """What the cells up to now have shown; the last one records it."""

    differences: list[float] = field(default_factory=list)
    slopes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@pytest.fixture(scope="module")
def so_far() -> SoFar:
    """One account for all cells of the run."""
    return SoFar()


@pytest.fixture(scope="module")
def model(settings: Settings, device: torch.device) -> DiffractionModel:
    """The model on the device, its detector computed once for all cells."""
    geometry = make_geometry(Detector(pixels=settings.profile.grad_pixels), dtype=torch.float64, device=device)
    return DiffractionModel(geometry)


def test_gradient_stability(
    cell: Cell, model: DiffractionModel, device: torch.device, so_far: SoFar, metrics: Metrics, *, last_case: bool
) -> None:
    """The analytical gradient of the image's sum equals central differences in all six cell parameters."""
    loss = ObservedLoss(model)
    analytical, numerical = check_gradient(loss, cell.tensor(device=device))

    assert bool(torch.isfinite(analytical).all())
    assert numerical.abs().min().item() > LEAST_SLOPE, "a slope is too small for the relative tolerance to decide"

    so_far.differences.append(((analytical - numerical).abs() / numerical.abs()).max().item())
    so_far.slopes.append(numerical.abs().min().item())
    so_far.seconds.extend(loss.seconds)
    if not last_case:
        return
    metrics.add("gradient_largest_relative_difference", max(so_far.differences), "1", "lower")
    metrics.add("gradient_smallest_slope", min(so_far.slopes), "1", "none")
    metrics.add("forward_median_s", statistics.median(so_far.seconds), "s", "lower")
    metrics.add("forward_count", len(so_far.seconds), "1", "none")
