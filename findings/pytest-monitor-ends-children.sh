#!/bin/sh
# pytest-monitor 1.6.6: when a test fails, every child process of pytest is ended by SIGKILL, also the server that a session's
# fixture started for the tests that follow: they fail too.
# Why: it runs each test by memory-profiler's memory_usage, which at an exception ends the process that watches the memory,
# and takes all children of its own process for that.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pytest==8.4.2 pytest-monitor==1.6.6 memory-profiler==0.61.0 psutil==7.2.2
venv/bin/pip freeze | grep -iE '^(pytest|memory)'

unset PYTEST_ADDOPTS PYTEST_PLUGINS
cat > test_server.py <<'PY'
import subprocess

import pytest

@pytest.fixture(scope="session")
def server():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()

def test_before(server): assert server.poll() is None
def test_wrong(server): assert 1 == 2
def test_after(server): assert server.poll() is None
PY
ends() { venv/bin/python -m pytest -p no:cacheprovider -rA "$2" test_server.py | grep -E '^(PASSED|FAILED) ' > "$1" || true; }
ends with.txt --capture=fd
ends without.txt --no-monitor
with=$(grep -c '^FAILED' with.txt) without=$(grep -c '^FAILED' without.txt)
grep test_after with.txt
echo "expected: test_wrong fails alone, as with --no-monitor ($without failed)"
echo "seen: $with failed; the server was ended by signal 9"
if ! { test "$with" = 2 &&
  test "$without" = 1 &&
  grep -q 'test_after - .*-9' with.txt; }; then
  echo "behaviour changed"
  exit 1
fi
