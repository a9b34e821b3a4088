// Whatever reaches an actor inside an agent is a turn of the agent: queued, in order, never nested.

import { setImmediate as promisesSettled } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  assign,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  raise,
  sendParent,
  sendTo,
  setup,
  stopChild,
  type AnyActorLogic,
  type EventObject,
} from 'xstate';
import {
  createScheduler,
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  fromHandler,
  type Ref,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

afterEach(() => vi.restoreAllMocks());

const note: any = assign({ seen: ({ context, event }: any) => [...context.seen, event.type] });

function spawn(logic: AnyActorLogic, options: object = {}) {
  const system = createTestSystem();
  const ref = system.spawn(logic, options as never) as any;
  const downs: any[] = [];
  system.monitor(ref, (down) => downs.push(down.reason));
  return {
    system,
    ref,
    downs,
    snapshot: () => ref.getSnapshot(),
    send: async (...events: (EventObject & { n?: number })[]) => {
      for (const event of events) ref.send(event);
      await system.settle();
    },
  };
}

/** Two siblings inside one machine that send to each other for ever, through their parent and directly. */
function pingPong(onHop: () => void) {
  const player = (other: string) =>
    createMachine({
      on: {
        ball: {
          actions: [onHop, sendTo(({ system }) => system.get(other), { type: 'ball' })],
        },
      },
    });
  return setup({
    types: {} as { context: { rung: boolean } },
    actors: { a: player('b'), b: player('a') },
  }).createMachine({
    context: { rung: false },
    invoke: [
      { src: 'a', systemId: 'a', id: 'a' },
      { src: 'b', systemId: 'b', id: 'b' },
    ],
    entry: sendTo('a', { type: 'ball' }),
    initial: 'waiting',
    states: { waiting: { after: { 100: 'rung' } }, rung: {} },
  });
}

describe('two siblings that send to each other for ever', () => {
  it('let a timer fire', () => {
    const clock = createVirtualClock();
    const scheduler = createSteppedScheduler();
    const system = createSystem({ clock, scheduler, log: false, random: createSeededRandom(1) });
    let hops = 0;
    const ref = system.spawn(pingPong(() => (hops += 1)));
    for (let step = 0; step < 20_000; step += 1) scheduler.step();
    expect(hops).toBeGreaterThan(15_000);
    clock.fireNext(100);
    for (let step = 0; step < 5; step += 1) scheduler.step();
    expect(ref.getSnapshot().value).toBe('rung');
    expect(scheduler.idle).toBe(false);
  });

  it('let the event loop go on under the scheduler of production', async () => {
    const clock = createVirtualClock();
    const scheduler = createScheduler();
    const system = createSystem({ clock, scheduler, log: false, random: createSeededRandom(1) });
    let hops = 0;
    const ref = system.spawn(pingPong(() => (hops += 1)));
    await promisesSettled();
    clock.fireNext(100);
    await promisesSettled();
    await promisesSettled();
    expect(ref.getSnapshot().value).toBe('rung');
    expect(hops).toBeGreaterThan(100);
    await system.stop();
  });

  it('do not grow the stack', () => {
    const scheduler = createSteppedScheduler();
    const system = createSystem({ clock: createVirtualClock(), scheduler, log: false });
    const limit = Error.stackTraceLimit;
    const depths: number[] = [];
    let hops = 0;
    system.spawn(
      pingPong(() => {
        // A deep stack is slow to write down: one hop in 100 will do.
        if ((hops += 1) % 100 !== 0) return;
        Error.stackTraceLimit = Infinity;
        depths.push(new Error().stack!.split('\n').length);
        Error.stackTraceLimit = limit;
      }),
    );
    for (let step = 0; step < 3_000; step += 1) scheduler.step();
    expect(depths.length).toBeGreaterThan(20);
    expect(new Set(depths).size).toBe(1);
  });

  it('give every other agent its turn', () => {
    const scheduler = createSteppedScheduler({ messagesPerStep: 64 });
    const system = createSystem({ clock: createVirtualClock(), scheduler, log: false });
    let hops = 0;
    let heard = 0;
    system.spawn(pingPong(() => (hops += 1)));
    const other = system.spawn(fromHandler({ receive: () => void (heard += 1) }));
    for (let turn = 0; turn < 100; turn += 1) {
      other.send({ type: 'tick' } as never);
      scheduler.step();
      scheduler.step();
    }
    expect(heard).toBeGreaterThan(90);
    expect(hops).toBeGreaterThan(90 * 32);
  });
});

describe('turns', () => {
  it('are never nested: each actor has ended its step before the next begins', async () => {
    const order: string[] = [];
    const child = createMachine({
      on: {
        go: {
          actions: [
            () => void order.push('child begins'),
            sendParent({ type: 'up' }),
            () => void order.push('child ends'),
          ],
        },
      },
    });
    const { send } = spawn(
      createMachine({
        invoke: { id: 'child', src: child },
        on: {
          go: {
            actions: [
              () => void order.push('parent begins'),
              sendTo('child', { type: 'go' }),
              ({ self }: any) => self.getSnapshot().children.child.send({ type: 'go' }),
              () => void order.push('parent ends'),
            ],
          },
          up: { actions: () => void order.push('up') },
        },
      }),
    );
    await send({ type: 'go' });
    expect(order).toEqual([
      'parent begins',
      'parent ends',
      'child begins',
      'child ends',
      'child begins',
      'child ends',
      'up',
      'up',
    ]);
  });

  it('keep the order of what one child sends, whatever the way', async () => {
    const { system, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        invoke: {
          id: 'child',
          src: createMachine({
            entry: [sendParent({ type: 'one' }), sendParent({ type: 'two' })],
            initial: 'a',
            states: {
              a: { always: 'b' },
              b: { type: 'final', entry: sendParent({ type: 'three' }) },
            },
          }),
          onDone: { actions: note },
        },
        on: { '*': { actions: note } },
      }),
    );
    await system.settle();
    expect(snapshot().context.seen).toEqual(['one', 'two', 'three', 'xstate.done.actor.child']);
  });

  it('are handled behind the messages that wait already', async () => {
    const { send, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        invoke: {
          id: 'echo',
          src: fromCallback(({ receive, sendBack }) => receive(() => sendBack({ type: 'echo' }))),
        },
        on: { ask: { actions: [note, sendTo('echo', { type: 'x' })] }, '*': { actions: note } },
      }),
    );
    await send({ type: 'ask' }, { type: 'next' });
    expect(snapshot().context.seen).toEqual(['ask', 'next', 'echo']);
  });

  it('do not count against the bound of the mailbox', async () => {
    const { system, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        invoke: {
          src: fromCallback(({ sendBack }) => {
            for (let n = 0; n < 100; n += 1) sendBack({ type: 'tick' });
          }),
        },
        on: { tick: { actions: note } },
      }),
      { mailbox: { capacityMessages: 1 } },
    );
    await system.settle();
    expect(snapshot().context.seen.length).toBe(100);
    expect(system.deadLetters.total).toBe(0);
  });
});

describe('a child that is stopped', () => {
  const recorder = () => {
    const got: string[] = [];
    const logic = fromCallback(({ receive }) => {
      receive((event) => void got.push(event.type));
      return () => void got.push('cleaned');
    });
    return { got, logic };
  };

  it.each<[string, any]>([
    ['sendTo', sendTo('child', { type: 'bye' })],
    ['its own send', ({ self }: any) => self.getSnapshot().children.child.send({ type: 'bye' })],
  ])('still gets what an exit action sends it in the same step, by %s', async (_, exit) => {
    const { got, logic } = recorder();
    const { send } = spawn(
      createMachine({
        initial: 'on',
        states: { on: { invoke: { id: 'child', src: logic }, exit, on: { off: 'off' } }, off: {} },
      }),
    );
    await send({ type: 'off' });
    expect(got).toEqual(['bye', 'cleaned']);
  });

  it('still gets what its parent sent it in an earlier step that waits behind the stop', async () => {
    const { got, logic } = recorder();
    const { send } = spawn(
      createMachine({
        initial: 'on',
        states: {
          on: {
            invoke: { id: 'child', src: logic },
            on: { work: { actions: sendTo('child', { type: 'work' }) }, off: 'off' },
          },
          off: {},
        },
      }),
    );
    await send({ type: 'work' }, { type: 'work' }, { type: 'off' });
    expect(got).toEqual(['work', 'work', 'cleaned']);
  });

  it('gets nothing that was sent to it later, and does nothing more', async () => {
    const { got, logic } = recorder();
    let leaked: any;
    const { system, ref } = spawn(
      createMachine({
        initial: 'on',
        states: {
          on: {
            invoke: { id: 'child', src: logic },
            entry: ({ self }: any) => (leaked = () => self.getSnapshot().children.child),
            on: { off: 'off' },
          },
          off: {},
        },
      }),
    );
    await system.settle();
    const child = leaked();
    ref.send({ type: 'off' });
    child.send({ type: 'late' });
    await system.settle();
    child.send({ type: 'later' });
    await system.settle();
    expect(got).toEqual(['cleaned']);
  });

  it('takes the events of a machine with it: what it sends while it cleans up has no effect on its successor', async () => {
    const { send, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        initial: 'on',
        states: {
          on: {
            invoke: {
              id: 'child',
              src: fromCallback(
                ({ sendBack }) =>
                  () =>
                    sendBack({ type: 'last words' }),
              ),
            },
            on: { again: { target: 'on', reenter: true } },
          },
        },
        on: { '*': { actions: note } },
      }),
    );
    await send({ type: 'again' });
    // As in XState, the parent hears them.
    expect(snapshot().context.seen).toEqual(['last words']);
  });

  it('logs a cleanup that throws, and goes on', async () => {
    const logged: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (fields: object) => void logged.push(fields),
      child: () => log,
    };
    const system = createTestSystem({ log });
    const bad = fromCallback(() => () => {
      throw new Error('bad cleanup');
    });
    const ref = system.spawn(
      createMachine({
        initial: 'on',
        states: {
          on: { invoke: { id: 'bad', src: bad }, on: { off: 'off' } },
          off: { invoke: { id: 'worse', src: bad } },
        },
      }),
      { id: 'm' },
    ) as any;
    ref.send({ type: 'off' });
    await system.settle();
    expect(ref.getSnapshot().value).toBe('off');
    await system.run(ref.stop());
    expect(logged).toMatchObject([
      { path: '/m', actor: 'bad', err: { message: 'bad cleanup' } },
      { path: '/m', actor: 'worse', err: { message: 'bad cleanup' } },
    ]);
  });
});

describe('a completion of a child that its parent has let go of', () => {
  const machine = (promises: Promise<unknown>[]) =>
    createMachine({
      context: { got: undefined, n: 0 },
      initial: 'on',
      states: {
        on: {
          invoke: {
            id: 'child',
            src: fromPromise(() => promises.shift()!),
            onDone: { target: 'done', actions: assign({ got: ({ event }: any) => event.output }) },
            onError: { target: 'failed' },
          },
          on: { again: { target: 'on', reenter: true }, off: 'off' },
        },
        off: { on: { '*': { actions: assign({ got: 'leaked' }) as any } } },
        done: {},
        failed: {},
      },
    } as any);

  /** The promise of the child settles before or after the event that lets the child go was sent. */
  async function race(first: Promise<unknown>, event: EventObject, order: string) {
    const { system, ref, downs, snapshot } = spawn(machine([first, new Promise(() => undefined)]));
    while (system.step());
    // Settled first, the child is done when the event is handled, and its done event waits behind.
    if (order === 'before') await promisesSettled();
    ref.send(event);
    if (order === 'after') await promisesSettled();
    await system.settle();
    return { snapshot, downs };
  }
  const old = {
    done: () => Promise.resolve('old'),
    failed: () => Promise.reject(new Error('old')),
  };

  it.each([
    ['done', 'before'],
    ['done', 'after'],
    ['failed', 'before'],
    ['failed', 'after'],
  ] as const)(
    'is never taken for that of the newer child with the same id: %s %s',
    async (how, order) => {
      const { snapshot, downs } = await race(old[how](), { type: 'again' }, order);
      expect(snapshot()).toMatchObject({ value: 'on', context: { got: undefined } });
      expect(downs).toEqual([]);
    },
  );

  it.each([
    ['done', 'before'],
    ['done', 'after'],
    ['failed', 'before'],
    ['failed', 'after'],
  ] as const)(
    'is never seen in the state that follows, not even by a wildcard: %s %s',
    async (how, order) => {
      const { snapshot, downs } = await race(old[how](), { type: 'off' }, order);
      expect(snapshot()).toMatchObject({ value: 'off', context: { got: undefined } });
      expect(downs).toEqual([]);
    },
  );

  it('is stale when the child is a machine too, and when its snapshots wait', async () => {
    const child = createMachine({
      initial: 'a',
      states: { a: { on: { end: 'b' } }, b: { type: 'final' } },
    });
    const seen: string[] = [];
    const { send, snapshot } = spawn(
      createMachine({
        initial: 'on',
        states: {
          on: {
            invoke: {
              id: 'child',
              src: child,
              onDone: 'done',
              onSnapshot: { actions: ({ event }: any) => void seen.push(event.snapshot.value) },
            },
            on: {
              end: {
                actions: [
                  sendTo('child', { type: 'end' }),
                  sendTo(({ self }) => self, { type: 'again' }),
                ],
              },
              again: { target: 'on', reenter: true },
            },
          },
          done: {},
        },
      }),
    );
    await send({ type: 'end' });
    expect(snapshot().value).toBe('on');
    expect(seen).toEqual(['a', 'a']);
    await send({ type: 'again' });
    expect(snapshot().value).toBe('on');
  });

  it('does not swallow the completions of children without an id of their own', async () => {
    const { system, snapshot } = spawn(
      createMachine({
        context: ({ spawn: start }: any) => ({
          seen: [],
          children: [1, 2].map((n) => start(fromPromise(async () => n))),
        }),
        on: {
          'xstate.done.actor.*': {
            actions: assign({
              seen: ({ context, event }: any) => [...context.seen, event.output],
            }) as any,
          },
        },
      } as any),
    );
    await system.settle();
    expect(snapshot().context.seen).toEqual([1, 2]);
  });
});

describe('timers', () => {
  it('of a state that was left are never seen, even when their event waits already', async () => {
    const { system, ref, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        initial: 'a',
        states: {
          a: { after: { 10: { target: 'late' } }, on: { go: 'b' } },
          b: { on: { back: 'a', '*': { actions: note } } },
          late: {},
        },
      }),
    );
    await system.settle();
    system.suspend(ref);
    await system.advance(5);
    ref.send({ type: 'go' });
    ref.send({ type: 'back' });
    // The timer fires while the agent is suspended: its event waits behind go and back.
    await system.advance(5);
    system.resume(ref);
    await system.settle();
    expect(snapshot()).toMatchObject({ value: 'a', context: { seen: [] } });
    await system.advance(10);
    expect(snapshot().value).toBe('late');
  });

  it('of a child are gone with it', async () => {
    const { system, send, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        initial: 'on',
        states: {
          on: {
            invoke: {
              id: 'child',
              src: createMachine({ after: { 10: { actions: sendParent({ type: 'tick' }) } } }),
            },
            on: { off: 'off' },
          },
          off: {},
        },
        on: { tick: { actions: note } },
      }),
    );
    await system.settle();
    expect(system.stats().timers).toBe(1);
    await send({ type: 'off' });
    expect(system.stats().timers).toBe(0);
    await system.advance(100);
    expect(snapshot().context.seen).toEqual([]);
  });

  it('that aim at a child which was stopped fire into nothing', async () => {
    const got: string[] = [];
    const { system, send, downs } = spawn(
      createMachine({
        invoke: {
          id: 'child',
          src: fromCallback(({ receive }) => receive((event) => void got.push(event.type))),
        },
        entry: sendTo('child', { type: 'late' }, { delay: 10 }),
        on: { stop: { actions: stopChild('child') } },
      }),
    );
    await send({ type: 'stop' });
    await system.advance(20);
    expect(got).toEqual([]);
    expect(downs).toEqual([]);
    expect(system.stats().timers).toBe(0);
  });

  it('of two agents with one id are two timers', async () => {
    const machine = createMachine({
      context: { seen: [] },
      entry: raise({ type: 'tick' }, { delay: 10, id: 'tick' }),
      on: { tick: { actions: note } },
    });
    const system = createTestSystem();
    const refs = [system.spawn(machine), system.spawn(machine)];
    await system.advance(10);
    expect(refs.map((ref) => ref.getSnapshot().context.seen)).toEqual([['tick'], ['tick']]);
  });
});

describe('a crash leaves nothing behind', () => {
  it('not after 1,000 crashes: no interval, timer, listener, promise or subscription', async () => {
    const live = { callbacks: 0, subscriptions: 0, signals: 0, grandchildren: 0 };
    const counted = (name: 'callbacks' | 'grandchildren') =>
      fromCallback(() => {
        live[name] += 1;
        return () => void (live[name] -= 1);
      });
    const machine = createMachine({
      invoke: [
        { src: counted('callbacks') },
        {
          src: fromPromise(({ signal }) => {
            live.signals += 1;
            signal.addEventListener('abort', () => (live.signals -= 1));
            return new Promise(() => undefined);
          }),
        },
        {
          src: fromObservable(
            () =>
              ({
                subscribe: () => {
                  live.subscriptions += 1;
                  return { unsubscribe: () => void (live.subscriptions -= 1) };
                },
              }) as any,
          ),
        },
        {
          src: createMachine({
            invoke: { src: counted('grandchildren') },
            after: { 1_000: {} },
            entry: sendParent({ type: 'never' }, { delay: 5_000 }),
          }),
        },
      ],
      after: { 60_000: {} },
      entry: raise({ type: 'x' }, { delay: 70_000 }),
      on: {
        crash: {
          actions: () => {
            throw new Error('boom');
          },
        },
      },
    });
    const system = createTestSystem();
    let peak = 0;
    for (let n = 0; n < 1_000; n += 1) {
      const ref = system.spawn(machine) as any;
      while (system.step());
      peak = Math.max(
        peak,
        live.callbacks + live.subscriptions + live.signals + live.grandchildren,
      );
      ref.send({ type: 'crash' });
      while (system.step());
    }
    await system.settle();
    expect(peak).toBe(4);
    expect(live).toEqual({ callbacks: 0, subscriptions: 0, signals: 0, grandchildren: 0 });
    expect(system.stats()).toMatchObject({ timers: 0, crashes: 1_000, agents: 0, openRequests: 0 });
  });

  it.each<[string, AnyActorLogic]>([
    [
      'while it starts',
      createMachine({
        invoke: { src: 'child' },
        initial: 'a',
        states: {
          a: {
            entry: () => {
              throw new Error('boom');
            },
          },
        },
      }),
    ],
    [
      'by the error of a child',
      createMachine({
        invoke: [{ src: 'child' }, { src: fromPromise(() => Promise.reject(new Error('boom'))) }],
      }),
    ],
    [
      'in a deferred first action',
      createMachine({
        invoke: { src: 'child' },
        entry: () => {
          throw new Error('boom');
        },
      }),
    ],
  ])('not when it crashes %s', async (_, logic) => {
    let live = 0;
    const child = fromCallback(() => {
      live += 1;
      return () => void (live -= 1);
    });
    const { system, downs } = spawn((logic as any).provide({ actors: { child } }));
    await system.settle();
    expect(downs).toMatchObject([{ type: 'crash', error: { message: 'boom' } }]);
    expect(live).toBe(0);
    expect(system.stats().timers).toBe(0);
  });

  it('aborts the signals of its promises before its Down is delivered', async () => {
    const order: string[] = [];
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({
        invoke: {
          src: fromPromise(({ signal }) => {
            signal.addEventListener('abort', () => order.push('aborted'));
            return new Promise(() => undefined);
          }),
        },
      }),
    );
    system.monitor(ref, () => order.push('down'));
    await system.settle();
    await system.crash(ref);
    expect(order).toEqual(['aborted', 'down']);
  });

  it.each(['kill', 'stop'] as const)('nor does a %s', async (end) => {
    const aborted: boolean[] = [];
    const { system, ref } = spawn(
      fromPromise(({ signal }) => {
        signal.addEventListener('abort', () => aborted.push(signal.aborted));
        return new Promise(() => undefined);
      }),
    );
    await system.settle();
    await system.run(ref[end]());
    expect(aborted).toEqual([true]);
  });

  it('runs the cleanup of a callback that crashes itself', async () => {
    let cleaned = 0;
    const failing = fromCallback(({ receive }) => {
      receive(() => {
        throw new Error('boom');
      });
      return () => void (cleaned += 1);
    });
    const agent = spawn(failing);
    await agent.send({ type: 'go' });
    expect(agent.downs).toMatchObject([{ type: 'crash', error: { message: 'boom' } }]);
    expect(cleaned).toBe(1);
    const parent = spawn(
      createMachine({
        invoke: { id: 'failing', src: failing, onError: {} },
        on: { go: { actions: sendTo('failing', { type: 'go' }) } },
      }),
    );
    await parent.send({ type: 'go' });
    expect(parent.downs).toEqual([]);
    expect(cleaned).toBe(2);
  });

  it('stops what a child had started that crashes, while its agent goes on', async () => {
    let cleaned = 0;
    const child = createMachine({
      invoke: [
        { src: fromCallback(() => () => void (cleaned += 1)) },
        { src: createMachine({ invoke: { src: fromCallback(() => () => void (cleaned += 1)) } }) },
      ],
      after: { 1_000: {} },
      on: {
        go: {
          actions: () => {
            throw new Error('boom');
          },
        },
      },
    });
    const { system, send, downs } = spawn(
      createMachine({
        invoke: { id: 'child', src: child, onError: {} },
        on: { go: { actions: sendTo('child', { type: 'go' }) } },
      }),
    );
    await send({ type: 'go' });
    expect(downs).toEqual([]);
    expect(cleaned).toBe(2);
    expect(system.stats().timers).toBe(0);
  });

  it('sends nothing from the step that crashed', async () => {
    const heard: string[] = [];
    const system = createTestSystem();
    const to: Ref<{ type: string }> = system.spawn(
      fromHandler({
        receive: (_: undefined, event: { type: string }) => void heard.push(event.type),
      }),
    );
    const ref = system.spawn(
      createMachine({
        on: {
          go: {
            actions: [
              () => to.send({ type: 'action' }),
              sendTo(() => to, { type: 'sendTo' }),
              () => {
                throw new Error('boom');
              },
            ],
          },
        },
      }),
    ) as any;
    ref.send({ type: 'go' });
    await system.settle();
    expect(heard).toEqual([]);
  });
});

describe('a loop within one step', () => {
  const loops: [string, AnyActorLogic][] = [
    ['raise', createMachine({ on: { go: { actions: raise({ type: 'go' }) } } })],
    [
      'always',
      createMachine({
        initial: 'a',
        states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } },
      }),
    ],
  ];
  it.each(loops)('crashes the agent instead of hanging: %s', async (_, logic) => {
    const { send, downs } = spawn(logic);
    await send({ type: 'go' });
    expect(downs).toMatchObject([
      { type: 'crash', error: { message: expect.stringMatching(/Infinite loop/) } },
    ]);
  });

  it.each(loops)('crashes it too when it is in a child: %s', async (_, logic) => {
    const { send, downs } = spawn(
      createMachine({
        invoke: { id: 'child', src: logic },
        on: { go: { actions: sendTo('child', { type: 'go' }) } },
      }),
    );
    await send({ type: 'go' });
    expect(downs).toMatchObject([
      { type: 'crash', error: { message: expect.stringMatching(/Infinite loop/) } },
    ]);
  });

  it('keeps a smaller bound that the machine has itself, and leaves the machine as it is', async () => {
    const machine = createMachine({
      on: { go: { actions: raise({ type: 'go' }) } },
      options: { maxIterations: 10 },
    });
    const unbounded = createMachine({});
    const { send, downs } = spawn(machine);
    spawn(unbounded);
    await send({ type: 'go' });
    expect(downs[0]?.error.message).toMatch(/more than 10 /);
    expect(unbounded.options.maxIterations).toBe(Infinity);
    expect(Object.hasOwn(unbounded, 'getTransitionData')).toBe(false);
  });
});

it('calls no global clock, timer or chance in a step', async () => {
  const system = createTestSystem();
  const child = fromCallback(({ receive, sendBack }) => receive(() => sendBack({ type: 'back' })));
  const machine = setup({
    actors: { child, promise: fromPromise(async () => 1) },
    types: {} as { context: { n: number } },
  }).createMachine({
    context: { n: 0 },
    initial: 'a',
    entry: [
      raise({ type: 'tick' }, { delay: 10 }),
      sendTo(({ self }) => self, { type: 'tick' }, { delay: 20 }),
    ],
    on: { tick: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
    states: {
      a: {
        invoke: { id: 'child', src: 'child' },
        after: { 30: 'b' },
        on: { go: { actions: sendTo('child', { type: 'x' }) }, back: {} },
      },
      b: { invoke: { src: 'promise', onDone: 'c' } },
      c: { entry: assign({ n: ({ context, spawn: start }) => (start('child'), context.n + 10) }) },
    },
  });
  const spies = [
    vi.spyOn(Math, 'random'),
    vi.spyOn(Date, 'now'),
    vi.spyOn(globalThis, 'setTimeout'),
    vi.spyOn(globalThis, 'clearTimeout'),
    vi.spyOn(globalThis, 'setInterval'),
    vi.spyOn(globalThis, 'queueMicrotask'),
    vi.spyOn(performance, 'now'),
  ];
  const ref = system.spawn(machine);
  ref.send({ type: 'go' });
  await system.advance(100);
  const calls = spies.map((spy) => spy.mock.calls.length);
  expect(ref.getSnapshot()).toMatchObject({ value: 'c', context: { n: 12 } });
  expect(calls).toEqual(spies.map(() => 0));
});
