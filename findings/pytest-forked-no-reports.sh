#!/bin/sh
# pytest-forked 1.7.5 with pytest 9.2.0: with --forked every test fails, an empty one too, "EXITED with status 3".
# Why: the child sends each report home by marshal, as a copy of all attributes of the report. Since 9.2 a report keeps
# its node id as an object, which marshal refuses; any exception in the child becomes exit status 3, its text is lost.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pytest==9.2.0 pytest-forked==1.7.5
venv/bin/pip freeze | grep -i '^pytest'

unset PYTEST_ADDOPTS PYTEST_PLUGINS
echo 'def test_nothing(): pass' > test_one.py
venv/bin/python -m pytest -q -p no:cacheprovider test_one.py | tail -1
venv/bin/python -m pytest -q -p no:cacheprovider --forked test_one.py > forked.txt || true
echo "expected: the test passes with --forked as it does without"
echo "seen: $(grep -o 'running the test EXITED.*' forked.txt | head -1); $(tail -1 forked.txt)"
if ! { grep -q 'EXITED with status 3' forked.txt &&
  grep -q '1 failed' forked.txt; }; then
  echo "behaviour changed"
  exit 1
fi
