#!/bin/sh
# asv 0.6.6: `asv run --help` says that the results of --quick are not saved. They are, over the good ones of that commit.
# Why: whether to save is decided by --dry-run and by whether an existing environment came without a commit; `quick` is passed
# on to set number, repeat and rounds to 1, and nothing else asks for it.
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
cat > benchmarks/sums.py <<'PY'
def time_sum():
    sum(range(1000))

time_sum.repeat = 4
PY
git add asv.conf.json benchmarks/*.py
git -c user.name=a -c user.email=a@example.org commit -q -m one
commit=$(git rev-parse HEAD)
asv=../venv/bin/asv
$asv machine --yes --machine here > /dev/null
$asv run -E existing:same --machine here --set-commit-hash "$commit" > log.txt 2>&1 || { cat log.txt; exit 2; }
cp results/here/*existing*.json before.json
$asv run -E existing:same --machine here --set-commit-hash "$commit" --quick > log.txt 2>&1 || { cat log.txt; exit 2; }
cp results/here/*existing*.json after.json
$asv run --help | tr -s ' \n' ' ' | grep -o 'The results are unlikely to be useful, and thus are not saved.' > help.txt
../venv/bin/python - <<'PY'
import json

def samples(path):
    data = json.load(open(path))
    row = data["results"]["sums.time_sum"]
    return row[data["result_columns"].index("stats_repeat")][0]

before, after = samples("before.json"), samples("after.json")
print("expected:", open("help.txt").read().strip())
print(f"seen: the commit's stored result had {before} samples before --quick and has {after} after it")
assert (before, after) == (8, 1), "behaviour changed"
PY
