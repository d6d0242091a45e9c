#!/bin/sh
# pytest-rerunfailures 16.7 (pytest 9.2.0): in the JUnit file every attempt that failed stands as a test that passed. A test that
# failed four times is three passed ones and a failed one, and the count in the same file says that there is one test.
# Why: an attempt that is to be repeated is reported with the outcome "rerun"; pytest's JUnit writer opens an element for each
# report and has nothing to put into one whose outcome it does not know. An empty element is how a passed test looks.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pytest==9.2.0 pytest-rerunfailures==16.7
venv/bin/pip freeze | grep -i '^pytest'

unset PYTEST_ADDOPTS PYTEST_PLUGINS
echo 'def test_fails(): assert False' > test_one.py
venv/bin/python -m pytest -q -p no:cacheprovider --reruns 3 --junitxml=junit.xml test_one.py > out.txt || true
tail -n 1 out.txt
venv/bin/python - <<'PY'
import xml.etree.ElementTree as ET

suite = ET.parse("junit.xml").getroot()[0]
cases = list(suite)
empty = [case for case in cases if len(case) == 0]
print("expected: one test, failed; or four, all failed")
print(f'seen: tests="{suite.get("tests")}" failures="{suite.get("failures")}", '
      f"{len(cases)} elements of {len({case.get('name') for case in cases})} name, {len(empty)} of them like a passed test's")
assert (suite.get("tests"), suite.get("failures"), len(cases), len(empty)) == ("1", "1", 4, 3), "behaviour changed"
PY
