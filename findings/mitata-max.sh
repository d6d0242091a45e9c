#!/bin/sh
# mitata 1.0.34 (npm): `max` is not the longest of the calls, nor `min` the shortest: a benchmark whose calls took 1 ms, but two
# of them 200 ms, has a maximum of about 1 ms, and its average knows nothing of them.
# Why: the samples are sorted, and of more than 12 the two at each end are cut off before anything is worked out of them. A rare
# pause is so never seen, unless it comes three times; of 13 samples four are thrown away.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund mitata@1.0.34
npm ls mitata | grep mitata@

cat > pauses.mjs <<'JS'
import { measure } from 'mitata'

const longest = async (pauses) => {
  let calls = 0
  const { max, avg, samples } = await measure(() => {
    const pause = [...Array(pauses).keys()].some((at) => calls === 20 + 10 * at)
    const end = performance.now() + (pause ? 200 : 1)
    calls++
    while (performance.now() < end);
  }, { min_cpu_time: 1e9, warmup_samples: 0 })
  return { calls, kept: samples.length, max: max / 1e6, avg: avg / 1e6 }
}
const two = await longest(2)
const three = await longest(3)
const say = ({ calls, kept, max, avg }) => `max ${max.toFixed(1)} ms, avg ${avg.toFixed(2)} ms, ${kept} samples of ${calls} calls`
console.log('expected: a maximum of 200 ms with two pauses of 200 ms as with three')
console.log(`seen: with two ${say(two)}; with three ${say(three)}`)
if (!(two.max < 150 && three.max >= 200 && two.kept < two.calls - 3)) {
  console.log('behaviour changed')
  process.exit(1)
}
JS
node pauses.mjs
