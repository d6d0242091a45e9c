"""What a run asked for: profile, device and threads, from the process's environment (`BENCH_*`).

torch is not imported here, so that the environment can be judged before torch reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What these variables say has to be settled before torch is imported: it reads them once.
REQUIRED = {"KMP_DUPLICATE_LIB_OK": "TRUE", "NANOBRAGG_DISABLE_COMPILE": "1"}
REQUIRED_ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1"}


class SettingsError(Exception):
    """The environment asks for something that no diagnostic can do; one clear line."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The sizes behind a profile's name."""

    name: str
    grad_pixels: int
    grad_cells: int
    image_sizes: tuple[int, ...]
    passes: int
    stream_repeats: int
    stream_bytes: int | None
    """Bytes of one STREAM array; None: four times the last-level cache, as far as memory goes."""
    random_points: int


PROFILES = {
    "full": Profile("full", 1024, 25, (512, 1024, 2048), 15, 8, None, 1000),
    "smoke": Profile("smoke", 256, 2, (128, 256), 5, 3, 32 << 20, 100),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Profile, device (`cpu` or `cuda`) and torch's threads (None: torch's own choice)."""

    profile: Profile
    device: str
    threads: int | None


def parse_settings(environ: Mapping[str, str]) -> Settings:
    """Read BENCH_PROFILE (full), BENCH_DEVICE (cpu), and BENCH_THREADS or else OMP_NUM_THREADS.

    Raises SettingsError, naming the variable and what it may be.
    """
    name, device = environ.get("BENCH_PROFILE") or "full", environ.get("BENCH_DEVICE") or "cpu"
    if name not in PROFILES:
        raise SettingsError(f"BENCH_PROFILE={name}: no such profile; known are {', '.join(PROFILES)}")
    if device not in ("cpu", "cuda"):
        raise SettingsError(f"BENCH_DEVICE={device}: no such device; known are cpu, cuda")
    return Settings(PROFILES[name], device, _threads(environ))


def _threads(environ: Mapping[str, str]) -> int | None:
    for variable in ("BENCH_THREADS", "OMP_NUM_THREADS"):
        text = environ.get(variable)
        if not text:
            continue
        first = text.split(",")[0]  # OMP_NUM_THREADS may list one number for each level of nesting
        if not first.strip().isdecimal() or int(first) < 1:
            raise SettingsError(f"{variable}={text}: not a number of threads; give an integer of at least 1")
        return int(first)
    return None


def missing_environment(environ: Mapping[str, str], device: str, *, torch_imported: bool) -> dict[str, str]:
    """The required variables that are not set and still can be.

    Raises SettingsError where one has another value, or is not set although torch has been imported already.
    """
    required = REQUIRED | (REQUIRED_ON_CPU if device == "cpu" else {})
    missing = {}
    for variable, value in required.items():
        found = environ.get(variable)
        if found is None and torch_imported:
            raise SettingsError(f"{variable} is not set and torch is imported already; set {variable}={value} before")
        if found is None:
            missing[variable] = value
        elif found != value:
            raise SettingsError(f"{variable}={found}: on {device} it has to be {value}; unset it or set it so")
    return missing
