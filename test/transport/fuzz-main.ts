/** `npm run fuzz -- --minutes 10 --seed 1`: the attacks of fuzz.ts for so long, with a new seed each thousand rounds. */
import { parseArgs } from 'node:util';
import { Fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const untilMs = Date.now() + Number(values.minutes) * 60_000;
const codes: Record<string, number> = {};
let frames = 0;
let mostBytes = 0;
let seed = Number(values.seed ?? Date.now() % 1_000_000_007);
const first = seed;
try {
  for (; Date.now() < untilMs; seed += 1) {
    const fuzz = new Fuzz(seed);
    await fuzz.start();
    for (let round = 1; round <= 1_000; round += 1) {
      await fuzz.round();
      if (round % 100 === 0) await fuzz.serve();
    }
    await fuzz.stop();
    frames += fuzz.frames;
    for (const [code, count] of Object.entries(fuzz.codes))
      codes[code] = (codes[code] ?? 0) + count;
    mostBytes = Math.max(mostBytes, process.memoryUsage().rss);
  }
} catch (error) {
  console.error(`seed ${seed}: npm run fuzz -- --seed ${seed}`);
  throw error;
}
const closed = Object.entries(codes).map(([code, count]) => `${code}: ${count}`);
console.log(`${frames} frames, seeds ${first} to ${seed - 1}: all promises held`);
console.log(`links closed, by code: ${closed.join(', ')}`);
console.log(`most memory: ${Math.round(mostBytes / 1_048_576)} MiB`);
