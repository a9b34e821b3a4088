// Persisted and restored snapshots: through the `persist` option of a spawn, and through XState's own.

import { describe, expect, it } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  fromCallback,
  fromPromise,
  fromTransition,
  raise,
  sendTo,
  setup,
  spawnChild,
  type AnyActorLogic,
} from 'xstate';
import { MemoryStore, UnfitPayload, fromHandler, type Ref } from 'troupe';
import { createTestSystem } from 'troupe/testing';

/** Runs the logic under one key of a store in one system after the other, each with a life of its own. */
function lives(logic: AnyActorLogic, options: object = {}) {
  const store = new MemoryStore();
  const begin = async () => {
    const system = createTestSystem();
    const ref = system.spawn(logic, { id: 'kept', persist: { store }, ...options } as never) as any;
    await system.settle();
    return {
      system,
      ref,
      snapshot: () => ref.getSnapshot(),
      send: async (event: { type: string }) => {
        ref.send(event);
        await system.settle();
      },
    };
  };
  /** Lets the wall clock go on between two systems, whose clocks all begin at 0. */
  const pass = (ms: number) => {
    const saved = store.load('/kept')!;
    const timers = saved.timers.map((timer) => ({ ...timer, dueWallMs: timer.dueWallMs - ms }));
    store.save('/kept', { ...saved, timers });
  };
  return { store, begin, pass };
}

const count: any = assign({ n: ({ context }: any) => context.n + 1 });

describe('a persisted agent', () => {
  it('goes on where it was: value, context, history and parallel regions', async () => {
    const entered: string[] = [];
    const { begin } = lives(
      createMachine({
        type: 'parallel',
        context: { n: 0 },
        states: {
          left: {
            initial: 'on',
            states: {
              on: {
                initial: 'slow',
                states: {
                  slow: { on: { go: 'fast' } },
                  fast: { entry: () => void entered.push('fast') },
                  last: { type: 'history' },
                },
                on: { off: 'off' },
              },
              off: { on: { on: 'on.last' } },
            },
          },
          right: { on: { go: { actions: count } } },
        },
      }),
    );
    const first = await begin();
    await first.send({ type: 'go' });
    await first.send({ type: 'off' });
    await first.system.stop();
    const second = await begin();
    expect(second.snapshot()).toMatchObject({
      value: { left: 'off', right: {} },
      context: { n: 1 },
    });
    // Restoring enters no state.
    expect(entered).toEqual(['fast']);
    await second.send({ type: 'on' });
    expect(second.snapshot().value).toEqual({ left: { on: 'fast' }, right: {} });
  });

  it('brings back its children: a machine and a transition with their state, a promise and a callback anew', async () => {
    const started: string[] = [];
    const { begin } = lives(
      setup({
        actors: {
          counter: fromTransition((n: number) => n + 1, 0),
          machine: createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } }),
          promise: fromPromise(() => {
            started.push('promise');
            return new Promise(() => undefined);
          }),
          callback: fromCallback(() => void started.push('callback')),
        },
      }).createMachine({
        invoke: [
          { src: 'promise', id: 'promise' },
          { src: 'callback', id: 'callback' },
          { src: 'machine', id: 'machine', systemId: 'machine' },
        ],
        entry: spawnChild('counter', { id: 'counter' }),
        on: {
          go: {
            actions: [
              sendTo('counter', { type: 'go' }),
              sendTo(({ system }) => system.get('machine'), { type: 'go' }),
            ],
          },
        },
      }),
    );
    const first = await begin();
    await first.send({ type: 'go' });
    await first.system.stop();
    const second = await begin();
    const child = (id: string) => second.snapshot().children[id].getSnapshot();
    expect(child('counter').context).toBe(1);
    expect(child('machine').value).toBe('b');
    expect(started).toEqual(['promise', 'callback', 'promise', 'callback']);
    await second.send({ type: 'go' });
    expect(child('counter').context).toBe(2);
  });

  it('keeps refs as addresses: in the context they are refs again', async () => {
    type Hello = { type: 'hello' };
    const machine = setup({
      types: {} as { context: { to: Ref<Hello> }; input: { to: Ref<Hello> } },
    }).createMachine({
      context: ({ input }) => input,
      on: { go: { actions: sendTo(({ context }) => context.to, { type: 'hello' }) } },
    });
    const store = new MemoryStore();
    const heard: string[] = [];
    for (const life of ['first', 'second']) {
      const system = createTestSystem();
      const to = system.spawn(
        fromHandler({
          receive: (_: undefined, event: Hello) => void heard.push(`${life}.${event.type}`),
        }),
        { id: 'listener' },
      );
      const ref = system.spawn(machine, { id: 'kept', persist: { store }, input: { to } });
      ref.send({ type: 'go' } as never);
      await system.settle();
      await system.stop();
    }
    expect(heard).toEqual(['first.hello', 'second.hello']);
  });

  it('keeps the due time of its timers', async () => {
    const machine = createMachine({
      initial: 'a',
      context: { n: 0 },
      states: { a: { after: { 100: 'b' } }, b: { after: { 100: 'c' } }, c: {} },
      entry: raise({ type: 'tick' }, { delay: 150 }),
      on: { tick: { actions: count } },
    });
    const { begin, pass } = lives(machine);
    const first = await begin();
    await first.system.advance(60);
    await first.system.stop();
    pass(60);
    const second = await begin();
    await second.system.advance(39);
    expect(second.snapshot().value).toBe('a');
    await second.system.advance(1);
    expect(second.snapshot()).toMatchObject({ value: 'b', context: { n: 0 } });
    await second.system.advance(50);
    expect(second.snapshot()).toMatchObject({ value: 'b', context: { n: 1 } });
    await second.system.advance(50);
    expect(second.snapshot().value).toBe('c');
    expect(second.system.stats().timers).toBe(0);
  });

  it('fires at once what came due while nobody lived there', async () => {
    const { begin, pass } = lives(
      createMachine({
        initial: 'a',
        states: { a: { after: { 100: 'b' } }, b: { after: { 100: 'c' } }, c: {} },
      }),
    );
    await (await begin()).system.stop();
    pass(5_000);
    const second = await begin();
    await second.system.advance(0);
    expect(second.snapshot().value).toBe('b');
    await second.system.advance(99);
    expect(second.snapshot().value).toBe('b');
    await second.system.advance(1);
    expect(second.snapshot().value).toBe('c');
  });

  it('cancels a restored timer when it leaves the state that set it', async () => {
    const { begin } = lives(
      createMachine({
        initial: 'a',
        states: { a: { after: { 100: 'late' }, on: { go: 'b' } }, b: {}, late: {} },
      }),
    );
    await (await begin()).system.stop();
    const second = await begin();
    await second.send({ type: 'go' });
    expect(second.system.stats().timers).toBe(0);
    await second.system.advance(1_000);
    expect(second.snapshot().value).toBe('b');
  });

  it('restores the timers of its children', async () => {
    const { begin } = lives(
      setup({
        actors: {
          child: createMachine({ initial: 'a', states: { a: { after: { 100: 'b' } }, b: {} } }),
        },
      }).createMachine({ invoke: { src: 'child', id: 'child' } }),
    );
    await (await begin()).system.stop();
    const second = await begin();
    await second.system.advance(100);
    expect(second.snapshot().children.child.getSnapshot().value).toBe('b');
  });

  it('does not take a new timer without an id for one that was restored', async () => {
    const { begin } = lives(
      createMachine({
        context: { n: 0 },
        on: { go: { actions: raise({ type: 'tick' }, { delay: 100 }) }, tick: { actions: count } },
      }),
    );
    const first = await begin();
    await first.send({ type: 'go' });
    await first.send({ type: 'go' });
    await first.system.stop();
    const second = await begin();
    await second.send({ type: 'go' });
    await second.system.advance(100);
    expect(second.snapshot().context.n).toBe(3);
  });

  it('can be looked at before it starts', async () => {
    const machine = setup({
      actors: { child: fromTransition((n: number) => n + 1, 0) },
    }).createMachine({
      context: ({ spawn }) => ({ n: 0, child: spawn('child', { systemId: 'child', id: 'child' }) }),
      on: {
        go: { actions: [count, sendTo(({ system }) => system.get('child'), { type: 'add' })] },
      },
    });
    const { store, begin } = lives(machine);
    const first = await begin();
    await first.send({ type: 'go' });
    await first.system.stop();
    const system = createTestSystem();
    const ref = system.spawn(machine, { id: 'kept', persist: { store } }) as any;
    expect(ref.getSnapshot().context.n).toBe(0);
    ref.send({ type: 'go' });
    await system.settle();
    expect(ref.getSnapshot().context.n).toBe(2);
    expect(ref.getSnapshot().children.child.getSnapshot().context).toBe(2);
  });

  it('writes nothing of a step that crashed', async () => {
    const { begin } = lives(
      createMachine({
        context: { n: 0 },
        on: {
          go: { actions: count },
          bad: {
            actions: [
              count,
              () => {
                throw new Error('boom');
              },
            ],
          },
        },
      }),
    );
    const first = await begin();
    await first.send({ type: 'go' });
    await first.send({ type: 'bad' });
    const second = await begin();
    expect(second.snapshot().context.n).toBe(1);
  });

  it('crashes when it has a child whose logic has no name that could be stored', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({
        entry: spawnChild(
          fromTransition((n: number) => n, 0),
          { id: 'inline' },
        ),
      }),
      { persist: { store: new MemoryStore() } },
    );
    const downs: any[] = [];
    system.monitor(ref, (down) => downs.push(down.reason));
    await system.settle();
    expect(downs).toMatchObject([{ type: 'crash' }]);
    expect(downs[0].error.message).toMatch(/cannot be (stored|persisted)/);
  });

  it('migrates a snapshot of an older version', async () => {
    const { store, begin } = lives(
      createMachine({ context: { n: 0 }, on: { go: { actions: count } } }),
    );
    const first = await begin();
    await first.send({ type: 'go' });
    const system = createTestSystem();
    const ref = system.spawn(createMachine({ context: { total: 0 } }), {
      id: 'kept',
      persist: {
        store,
        version: 2,
        migrate: (snapshot: any) => ({ ...snapshot, context: { total: snapshot.context.n } }),
      },
    });
    await system.settle();
    expect(ref.getSnapshot().context).toEqual({ total: 1 });
  });

  it.each([
    ['promise', fromPromise(async () => 'value')],
    ['transition', fromTransition((n: number) => n + 1, 0)],
    ['callback', fromCallback(() => undefined)],
  ])('can be a %s', async (_, logic) => {
    const { begin } = lives(logic as AnyActorLogic);
    const first = await begin();
    await first.send({ type: 'go' });
    const before = first.ref.getPersistedSnapshot();
    await first.system.stop();
    const second = await begin();
    expect(second.ref.getPersistedSnapshot()).toEqual(before);
  });
});

describe('getPersistedSnapshot', () => {
  it('gives what a plain actor of the machine can be restored from', async () => {
    const machine = setup({
      actors: { counter: fromTransition((n: number) => n + 1, 0) },
    }).createMachine({
      context: { n: 0 },
      initial: 'a',
      invoke: { src: 'counter', id: 'counter' },
      states: {
        a: { on: { go: { target: 'b', actions: [count, sendTo('counter', { type: 'go' })] } } },
        b: {},
      },
    });
    const system = createTestSystem();
    const ref = system.spawn(machine) as any;
    ref.send({ type: 'go' });
    await system.settle();
    const snapshot = JSON.parse(JSON.stringify(ref.getPersistedSnapshot()));
    const actor = createActor(machine, { snapshot }).start();
    expect(actor.getSnapshot()).toMatchObject({ value: 'b', context: { n: 1 } });
    expect(actor.getSnapshot().children.counter?.getSnapshot()).toMatchObject({ context: 1 });
    actor.stop();
  });
});

describe('a delayed send that is saved', () => {
  const sends = (to: any) =>
    createMachine({
      entry: sendTo(() => to, { type: 'hello' }, { delay: 100 }),
      on: { hello: '.greeted' },
      initial: 'waiting',
      states: { waiting: {}, greeted: {} },
    });

  it('goes to another agent after a restore, by its ref or by its self', async () => {
    const other = createMachine({
      context: ({ self }) => ({ self, hellos: 0 }),
      on: { hello: { actions: assign({ hellos: ({ context }: any) => context.hellos + 1 }) } },
    });
    for (const by of ['ref', 'self']) {
      const store = new MemoryStore();
      const run = async (ms: number) => {
        const system = createTestSystem();
        const ref = system.spawn(other, { id: 'other' }) as any;
        await system.settle();
        const to = by === 'ref' ? ref : ref.getSnapshot().context.self;
        const kept = system.spawn(sends(to), { id: 'kept', persist: { store } }) as any;
        await system.advance(ms);
        const seen = [ref.getSnapshot().context.hellos, kept.getSnapshot().value];
        await system.run(system.stop());
        return seen;
      };
      expect(await run(50)).toEqual([0, 'waiting']);
      expect(await run(100)).toEqual([1, 'waiting']);
    }
  });

  it('to an XState actor outside of all agents crashes its agent at the save', async () => {
    const outside = createActor(createMachine({}));
    const { begin } = lives(sends(outside));
    const { ref } = await begin();
    const error: any = await ref.result().catch((reason: unknown) => reason);
    expect(error.reason.error).toBeInstanceOf(UnfitPayload);
    expect(error.reason.error.fields.at).toContain('target of timer');
  });
});
