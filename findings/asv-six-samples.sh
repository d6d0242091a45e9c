#!/bin/sh
# asv 0.6.6: with exactly six samples a side `asv compare` can never report a change, however large: a benchmark that became
# ten times slower counts as not significant (`~`). With five or seven samples it is reported. Default rounds and repeat = 3
# give six.
# Why: it first asks whether the rank test could reach p < 0.002 at all, and takes 1/C(12, 6) = 0.0011 for the smallest p. The
# test is two-sided, its smallest p is twice that, 0.0022: six samples enter the test, cannot pass it, and get no other.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq asv==0.6.6 asv_runner==0.3.2
venv/bin/pip freeze | grep -i '^asv'

mkdir -p project/benchmarks home
export HOME="$work/home"
cd project
git init -q .
cat > asv.conf.json <<'JSON'
{"version": 1, "project": "p", "repo": ".", "branches": ["HEAD"], "benchmarks": "benchmarks",
 "environment_type": "existing", "pythons": ["same"]}
JSON
touch benchmarks/__init__.py
# A clock of our own makes the samples: within 1 % of what the file `step` holds, in seconds.
cat > benchmarks/steps.py <<'PY'
import pathlib
import random

step = float(pathlib.Path(__file__).with_name("step").read_text())
now = 0.0

def clock():
    global now
    now += step * random.uniform(1, 1.01)
    return now

class Clocked:
    timer = staticmethod(clock)
    number, warmup_time, rounds = 1, 0, 1

class Five(Clocked):
    repeat = 5
    def time_it(self): pass

class Six(Clocked):
    repeat = 6
    def time_it(self): pass

class Seven(Clocked):
    repeat = 7
    def time_it(self): pass
PY
asv=../venv/bin/asv
$asv machine --yes --machine here > /dev/null
for step in 1 10; do
  echo "$step" > benchmarks/step
  git add asv.conf.json benchmarks/*.py benchmarks/step
  git -c user.name=a -c user.email=a@example.org commit -q -m "step $step"
  $asv run -E existing:same --machine here --set-commit-hash "$(git rev-parse HEAD)" --record-samples > log.txt 2>&1 || { cat log.txt; exit 2; }
done
$asv compare --machine here HEAD~1 HEAD > out.txt
grep -E 'Ratio|steps' out.txt
echo "expected: all three marked + as slower, ratio 10"
echo "seen: $(grep -c '^| + .*steps' out.txt) marked, Six.time_it not"
if ! { grep -qE '^\| \+ .*steps.Five' out.txt &&
  grep -qE '^\| \+ .*steps.Seven' out.txt &&
  grep -qE '^\|   .*~.*steps.Six' out.txt; }; then
  echo "behaviour changed"
  exit 1
fi
