// What is wrong with a join or a message is said at the call, or by an event that names what and
// where; and the node stays up.

import { UnfitPayload, createSystem, type Log, type Ref } from 'troupe';
import { CLOSE, LinkFailed, joinCluster, type ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SECRET, Stage, echo, outcome, type EchoEvent } from './cast.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.stop());

const ignore = (): void => undefined;
const linkedWith = (node: ClusterNode): string[] => node.nodes().map(({ node: name }) => name);

it('a port in use rejects the join, and the system can join elsewhere', async () => {
  const [a, b] = ['a', 'b'].map((name) => createSystem({ name, log: false }));
  const first = await joinCluster(a!, { listen: {}, secret: SECRET });
  const { port } = new URL(first.address!);
  const joining = joinCluster(b!, { listen: { port: Number(port) }, secret: SECRET });
  await expect(joining).rejects.toMatchObject({
    message: expect.stringContaining('EADDRINUSE') as string,
    fields: { address: first.address },
  });
  const second = await joinCluster(b!, { listen: {}, secret: SECRET });
  expect(second.address).not.toBe(first.address);
  await Promise.all([a!.stop(), b!.stop()]);
});

it('a seed that nobody answers at is told of at each attempt, and linked when it is there', async () => {
  const { node } = await stage.join('here', { seeds: ['memory:there', 'memory:other'] });
  const attempts: number[] = [];
  node.on('unreachable', (event) => {
    if (event.seed !== 'memory:there') return;
    expect(event.error).toBeInstanceOf(LinkFailed);
    expect(event.error).toMatchObject({ fields: { address: 'memory:there' } });
    attempts.push(event.attempts);
  });
  await stage.join('other');
  await stage.advance(1_000);
  // The first was told while the node was joining.
  expect(attempts.slice(0, 3)).toEqual([2, 3, 4]);
  expect(linkedWith(node)).toEqual(['other']);
  await stage.join('there');
  await stage.advance(20_000);
  expect(linkedWith(node)).toEqual(['other', 'there']);
});

it('a node that dials one of its own name is told so, the other logs it, and both stay up', async () => {
  const lines: unknown[] = [];
  const warn = (fields: object): void => void lines.push(fields);
  const log: Log = { debug: ignore, info: ignore, warn, error: warn, child: () => log };
  const one = await stage.join('same', { links: stage.network.links('one') }, log);
  await stage.join('friend', { seeds: ['memory:one'] });
  const told: string[] = [];
  await stage.advance(100);
  const two = await stage.join('same', {
    links: stage.network.links('two'),
    seeds: ['memory:one'],
  });
  two.node.on('conflict', ({ incarnation }) => told.push(incarnation));
  await stage.advance(50);
  expect(told).toEqual([one.node.incarnation]);
  expect(lines).toMatchObject([{ code: CLOSE.refused, reason: 'the same name' }]);
  expect(linkedWith(one.node)).toEqual(['friend']);
  expect(two.node.nodes()).toEqual([]);
});

it('a message that cannot be encoded is refused at the call, and the link goes on', async () => {
  const there = await stage.join('there');
  there.system.spawn(echo(), { id: 'echo' });
  const here = await stage.join('here', { seeds: ['memory:there'] });
  await stage.advance(10);
  const far = here.node.ref('there/echo') as Ref<EchoEvent>;
  const loop: unknown[] = [];
  loop.push({ loop });
  for (const [value, says] of [
    [() => 1, 'message.value: a function cannot leave its process'],
    [[Symbol('x')], 'message.value[0]: a symbol cannot leave its process'],
    [loop, 'message.value[0].loop: it holds itself'],
  ] as const) {
    expect(() => far.send({ type: 'note', value })).toThrow(UnfitPayload);
    expect(() => far.send({ type: 'note', value })).toThrow(says);
    const asked = outcome(far.ask({ type: 'echo', value }));
    await stage.settle();
    expect(asked.error?.message).toContain(says);
  }
  const asked = outcome(far.ask({ type: 'echo', value: 1 }));
  await stage.advance(10);
  expect(asked.value).toEqual({ type: 'echoed', value: 1 });
});
