// Groups of agents over several nodes: who is in, who is told, and what is left after a loss.

import type { AnyRef } from 'troupe';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Stage, echo } from './cast.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.stop());

const addresses = (refs: readonly AnyRef[]): string[] => refs.map(({ address }) => address);

it('know their members on all linked nodes, also of nodes that come later', async () => {
  const a = await stage.join('a');
  const one = a.system.spawn(echo(), { id: 'one' });
  a.node.group('g').join(one);
  a.node.group('g').join(one);
  const b = await stage.join('b', { seeds: ['memory:a'] });
  await stage.advance(10);
  const two = b.system.spawn(echo(), { id: 'two' });
  b.node.group('g').join(two);
  b.node.group('other').join(two);
  await stage.advance(10);
  expect(addresses(a.node.group('g').members())).toEqual(['a/one', 'a/one', 'b/two']);
  expect(addresses(b.node.group('g').members())).toEqual(['b/two', 'a/one', 'a/one']);
  expect(a.node.group('g').leave(one)).toBe(true);
  await stage.advance(10);
  expect(addresses(b.node.group('g').members())).toEqual(['b/two', 'a/one']);
  expect(a.node.group('g').leave(one)).toBe(true);
  expect(a.node.group('g').leave(one)).toBe(false);
  expect(() => a.node.group('g').join(two)).toThrow('a living agent of this node');
});

it('lose a life that ends, and the members of a node that is lost; a heal brings them back', async () => {
  const a = await stage.join('a');
  const b = await stage.join('b', { seeds: ['memory:a'] });
  await stage.advance(10);
  const own = a.system.spawn(echo(), { id: 'own' });
  const [one, two] = ['one', 'two'].map((id) => b.system.spawn(echo(), { id }));
  a.node.group('g').join(own);
  const told: string[] = [];
  const { members, end } = a.node
    .group('g')
    .subscribe(({ type, ref }) => told.push(`${type} ${ref.address}`));
  expect(addresses(members)).toEqual(['a/own']);
  b.node.group('g').join(one!);
  b.node.group('g').join(two!);
  await stage.advance(10);
  one!.send({ type: 'crash' } as never);
  await stage.advance(10);
  stage.network.sever('a', 'b');
  await stage.settle();
  expect(addresses(a.node.group('g').members())).toEqual(['a/own']);
  expect(addresses(b.node.group('g').members())).toEqual(['b/two']);
  await stage.advance(1_000);
  expect(addresses(a.node.group('g').members())).toEqual(['a/own', 'b/two']);
  expect(addresses(b.node.group('g').members())).toEqual(['b/two', 'a/own']);
  expect(told).toEqual(['join b/one', 'join b/two', 'leave b/one', 'leave b/two', 'join b/two']);
  end();
  b.node.group('g').leave(two!);
  await stage.advance(10);
  expect(told).toHaveLength(5);
});

it('are named as long as somebody is in them', async () => {
  const a = await stage.join('a');
  const b = await stage.join('b', { seeds: ['memory:a'] });
  await stage.advance(10);
  const [one, two] = [a, b].map(({ system }) => system.spawn(echo(), { id: 'member' }));
  a.node.group('second').join(one!);
  b.node.group('first').join(two!);
  b.node.group('second').join(two!);
  await stage.advance(10);
  for (const { node } of [a, b]) expect(node.groups()).toEqual(['first', 'second']);
  void two!.kill();
  await stage.advance(10);
  for (const { node } of [a, b]) expect(node.groups()).toEqual(['second']);
});

it('have lost a member that ends before anybody hears of the end, on all nodes', async () => {
  const a = await stage.join('a');
  const b = await stage.join('b', { seeds: ['memory:a'] });
  await stage.advance(10);
  const one = a.system.spawn(echo(), { id: 'one' });
  const atDown: unknown[] = [];
  // The watches are older than the membership.
  a.system.monitor(one, () => atDown.push(a.node.group('g').members()));
  b.system.monitor(b.node.ref('a/one'), () => atDown.push(b.node.group('g').members()));
  await stage.advance(10);
  a.node.group('g').join(one);
  await stage.advance(10);
  expect(b.node.group('g').members()).toHaveLength(1);
  void one.kill();
  await stage.advance(10);
  expect(atDown).toEqual([[], []]);
});
