#!/bin/sh
# Google Benchmark 1.9.5 (the wheel google-benchmark): the JSON row of the aggregate `cv` has two units, and both are wrong:
# "time_unit": "ms" and "aggregate_unit": "percentage", while real_time is the bare fraction stddev / mean.
# Why: the reporter writes a percentage's value as computed (the console alone multiplies by 100) and then adds the time unit
# to every row. The same row's `iterations` is the number of repetitions, since aggregates count the rows they sum up.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq google-benchmark==1.9.5
venv/bin/pip freeze | grep -i '^google'

cat > bench_sum.py <<'PY'
import google_benchmark as benchmark

@benchmark.register
@benchmark.option.iterations(500)
@benchmark.option.unit(benchmark.kMillisecond)
def adds(state):
    while state:
        sum(range(1000))

if __name__ == "__main__":
    benchmark.main()
PY
venv/bin/python bench_sum.py --benchmark_repetitions=4 --benchmark_format=json > out.json 2> err.txt
venv/bin/python - <<'PY'
import json
import statistics

rows = json.load(open("out.json"))["benchmarks"]
times = [row["real_time"] for row in rows if row["run_type"] == "iteration"]
fraction = statistics.stdev(times) / statistics.mean(times)
cv = next(row for row in rows if row.get("aggregate_name") == "cv")
print(f"expected: {100 * fraction:.3f} with unit percentage, no unit of time, iterations of a repetition: 500")
print("seen:", {key: cv[key] for key in ("real_time", "time_unit", "aggregate_unit", "iterations")})
assert abs(cv["real_time"] - fraction) < 1e-9, "behaviour changed"
assert (cv["time_unit"], cv["aggregate_unit"], cv["iterations"]) == ("ms", "percentage", 4), "behaviour changed"
PY
