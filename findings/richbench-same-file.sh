#!/bin/sh
# richbench 1.0.3: of two folders that both have a bench_sleep.py the second one's benchmarks are never run: the first one's
# run again and stand in the table twice, without a word.
# Why: it imports each file by its bare name, and Python gives a module of a name that was imported before from memory.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq richbench==1.0.3
venv/bin/pip freeze | grep -i '^richbench'

mkdir short long
for named in short:0.001 long:0.02; do
  cat > "${named%:*}/bench_sleep.py" <<PY
import time
def sleeps(): time.sleep(${named#*:})
__benchmarks__ = [(sleeps, sleeps, "in ${named%:*}")]
PY
done
venv/bin/richbench --times 1 --repeat 2 short long > out.txt
grep -E 'Mean|in (short|long)' out.txt
echo "expected: a row for the benchmark in each folder"
echo "seen: $(grep -c 'in short' out.txt) rows in short, $(grep -c 'in long' out.txt || true) in long"
if ! { test "$(grep -c 'in short' out.txt)" = 2 &&
  ! grep -q 'in long' out.txt; }; then
  echo "behaviour changed"
  exit 1
fi
