#!/bin/sh
# pyperf 2.11.0: `pyperf command --track-memory` has a floor: a small program is reported with the memory of pyperf's own
# helper, a Python process, many times what the program has when a shell starts it.
# Why: the helper starts the program and reads ru_maxrss of its children. Linux keeps in a process's maximum what it had before
# exec, and that is the helper's own address space. Every program smaller than a bare Python so measures the same.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyperf==2.11.0
venv/bin/pip freeze | grep -i '^pyperf'

# A program that reports its own peak: the high-water mark of its address space since exec, in kB.
grep VmHWM /proc/self/status > alone.txt
venv/bin/python -m pyperf command -p 1 -n 1 -w 0 --track-memory -q -o out.json -- grep VmHWM /proc/self/status
venv/bin/python - <<'PY'
import json
import pyperf

own = int(open("alone.txt").read().split()[1]) * 1024
seen = pyperf.Benchmark.load("out.json").median()
print(f"expected: about what the program says of itself, {own / 2**20:.1f} MiB")
print(f"seen: {seen / 2**20:.1f} MiB")
assert seen > 2 * own, "behaviour changed"
PY
