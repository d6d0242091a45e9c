"""The convention by which a diagnostic hands over its numbers."""

from __future__ import annotations

import json

import pytest

from bench.diagnostics.metrics import Metrics


def record() -> tuple[Metrics, dict[str, str]]:
    kept: dict[str, str] = {}
    return Metrics(lambda name, value: kept.__setitem__(name, str(value))), kept


def test_a_metric_is_one_property_of_json() -> None:
    metrics, kept = record()
    metrics.add("triad", 12.5, "GB/s", "higher")
    assert {name: json.loads(value) for name, value in kept.items()} == {
        "metric:triad": {"value": 12.5, "unit": "GB/s", "better": "higher"}
    }


def test_facts_and_reasons_are_kept_apart_from_numbers() -> None:
    metrics, kept = record()
    metrics.fact("snapshot", {"result": "float64"})
    metrics.unavailable("peak", "no such file")
    assert json.loads(kept["fact:snapshot"]) == {"result": "float64"}
    assert json.loads(kept["fact:unavailable:peak"]) == "no such file"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_failed_measurement_is_no_metric(value: float) -> None:
    metrics, kept = record()
    with pytest.raises(ValueError, match="triad"):
        metrics.add("triad", value, "GB/s")
    assert kept == {}
