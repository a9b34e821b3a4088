// Nodes in processes of their own, started by `troupe node`, on loopback: a ring of asks, and what
// they see when one of them is killed, comes back, stands still or is restarted under load.
// Everything is waited for by its event.

import { ActorEnded, NoSuchActor, createSystem, type Ref } from 'troupe';
import { joinCluster } from 'troupe/transport';
import { afterEach, expect, it } from 'vitest';
import type { WorkerEvent } from './fixtures/node.ts';
import { SECRET_OF_PROCESSES, endAll, start } from './node-process.ts';

const timeout = 120_000;

afterEach(endAll);

async function threeNodes() {
  const one = await start('one', '0', []);
  const two = await start('two', '0', [one.address]);
  const three = await start('three', '0', [one.address, two.address]);
  await one.node.hears({ told: 'nodeup', node: 'two' });
  await one.node.hears({ told: 'nodeup', node: 'three' });
  await two.node.hears({ told: 'nodeup', node: 'three' });
  return { one, two, three };
}

it('a ring of asks, a node killed with -9, and its return', { timeout }, async () => {
  const { one, two, three } = await threeNodes();
  one.node.order({ do: 'ring', ring: ['two', 'three'] });
  expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two', 'three'] });
  three.node.order({ do: 'spawn', at: 'guest' });
  await three.node.hears({ told: 'spawned' });
  one.node.order({ do: 'ask', at: 'three/guest' });
  await one.node.hears({ told: 'went' });

  one.node.order({ do: 'monitor', at: 'three' });
  one.node.order({ do: 'hold', at: 'three' });
  await one.node.hears({ told: 'held' });
  three.node.kill('SIGKILL');
  // Requests and monitors first, then the node; each once.
  const down = await one.node.hears({ told: 'down' });
  expect(down).toMatchObject({ reason: 'noconnection' });
  expect(await one.node.hears({ told: 'nodedown' })).toMatchObject({ node: 'three', code: 1006 });
  expect(await one.node.hears({ told: 'ask' })).toMatchObject({ type: 'noconnection' });
  expect(await two.node.hears({ told: 'nodedown' })).toMatchObject({ node: 'three' });
  two.node.order({ do: 'ring', ring: ['three'] });
  const failed = await two.node.hears({ told: 'failed' });
  expect(failed).toMatchObject({ message: expect.stringContaining('noconnection') as string });
  two.node.order({ do: 'ring', ring: ['one'] });
  expect(await two.node.hears({ told: 'went' })).toMatchObject({ by: ['two', 'one'] });

  const { port } = new URL(three.address);
  const again = await start('three', port, [one.address, two.address]);
  expect(again.incarnation).not.toBe(three.incarnation);
  const up = await one.node.hears({ told: 'nodeup', node: 'three' });
  expect(up['incarnation']).toBe(again.incarnation);
  await again.node.hears({ told: 'nodeup', node: 'two' });
  one.node.order({ do: 'ring', ring: ['three', 'two'] });
  expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'three', 'two'] });
  // Who lived there before is not there any more, and the place says so.
  one.node.order({ do: 'ask', at: 'three/guest' });
  expect(await one.node.hears({ told: 'failed' })).toMatchObject({ code: 'NO_SUCH_ACTOR' });
  expect(one.node.heard).toEqual([]);
});

it(
  'a node that stands still for a while is suspected, and says so itself',
  { timeout },
  async () => {
    const one = await start('one', '0', []);
    const two = await start('two', '0', [one.address]);
    await one.node.hears({ told: 'nodeup', node: 'two' });
    one.node.order({ do: 'monitor', at: 'two' });
    two.node.kill('SIGSTOP');
    await one.node.hears({ told: 'suspect', node: 'two' });
    two.node.kill('SIGCONT');
    // It was not dead, and the other one is told how it was.
    const stalled = await one.node.hears({ told: 'stalled', node: 'two' });
    expect(stalled['stalledMs']).toBeGreaterThanOrEqual(1_000);
    await one.node.hears({ told: 'alive', node: 'two' });
    await two.node.hears({ told: 'stalled', node: 'two' });
    // The link is the same: nothing that was open over it has ended.
    one.node.order({ do: 'ring', ring: ['two'] });
    expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two'] });
    expect([...one.node.heard, ...two.node.heard]).toEqual([]);
  },
);

it('a node that stands still is suspected, then down, then linked anew', { timeout }, async () => {
  const one = await start('one', '0', []);
  const two = await start('two', '0', [one.address]);
  await one.node.hears({ told: 'nodeup', node: 'two' });
  one.node.order({ do: 'monitor', at: 'two' });
  two.node.kill('SIGSTOP');
  const suspect = await one.node.hears({ told: 'suspect', node: 'two' });
  expect(suspect['silentMs']).toBeGreaterThanOrEqual(3_000);
  expect(one.node.heard).toEqual([]);
  await one.node.hears({ told: 'down', reason: 'noconnection' });
  expect(await one.node.hears({ told: 'nodedown' })).toMatchObject({ code: 4008 });
  two.node.kill('SIGCONT');
  // It stood still itself, and so it blames nobody; the link is gone, and it dials again.
  await two.node.hears({ told: 'nodedown', node: 'one' });
  await one.node.hears({ told: 'nodeup', node: 'two' });
  // The dialer is the later one to know of the link.
  await two.node.hears({ told: 'nodeup', node: 'one' });
  two.node.order({ do: 'ring', ring: ['one'] });
  expect(await two.node.hears({ told: 'went' })).toMatchObject({ by: ['two', 'one'] });
});

it('a second start of a node that stands still takes its place', { timeout }, async () => {
  const one = await start('one', '0', []);
  const two = await start('two', '0', [one.address]);
  await one.node.hears({ told: 'nodeup', node: 'two' });
  one.node.order({ do: 'monitor', at: 'two' });
  one.node.order({ do: 'hold', at: 'two' });
  await one.node.hears({ told: 'held' });
  two.node.kill('SIGSTOP');
  const again = await start('two', '0', [one.address]);
  await one.node.hears({ told: 'down', reason: 'noconnection' });
  expect(await one.node.hears({ told: 'nodedown' })).toMatchObject({
    incarnation: two.incarnation,
  });
  expect(await one.node.hears({ told: 'nodeup' })).toMatchObject({
    incarnation: again.incarnation,
  });
  two.node.kill('SIGCONT');
  // The former one learns that it is replaced, and does not fight for its place.
  await two.node.hears({ told: 'conflict' });
  one.node.order({ do: 'ring', ring: ['two'] });
  expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two'] });
});

it('a rolling restart under load loses no request without a word', { timeout }, async () => {
  const { one, two, three } = await threeNodes();
  const system = createSystem({ name: 'driver', log: false });
  const node = await joinCluster(system, {
    secret: SECRET_OF_PROCESSES,
    seeds: [one.address, two.address, three.address],
  });
  const workers = node.group('workers');
  const changed = (isEnough: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const { end } = workers.subscribe(() => {
        if (isEnough()) resolve(end());
      });
      if (isEnough()) resolve(end());
    });
  await changed(() => workers.members().length === 3);

  // As many callers as keep all three busy, each with one request at a time, until told to end.
  let isOver = false;
  let issued = 0;
  const answeredBy = new Map<string, number>();
  const failures: unknown[] = [];
  const caller = async (_: unknown, index: number): Promise<void> => {
    for (let nth = index; !isOver; nth += 1) {
      const members = workers.members();
      if (members.length === 0) await changed(() => workers.members().length > 0);
      const worker = members[nth % members.length] as Ref<WorkerEvent> | undefined;
      if (worker === undefined) continue;
      issued += 1;
      try {
        const { by } = await worker.ask({ type: 'work' });
        answeredBy.set(by[0]!, (answeredBy.get(by[0]!) ?? 0) + 1);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const callers = Array.from({ length: 60 }, caller);
  const works = async (name: string): Promise<void> => {
    const before = answeredBy.get(name) ?? 0;
    while ((answeredBy.get(name) ?? 0) === before)
      await new Promise((resolve) => setImmediate(resolve));
  };
  for (const name of ['one', 'two', 'three']) await works(name);

  const nodes = [one, two, three];
  for (const [index, old] of nodes.entries()) {
    const others = nodes.filter((each) => each !== old).map(({ address }) => address);
    old.node.kill('SIGTERM');
    expect(await old.node.ended).toBe(0);
    nodes[index] = await start(old.node.name, new URL(old.address).port, others);
    const { name } = old.node;
    await changed(() => workers.members().some((each) => each.node === name));
    // It works again before the next one goes.
    await works(name);
  }
  isOver = true;
  await Promise.all(callers);
  const answered = [...answeredBy.values()].reduce((sum, count) => sum + count, 0);
  expect(answered + failures.length).toBe(issued);
  expect([...answeredBy.keys()].toSorted()).toEqual(['one', 'three', 'two']);
  // Nothing ran into its deadline: who goes tells every asker.
  const told = failures.filter((e) => e instanceof ActorEnded || e instanceof NoSuchActor);
  expect(failures.filter((error) => !told.includes(error as never))).toEqual([]);
  expect(system.stats().openRequests).toBe(0);
  await system.stop();
});

it('a second signal ends a node that is still leaving', { timeout }, async () => {
  const { node } = await start('one', '0', []);
  await node.logs('started');
  node.order({ do: 'dawdle' });
  await node.hears({ told: 'dawdles' });
  node.kill('SIGTERM');
  await node.logs('leaving; a second signal ends the process at once');
  node.kill('SIGTERM');
  expect(await node.ended).toBe('SIGTERM');
});
