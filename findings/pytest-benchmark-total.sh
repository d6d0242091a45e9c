#!/bin/sh
# pytest-benchmark 5.3.1: `total` in its JSON is not the time that was measured: it is short by the factor `iterations`.
# Why: each round's duration is divided by the iterations before it is stored, and `total` adds up what is stored.
# A round of ten calls so counts as one call; `mean` and `ops` are right, since they are per call anyway.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pytest==9.2.0 pytest-benchmark==5.3.1
venv/bin/pip freeze | grep -i '^pytest'

unset PYTEST_ADDOPTS PYTEST_PLUGINS
cat > test_sleep.py <<'PY'
import time

def test_sleep(benchmark):
    benchmark.pedantic(time.sleep, args=(0.02,), rounds=3, iterations=10)
PY
venv/bin/python -m pytest -q -p no:cacheprovider --benchmark-json=out.json test_sleep.py > out.txt
venv/bin/python - <<'PY'
import json

stats = json.load(open("out.json"))["benchmarks"][0]["stats"]
calls = stats["rounds"] * stats["iterations"]
print(f"expected: total of {calls} calls that sleep 0.02 s each is at least 0.6 s")
print(f"seen: rounds {stats['rounds']}, iterations {stats['iterations']}, mean {stats['mean']:.4f} s, total {stats['total']:.4f} s")
assert abs(stats["total"] * stats["iterations"] - stats["mean"] * calls) < 1e-6, "behaviour changed"
PY
