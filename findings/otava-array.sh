#!/bin/sh
# apache-otava 0.8.0: change points of a list are found; the same values as a NumPy array end in a bare ValueError.
# Why: the search cuts a window out of what is no array only, and adds the window's start to the places all the same.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq apache-otava==0.8.0
venv/bin/python - <<'PY'
import importlib.metadata

import numpy as np
from otava.analysis import compute_change_points

print("apache-otava", importlib.metadata.version("apache-otava"))
values = np.exp(np.random.default_rng(3).normal(0, 0.02, 100))
values[30:] *= 1.3
print("of a list:", [point.index for point in compute_change_points(list(values))[0]])
print("expected of the array: the same")
try:
    found = [point.index for point in compute_change_points(values)[0]]
except ValueError as error:
    print("seen: ValueError", error)
else:
    raise SystemExit(f"behaviour changed: {found}")
PY
