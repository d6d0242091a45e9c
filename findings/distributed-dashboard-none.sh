#!/bin/sh
# distributed 2026.8.0: LocalCluster's documentation says dashboard_address=None disables the dashboard; it is served on 8787.
# Why: the scheduler is given no address at all then, and takes its own default.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq distributed==2026.8.0
venv/bin/python - <<'PY'
import inspect

import distributed

print("distributed", distributed.__version__)
said = " ".join((inspect.getdoc(distributed.LocalCluster) or "").split())
if "Set to ``None`` to disable the dashboard" not in said:
    raise SystemExit("behaviour changed: the documentation does not say so")
with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster:
    services = dict(cluster.scheduler.service_ports)
print("expected: no service of the scheduler's")
print("seen:", services)
if "dashboard" not in services:
    raise SystemExit("behaviour changed: no dashboard is served")
PY
