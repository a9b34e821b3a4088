/** What a round of each kind measures, within the contender's own process. */
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { percentile } from './statistics.ts';
import type { Fill, Loop, Rate } from './workload.ts';

/** A round as its process sees it. */
export interface Measured {
  readonly count: number;
  readonly value: number;
  readonly cpuNs: number;
  readonly wallNs: number;
}

/** CPU time of all threads of this process: the collector's and the compiler's count too. */
async function timed(
  run: () => Promise<{ readonly count: number; readonly value: number }>,
): Promise<Measured> {
  const wallFrom = process.hrtime.bigint();
  const cpuFrom = process.cpuUsage();
  const { count, value } = await run();
  const { user, system } = process.cpuUsage(cpuFrom);
  const wallNs = Number(process.hrtime.bigint() - wallFrom);
  return { count, value, cpuNs: (user + system) * 1_000, wallNs };
}

/** No collection is forced before it: README.md says why. */
export async function runRate(rate: Rate, operations: number): Promise<Measured> {
  const measured = await timed(async () => ({ count: await rate(operations), value: 0 }));
  return { ...measured, value: measured.count / (measured.cpuNs / 1e9) };
}

/** What the heap and the buffers hold after a full collection. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i += 1) {
    // What a promise or an immediate still holds is let go first.
    await new Promise((resolve) => setTimeout(resolve, 10));
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export async function runFill(fill: Fill, agents: number): Promise<Measured> {
  const before = await heldBytes();
  return timed(async () => {
    const { count, release } = await fill(agents);
    const value = ((await heldBytes()) - before) / count;
    await release();
    return { count, value };
  });
}

const TIMERS = 300;
const TIMER_MS = 1;

/**
 * How late timers are, and that an HTTP server on the same loop answers, while agents hand a token
 * on for ever. The loop must have moved, and each request must have been answered.
 */
export async function runDelay(loop: Loop, operations: number): Promise<Measured> {
  const server = createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const before = loop.hops();
  try {
    return await timed(async () => {
      loop.start();
      const lateMs: number[] = [];
      for (let i = 0; i < TIMERS; i += 1) {
        const dueMs = performance.now() + TIMER_MS;
        await new Promise((resolve) => setTimeout(resolve, TIMER_MS));
        lateMs.push(Math.max(0, performance.now() - dueMs));
        if (i % 50 === 0) await request(port);
      }
      loop.stop();
      if (loop.hops() - before < TIMERS) throw new Error('the loop of agents stands still');
      return { count: operations, value: percentile(lateMs, 0.99) };
    });
  } finally {
    loop.stop();
    server.close();
    server.closeAllConnections();
  }
}

function request(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.resume().once('end', resolve);
    });
    asked.once('error', reject);
  });
}
