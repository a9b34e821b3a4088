import { describe, expect, it } from 'vitest';
import {
  MemoryStore,
  StartFailed,
  UnfitPayload,
  fromHandler,
  isRef,
  type AgentContext,
  type AnyRef,
  type Handled,
  type PersistOptions,
  type Ref,
  type ReplyTo,
  type SavedSnapshot,
  type SnapshotStore,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { failure, gate, inspected, memoryLog } from './cast.ts';

type Event =
  | { readonly type: 'set'; readonly to: unknown }
  | { readonly type: 'do'; readonly act: (state: unknown, ctx: Ctx) => Handled<unknown> }
  | { readonly type: 'tick' }
  | { readonly type: 'boom' }
  | { readonly type: 'get'; readonly replyTo: ReplyTo<{ readonly type: 'is'; state: unknown }> };
type Ctx = AgentContext<Event>;

/** An agent whose state is whatever the test sets. */
const keeper = (start?: (state: unknown, ctx: Ctx) => Handled<unknown>) =>
  fromHandler({
    initial: (): unknown => 'fresh',
    start: (state, ctx: Ctx) => start?.(state, ctx),
    receive(state: unknown, event: Event, ctx): Handled<unknown> {
      switch (event.type) {
        case 'set':
          return event.to;
        case 'do':
          return event.act(state, ctx);
        case 'get':
          return ctx.reply(event, { type: 'is', state });
        case 'tick':
          return 'ticked';
        case 'boom':
          throw new Error('boom');
      }
    },
  });

type KeeperRef = Ref<Event>;

const stateOf = (ref: { getSnapshot(): unknown }): unknown =>
  (ref.getSnapshot() as { context: unknown }).context;

function spawnKeeper(
  system: TestSystem,
  persist: PersistOptions,
  start?: (state: unknown, ctx: Ctx) => Handled<unknown>,
): KeeperRef {
  return system.spawn(keeper(start), { id: 'k', persist });
}

/** What a first system leaves in a store. */
async function leave(
  persist: PersistOptions,
  events: readonly Event[],
  advanceMs = 0,
): Promise<void> {
  const system = createTestSystem();
  const ref = spawnKeeper(system, persist);
  for (const event of events) ref.send(event);
  await system.advance(advanceMs);
  await system.run(system.stop());
}

/** The agent that a second system finds in the store. */
async function find(
  persist: PersistOptions,
): Promise<{ readonly system: TestSystem; readonly ref: KeeperRef }> {
  const system = createTestSystem();
  const ref = spawnKeeper(system, persist);
  await system.run(ref.started());
  return { system, ref };
}

/** A store whose writes the test lets through. */
class SlowStore implements SnapshotStore {
  readonly writes: { readonly saved: SavedSnapshot; done(): void; fail(error: unknown): void }[] =
    [];
  readonly kept = new MemoryStore();

  load(key: string): SavedSnapshot | undefined {
    return this.kept.load(key);
  }
  save(key: string, saved: SavedSnapshot): Promise<void> {
    const { promise, open, fail } = gate();
    const done = (): void => {
      this.kept.save(key, saved);
      open();
    };
    this.writes.push({ saved, done, fail });
    return promise;
  }
  delete(key: string): void {
    this.kept.delete(key);
  }
}

describe('save', () => {
  const savesOf = async (save: PersistOptions['save'], events: readonly Event[]) => {
    const system = createTestSystem();
    const states: unknown[] = [];
    const store = new MemoryStore();
    const inner = store.save.bind(store);
    store.save = (key, saved) => {
      states.push((saved.snapshot as { context: unknown }).context);
      inner(key, saved);
    };
    const ref = spawnKeeper(system, { store, ...(save && { save }) });
    await system.settle();
    states.length = 0;
    for (const event of events) {
      if (event.type === 'get') await system.run(ref.ask({ type: 'get' }));
      else ref.send(event);
    }
    await system.settle();
    return states;
  };
  const get = { type: 'get' } as Event;

  it("'step' writes after each message, and is the default", async () => {
    const events: Event[] = [{ type: 'set', to: 1 }, get, { type: 'set', to: 2 }];
    expect(await savesOf('step', events)).toEqual([1, 1, 2]);
    expect(await savesOf(undefined, events)).toEqual([1, 1, 2]);
  });

  it("'step' writes the first state too", async () => {
    const store = new MemoryStore();
    const system = createTestSystem();
    spawnKeeper(system, { store });
    await system.settle();
    expect(store.load('/k')?.snapshot).toEqual({ context: 'fresh' });
  });

  it("'reply' writes after a step that answered a request, before the answer leaves", async () => {
    expect(await savesOf('reply', [{ type: 'set', to: 1 }, get, { type: 'set', to: 2 }])).toEqual([
      1,
    ]);
  });

  it("'manual' writes only when ctx.save() says so, once, at the end of the step", async () => {
    expect(
      await savesOf('manual', [
        { type: 'set', to: 1 },
        get,
        {
          type: 'do',
          act: (_state, ctx) => {
            ctx.save();
            return 'saved';
          },
        },
        { type: 'set', to: 2 },
      ]),
    ).toEqual(['saved']);
  });

  it("'manual' in a handler that waits writes when the handler has ended", async () => {
    expect(
      await savesOf('manual', [
        {
          type: 'do',
          *act(_state, ctx) {
            ctx.save();
            yield* ctx.wait(Promise.resolve());
            return 'later';
          },
        },
      ]),
    ).toEqual(['later']);
  });
});

describe('a write', () => {
  const sendTo = (to: AnyRef): Event & { type: 'do' } => ({
    type: 'do',
    act: (_state, ctx) => {
      ctx.send(to as Ref<{ type: 'hello' }>, { type: 'hello' });
      return 'said hello';
    },
  });

  it('is over before the sends of its step leave', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const store = new SlowStore();
    const ref = spawnKeeper(system, { store });
    await system.settle();
    // Until the first state is written, the agent has not started.
    expect(system.agents()).toMatchObject([{}, { path: '/k', status: 'starting' }]);
    store.writes.shift()?.done();
    await system.run(ref.started());
    ref.send(sendTo(probe.ref));
    ref.send({ type: 'set', to: 'next' });
    await probe.expectNoMessage();
    // The next message waits as well.
    expect(stateOf(ref)).toBe('said hello');
    expect(store.writes.length).toBe(1);
    store.writes.shift()?.done();
    await probe.expectMessage('hello');
    expect(stateOf(ref)).toBe('next');
  });

  it('holds back the answer to an ask as well, and its emits', async () => {
    const system = createTestSystem();
    const store = new SlowStore();
    const ref = spawnKeeper(system, { store });
    const emitted: string[] = [];
    ref.on('*', (event) => emitted.push((event as { type: string }).type));
    await system.settle();
    store.writes.shift()?.done();
    await system.settle();
    let answered = false;
    ref.send({ type: 'do', act: (_state, ctx) => ctx.emit({ type: 'out' }) });
    await system.settle();
    expect(emitted).toEqual([]);
    store.writes.shift()?.done();
    await system.settle();
    expect(emitted).toEqual(['out']);
    void ref.ask({ type: 'get' }).then(() => (answered = true));
    await system.settle();
    expect(answered).toBe(false);
    store.writes.shift()?.done();
    await system.settle();
    expect(answered).toBe(true);
  });

  it('that is rejected crashes the agent, and nothing leaves', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const store = new SlowStore();
    const ref = spawnKeeper(system, { store });
    await system.settle();
    store.writes.shift()?.done();
    await system.settle();
    const error = new Error('disk full');
    ref.send(sendTo(probe.ref));
    await system.settle();
    store.writes.shift()?.fail(error);
    await probe.expectNoMessage();
    expect(await failure(ref.result())).toMatchObject({ reason: { type: 'crash', error } });
  });

  it('that throws crashes the agent, and nothing leaves', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const store = new MemoryStore();
    const ref = spawnKeeper(system, { store });
    await system.settle();
    store.save = () => {
      throw new Error('read only');
    };
    ref.send(sendTo(probe.ref));
    await probe.expectNoMessage();
    expect(await failure(ref.result())).toMatchObject({
      reason: { error: { message: 'read only' } },
    });
  });

  it('of the first state that fails is a start that fails', async () => {
    const system = createTestSystem();
    const store = new SlowStore();
    const ref = spawnKeeper(system, { store });
    await system.settle();
    store.writes.shift()?.fail(new Error('disk full'));
    expect(await failure(system.run(ref.started()))).toBeInstanceOf(StartFailed);
  });

  it('is waited for by a stop, and its sends leave', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const store = new SlowStore();
    const ref = spawnKeeper(system, { store });
    await system.settle();
    store.writes.shift()?.done();
    await system.settle();
    ref.send(sendTo(probe.ref));
    await system.settle();
    void ref.stop();
    await probe.expectNoMessage();
    store.writes.shift()?.done();
    await probe.expectMessage('hello');
    expect(stateOf(ref)).toBe('said hello');
  });

  it('that is under way when the agent is killed lets nothing leave', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const store = new SlowStore();
    const ref = spawnKeeper(system, { store });
    await system.settle();
    store.writes.shift()?.done();
    await system.settle();
    ref.send(sendTo(probe.ref));
    await system.settle();
    await system.run(ref.kill());
    store.writes.shift()?.done();
    await probe.expectNoMessage();
  });
});

describe('a saved state', () => {
  it('is restored in a new system with the same store', async () => {
    const store = new MemoryStore();
    await leave({ store }, [{ type: 'set', to: { count: 3 } }]);
    const { ref } = await find({ store });
    expect(stateOf(ref)).toEqual({ count: 3 });
  });

  it('is restored at a restart, as it was before the message that crashed', async () => {
    const store = new MemoryStore();
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const ref = parent.context.spawn(keeper(), { id: 'k', hold: true, persist: { store } });
    ref.send({ type: 'set', to: 'good' });
    ref.send({ type: 'boom' });
    await system.settle();
    await system.run(parent.context.restart(ref));
    expect(stateOf(ref)).toBe('good');
    expect(store.keys()).toEqual(['/p/k']);
  });

  it('comes before the start hook, and makes initial unnecessary', async () => {
    const store = new MemoryStore();
    await leave({ store }, [{ type: 'set', to: 'saved' }]);
    const system = createTestSystem();
    const seen: unknown[] = [];
    spawnKeeper(system, { store }, (state) => void seen.push(state));
    await system.settle();
    expect(seen).toEqual(['saved']);
  });

  it('keeps what messages can hold: maps, sets, dates, errors, bigints, undefined and shared parts', async () => {
    const store = new MemoryStore();
    const shared = { x: 1 };
    const to = {
      map: new Map<unknown, unknown>([['a', { deep: new Set([1, 2]) }]]),
      date: new Date(5),
      error: new Error('kept'),
      big: 10n,
      nothing: undefined,
      pair: [shared, shared],
    };
    await leave({ store }, [{ type: 'set', to }]);
    const { ref } = await find({ store });
    const restored = stateOf(ref) as typeof to;
    expect(restored).toEqual(to);
    expect(restored.pair[0]).toBe(restored.pair[1]);
  });

  it('may hold a cycle', async () => {
    const store = new MemoryStore();
    const system = createTestSystem({ freeze: false });
    const ref = spawnKeeper(system, { store });
    const loop: { name: string; self?: unknown } = { name: 'loop' };
    loop.self = loop;
    ref.send({ type: 'do', act: () => loop });
    await system.settle();
    await system.run(ref.stop());
    const again = await find({ store });
    const restored = stateOf(again.ref) as typeof loop;
    expect(restored.name).toBe('loop');
    expect(restored.self).toBe(restored);
  });

  it('is a copy: what the agent changes later is not in the store', async () => {
    const store = new MemoryStore();
    const system = createTestSystem({ freeze: false });
    const state = { n: 1 };
    const ref = spawnKeeper(system, { store, save: 'manual' });
    ref.send({
      type: 'do',
      act: (_state, ctx) => {
        ctx.save();
        return state;
      },
    });
    await system.settle();
    state.n = 2;
    expect(store.load('/k')?.snapshot).toEqual({ context: { n: 1 } });
  });

  it('brings refs back as refs, wherever they stand', async () => {
    const store = new MemoryStore();
    const first = createTestSystem();
    const probe = first.probe('target');
    const ref = spawnKeeper(first, { store });
    const to = {
      one: probe.ref,
      list: [probe.ref],
      map: new Map<unknown, unknown>([['k', probe.ref]]),
      set: new Set<unknown>([probe.ref]),
    };
    ref.send({ type: 'do', act: () => to });
    await first.settle();
    await first.run(first.stop());
    const second = createTestSystem();
    const target = second.probe('target');
    const found = spawnKeeper(second, { store });
    await second.settle();
    const state = stateOf(found) as typeof to;
    const refs = [state.one, state.list[0], state.map.get('k'), ...state.set] as Ref<{
      type: 'hello';
    }>[];
    for (const each of refs) {
      expect(isRef(each)).toBe(true);
      expect(each.address).toBe('local/target');
      each.send({ type: 'hello' });
      await target.expectMessage('hello');
    }
  });

  it('stands under the path, or under its own key', async () => {
    const store = new MemoryStore();
    await leave({ store, key: 'my key' }, [{ type: 'set', to: 1 }]);
    expect(store.keys()).toEqual(['my key']);
    expect(stateOf((await find({ store, key: 'my key' })).ref)).toBe(1);
    expect(stateOf((await find({ store })).ref)).toBe('fresh');
  });

  it('may come later: the agent starts when an async store has it', async () => {
    const { promise, open } = gate<SavedSnapshot | undefined>();
    const store: SnapshotStore = {
      load: () => promise,
      save: () => undefined,
      delete: () => undefined,
    };
    const system = createTestSystem();
    const ref = spawnKeeper(system, { store });
    ref.send({ type: 'do', act: (state) => [state, 'and more'] });
    await system.settle();
    expect(system.agents()).toMatchObject([{ status: 'starting', queuedMessages: 1 }]);
    open({ version: 1, snapshot: { context: 'late' }, timers: [] });
    await system.settle();
    expect(stateOf(ref)).toEqual(['late', 'and more']);
  });

  it('that cannot be loaded is a start that fails with the cause', async () => {
    const cause = new Error('no disk');
    const loads: SnapshotStore['load'][] = [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ];
    for (const load of loads) {
      const system = createTestSystem();
      const store = { load, save: () => undefined, delete: () => undefined };
      const ref = spawnKeeper(system, { store });
      const error = await failure(system.run(ref.started()));
      expect(error).toMatchObject({ code: 'START_FAILED', path: '/k', cause });
    }
  });
});

describe('the version of a saved state', () => {
  it('that is older is migrated, with the version that it had', async () => {
    const store = new MemoryStore();
    await leave({ store }, [{ type: 'set', to: { name: 'Ada Lovelace' } }]);
    const seen: unknown[] = [];
    const { ref } = await find({
      store,
      version: 3,
      migrate: (snapshot, fromVersion) => {
        seen.push(snapshot, fromVersion);
        const { context } = snapshot as { context: { name: string } };
        return { context: { names: context.name.split(' ') } };
      },
    });
    expect(stateOf(ref)).toEqual({ names: ['Ada', 'Lovelace'] });
    expect(seen).toEqual([{ context: { name: 'Ada Lovelace' } }, 1]);
    // Its next write has the new version.
    expect(store.load('/k')?.version).toBe(3);
  });

  it('that is older without migrate is refused', async () => {
    const store = new MemoryStore();
    await leave({ store }, []);
    const error = await failure(find({ store, version: 2 }));
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { code: 'INVALID_OPTION', field: 'persist.version', fields: { given: 1 } },
    });
    expect((error as { cause: Error }).cause.message).toContain('version 2, or persist.migrate');
  });

  it('that is newer is refused, with migrate too', async () => {
    const store = new MemoryStore();
    await leave({ store, version: 5 }, []);
    const error = await failure(
      find({ store, version: 4, migrate: (snapshot: unknown) => snapshot }),
    );
    expect(error).toMatchObject({
      cause: { code: 'INVALID_OPTION', fields: { given: 5, allowed: 'a version up to 4' } },
    });
  });

  it('whose migrate throws is a start that fails with the cause', async () => {
    const store = new MemoryStore();
    await leave({ store }, []);
    const cause = new Error('cannot migrate');
    const migrate = (): never => {
      throw cause;
    };
    expect(await failure(find({ store, version: 2, migrate }))).toMatchObject({ cause });
  });
});

describe('a state that cannot be stored', () => {
  class Socket {
    readonly open = true;
  }
  const unfit: Record<string, [unknown, string]> = {
    'a function': [{ list: [{ fn: () => 1 }] }, 'snapshot "/k".context.list[0].fn'],
    'a symbol': [{ s: Symbol('x') }, 'snapshot "/k".context.s'],
    'a promise': [{ p: Promise.resolve() }, 'snapshot "/k".context.p'],
    'a class instance': [{ socket: new Socket() }, 'snapshot "/k".context.socket'],
    'a WeakMap': [new Map([['w', new WeakMap()]]), 'snapshot "/k".context.w'],
  };

  it.each(Object.entries(unfit))(
    'with %s is UnfitPayload that names where',
    async (_n, [to, at]) => {
      const system = createTestSystem({ freeze: false });
      const ref = spawnKeeper(system, { store: new MemoryStore() });
      ref.send({ type: 'do', act: () => to });
      await system.settle();
      const ended = (await failure(ref.result())) as { reason: { error: unknown } };
      expect(ended.reason.error).toBeInstanceOf(UnfitPayload);
      expect(ended.reason.error).toMatchObject({ code: 'UNFIT_PAYLOAD', fields: { at } });
    },
  );
});

describe('a saved timer', () => {
  const arm = (body: (ctx: Ctx) => unknown): Event => ({
    type: 'do',
    act: (_state, ctx) => {
      body(ctx);
      return 'armed';
    },
  });

  /** Restores at a wall-clock time, which virtual clocks start from 0. */
  async function restoredAt(store: SnapshotStore, wallMs: number, start?: (ctx: Ctx) => void) {
    const system = createTestSystem();
    await system.advance(wallMs);
    const ref = system.spawn(
      keeper((_state, ctx) => start?.(ctx)),
      { id: 'k', persist: { store } },
    );
    await system.run(ref.started());
    return { system, ref };
  }

  it('keeps its due time by the wall clock', async () => {
    const store = new MemoryStore();
    await leave({ store }, [arm((ctx) => ctx.after(1_000, { type: 'tick' }))], 300);
    const { system, ref } = await restoredAt(store, 600);
    await system.advance(399);
    expect(stateOf(ref)).toBe('armed');
    await system.advance(1);
    expect(stateOf(ref)).toBe('ticked');
  });

  it('that is overdue fires at once', async () => {
    const store = new MemoryStore();
    await leave({ store }, [arm((ctx) => ctx.after(1_000, { type: 'tick' }))]);
    const { system, ref } = await restoredAt(store, 50_000);
    await system.advance(0);
    expect(stateOf(ref)).toBe('ticked');
  });

  it('of an interval goes on with its period', async () => {
    const store = new MemoryStore();
    await leave({ store }, [arm((ctx) => ctx.every(100, { type: 'tick' }, { id: 'e' }))], 250);
    const { system } = await restoredAt(store, 260);
    const events = inspected(system);
    await system.advance(240);
    const times = events.flatMap((event) =>
      event.type === 'handled' && (event.message as Event).type === 'tick' ? [1] : [],
    );
    // Due at 300, 400 and 500 of the wall clock.
    expect(times.length).toBe(3);
    await system.run(system.stop());
  });

  it('that had fired or was cancelled does not come back', async () => {
    const store = new MemoryStore();
    await leave(
      { store },
      [
        arm((ctx) => {
          ctx.after(10, { type: 'tick' });
          ctx.after(1_000, { type: 'tick' }, { id: 'c' });
          ctx.cancel('c');
        }),
      ],
      20,
    );
    expect(store.load('/k')?.timers).toEqual([]);
    const { system } = await restoredAt(store, 20);
    expect(system.stats().timers).toBe(0);
  });

  it('keeps its id, and a new timer without one does not replace it', async () => {
    const store = new MemoryStore();
    await leave({ store }, [arm((ctx) => ctx.after(1_000, { type: 'tick' }))]);
    const { system, ref } = await restoredAt(store, 0, (ctx) => {
      ctx.after(5_000, { type: 'set', to: 'the new one' });
    });
    await system.advance(1_000);
    expect(stateOf(ref)).toBe('ticked');
    await system.advance(4_000);
    expect(stateOf(ref)).toBe('the new one');
  });

  it('survives a restart in the same system', async () => {
    const store = new MemoryStore();
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const ref = parent.context.spawn(keeper(), { hold: true, persist: { store } });
    ref.send(arm((ctx) => ctx.after(1_000, { type: 'tick' })));
    await system.advance(400);
    ref.send({ type: 'boom' });
    await system.settle();
    await system.run(parent.context.restart(ref));
    await system.advance(599);
    expect(stateOf(ref)).toBe('armed');
    await system.advance(1);
    expect(stateOf(ref)).toBe('ticked');
  });

  it('carries refs in its event', async () => {
    const store = new MemoryStore();
    const first = createTestSystem();
    const target = first.probe('target');
    const ref = spawnKeeper(first, { store });
    ref.send(arm((ctx) => ctx.after(1_000, { type: 'set', to: target.ref })));
    await first.settle();
    await first.run(first.stop());
    const { system, ref: found } = await restoredAt(store, 0);
    await system.advance(1_000);
    expect(isRef(stateOf(found))).toBe(true);
  });
});

describe('the memory store', () => {
  it('gives copies, forgets what is deleted and names its keys', () => {
    const store = new MemoryStore();
    const saved: SavedSnapshot = { version: 1, snapshot: { context: [1] }, timers: [] };
    store.save('a', saved);
    expect(store.load('a')).toEqual(saved);
    expect(store.load('a')).not.toBe(saved);
    expect(store.keys()).toEqual(['a']);
    store.delete('a');
    store.delete('a');
    expect(store.load('a')).toBeUndefined();
  });

  it('refuses what cannot be cloned', () => {
    const store = new MemoryStore();
    expect(() => store.save('a', { version: 1, snapshot: () => 1, timers: [] })).toThrow(
      UnfitPayload,
    );
  });
});

describe('a snapshot', () => {
  const stop: Event = { type: 'do', act: (_state, ctx) => ctx.stop() };

  it('is deleted when its agent ends normally, so that the next one there begins anew', async () => {
    const store = new MemoryStore();
    const system = createTestSystem();
    const first = spawnKeeper(system, { store });
    first.send({ type: 'set', to: 'old' });
    first.send(stop);
    await system.run(first.result());
    expect(store.keys()).toEqual([]);
    const second = spawnKeeper(system, { store });
    await system.run(second.started());
    expect(stateOf(second)).toBe('fresh');
  });

  it('stays after any other end', async () => {
    const ends: readonly ((ref: KeeperRef) => unknown)[] = [
      (ref) => ref.stop(),
      (ref) => ref.kill(),
      (ref) => ref.send({ type: 'boom' }),
    ];
    for (const end of ends) {
      const store = new MemoryStore();
      const system = createTestSystem();
      const ref = spawnKeeper(system, { store });
      await system.settle();
      void end(ref);
      await system.settle();
      expect(system.agents()).toEqual([]);
      expect(store.keys()).toEqual(['/k']);
    }
  });

  it('that a slow store deletes is gone before the end is told', async () => {
    const store = new MemoryStore();
    const { promise, open } = gate();
    const slow: SnapshotStore = {
      load: (key) => store.load(key),
      save: (key, saved) => store.save(key, saved),
      delete: (key) => promise.then(() => store.delete(key)),
    };
    const system = createTestSystem();
    const ref = spawnKeeper(system, { store: slow });
    ref.send(stop);
    await system.settle();
    expect(system.agents()).toMatchObject([{ path: '/k', status: 'stopping' }]);
    open();
    await system.run(ref.result());
    expect(store.keys()).toEqual([]);
  });

  it.each([
    ['throws', () => failing()],
    ['rejects', async () => failing()],
  ])(
    'whose deletion %s is logged, and its agent has ended normally all the same',
    async (_, fail) => {
      const { log, lines } = memoryLog();
      const system = createTestSystem({ log });
      const store = new MemoryStore();
      store.delete = fail as typeof store.delete;
      const ref = spawnKeeper(system, { store });
      ref.send(stop);
      expect(await system.run(ref.result())).toBeUndefined();
      expect(lines).toMatchObject([{ level: 'error', message: 'snapshot not deleted' }]);
    },
  );
});

function failing(): never {
  throw new Error('read only');
}
