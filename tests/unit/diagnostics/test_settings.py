"""Settings from the environment, and the environment that has to stand before torch is imported."""

from __future__ import annotations

import pytest

from bench.diagnostics.settings import PROFILES, SettingsError, missing_environment, parse_settings

COMPLETE = {"CUDA_VISIBLE_DEVICES": "-1", "KMP_DUPLICATE_LIB_OK": "TRUE", "NANOBRAGG_DISABLE_COMPILE": "1"}


def test_defaults_are_full_on_cpu_with_torchs_own_threads() -> None:
    settings = parse_settings({})
    assert (settings.profile.name, settings.device, settings.threads) == ("full", "cpu", None)


def test_full_is_what_was_approved_and_smoke_is_smaller() -> None:
    full, smoke = PROFILES["full"], PROFILES["smoke"]
    assert (full.grad_pixels, full.grad_cells, full.image_sizes) == (1024, 25, (512, 1024, 2048))
    assert full.stream_bytes is None
    assert (smoke.grad_pixels, smoke.grad_cells) == (256, 2)


def test_profile_device_and_threads_are_read() -> None:
    settings = parse_settings({"BENCH_PROFILE": "smoke", "BENCH_DEVICE": "cuda", "BENCH_THREADS": "3"})
    assert (settings.profile.name, settings.device, settings.threads) == ("smoke", "cuda", 3)


@pytest.mark.parametrize(
    ("environ", "threads"),
    [
        ({"OMP_NUM_THREADS": "4"}, 4),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"BENCH_THREADS": "2", "OMP_NUM_THREADS": "4"}, 2),
        ({"BENCH_THREADS": ""}, None),
    ],
)
def test_threads_come_from_ours_or_openmps_variable(environ: dict[str, str], threads: int | None) -> None:
    assert parse_settings(environ).threads == threads


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BENCH_PROFILE", "quick"),
        ("BENCH_DEVICE", "tpu"),
        ("BENCH_THREADS", "0"),
        ("BENCH_THREADS", "many"),
        ("OMP_NUM_THREADS", "-2"),
    ],
)
def test_nonsense_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}={value}"):
        parse_settings({variable: value})


def test_missing_variables_are_set_before_torch() -> None:
    assert missing_environment({}, "cpu", torch_imported=False) == COMPLETE
    assert missing_environment(COMPLETE, "cpu", torch_imported=True) == {}
    assert "CUDA_VISIBLE_DEVICES" not in missing_environment({}, "cuda", torch_imported=False)


@pytest.mark.parametrize("variable", COMPLETE)
def test_a_missing_variable_is_refused_once_torch_is_imported(variable: str) -> None:
    environ = {key: value for key, value in COMPLETE.items() if key != variable}
    with pytest.raises(SettingsError, match=variable):
        missing_environment(environ, "cpu", torch_imported=True)


def test_another_value_is_refused() -> None:
    with pytest.raises(SettingsError, match="CUDA_VISIBLE_DEVICES=0"):
        missing_environment(COMPLETE | {"CUDA_VISIBLE_DEVICES": "0"}, "cpu", torch_imported=False)
    assert missing_environment(COMPLETE | {"CUDA_VISIBLE_DEVICES": "0"}, "cuda", torch_imported=True) == {}
