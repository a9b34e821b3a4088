// What an XState user does with an actor from outside, done with the ref of an agent.

import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, setup, toPromise, waitFor } from 'xstate';
import { agentName, type Ref } from 'troupe';
import { createTestSystem } from 'troupe/testing';

const counter = setup({
  types: {} as {
    context: { n: number };
    events: { type: 'add'; by: number } | { type: 'finish' } | { type: 'fail' };
    output: number;
    tags: 'big';
  },
}).createMachine({
  context: { n: 0 },
  initial: 'on',
  states: {
    on: {
      on: {
        add: { actions: assign({ n: ({ context, event }) => context.n + event.by }) },
        finish: 'off',
        fail: {
          actions: () => {
            throw new Error('failed');
          },
        },
      },
    },
    off: { type: 'final' },
  },
  output: ({ context }) => context.n,
});

describe('a ref', () => {
  it('has the snapshot of its machine, typed, before the start too', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    expect(ref.getSnapshot().context.n).toBe(0);
    ref.send({ type: 'add', by: 2 });
    await system.settle();
    const n: number = ref.getSnapshot().context.n;
    expect(n).toBe(2);
    expect(ref.getSnapshot().matches('on')).toBe(true);
  });

  it('tells its subscribers of each step, then of the end', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    const told: unknown[] = [];
    ref.subscribe({
      next: ({ context }) => told.push(context.n),
      complete: () => told.push('complete'),
    });
    const other = ref.subscribe(({ value }) => told.push(value));
    await system.settle();
    ref.send({ type: 'add', by: 1 });
    await system.settle();
    other.unsubscribe();
    ref.send({ type: 'finish' });
    await system.settle();
    expect(told).toEqual([0, 'on', 1, 'on', 1, 'complete']);
  });

  it('tells its subscribers of a crash', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    const told: unknown[] = [];
    ref.subscribe({ error: (error) => told.push((error as Error).message) });
    ref.send({ type: 'fail' });
    await system.settle();
    expect(told).toEqual(['failed']);
  });

  it('is waited for by waitFor, until the predicate holds or the agent has ended', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    const reached = waitFor(ref as never, ({ context }: any) => context.n >= 3) as Promise<any>;
    ref.send({ type: 'add', by: 1 });
    ref.send({ type: 'add', by: 2 });
    expect((await system.run(reached)).context.n).toBe(3);
    const never = waitFor(ref as never, ({ context }: any) => context.n > 100) as Promise<any>;
    ref.send({ type: 'finish' });
    await expect(system.run(never)).rejects.toThrow(/terminated without satisfying/);
  });

  it('is waited for by toPromise, which gives the output or the crash', async () => {
    const system = createTestSystem();
    const [done, crashed] = [system.spawn(counter), system.spawn(counter)];
    const results = [toPromise(done as never), toPromise(crashed as never)];
    done.send({ type: 'add', by: 4 });
    done.send({ type: 'finish' });
    crashed.send({ type: 'fail' });
    expect(await system.run(Promise.allSettled(results))).toMatchObject([
      { status: 'fulfilled', value: 4 },
      { status: 'rejected', reason: { message: 'failed' } },
    ]);
  });

  it('selects a part of the snapshot, and tells only of its changes', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    const parity = ref.select(({ context }) => context.n % 2);
    const told: number[] = [];
    parity.subscribe((selected) => told.push(selected));
    for (const by of [2, 1, 2, 1]) ref.send({ type: 'add', by });
    await system.settle();
    expect(parity.get()).toBe(0);
    expect(told).toEqual([1, 0]);
  });

  it('can be taken apart: its send depends on no this', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    const { send } = ref;
    send({ type: 'add', by: 1 });
    await system.settle();
    expect(ref.getSnapshot().context.n).toBe(1);
  });

  it('is found by its typed name, and by nobody once it has ended', async () => {
    const Counter = agentName<typeof counter>('counter');
    const system = createTestSystem();
    const ref = system.spawn(counter, { name: Counter });
    const found: Ref<any, any, number, any> | undefined = system.whereis(Counter);
    expect(found?.address).toBe(ref.address);
    system.whereis(Counter)?.send({ type: 'finish' });
    await system.settle();
    expect(system.whereis(Counter)).toBeUndefined();
  });

  it('keeps the last snapshot of an agent that has ended', async () => {
    const system = createTestSystem();
    const ref = system.spawn(counter);
    ref.send({ type: 'add', by: 1 });
    ref.send({ type: 'finish' });
    await system.settle();
    expect(ref.getSnapshot()).toMatchObject({ status: 'done', context: { n: 1 }, output: 1 });
  });
});

describe('inspectXState', () => {
  it("tells an inspector of actors, events, actions, microsteps and snapshots, in XState's own protocol", async () => {
    const machine = createMachine({
      initial: 'a',
      states: {
        a: { on: { go: { target: 'b', actions: function note() {} } } },
        b: { invoke: { id: 'load', src: fromPromise(async () => 1), onDone: 'c' } },
        c: { type: 'final' },
      },
    });
    const system = createTestSystem();
    const events: any[] = [];
    const off = system.inspectXState((event) => events.push(event));
    const ref = system.spawn(machine, { id: 'seen' }) as any;
    ref.send({ type: 'go' });
    await system.settle();
    const of = (type: string) => events.filter((event) => event.type === type);
    expect(of('@xstate.actor').map(({ actorRef }) => actorRef.id)).toEqual(['/seen', 'load']);
    expect(of('@xstate.event').map(({ event }) => event.type)).toEqual([
      'xstate.init',
      'go',
      'xstate.init',
      'xstate.promise.resolve',
      'xstate.done.actor.load',
      'xstate.done.actor./seen',
    ]);
    expect(of('@xstate.action').map(({ action }) => action.type)).toContain('note');
    expect(of('@xstate.microstep').length).toBeGreaterThan(0);
    expect(of('@xstate.snapshot').at(-1)?.snapshot).toMatchObject({ status: 'done', value: 'c' });
    expect(new Set(events.map(({ rootId }) => rootId)).size).toBe(1);
    const { length } = events;
    off();
    system.spawn(machine);
    await system.settle();
    expect(events.length).toBe(length);
  });

  it('numbers the sessions of a system alike in every run', async () => {
    const run = async () => {
      const system = createTestSystem();
      const ids: string[] = [];
      system.inspectXState((event) => void ids.push((event as any).actorRef.sessionId));
      const ref = system.spawn(createMachine({ invoke: { src: fromPromise(async () => 1) } }));
      await system.settle();
      return { ids, ref };
    };
    const [first, second] = [await run(), await run()];
    expect(first.ids.length).toBeGreaterThan(0);
    expect(second.ids).toEqual(first.ids);
  });
});
