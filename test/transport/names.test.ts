// Names of the whole cluster: one holder on all nodes, what a split does to that, and how both sides
// come to the same result when they meet again.

import { NameTaken, NoSuchActor, agentName, fromHandler, type Ref, type System } from 'troupe';
import {
  NotAllowed,
  type ClusterNode,
  type JoinOptions,
  type NameConflict,
  type NameResolver,
} from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// The operations are no part of the public surface.
import { OP } from '../../transport/operation.ts';
import { Stage, outcome } from './cast.ts';
import { RawPeer } from './raw-peer.ts';

type Event = NameConflict | { type: 'end' };
const Leader = agentName<Ref<Event>>('leader');

interface Seat {
  readonly system: System;
  readonly node: ClusterNode;
  readonly told: NameConflict[];
  readonly agent: Ref<Event>;
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.stop());

/** An agent that keeps what it is told of conflicts. */
function listener(told: NameConflict[]) {
  return fromHandler<undefined, Event>({
    receive: (_state, event, ctx) => {
      if (event.type === 'end') ctx.stop();
      else told.push(event);
    },
  });
}

/** Nodes that are all linked with each other, with one agent each. */
async function seats(names: readonly string[], options: Partial<JoinOptions> = {}) {
  const made: Seat[] = [];
  for (const name of names) {
    const seeds = made.map(({ node }) => `memory:${node.name}`);
    const { system, node } = await stage.join(name, { seeds, ...options });
    const told: NameConflict[] = [];
    made.push({ system, node, told, agent: system.spawn(listener(told), { id: 'agent' }) });
    await stage.advance(10);
  }
  return made as [Seat, Seat, Seat];
}

const holders = (all: readonly Seat[]): (string | undefined)[] =>
  all.map(({ node }) => node.names.whereis(Leader)?.address);

async function registered(seat: Seat): Promise<void> {
  const done = outcome(seat.node.names.register(Leader, seat.agent));
  await stage.advance(10);
  expect(done).toEqual({ value: undefined });
}

describe('a name of the cluster', () => {
  it('is registered on one node and found on all, also on one that comes later', async () => {
    const all = await seats(['a', 'b', 'c']);
    await registered(all[0]);
    expect(holders(all)).toEqual(['a/agent', 'a/agent', 'a/agent']);
    const later = await stage.join('d', { seeds: ['memory:a', 'memory:b', 'memory:c'] });
    await stage.advance(10);
    expect(later.node.names.list()).toMatchObject([
      { name: 'leader', ref: { address: 'a/agent' } },
    ]);
  });

  it('leads to its holder like any other ref', async () => {
    const all = await seats(['a', 'b']);
    await registered(all[0]);
    all[1].node.names.whereis(Leader)!.send({ type: 'end' });
    await stage.advance(10);
    expect(all[0].system.agents()).toEqual([]);
  });

  it('is taken: whoever else registers it is refused, and told who holds it', async () => {
    const all = await seats(['a', 'b']);
    await registered(all[0]);
    for (const { node, agent } of all) {
      const refused = outcome(node.names.register(Leader, agent));
      await stage.advance(10);
      expect(refused.error).toBeInstanceOf(NameTaken);
      expect(refused.error).toMatchObject({ fields: { name: 'leader', heldBy: 'a/agent' } });
    }
  });

  it('goes to one of those who register it at the same time, and the others are refused', async () => {
    const all = await seats(['a', 'b', 'c']);
    const asked = all.toReversed().map(({ node, agent }) => node.names.register(Leader, agent));
    const outcomes = asked.map(outcome);
    await stage.advance(100);
    expect(holders(all)).toEqual(['a/agent', 'a/agent', 'a/agent']);
    expect(outcomes.map(({ error }) => error?.name)).toEqual(['NameTaken', 'NameTaken', undefined]);
    // Nobody has held it who does not hold it now.
    expect(all.flatMap(({ told }) => told)).toEqual([]);
  });

  it('is free everywhere when its holder ends, before the Down of that agent', async () => {
    const all = await seats(['a', 'b']);
    // The watch is older than the name: what is told in the order of its making would come too late.
    const atDown: unknown[] = [];
    const away = all[1].node.ref('a/agent');
    all[1].system.monitor(away, () => atDown.push(all[1].node.names.whereis(Leader)));
    await stage.advance(10);
    await registered(all[0]);
    all[0].agent.send({ type: 'end' });
    await stage.advance(10);
    expect(holders(all)).toEqual([undefined, undefined]);
    expect(atDown).toEqual([undefined]);
    await registered(all[1]);
    expect(holders(all)).toEqual(['b/agent', 'b/agent']);
  });

  it('is free when it is given back, and when the node of its holder is lost', async () => {
    const all = await seats(['a', 'b']);
    await registered(all[0]);
    expect(all[1].node.names.unregister(Leader)).toBe(false);
    expect(all[0].node.names.unregister(Leader)).toBe(true);
    await stage.advance(10);
    expect(holders(all)).toEqual([undefined, undefined]);
    await registered(all[0]);
    const atDown: unknown[] = [];
    all[1].node.on('nodedown', () => atDown.push(all[1].node.names.whereis(Leader)));
    stage.network.cut('a', 'b');
    await stage.advance(20_000);
    expect(atDown).toEqual([undefined]);
    expect(holders(all)).toEqual(['a/agent', undefined]);
  });

  it('is refused to what is no living agent of the node, and to one that ends meanwhile', async () => {
    const all = await seats(['a', 'b']);
    const away = outcome(all[0].node.names.register(Leader, all[0].node.ref('b/agent')));
    const ending = outcome(all[0].node.names.register('other', all[0].agent));
    all[0].agent.send({ type: 'end' });
    await stage.settle();
    await stage.advance(10);
    expect(away.error?.message).toContain('a living agent of this node');
    expect(ending.error).toBeInstanceOf(NoSuchActor);
    expect(all[1].node.names.list()).toEqual([]);
  });

  it('waits for no peer that is lost', async () => {
    const all = await seats(['a', 'b']);
    stage.network.cut('a', 'b');
    const asked = outcome(all[0].node.names.register(Leader, all[0].agent));
    await stage.advance(5_000);
    expect(asked).toEqual({});
    await stage.advance(15_000);
    expect(asked).toEqual({ value: undefined });
  });

  it('is kept from a node that may not have it', async () => {
    const all = await seats(['a', 'b'], { peers: { '*': { claim: ['worker'] } } });
    const refused = outcome(all[0].node.names.register(Leader, all[0].agent));
    const allowed = outcome(all[0].node.names.register('worker', all[0].agent));
    await stage.advance(10);
    expect(refused.error).toBeInstanceOf(NotAllowed);
    expect(allowed).toEqual({ value: undefined });
    expect(all[1].node.names.list().map(({ name }) => name)).toEqual(['worker']);
    expect(all[0].node.names.list().map(({ name }) => name)).toEqual(['worker']);
  });
});

describe('a name that two sides of a split hold', () => {
  /** Both register apart: `a` first, and `b` once it knows that `a` is lost. */
  async function split(options: Partial<JoinOptions> = {}): Promise<[Seat, Seat]> {
    const [a, b] = await seats(['a', 'b'], options);
    stage.network.cut('a', 'b');
    await stage.advance(20_000);
    await registered(b);
    await registered(a);
    expect(holders([a, b])).toEqual(['a/agent', 'b/agent']);
    return [a, b];
  }

  async function heal(): Promise<void> {
    stage.network.heal('a', 'b');
    await stage.advance(20_000);
  }

  it('goes to the same one on both sides after the heal, and both are told, once', async () => {
    const [a, b] = await split();
    const heard: string[] = [];
    for (const { node } of [a, b])
      node.on('nameConflict', ({ name, kept }) => heard.push(`${node.name} ${name} ${kept!.path}`));
    await heal();
    expect(holders([a, b])).toEqual(['a/agent', 'a/agent']);
    for (const { told } of [a, b]) {
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ name: 'leader', kept: { address: 'a/agent' } });
      expect(told[0]!.lost.map(({ address }) => address)).toEqual(['b/agent']);
    }
    expect(heard.toSorted()).toEqual(['a leader /agent', 'b leader /agent']);
    // It is free when the one that kept it ends: nothing of the other claim is left.
    a.agent.send({ type: 'end' });
    await stage.advance(10);
    expect(holders([a, b])).toEqual([undefined, undefined]);
  });

  it('stays with the one who had it before the split, whatever the nodes are called', async () => {
    const [a, b] = await seats(['a', 'b']);
    await registered(b);
    stage.network.cut('a', 'b');
    await stage.advance(20_000);
    await registered(a);
    await heal();
    expect(holders([a, b])).toEqual(['b/agent', 'b/agent']);
  });

  it.each([
    ['keeps the other', (_, claims) => claims.at(-1), ['b/agent', 'b/agent']],
    ['keeps nobody', () => undefined, [undefined, undefined]],
    [
      'throws',
      () => {
        throw new Error('no idea');
      },
      [undefined, undefined],
    ],
    ['keeps a stranger', (_, [claim]) => ({ ...claim! }), [undefined, undefined]],
  ] as readonly (readonly [string, NameResolver, unknown[]])[])(
    'is resolved as the resolver says: it %s',
    async (_, onNameConflict, expected) => {
      const [a, b] = await split({ onNameConflict });
      await heal();
      expect(holders([a, b])).toEqual(expected);
      expect([a.told.length, b.told.length]).toEqual([1, 1]);
    },
  );

  it('has one holder in the end among three nodes that each held it', async () => {
    const all = await seats(['a', 'b', 'c']);
    const ways = [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
    ] as const;
    for (const [from, to] of ways) stage.network.cut(from, to);
    await stage.advance(20_000);
    for (const seat of all.toReversed()) await registered(seat);
    // They meet one after the other, the first to meet being the one that loses to both.
    for (const [from, to] of ways.toReversed()) {
      stage.network.heal(from, to);
      await stage.advance(20_000);
    }
    expect(holders(all)).toEqual(['a/agent', 'a/agent', 'a/agent']);
    expect(all.map(({ told }) => told.length)).toEqual([1, 2, 1]);
  });
});

describe('a name and a peer that breaks the protocol', () => {
  it.each([
    [
      'a logical time beyond all others',
      [OP.claim, 1, 'leader', '/agent', Number.MAX_SAFE_INTEGER],
    ],
    ['a claim without a path', [OP.claim, 1, 'leader', 'agent', 1]],
    ['a probe that is none', [OP.probe, 1, [4, 0, null, []]]],
    ['a wait of a probe that is none', [OP.probe, 1, [1, 0, null, [['raw/a']]]]],
  ])('end its link: %s', async (_, operation) => {
    const [a] = await seats(['a']);
    const peer = new RawPeer(await stage.network.links('raw').dial('memory:a'), 'raw');
    await stage.advance(1);
    peer.send([OP.claim, 1, 'worker', '/agent', 1]);
    await stage.advance(1);
    expect(a.node.names.whereis('worker')?.address).toBe('raw/agent');
    peer.send(operation);
    await stage.advance(1);
    expect(a.node.nodes()).toEqual([]);
    expect(a.node.names.list()).toEqual([]);
  });
});
