"""What torch's gradcheck saw: every evaluation of the loss, so that its finite differences can be reported too."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .clock import read_clock
from .diffraction import DiffractionModel

EPS = 1e-6
ATOL = 1e-5
RTOL = 0.05


@dataclass(frozen=True, slots=True)
class ObservedLoss:
    """The model's loss as a function for gradcheck, which keeps parameters, value and seconds of each call."""

    model: DiffractionModel
    calls: list[tuple[Tensor, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __call__(self, parameters: Tensor) -> Tensor:
        """The loss, a scalar, of parameters of shape (6,)."""
        device = parameters.device
        start = read_clock(device)
        loss = self.model.loss(parameters)
        self.seconds.append(read_clock(device) - start)
        self.calls.append((parameters.detach().clone().cpu(), loss.item()))
        return loss

    def numerical_gradient(self, parameters: Tensor) -> Tensor:
        """Central differences, shape (6,), from the calls at `parameters` with one entry moved by ±EPS.

        Raises LookupError where such a call is missing, as before gradcheck has run.
        """
        centre = parameters.detach().cpu()
        values: dict[tuple[int, bool], float] = {}
        for at, value in self.calls:
            moved = torch.nonzero(at != centre).flatten().tolist()
            if len(moved) == 1:
                values[moved[0], bool(at[moved[0]] > centre[moved[0]])] = value
        missing = [(entry, up) for entry in range(len(centre)) for up in (False, True) if (entry, up) not in values]
        if missing:
            raise LookupError(f"no evaluation of the loss with entry {missing[0][0]} moved alone")
        slopes = [(values[entry, True] - values[entry, False]) / (2.0 * EPS) for entry in range(len(centre))]
        return torch.tensor(slopes, dtype=torch.float64)


def check_gradient(loss: ObservedLoss, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Run gradcheck on `loss` at `parameters`, a leaf of shape (6,); return analytical and numerical gradients.

    Raises torch.autograd.gradcheck.GradcheckError where they differ by more than ATOL + RTOL · |numerical|, or where
    two analytical passes differ by more than ATOL (sums on many threads or on a GPU may not repeat to the last bit).
    """
    torch.autograd.gradcheck(loss, (parameters,), eps=EPS, atol=ATOL, rtol=RTOL, nondet_tol=ATOL)
    (analytical,) = torch.autograd.grad(loss(parameters), parameters)
    return analytical.detach().cpu(), loss.numerical_gradient(parameters)
