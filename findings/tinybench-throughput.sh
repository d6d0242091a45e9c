#!/bin/sh
# tinybench 6.2.5 (npm): the average throughput in its table is far above what was done: a task that takes 1 ms and 9 ms in
# turns, so 200 times a second, has about 550 operations a second.
# Why: each latency is turned into a rate (1000 / ms) and the rates are averaged; the fast calls count most. The number of runs
# over the time that they took is the harmonic mean of the rates, 1000 / latency.mean. The more a task varies, the more is added.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund tinybench@6.2.5
npm ls tinybench | grep tinybench@

cat > turns.mjs <<'JS'
import { Bench } from 'tinybench'

let calls = 0
const bench = new Bench({ iterations: 100, time: 0, warmup: false })
bench.add('turns', () => {
  const end = performance.now() + (calls++ % 2 ? 9 : 1)
  while (performance.now() < end);
})
await bench.run()
const { latency, throughput, totalTime } = bench.tasks[0].result
const done = (1000 * calls) / totalTime
console.log(`expected: ${done.toFixed(0)} operations a second, ${calls} in ${totalTime.toFixed(0)} ms`)
console.log(`seen: ${throughput.mean.toFixed(0)}, beside an average latency of ${latency.mean.toFixed(2)} ms`)
if (!(throughput.mean > 1.5 * done && Math.abs(1000 / latency.mean / done - 1) < 0.01)) {
  console.log('behaviour changed')
  process.exit(1)
}
JS
node turns.mjs
