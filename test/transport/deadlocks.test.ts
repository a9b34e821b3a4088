// Deadlocks over several nodes: found while all of them still wait, told of once, with all members;
// and none found that never was.

import {
  AskTimeout,
  DeadlockError,
  ask,
  fromHandler,
  type PostponeMeta,
  type Ref,
  type ReplyTo,
  type System,
} from 'troupe';
import { TRANSPORT_LIMITS, type ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { Stage, outcome } from './cast.ts';

type Event = { type: 'go'; way: readonly Step[]; replyTo: ReplyTo<{ type: 'done' }> };
/** What one agent does: waits, asks the next one, which does the rest of the way. */
interface Step {
  readonly to: Ref<Event>;
  readonly sleepMs?: number;
  readonly timeoutMs?: number;
  /** What is asked next, when this ask has failed. */
  readonly next?: Step;
}

interface Told {
  readonly by: string;
  readonly error: Error;
}

let stage: Stage;
let failed: Told[];
beforeEach(() => {
  stage = new Stage();
  failed = [];
});
afterEach(() => stage.stop());

/** Asks along a way and fails with what it gets; while it waits it is deaf. */
const walker = () =>
  fromHandler<undefined, Event>({
    *receive(_state, event, ctx) {
      const [first, ...rest] = event.way;
      for (let step = first; step !== undefined; step = step.next) {
        if (step.sleepMs !== undefined) yield* ctx.sleep(step.sleepMs);
        try {
          const { timeoutMs = 60_000, to } = step;
          yield* ctx.ask(to, { type: 'go', way: step === first ? rest : [] }, { timeoutMs });
        } catch (error) {
          failed.push({ by: ctx.self.address, error: error as Error });
          if (step.next === undefined) throw error;
        }
      }
      ctx.reply(event, { type: 'done' });
    },
  });

/** Nodes that are all linked, with an agent each. */
async function nodes(...names: readonly string[]) {
  const made: { system: System; node: ClusterNode }[] = [];
  for (const name of names) {
    const seeds = made.map(({ node }) => `memory:${node.name}`);
    const { system, node } = await stage.join(name, { seeds });
    system.spawn(walker(), { id: 'agent' });
    made.push({ system, node });
    await stage.advance(10);
  }
  return made;
}

const at = (node: ClusterNode, name: string): Ref<Event> => node.ref(`${name}/agent`) as Ref<Event>;

/** Has the agent of the first node ask that of the second one, and so on, the last one the first. */
async function circle(names: readonly string[], steps: Partial<Step>[] = []) {
  const made = await nodes(...names);
  const { node } = made[0]!;
  const way = [...names.slice(1), names[0]!].map((name, index) => ({
    to: at(node, name),
    ...steps[index],
  }));
  const asked = outcome(at(node, names[0]!).ask({ type: 'go', way }, { timeoutMs: 90_000 }));
  return { made, asked };
}

const deadlocks = (): DeadlockError[] =>
  failed.flatMap(({ error }) => (error instanceof DeadlockError ? [error] : []));

const rotated = (members: readonly string[], first: string): string[] => {
  const from = members.indexOf(first);
  return [...members.slice(from), ...members.slice(0, from)];
};

describe('a circle of agents that wait for each other over nodes', () => {
  it.each([
    [['a', 'b']],
    [['b', 'a']],
    [['a', 'b', 'c']],
    [['c', 'b', 'a']],
    [['b', 'a', 'c']],
    [['a', 'b', 'c', 'd', 'e']],
  ])('of %j is a deadlock: its youngest request fails, with all members', async (names) => {
    const { made, asked } = await circle(
      names,
      names.map(() => ({ sleepMs: 100 })),
    );
    await stage.advance(TRANSPORT_LIMITS.probeAfterMs - 50);
    expect(failed).toEqual([]);
    await stage.advance(3_000);
    const members = names.map((name) => `${name}/agent`);
    expect(failed[0]!.by).toBe(members.at(-1));
    expect(deadlocks()).toHaveLength(1);
    const [{ members: found, requests }] = deadlocks() as [DeadlockError];
    expect(rotated(found, members[0]!)).toEqual(members);
    expect(requests).toEqual(names.map(() => 'go'));
    // Whoever waited for it fails with it, and nothing is left open.
    expect(asked.error).toMatchObject({ code: 'ACTOR_ENDED' });
    for (const { system } of made) expect(system.stats().openRequests).toBe(0);
  });

  it('is told of on the node of the request that fails', async () => {
    const { made } = await circle(['a', 'b'], [{}, { sleepMs: 10 }]);
    const told: string[] = [];
    for (const { system, node } of made)
      system.inspect((event) => {
        if (event.type === 'deadlock') told.push(`${node.name} ${event.path}`);
      });
    await stage.advance(5_000);
    expect(told).toEqual(['b /agent']);
  });

  it.each([1, 20, 300])(
    'is broken once, and where it closed, where a way takes %i ms',
    async (delayMs) => {
      const names = ['c', 'b', 'a'];
      const made = await nodes(...names);
      for (const from of names)
        for (const to of names) stage.network.way(from, to).delayMs = delayMs;
      const { node } = made[0]!;
      const way = ['b', 'a', 'c'].map((name) => ({ to: at(node, name) }));
      void outcome(at(node, 'c').ask({ type: 'go', way }, { timeoutMs: 90_000 }));
      await stage.advance(20_000);
      expect(deadlocks()).toHaveLength(1);
      expect(failed[0]!.by).toBe('a/agent');
    },
  );

  it('is gone round by one probe only, however many of its requests have waited', async () => {
    const names = ['a', 'b', 'c', 'd'];
    await circle(names);
    let probes = 0;
    for (const from of names)
      for (const to of names)
        stage.network.way(from, to).loses = (bytes) => {
          // An operation of three fields, of which the first says that it is a probe.
          for (let index = 1; index < bytes.length; index += 1)
            if (bytes[index - 1] === 0x93 && bytes[index] === 22) probes += 1;
          return false;
        };
    // Slow enough for all of them to look before the first probe is back.
    for (const from of names) for (const to of names) stage.network.way(from, to).delayMs = 100;
    await stage.advance(8_000);
    expect(deadlocks()).toHaveLength(1);
    // Three laps at most, and the first steps of the other three, which go no further.
    expect(probes).toBeGreaterThanOrEqual(2 * 4);
    expect(probes).toBeLessThanOrEqual(3 * 4 + 3);
  });

  it('may go through several agents of a node, and through a request that was handed on', async () => {
    const made = await nodes('a', 'b');
    const { system, node } = made[0]!;
    const second = system.spawn(walker(), { id: 'second' });
    const passer = made[1]!.system.spawn(
      fromHandler<undefined, Event>({
        receive: (_state, event, ctx) => ctx.forward(at(made[1]!.node, 'b'), event),
      }),
      { id: 'passer' },
    );
    const way = [
      { to: second },
      { to: node.ref(passer.address) as Ref<Event> },
      { to: at(node, 'a') },
    ];
    void outcome(at(node, 'a').ask({ type: 'go', way }, { timeoutMs: 90_000 }));
    await stage.advance(5_000);
    expect(deadlocks()).toHaveLength(1);
    const [{ members }] = deadlocks() as [DeadlockError];
    expect(rotated(members, 'a/agent')).toEqual(['a/agent', 'a/second', 'b/agent']);
  });
});

describe('a circle with a machine', () => {
  it('that can do nothing but wait for its answer is a deadlock too', async () => {
    const made = await nodes('a', 'b');
    const { system, node } = made[0]!;
    const to = at(node, 'b');
    const machine = setup({
      types: { events: {} as Event },
      actors: { askNext: ask(to, 'go') },
    }).createMachine({
      initial: 'idle',
      states: {
        idle: { on: { go: 'waiting' } },
        waiting: {
          meta: { postpone: 'all' } satisfies PostponeMeta,
          invoke: {
            src: 'askNext',
            input: () => ({ way: [{ to: machineRef }] }),
            onError: { target: 'idle' },
          },
        },
      },
    });
    const machineRef = system.spawn(machine, { id: 'machine' }) as unknown as Ref<Event>;
    void outcome(machineRef.ask({ type: 'go', way: [] }, { timeoutMs: 90_000 }));
    await stage.advance(5_000);
    const [{ members }] = deadlocks() as [DeadlockError];
    expect(rotated(members, 'a/machine')).toEqual(['a/machine', 'b/agent']);
  });
});

describe('no deadlock', () => {
  it('is a wait for somebody who works', async () => {
    await circle(['a', 'b', 'c'], [{}, {}, { sleepMs: 30_000, timeoutMs: 1_000 }]);
    await stage.advance(30_000);
    expect(failed).toEqual([]);
    await stage.advance(900);
    expect(failed).toEqual([]);
  });

  it('is found where a deadline comes first', async () => {
    await circle(['a', 'b'], [{}, { timeoutMs: 1_900 }]);
    await stage.advance(10_000);
    expect(failed[0]!.error).toBeInstanceOf(AskTimeout);
    expect(deadlocks()).toEqual([]);
  });

  it('is a circle that looks closed to a probe, of which one wait has ended behind it', async () => {
    const made = await nodes('b', 'c', 'x', 'z');
    const [b, c, , z] = made.map(({ node }) => node) as [
      ClusterNode,
      ClusterNode,
      unknown,
      ClusterNode,
    ];
    // Slow enough for b to give up while the probe is on the last part of its way.
    stage.network.way('c', 'z').delayMs = 800;
    const begin = (node: ClusterNode, step: Step): void =>
      void outcome(at(node, node.name).ask({ type: 'go', way: [step] }, { timeoutMs: 90_000 }));
    begin(z, { sleepMs: 900, to: at(z, 'b') });
    begin(c, { sleepMs: 100, to: at(c, 'z') });
    const next = { sleepMs: 20_000, to: at(b, 'x') };
    begin(b, { sleepMs: 200, to: at(b, 'c'), timeoutMs: 3_400, next });
    await stage.advance(15_000);
    expect(failed.map(({ by, error }) => `${by} ${error.name}`)).toEqual(['b/agent AskTimeout']);
  });

  it('is a loop through an agent that goes on while its own request is open', async () => {
    const made = await nodes('a', 'b');
    const { system, node } = made[0]!;
    const open: Ref<Event | { type: 'start' }> = system.spawn(
      fromHandler<undefined, Event | { type: 'start' }>({
        receive: (_state, event, ctx) => {
          if (event.type === 'go') ctx.defer(event);
          else void outcome(at(node, 'b').ask({ type: 'go', way: [{ to: open as Ref<Event> }] }));
        },
      }),
      { id: 'open' },
    );
    open.send({ type: 'start' });
    await stage.advance(4_900);
    expect(failed).toEqual([]);
  });
});
