"""The lattice transform against the direct sum over all unit cells, and at the places where its quotient has a hole."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.diagnostics.diffraction.lattice import interference, lattice_transform

INDEX = st.floats(-20.0, 20.0)
COUNTS = (5, 5, 5)


def direct_amplitude(h: torch.Tensor, counts: tuple[int, int, int]) -> torch.Tensor:
    """Σ exp(2πi h·n) over all cells n of a block centred on the origin, as plain addition; shape (3, n) to (n,)."""
    total = torch.zeros(h.shape[1:], dtype=torch.complex128)
    for cell in itertools.product(*[[index - (count - 1) / 2 for index in range(count)] for count in counts]):
        phase = sum(2.0 * math.pi * place * h[axis] for axis, place in enumerate(cell))
        total = total + torch.exp(1j * torch.as_tensor(phase))
    return total


def random_indices(count: int) -> torch.Tensor:
    return 40.0 * torch.rand(3, count, dtype=torch.float64, generator=torch.Generator().manual_seed(7)) - 20.0


@pytest.mark.parametrize("counts", [(5, 5, 5), (1, 2, 3), (4, 7, 2)])
def test_transform_equals_the_direct_sum_over_unit_cells(counts: tuple[int, int, int]) -> None:
    h = random_indices(200)
    expected = direct_amplitude(h, counts)
    torch.testing.assert_close(expected.imag, torch.zeros(200, dtype=torch.float64), rtol=0.0, atol=1e-10)
    torch.testing.assert_close(lattice_transform(h, counts), expected.real, rtol=1e-10, atol=1e-10)


@given(st.tuples(INDEX, INDEX, INDEX))
def test_transform_equals_the_direct_sum_anywhere(hkl: tuple[float, float, float]) -> None:
    h = torch.tensor(hkl, dtype=torch.float64)[:, None]
    torch.testing.assert_close(lattice_transform(h, COUNTS), direct_amplitude(h, COUNTS).real, rtol=1e-9, atol=1e-9)


@given(INDEX.filter(lambda h: abs(h - round(h)) > 1e-3), st.integers(1, 9))
def test_interference_equals_the_quotient_between_integers(h: float, count: int) -> None:
    expected = math.sin(math.pi * count * h) / math.sin(math.pi * h)
    assert interference(torch.tensor(h, dtype=torch.float64), count).item() == pytest.approx(expected, abs=1e-8)


@given(st.integers(-30, 30), st.integers(1, 9))
def test_interference_meets_its_limit_at_integers(h: int, count: int) -> None:
    expected = count * (-1) ** (h * (count - 1))
    assert interference(torch.tensor(float(h), dtype=torch.float64), count).item() == pytest.approx(expected, rel=1e-12)


@given(st.integers(-20, 20), st.floats(-1e-7, 1e-7))
def test_interference_is_smooth_near_integers(h: int, offset: float) -> None:
    """sin(5x)/sin(x) = 5 (1 - 4 x² + …) close to zero."""
    near = interference(torch.tensor(h + offset, dtype=torch.float64), 5).item()
    assert near == pytest.approx(5.0 * (1.0 - 4.0 * (math.pi * offset) ** 2), rel=1e-12)


@pytest.mark.parametrize(
    "hkl", [(0.0, 0.0, 0.0), (1.0, -2.0, 3.0), (2.0, 0.3, -1.7), (0.25, 4.0, 0.9), (-3.0, 7.0, 0.41)]
)
def test_gradient_at_integers_is_that_of_the_direct_sum(hkl: tuple[float, float, float]) -> None:
    ours = torch.tensor(hkl, dtype=torch.float64)[:, None].requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    (found,) = torch.autograd.grad(lattice_transform(ours, COUNTS).sum(), ours)
    (expected,) = torch.autograd.grad(direct_amplitude(theirs, COUNTS).real.sum(), theirs)
    assert bool(torch.isfinite(found).all())
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("hkl", [(0.0, 0.0, 0.0), (1.0, -2.0, 0.37), (0.21, 0.43, 0.77)])
def test_second_derivatives_are_those_of_the_direct_sum(hkl: tuple[float, float, float]) -> None:
    h = torch.tensor(hkl, dtype=torch.float64)
    found = torch.autograd.functional.hessian(lambda x: lattice_transform(x[:, None], COUNTS).sum(), h)
    expected = torch.autograd.functional.hessian(lambda x: direct_amplitude(x[:, None], COUNTS).real.sum(), h)
    assert bool(torch.isfinite(found).all())
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-8)


def test_different_counts_belong_to_their_axes() -> None:
    h = torch.tensor([[0.0], [0.0], [0.5]], dtype=torch.float64)
    assert lattice_transform(h, (2, 3, 5)).item() == pytest.approx(2 * 3 * 1)
    assert lattice_transform(h.flip(0), (2, 3, 5)).item() == pytest.approx(0 * 3 * 5, abs=1e-12)


def test_no_unit_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        interference(torch.zeros(1), 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype: torch.dtype) -> None:
    assert lattice_transform(torch.zeros(3, 2, dtype=dtype), COUNTS).dtype == dtype
