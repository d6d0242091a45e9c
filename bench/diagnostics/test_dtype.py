"""Diagnostic `dtype`: tricubic structure factors are right to the last bits, and stay in the model's data type."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from .diffraction import Cell, Detector, DiffractionModel, OutsideTableWarning, TricubicTable, make_geometry
from .metrics import Metrics
from .reference import LOWEST, interpolate_exactly, make_table, table_value, ulp_distance
from .settings import Settings
from .watch import dtype_name, watch_dtypes

DTYPES = (torch.float32, torch.float64)
MIXES = list(itertools.product(DTYPES, DTYPES))
NAMES = [f"{dtype_name(model)}-model-{dtype_name(given)}-input" for model, given in MIXES]
DEFAULT = 7.25
# 4 + 4 + 4 products and sums of weights whose magnitudes add up to less than 2, on values that differ by a factor of
# four: a bound of the roundings' sum, which leaves no room for a wrong weight or a lower precision.
MOST_ULP = 16
FIXED_POINTS = [(0.0, 0.0, 0.0), (1.0, -2.0, 3.0), (0.5, 0.5, 0.5), (-3.75, 2.125, 0.0), (-4.0, -4.0, 3.9375)]
OUTSIDE = [(4.0, 0.0, 0.0), (0.0, -4.001, 0.0), (0.0, 0.0, 99.0), (float("nan"), 0.0, 0.0), (0.0, float("inf"), 0.0)]


def make_interpolator(dtype: torch.dtype, device: torch.device) -> TricubicTable:
    """The table under test."""
    return TricubicTable(make_table(dtype, device), origin=(LOWEST, LOWEST, LOWEST), default=DEFAULT)


@pytest.fixture(scope="module")
def so_far() -> dict[torch.dtype, int]:
    """The largest ULP difference of the tests before, by dtype."""
    return dict.fromkeys(DTYPES, 0)


def draw_points(count: int) -> list[tuple[float, ...]]:
    """Points inside the table, the fixed ones first, the rest drawn with a fixed seed."""
    source = random.Random(44)  # noqa: S311 - a reproducible draw, nothing secret
    drawn = [tuple(source.uniform(-4.0, 3.999) for _ in range(3)) for _ in range(count)]
    return [*FIXED_POINTS, *drawn]


def largest_ulp(found: Tensor, points: Tensor, table: Tensor) -> int:
    """Largest distance from exact interpolation of the very numbers, points and table, that the fast one was given."""
    rounded = table.tolist()

    def value(h: int, k: int, l: int) -> Fraction:  # noqa: E741
        return Fraction(rounded[h - LOWEST][k - LOWEST][l - LOWEST])

    pairs: Sequence[tuple[float, list[float]]] = list(
        zip(found.reshape(-1).tolist(), points.reshape(-1, 3).tolist(), strict=True)
    )
    return max(ulp_distance(got, interpolate_exactly(value, point), found.dtype) for got, point in pairs)


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_name)
@pytest.mark.parametrize("shape", ["points", "batch", "grid"])
def test_vectorised_equals_scalar_reference(
    shape: str,
    dtype: torch.dtype,
    settings: Settings,
    device: torch.device,
    so_far: dict[torch.dtype, int],
    metrics: Metrics,
    *,
    last_case: bool,
) -> None:
    """The 4×4×4 gather agrees with an exact scalar reference, one by one, as a batch and as a grid of points."""
    table = make_interpolator(dtype, device)
    points = torch.tensor(draw_points(settings.profile.random_points), dtype=dtype, device=device)
    if shape == "points":
        points = points[:50]
        found = torch.stack([table(point) for point in points])
    elif shape == "batch":
        found = table(points)
    else:
        axis = torch.linspace(-4.0, 3.9, 7, dtype=dtype, device=device)
        points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
        found = table(points)
    assert found.shape == points.shape[:-1]
    assert found.dtype == dtype
    ulp = largest_ulp(found, points, table.values)
    metrics.add(f"ulp_{shape}_{dtype_name(dtype)}", ulp, "ULP", "lower")
    so_far[dtype] = max(so_far[dtype], ulp)
    assert ulp <= MOST_ULP
    if last_case:
        for each, largest in so_far.items():
            metrics.add(f"ulp_largest_{dtype_name(each)}", largest, "ULP", "lower")


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_name)
def test_linear_table_is_met_by_its_formula(dtype: torch.dtype, device: torch.device) -> None:
    """F = 100 + 10h + k + 0.1l is linear, so a tricubic has to give just that between the points too."""
    points = torch.tensor(draw_points(100), dtype=dtype, device=device)
    coefficients = torch.tensor([10.0, 1.0, 0.1], dtype=dtype, device=device)
    torch.testing.assert_close(make_interpolator(dtype, device)(points), 100.0 + points @ coefficients)
    at_node = make_interpolator(dtype, device)(torch.tensor([2.0, -3.0, 1.0], dtype=dtype, device=device))
    assert at_node.item() == pytest.approx(float(table_value(2, -3, 1)), rel=torch.finfo(dtype).eps)


@pytest.mark.parametrize(("model", "given"), MIXES, ids=NAMES)
def test_result_follows_the_model(
    model: torch.dtype, given: torch.dtype, device: torch.device, metrics: Metrics
) -> None:
    """Whatever dtype the indices have, results have the model's, and nothing on the way is computed in another."""
    table = make_interpolator(model, device)
    points = torch.tensor(draw_points(20), dtype=given, device=device, requires_grad=True)
    computed = watch_dtypes(lambda: table(points))
    found = table(points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutsideTableWarning)
        outside = table(torch.tensor(OUTSIDE, dtype=given, device=device))
    found.sum().backward()
    assert points.grad is not None
    name = f"{dtype_name(model)}_model_{dtype_name(given)}_input"
    metrics.fact(
        f"dtype_snapshot_{name}",
        {
            "input": dtype_name(given),
            "computed": computed,
            "result": dtype_name(found.dtype),
            "default": dtype_name(outside.dtype),
            "gradient": dtype_name(points.grad.dtype),
        },
    )
    metrics.add(f"dtype_bits_{name}", found.element_size() * 8, "bit")
    assert found.dtype == outside.dtype == model
    assert computed == [dtype_name(model)]
    assert points.grad.dtype == given


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_name)
def test_image_follows_the_detector(dtype: torch.dtype, device: torch.device, metrics: Metrics) -> None:
    """The diffraction model too: an image in its detector's dtype, from float64 cell parameters."""
    model = DiffractionModel(make_geometry(Detector(32, pixel_mm=3.2), dtype=dtype, device=device))
    parameters = Cell(74.0, 91.0, 113.0, 81.0, 97.0, 106.0).tensor(device=device)
    image, loss = model.image(parameters), model.loss(parameters)
    (gradient,) = torch.autograd.grad(loss, parameters)
    metrics.fact(
        f"dtype_snapshot_{dtype_name(dtype)}_image",
        {"image": dtype_name(image.dtype), "loss": dtype_name(loss.dtype), "gradient": dtype_name(gradient.dtype)},
    )
    assert image.dtype == loss.dtype == dtype
    assert gradient.dtype == torch.float64


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_name)
def test_outside_gives_the_default_and_one_warning(dtype: torch.dtype, device: torch.device) -> None:
    """Outside the table the default comes back, inside nothing changes, and one warning is all, however many calls."""
    table = make_interpolator(dtype, device)
    inside = torch.tensor(FIXED_POINTS, dtype=dtype, device=device)
    outside = torch.tensor(OUTSIDE, dtype=dtype, device=device)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alone = table(inside)
        assert caught == []
        both = table(torch.cat([outside, inside]))
        again = table(outside)
    assert [warning.category for warning in caught] == [OutsideTableWarning]
    assert both[: len(OUTSIDE)].tolist() == again.tolist() == [DEFAULT] * len(OUTSIDE)
    assert torch.equal(both[len(OUTSIDE) :], alone)


def test_gradients_flow(device: torch.device) -> None:
    """Gradients pass gradcheck, equal (10, 1, 0.1) on the linear table, reach the table, and are 0 outside."""
    table = make_interpolator(torch.float64, device)
    points = torch.tensor(draw_points(10), dtype=torch.float64, device=device, requires_grad=True)
    (found,) = torch.autograd.grad(table(points).sum(), points)
    slopes = torch.tensor([10.0, 1.0, 0.1], dtype=torch.float64, device=device)
    torch.testing.assert_close(found, slopes.expand_as(found), rtol=1e-10, atol=1e-10)

    # Away from integers, where a piecewise cubic has a kink that finite differences would step over.
    between = torch.tensor([[0.3, -1.4, 2.6], [-3.7, 1.2, 0.45]], dtype=torch.float64, device=device)
    assert torch.autograd.gradcheck(table, (between.requires_grad_(),))

    values = make_table(torch.float64, device).requires_grad_()
    TricubicTable(values, origin=(LOWEST, LOWEST, LOWEST))(between.detach()).sum().backward()
    assert values.grad is not None
    # Weights add up to one at each point.
    assert values.grad.sum().item() == pytest.approx(len(between))

    outside = torch.tensor(OUTSIDE, dtype=torch.float64, device=device, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutsideTableWarning)
        table(outside).sum().backward()
    assert outside.grad is not None
    assert outside.grad.tolist() == [[0.0] * 3] * len(OUTSIDE)
