#!/bin/sh
# memory_profiler 0.61.0: memory_usage((f,)) calls a quick function several times, seven as a rule: its side effects repeat.
# Why: after each call it looks whether more than four samples were taken; if not, it makes the interval ten times shorter and
# calls the function again, until the interval is below a microsecond. It starts from 0.1 s, so six retries fit.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq memory_profiler==0.61.0
venv/bin/pip freeze | grep -i '^memory'

cat > main.py <<'PY'
from memory_profiler import memory_usage

calls = []

def quick():
    calls.append(1)

if __name__ == "__main__":
    peak = memory_usage((quick,), max_usage=True)
    print("expected: one measurement is one call")
    print(f"seen: one measurement ({type(peak).__name__}), {len(calls)} calls")
    assert len(calls) > 1, "behaviour changed"
PY
venv/bin/python main.py
