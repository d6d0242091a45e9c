#!/bin/sh
# pytest-timeout 2.4.0: a session that its session timeout cuts short counts no failure and no test that was not run;
# exit status 1 and one line of exclamation marks tell. The JUnit file has no trace of it.
# Why: it sets the session's `shouldfail`, which ends pytest's loop over the tests from outside any test: no report is made,
# and the summary and the JUnit file count reports only. Tests that were collected and never started have none.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pytest==9.2.0 pytest-timeout==2.4.0
venv/bin/pip freeze | grep -i '^pytest'

unset PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_TIMEOUT
cat > test_four.py <<'PY'
import time

def test_1(): pass
def test_2(): time.sleep(4)
def test_3(): pass
def test_4(): pass
PY
status=0
venv/bin/python -m pytest -q -p no:cacheprovider --session-timeout=3 --junitxml=junit.xml test_four.py > out.txt || status=$?
cat out.txt
echo "expected: four tests accounted for, two of them not run, and an error in the JUnit file"
echo "seen: '$(tail -1 out.txt)', exit status $status, $(grep -o 'errors="[0-9]*" failures="[0-9]*" skipped="[0-9]*" tests="[0-9]*"' junit.xml)"
if ! { test "$status" = 1 &&
  grep -q '^2 passed in' out.txt &&
  grep -q 'errors="0" failures="0" skipped="0" tests="2"' junit.xml; }; then
  echo "behaviour changed"
  exit 1
fi
