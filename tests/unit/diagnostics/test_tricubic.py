"""Tricubic interpolation against cubic polynomials, an exact scalar reference, and at its edges."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.diagnostics.diffraction import OutsideTableWarning, TricubicTable
from bench.diagnostics.diffraction.tricubic import cubic_weights
from bench.diagnostics.reference import interpolate_exactly, make_table, neville, table_value, ulp_distance
from bench.diagnostics.watch import watch_dtypes

INDEX = st.floats(-4.0, 3.999)
ORIGIN = (-5, -5, -5)


def table(dtype: torch.dtype = torch.float64) -> TricubicTable:
    return TricubicTable(make_table(dtype), origin=ORIGIN, default=-1.0)


@given(st.tuples(INDEX, INDEX, INDEX))
def test_linear_table_is_met_exactly(point: tuple[float, float, float]) -> None:
    h, k, l = point  # noqa: E741
    found = table()(torch.tensor(point, dtype=torch.float64)).item()
    assert found == pytest.approx(100.0 + 10.0 * h + k + 0.1 * l, rel=1e-13)


@given(st.tuples(INDEX, INDEX, INDEX))
def test_a_cubic_polynomial_is_met_exactly(point: tuple[float, float, float]) -> None:
    def cubic(h: Any, k: Any, l: Any) -> Any:  # noqa: E741
        return h**3 * k - 2.0 * h * k**2 * l**3 + l**2 - 7.0

    axis = torch.arange(-5.0, 6.0, dtype=torch.float64)
    values = cubic(*torch.meshgrid(axis, axis, axis, indexing="ij"))
    found = TricubicTable(values, origin=ORIGIN)(torch.tensor(point, dtype=torch.float64)).item()
    assert found == pytest.approx(cubic(*point), rel=1e-9, abs=1e-9)


def test_a_cubic_that_is_no_polynomial_is_met_as_the_scalar_reference_meets_it() -> None:
    values = torch.rand(6, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) + 1.0
    points = torch.tensor([[1.3, 2.7, -1.2], [2.0, 0.5, 0.9999], [1.0, 1.0, -2.0]], dtype=torch.float64)
    found = TricubicTable(values, origin=(0, -1, -3))(points)
    for got, point in zip(found.tolist(), points.tolist(), strict=True):
        exact = interpolate_exactly(lambda *at: Fraction(values[at[0], at[1] + 1, at[2] + 3].item()), point)
        assert ulp_distance(got, exact, torch.float64) <= 8


def test_table_values_are_met_at_their_points_to_the_bit() -> None:
    axis = torch.arange(-4.0, 4.0, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    assert torch.equal(table()(grid), make_table(torch.float64)[1:9, 1:9, 1:9])


@given(st.floats(0.0, 1.0))
def test_weights_add_up_to_one_and_reproduce_the_point(t: float) -> None:
    weights = cubic_weights(torch.tensor(t, dtype=torch.float64))
    nodes = torch.tensor([-1.0, 0.0, 1.0, 2.0], dtype=torch.float64)
    assert weights.sum().item() == pytest.approx(1.0, rel=1e-14)
    assert (weights @ nodes).item() == pytest.approx(t, abs=1e-14)


@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (0,), (2, 1, 4)])
def test_shapes_are_kept(shape: tuple[int, ...]) -> None:
    assert table()(torch.zeros(*shape, 3, dtype=torch.float64)).shape == shape


@pytest.mark.parametrize(
    ("point", "inside"),
    [((-4.0, 0.0, 0.0), True), ((3.9999, 0.0, 0.0), True), ((4.0, 0.0, 0.0), False), ((-4.0001, 0.0, 0.0), False)],
)
def test_a_point_is_inside_if_all_its_neighbours_are(point: tuple[float, float, float], *, inside: bool) -> None:
    points = torch.tensor(point, dtype=torch.float64)
    if inside:
        assert table()(points).item() != -1.0
        return
    with pytest.warns(OutsideTableWarning, match=r"1 of 1 .* default -1.0"):
        assert table()(points).item() == -1.0


def test_every_table_warns_once() -> None:
    outside = torch.full((4, 3), 9.0, dtype=torch.float64)
    for _ in range(2):
        ours = table()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ours(outside)
            ours(outside)
        assert [warning.category for warning in caught] == [OutsideTableWarning]


def test_gradients_pass_gradcheck_between_the_points() -> None:
    values = make_table(torch.float64)[:5, :5, :5].clone().requires_grad_()
    points = torch.tensor([[-3.7, -3.2, -3.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, p: TricubicTable(v, origin=ORIGIN)(p), (values, points))


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4)])
def test_too_small_a_table_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least"):
        TricubicTable(torch.zeros(shape), origin=(0, 0, 0))


def test_indices_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="is needed"):
        table()(torch.zeros(4, 2))


def test_neville_and_the_reference_by_hand() -> None:
    """Through 0, 1, 8, 27 at 0 … 3 goes x³; the table's own formula is linear."""
    assert neville([Fraction(value) for value in (0, 1, 8, 27)], 0, Fraction(5, 2)) == Fraction(125, 8)
    assert interpolate_exactly(table_value, (0.5, -1.25, 2.0)) == Fraction(100) + 5 - Fraction(5, 4) + Fraction(1, 5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ulp_distance_counts_representable_numbers(dtype: torch.dtype) -> None:
    eps = torch.finfo(dtype).eps
    assert ulp_distance(1.0, Fraction(1), dtype) == 0
    assert ulp_distance(1.0 + 3 * eps, Fraction(1), dtype) == 3
    assert ulp_distance(1.0 - eps / 2, Fraction(1), dtype) == 1
    assert ulp_distance(-1.0 - eps, Fraction(-1), dtype) == 1
    tiny = torch.finfo(dtype).smallest_normal * eps
    assert ulp_distance(tiny, Fraction(-tiny), dtype) == 2


def test_rounding_of_the_reference_is_to_the_nearest() -> None:
    assert ulp_distance(math.pi, Fraction(314159265358979323846, 10**20), torch.float64) == 0


def test_watch_sees_a_mixed_computation() -> None:
    single, double = torch.ones(2), torch.ones(2, dtype=torch.float64)
    assert watch_dtypes(lambda: single * 2) == ["float32"]
    assert watch_dtypes(lambda: single * double) == ["float64"]
    assert watch_dtypes(lambda: (single * 2, double + 1)) == ["float32", "float64"]
    assert watch_dtypes(lambda: double.to(torch.float32) * single) == ["float32"]
    assert watch_dtypes(lambda: torch.arange(3)) == []
    assert watch_dtypes(lambda: torch.ones(4).aminmax()) == ["float32"]
