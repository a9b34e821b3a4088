/**
 * `npm run bench -- stalled`: the memory of a node that sends without end to a peer which stands
 * still, again and again, for a minute. It must stay within what the limits state.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSystem, type Ref } from 'troupe';
import { TRANSPORT_LIMITS, joinCluster } from 'troupe/transport';
import { table } from '../table.ts';
import { SECRET, type Item } from './stalled.ts';

const SECONDS = 60;
/** The peer stands still for so many seconds, shorter than a node is given up, and then runs for one. */
const STILL_SECONDS = 8;
const TEXT = 'x'.repeat(1_000);
/** What one tick of the clock sends: far more than a link takes that nobody reads from. */
const PER_TICK = 2_000;
const BOUND = TRANSPORT_LIMITS.windowBytes + TRANSPORT_LIMITS.reserveBytes;

interface Second {
  readonly second: number;
  readonly isStill: boolean;
  readonly heapBytes: number;
}

const script = fileURLToPath(new URL('peer.js', import.meta.url));
const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => child.kill('SIGKILL'));
const [seed] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];

const system = createSystem({ name: 'near', log: false });
const node = await joinCluster(system, { seeds: [seed], secret: SECRET });
await new Promise<void>((linked) => {
  node.on('nodeup', () => linked());
});
const counter = node.ref('far/counter') as Ref<Item>;
let sent = 0;

function push(): void {
  for (let n = 0; n < PER_TICK; n += 1) counter.send({ type: 'item', n: (sent += 1), text: TEXT });
}

/** What is held after a collection, outside the heap too. */
function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

push();
await sleep(1_000);
const base = heldBytes();
const seconds: Second[] = [];
for (let second = 1; second <= SECONDS; second += 1) {
  const isStill = second % (STILL_SECONDS + 1) !== 0;
  child.kill(isStill ? 'SIGSTOP' : 'SIGCONT');
  for (let tick = 0; tick < 20; tick += 1) {
    push();
    await sleep(50);
  }
  seconds.push({ second, isStill, heapBytes: heldBytes() - base });
  if (process.stderr.isTTY) process.stderr.write(`\r${second} of ${SECONDS} s`);
}
if (process.stderr.isTTY) process.stderr.write('\r');
child.kill('SIGKILL');

const peakBytes = Math.max(...seconds.map(({ heapBytes }) => heapBytes));
const { deadLetters } = system.stats();
const outcome = { seconds: SECONDS, sent, refused: deadLetters, peakBytes, boundBytes: BOUND };
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
else {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const row = [
    `${SECONDS} s`,
    `${sent}`,
    `${deadLetters}`,
    mebibytes(peakBytes),
    (peakBytes / BOUND).toFixed(2),
  ];
  const head = ['for', 'sent', 'refused', 'held at most', `of the ${mebibytes(BOUND)} stated`];
  process.stdout.write(`${table(head, [row])}\n`);
}
process.exit(peakBytes <= 2 * BOUND ? 0 : 1);
