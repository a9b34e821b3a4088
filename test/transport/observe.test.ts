// A look at a whole cluster from outside: what it shows, and that nobody notices it.

import { createSystem } from 'troupe';
import { LinkFailed, observeCluster, type NodeReport, type NodeView } from 'troupe/transport';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SECRET, Stage, echo, outcome } from './cast.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.stop());

/** What somebody sees who begins at a node. */
async function look(from: string, name = 'observer') {
  const links = stage.network.links(name);
  const options = { connect: `memory:${from}`, secret: SECRET, links };
  const looked = outcome(observeCluster(stage.system(name), options));
  await stage.advance(10_000);
  return looked;
}

const seenBy = (views: readonly NodeView[] | undefined) =>
  views?.map((view) => [
    view.node,
    'report' in view ? view.report.peers.map(({ node }) => node) : view.error,
  ]);

/** A line of nodes: each is linked with the one before it. */
async function line(...names: string[]) {
  const nodes = [];
  for (const [index, name] of names.entries())
    nodes.push(
      await stage.join(name, { seeds: names.slice(index - 1, index).map((n) => `memory:${n}`) }),
    );
  await stage.advance(100);
  return nodes;
}

it('shows who sees whom, also where the first node sees not all', async () => {
  await line('a', 'b', 'c', 'd');
  const { value } = await look('a');
  expect(seenBy(value)).toEqual([
    ['a', ['b']],
    ['b', ['a', 'c']],
    ['c', ['b', 'd']],
    ['d', ['c']],
  ]);
});

it('shows the numbers, groups and queues of each node', async () => {
  const [a, b] = await line('a', 'b');
  const slow = b!.system.spawn(echo(), { id: 'slow' });
  b!.node.group('slow ones').join(slow);
  await stage.advance(10);
  b!.system.suspend(slow);
  slow.send({ type: 'note', value: 1 });
  slow.send({ type: 'note', value: 2 });
  await stage.advance(1_000);
  const { value } = await look('a');
  const [reportOfA, report] = value!.map((view) => 'report' in view && view.report) as NodeReport[];
  expect(report).toMatchObject({
    node: 'b',
    incarnation: b!.node.incarnation,
    address: 'memory:b',
    agents: 1,
    queuedMessages: 2,
    groups: [{ group: 'slow ones', count: 1, members: ['b/slow'] }],
    mailboxes: [{ path: '/slow', messages: 2 }],
  });
  expect(report!.mailboxes[0]?.oldestMs).toBeGreaterThanOrEqual(1_000);
  expect(reportOfA!.groups).toEqual(report!.groups);
  expect(a!.system.stats().agents).toBe(0);
});

it('is no member: nobody is told of it, and it leaves nothing behind', async () => {
  const [a] = await line('a', 'b');
  const told: string[] = [];
  for (const type of ['nodeup', 'nodedown', 'conflict', 'suspect'] as const)
    a!.node.on(type, ({ node }) => told.push(`${type} ${node}`));
  // Not even under the name of a node.
  for (const name of ['observer', 'b', 'a']) expect((await look('a', name)).value).toHaveLength(2);
  await stage.advance(60_000);
  expect(told).toEqual([]);
  expect(a!.node.nodes().map(({ node }) => node)).toEqual(['b']);
});

it('finds a way round a link that carries nothing, and names a node that does not answer', async () => {
  await line('a', 'b');
  await stage.join('c', { seeds: ['memory:a', 'memory:b'] });
  await stage.join('d', { seeds: ['memory:b'] });
  await stage.advance(100);
  stage.network.cut('a', 'c');
  stage.network.cut('b', 'd');
  const { value } = await look('a');
  expect(seenBy(value)).toEqual([
    ['a', ['b', 'c']],
    ['b', ['a', 'c', 'd']],
    ['c', ['a', 'b']],
    ['d', 'no answer in 2000 ms'],
  ]);
});

it('is refused to whom an allow-list does not name, and without the secret', async () => {
  await stage.join('a', { peers: { b: {}, narrow: { send: ['/desk'] } } });
  for (const name of ['stranger', 'narrow']) {
    const { error } = await look('a', name);
    expect(error).toBeInstanceOf(LinkFailed);
    expect(error?.message).toBe('no link to a: 4005 not allowed');
  }
  const links = stage.network.links('b');
  const options = { connect: 'memory:a', secret: 'another secret of some length', links };
  const looked = outcome(observeCluster(stage.system('b'), options));
  await stage.advance(10);
  expect(looked.error?.message).toBe('no link to a: 4004 another secret');
});

it('rejects a wrong URL, an absent secret, and a node that is not there', async () => {
  const system = createSystem({ name: 'observer', log: false });
  const secret = SECRET;
  await expect(observeCluster(system, { connect: 'http://a', secret })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    fields: { given: 'http://a' },
  });
  await expect(
    observeCluster(system, { connect: 'ws://127.0.0.1:9', secret: undefined }),
  ).rejects.toMatchObject({ fields: { field: 'secret' } });
  await expect(observeCluster(system, { connect: 'ws://127.0.0.1:9', secret })).rejects.toThrow(
    'no link to ws://127.0.0.1:9: connect ECONNREFUSED',
  );
});
