"""Peak memory of the model's passes, read in a process of its own: `python -m ….peak_child PIXELS…` prints JSON.

Reading a peak means setting the process's high-water mark back, and with it the `ru_maxrss` that whoever started the
diagnostic will read. In a child of the diagnostic that does no harm.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .peak import PeakReading
from .settings import parse_settings


def main(arguments: Sequence[str]) -> str:
    """JSON of one PeakReading for each number of pixels, in order, at the device and threads of the environment."""
    import torch

    from .throughput import measure_pass_peak

    settings = parse_settings(os.environ)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = torch.device(settings.device)
    return json.dumps([dataclasses.asdict(measure_pass_peak(int(pixels), device)) for pixels in arguments])


def read_pass_peaks(sizes: Sequence[int]) -> list[PeakReading]:
    """Run this module in a child and take its answer. Raises RuntimeError, with the child's last words, if it fails.

    Its words go to a file: of two pipes subprocess reads in turns, as often as the child's timing has it, and calls of
    Python are counted.
    """
    package = __spec__.parent or ""
    root = Path(__file__).resolve().parents[package.count(".") + 1]
    path = os.pathsep.join(part for part in (str(root), os.environ.get("PYTHONPATH")) if part)
    command = [sys.executable, "-m", f"{package}.peak_child", *map(str, sizes)]
    with tempfile.TemporaryFile() as said:
        env = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=said, text=True, check=False)
        said.seek(0)
        errors = said.read().decode(errors="replace")
    if done.returncode != 0:
        words = errors.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"the child that reads peak memory ended with {done.returncode}: {words[-1]}")
    return [PeakReading(**reading) for reading in json.loads(done.stdout)]


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
