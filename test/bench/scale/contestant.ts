/** The process that measures all series, one after the other: plain Node with `--expose-gc`. */
import { ALL } from './all.ts';
import { Meter, type Point, type Series } from './series.ts';

/** Figures are steady enough when each line has used so much. */
const STEADY_NS = 150e6;
/** A size is measured again and again for at most so long. */
const SIZE_MS = 1_500;
/** When one run takes longer, larger sizes are left out. */
const RUN_MS = 5_000;

async function measure(
  series: Series,
  size: number,
): Promise<{ points: Point[]; longestMs: number }> {
  const meters = new Map(series.lines.map((line) => [line, new Meter()]));
  let longestMs = 0;
  // The collector's threads are given the time to end what they do: it would count as ours.
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const until = performance.now() + SIZE_MS;
  do {
    const from = performance.now();
    await series.run(size, (line) => meters.get(line) as Meter);
    longestMs = Math.max(longestMs, performance.now() - from);
  } while (
    performance.now() + longestMs < until &&
    [...meters.values()].some(({ cpuNs }) => cpuNs < STEADY_NS)
  );
  const points = [...meters]
    .map(([line, { nsEach: ns }]) => ({ series: series.name, of: series.of, line, size, ns }))
    .filter(({ ns }) => Number.isFinite(ns));
  return { points, longestMs };
}

for (const series of ALL) {
  process.send?.({ progress: `scale: ${series.name}` });
  // The code of the series gets hot before its smallest size is measured.
  for (let i = 0; i < 4; i += 1) await measure(series, i % 2 === 0 ? 1_000 : 10);
  for (const size of series.sizes) {
    const { points, longestMs } = await measure(series, size);
    for (const point of points) process.send?.({ point });
    if (longestMs > RUN_MS) {
      process.send?.({
        progress: `scale: ${series.name}: ${size} took ${Math.round(longestMs)} ms`,
      });
      break;
    }
  }
}
process.disconnect();
