// What one learns: an order system over two processes, one of which is killed while it charges. A
// request that was on its way is not sent again by the runtime: it fails, and the order asks again
// under its key, which the payment desk knows from its journal. So nothing is charged twice.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSystem } from 'troupe';
import { joinCluster } from 'troupe/transport';
import { STEPS } from './back-office.ts';
import { linesOf } from './journal.ts';
import { order } from './order.ts';

const ORDERS = 12;
const STOP_AT = 'order-7';
const secret = 'what shop and back office know';
const folder = mkdtempSync(join(tmpdir(), 'orders-'));

const system = createSystem({ name: 'shop', log: false, askTimeoutMs: 60_000 });
const node = await joinCluster(system, { listen: {}, secret });
const incarnations = new Set<string>();
node.on('nodeup', ({ incarnation }) => incarnations.add(incarnation));

/** What `npx troupe node back-office.ts --name back-office --seed …` starts. */
function startBackOffice(environment: Record<string, string>) {
  const command = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
  const module = fileURLToPath(new URL('back-office.ts', import.meta.url));
  const flags = ['--name', 'back-office', '--seed', node.address!];
  return fork(command, ['node', module, ...flags], {
    env: { ...process.env, TROUPE_SECRET: secret, ORDERS_FOLDER: folder, ...environment },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

const first = startBackOffice({ ORDERS_STOP_AT: `payment ${STOP_AT}` });
const orders = Array.from({ length: ORDERS }, (_, index) => `order-${index + 1}`);
const shipping = orders.map((id) =>
  system.spawn(order(node, id), { id }).ask({ type: 'place' }, { timeoutMs: 60_000 }),
);
console.log(`${orders.length} orders are placed`);

await once(first, 'message');
console.log(`${STOP_AT} has been charged, and nobody told: the back office is killed now`);
const isLost = new Promise((resolve) => node.on('nodedown', resolve));
first.kill('SIGKILL');
await isLost;

const second = startBackOffice({});
const shipped = await Promise.all(shipping);
console.log(`the back office came up ${incarnations.size} times`);
console.log(`${shipped.length} orders are shipped`);
const found = shipped.find(({ order: id }) => id === STOP_AT);
console.log(`${STOP_AT} found in the journal: ${found?.answeredFromJournal.join(', ')}`);
for (const step of STEPS) {
  const done = linesOf(join(folder, `${step}.journal`));
  console.log(`${step}: ${done.length} done, ${done.length - new Set(done).size} of them twice`);
}

second.kill('SIGTERM');
const [code] = (await once(second, 'exit')) as [number | null];
console.log(`the back office has left with exit code ${code}`);
await system.stop();
rmSync(folder, { recursive: true });

// Prints:
// 12 orders are placed
// order-7 has been charged, and nobody told: the back office is killed now
// the back office came up 2 times
// 12 orders are shipped
// order-7 found in the journal: payment
// payment: 12 done, 0 of them twice
// stock: 12 done, 0 of them twice
// shipping: 12 done, 0 of them twice
// the back office has left with exit code 0
