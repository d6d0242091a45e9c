#!/bin/sh
# pytest-retry 1.7.0: tests in a folder named `flaky` are never retried, though --retries asks for it.
# Why: before it adds its marker it looks for "flaky" in the test's keywords, to spare tests that carry the marker already.
# Keywords also hold the names of all parents, so a folder of that name counts as a marker, and no retry is configured.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pytest==9.2.0 pytest-retry==1.7.0
venv/bin/pip freeze | grep -i '^pytest'

unset PYTEST_ADDOPTS PYTEST_PLUGINS
mkdir flaky other
echo 'def test_fails(): assert False' > flaky/test_one.py
cp flaky/test_one.py other/test_two.py
attempts() { venv/bin/python -m pytest -p no:cacheprovider --retries 3 "$1" | grep -c 'Retrying' || true; }
inside=$(attempts flaky) outside=$(attempts other)
echo "expected: the same failing test is retried 3 times in either folder"
echo "seen: $inside retries in flaky/, $outside in other/"
if ! { test "$inside" = 0 &&
  test "$outside" = 3; }; then
  echo "behaviour changed"
  exit 1
fi
