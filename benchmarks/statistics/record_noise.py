"""Record A/A noise of this machine: sessions of a short load in fresh processes, nothing changed between them.

python benchmarks/statistics/record_noise.py NAME    adds NAME to recorded_noise.json
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from noises import RECORDED

SESSIONS, RUNS, PAUSE_S = 40, 10, 1.0
LOADS = {
    "arithmetic": "sum(i * i for i in range(600_000))",
    "memory": "b = [bytearray(4 << 20) for _ in range(12)]; [x.count(0) for x in b]",
}


def session(code: str) -> list[float]:
    """Wall times in seconds of RUNS fresh processes."""
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
        times.append(round(time.perf_counter() - begin, 6))
    return times


def main(name: str) -> None:
    """Add this machine's sessions to the file."""
    known = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    taken: dict[str, list[list[float]]] = {load: [] for load in LOADS}
    for _ in range(SESSIONS):
        for load, code in LOADS.items():
            taken[load].append(session(code))
        time.sleep(PAUSE_S)
    for load, sessions in taken.items():
        known[f"{name}, {load}"] = {"load": LOADS[load], "sessions_s": sessions}
    text = json.dumps(known, indent=1)
    RECORDED.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
