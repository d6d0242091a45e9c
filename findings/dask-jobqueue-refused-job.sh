#!/bin/sh
# dask-jobqueue 0.9.0 (distributed 2026.8.0): a job that sbatch refuses is told to nobody; its worker is waited for as if it would come.
# Why: jobs are submitted in a task that nobody awaits; the refusal ends in the log, and the job stays in the list of workers.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq dask-jobqueue==0.9.0 distributed==2026.8.0
mkdir bin
printf '#!/bin/sh\necho "sbatch: error: invalid partition specified: x" >&2\nexit 1\n' >bin/sbatch
chmod +x bin/sbatch
PATH="$work/bin:$PATH" venv/bin/python - 2>logged <<'PY'
import dask_jobqueue
import distributed

print("dask-jobqueue", dask_jobqueue.__version__, "distributed", distributed.__version__)
options = {"dashboard_address": ":0", "host": "127.0.0.1"}
cluster = dask_jobqueue.SLURMCluster(cores=1, memory="1GB", queue="x", scheduler_options=options)
print("expected: scale() or wait_for_workers() raises what sbatch said")
cluster.scale(jobs=1)
try:
    cluster.wait_for_workers(1, timeout=10)
except TimeoutError as error:
    print("seen: wait_for_workers() raises TimeoutError:", " ".join(str(error).split()))
    if "partition" in str(error):
        raise SystemExit("behaviour changed: the refusal is told") from None
print("seen: the cluster is", cluster.status.value, "and lists", len(cluster.workers), "worker")
if not cluster.workers:
    raise SystemExit("behaviour changed: the refused job is no worker")
PY
grep -q "invalid partition" logged || { echo "behaviour changed: the refusal is not logged"; exit 1; }
echo "seen: the refusal is in the log alone"
