// Threads of one process as nodes: they ask each other, and one that ends is noticed.

import { Worker, threadId } from 'node:worker_threads';
import { createSystem, type Ref, type System } from 'troupe';
import { ThreadHub, joinCluster, threadLinks, type ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { WhereEvent } from './fixtures/thread.ts';

/** tsx does not follow into threads by itself. */
const code = `
  import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
    register();
    return import(${JSON.stringify(new URL('fixtures/thread.ts', import.meta.url).href)});
  });
`;
const secret = 'a secret of the threads';

let hub: ThreadHub;
let system: System;
let node: ClusterNode;
const workers: Worker[] = [];

beforeEach(async () => {
  hub = new ThreadHub();
  system = createSystem({ name: 'main', log: false });
  node = await joinCluster(system, { listen: {}, secret, links: threadLinks('main', hub.port()) });
});
afterEach(async () => {
  await system.stop();
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

/** Starts a thread, and waits until it is linked with this one. */
async function start(name: string, ...seeds: string[]): Promise<Worker> {
  const port = hub.port();
  const up = new Promise<void>((resolve) => {
    const end = node.on('nodeup', (event) => {
      if (event.node !== name) return;
      end();
      resolve();
    });
  });
  const worker = new Worker(code, {
    eval: true,
    workerData: { name, port, seeds: ['thread:main', ...seeds] },
    transferList: [port],
    execArgv: ['--conditions=source'],
  });
  workers.push(worker);
  await up;
  return worker;
}

const where = (name: string): Ref<WhereEvent> => node.ref(`${name}/where`) as Ref<WhereEvent>;

it('two threads answer, each for itself', async () => {
  await Promise.all([start('w1'), start('w2', 'thread:w1')]);
  const answers = await Promise.all([
    where('w1').ask({ type: 'where' }),
    where('w2').ask({ type: 'where' }),
  ]);
  const ids = new Set([threadId, ...answers.map((answer) => answer.threadId)]);
  expect(ids.size).toBe(3);
}, 60_000);

it('a thread that is ended is down at once, and what was asked of it fails', async () => {
  const worker = await start('w1');
  const down = new Promise<string>((resolve) =>
    node.on('nodedown', (event) => resolve(event.reason)),
  );
  const ended = new Promise<string>((resolve) =>
    system.monitor(where('w1'), ({ reason }) => resolve(reason.type)),
  );
  await worker.terminate();
  expect(await down).toBe('the other thread is gone');
  expect(await ended).toBe('noconnection');
  await expect(where('w1').ask({ type: 'where' })).rejects.toMatchObject({
    reason: { type: 'noconnection' },
  });
}, 60_000);

it('an address that is taken is refused', async () => {
  const links = threadLinks('main', hub.port());
  await expect(links.listen(() => undefined)).rejects.toMatchObject({
    message: expect.stringContaining('thread:main') as string,
  });
});
