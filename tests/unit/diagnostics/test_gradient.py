"""The gradient check passes where gradients are right and fails where they are made wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from bench.diagnostics.diffraction import Cell, Detector, DiffractionModel, make_geometry
from bench.diagnostics.gradient import ObservedLoss, check_gradient

CELL = Cell(71.0, 83.0, 97.0, 77.0, 95.0, 104.0)
MODEL = DiffractionModel(make_geometry(Detector(pixels=64, pixel_mm=1.6)))


@dataclass(frozen=True, slots=True)
class Spoilt(DiffractionModel):
    """The same values with another gradient."""

    spoil: Callable[[Tensor], Tensor] = lambda loss: loss
    cut: int | None = None

    def loss(self, parameters: Tensor) -> Tensor:
        if self.cut is not None:
            one = torch.nn.functional.one_hot(torch.tensor(self.cut), 6).bool()
            parameters = torch.where(one, parameters.detach(), parameters)
        return self.spoil(DiffractionModel.loss(self, parameters))


def test_the_models_gradient_passes_far_inside_the_tolerance() -> None:
    loss = ObservedLoss(MODEL)
    analytical, numerical = check_gradient(loss, CELL.tensor())
    torch.testing.assert_close(analytical, numerical, rtol=1e-4, atol=0.0)
    assert numerical.abs().min().item() > 1.0  # so that rtol, and not atol, decides
    assert len(loss.seconds) == len(loss.calls) >= 13


@pytest.mark.parametrize("factor", [1.06, 0.94, -1.0, 0.0])
def test_a_gradient_that_is_off_by_six_percent_fails(factor: float) -> None:
    wrong = Spoilt(MODEL.geometry, spoil=lambda loss: loss + (factor - 1.0) * (loss - loss.detach()))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        check_gradient(ObservedLoss(wrong), CELL.tensor())


@pytest.mark.parametrize("parameter", range(6))
def test_a_gradient_missing_for_one_parameter_fails(parameter: int) -> None:
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        check_gradient(ObservedLoss(Spoilt(MODEL.geometry, cut=parameter)), CELL.tensor())


def test_numerical_gradient_needs_the_evaluations() -> None:
    loss = ObservedLoss(MODEL)
    parameters = CELL.tensor()
    loss(parameters)
    with pytest.raises(LookupError, match="entry 0"):
        loss.numerical_gradient(parameters)
