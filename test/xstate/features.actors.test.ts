// What XState's documentation teaches about actors: invoked, spawned, sent to, and as agents themselves.

import { describe, expect, it } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
  type AnyActorLogic,
  type AnyActorRef,
  type EventObject,
  type Observer,
  type Subscribable,
} from 'xstate';
import { NoParent, fromHandler, type Ref } from 'troupe';
import { createTestSystem } from 'troupe/testing';

/** A source of values that the test pushes, and that tells whether anybody is subscribed. */
function subject<T>() {
  const observers = new Set<Observer<T>>();
  return {
    observers,
    next: (value: T) => [...observers].forEach((observer) => observer.next?.(value)),
    error: (error: unknown) => [...observers].forEach((observer) => observer.error?.(error)),
    complete: () => [...observers].forEach((observer) => observer.complete?.()),
    subscribe: ((observer: Observer<T>) => {
      observers.add(observer);
      return { unsubscribe: () => void observers.delete(observer) };
    }) as Subscribable<T>['subscribe'],
  };
}

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
    send: async (event: { type: string }) => {
      ref.send(event);
      await system.settle();
    },
  };
}

const seenType: any = assign({ seen: ({ context, event }: any) => [...context.seen, event.type] });
const seen: any = assign({ seen: ({ context, event }: any) => [...context.seen, event] });

describe('each logic as an agent', () => {
  it('runs a promise: its value is the result, its rejection a crash', async () => {
    const double = fromPromise(async ({ input }: { input: number }) => {
      if (input < 0) throw new Error('negative');
      return input * 2;
    });
    const system = createTestSystem();
    const ref = system.spawn(double, { input: 4 });
    const output: number = await system.run(ref.result());
    expect(output).toBe(8);
    const failing = system.spawn(double, { input: -1 });
    await expect(system.run(failing.result())).rejects.toMatchObject({
      code: 'ACTOR_ENDED',
      cause: { message: 'negative' },
    });
  });

  it('runs a transition function', async () => {
    const { ref, send } = spawn(
      fromTransition((n: number, event: { type: string; by: number }) => n + event.by, 1),
    );
    await send({ type: 'add', by: 2 } as never);
    await send({ type: 'add', by: 3 } as never);
    expect(ref.getSnapshot().context).toBe(6);
  });

  it('runs a callback: it receives, emits, and cleans up when it is stopped', async () => {
    const got: unknown[] = [];
    const { system, ref, send } = spawn(
      fromCallback(({ receive, emit, input }) => {
        got.push(input);
        receive((event) => {
          got.push(event.type);
          emit({ type: 'echo' });
        });
        return () => void got.push('cleaned');
      }),
      { input: 'hello' },
    );
    ref.on('echo', () => got.push('echoed'));
    await send({ type: 'ping' });
    expect(got).toEqual(['hello', 'ping', 'echoed']);
    await system.run(ref.stop());
    expect(got.at(-1)).toBe('cleaned');
  });

  it('runs an observable: its values are snapshots, its end is the end', async () => {
    const values = subject<number>();
    const { system, ref, downs, snapshot } = spawn(fromObservable(() => values));
    await system.settle();
    const told: unknown[] = [];
    ref.subscribe((next: any) => told.push(next.context));
    values.next(1);
    values.next(2);
    await system.settle();
    expect(snapshot().context).toBe(2);
    values.complete();
    await system.settle();
    expect(told).toEqual([1, 2, 2]);
    expect(downs).toEqual([{ type: 'normal' }]);
  });

  it('crashes with the error of an observable', async () => {
    const values = subject<number>();
    const { system, downs } = spawn(fromObservable(() => values));
    await system.settle();
    values.error(new Error('broken'));
    await system.settle();
    expect(downs).toMatchObject([{ type: 'crash', error: { message: 'broken' } }]);
  });

  it('unsubscribes an observable whose agent is stopped', async () => {
    const values = subject<number>();
    const { system, ref } = spawn(fromObservable(() => values));
    await system.settle();
    expect(values.observers.size).toBe(1);
    await system.run(ref.stop());
    expect(values.observers.size).toBe(0);
  });

  it('refuses an event observable as an agent at its first event: it has nobody to send it to', async () => {
    const events = subject<{ type: string }>();
    const { system, downs } = spawn(fromEventObservable(() => events));
    await system.settle();
    events.next({ type: 'click' });
    await system.settle();
    expect(downs).toMatchObject([{ type: 'crash', error: { code: 'NO_PARENT' } }]);
    expect(events.observers.size).toBe(0);
  });
});

describe('invoke', () => {
  it('runs a machine, with input, sendTo and sendParent, and takes its output by onDone', async () => {
    const child = setup({
      types: {} as {
        input: { limit: number };
        context: { limit: number; n: number };
        output: { total: number };
        events: { type: 'add' };
      },
    }).createMachine({
      context: ({ input }) => ({ limit: input.limit, n: 0 }),
      initial: 'counting',
      states: {
        counting: {
          entry: sendParent({ type: 'ready' }),
          on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
          always: { guard: ({ context }) => context.n === context.limit, target: 'full' },
        },
        full: { type: 'final' },
      },
      output: ({ context }) => ({ total: context.n }),
    });
    const parent = setup({
      types: {} as {
        context: { total: number; heard: string[] };
        events: { type: 'add' } | { type: 'ready' };
      },
      actors: { child },
    }).createMachine({
      context: { total: 0, heard: [] },
      initial: 'on',
      states: {
        on: {
          invoke: {
            src: 'child',
            id: 'counter',
            input: { limit: 2 },
            onDone: {
              target: 'off',
              actions: assign({ total: ({ event }) => event.output.total }),
            },
          },
          on: {
            add: { actions: sendTo('counter', { type: 'add' }) },
            ready: {
              actions: assign({ heard: ({ context, event }) => [...context.heard, event.type] }),
            },
          },
        },
        off: {},
      },
    });
    const { send, snapshot } = spawn(parent);
    await send({ type: 'add' });
    expect(snapshot().value).toBe('on');
    await send({ type: 'add' });
    expect(snapshot()).toMatchObject({ value: 'off', context: { total: 2, heard: ['ready'] } });
    expect(snapshot().children).toEqual({});
  });

  it('runs a promise, and takes its value by onDone and its rejection by onError', async () => {
    const machine = setup({
      types: {} as { context: { got: unknown } },
      actors: {
        load: fromPromise(async ({ input }: { input: string }) => {
          if (input === 'bad') throw new Error('no such page');
          return { page: input };
        }),
      },
    }).createMachine({
      context: { got: undefined },
      initial: 'first',
      states: {
        first: {
          invoke: {
            src: 'load',
            input: 'good',
            onDone: {
              target: 'second',
              actions: assign({ got: ({ event }) => event.output.page }),
            },
          },
        },
        second: {
          invoke: {
            src: 'load',
            input: 'bad',
            onError: {
              target: 'failed',
              actions: assign({
                got: ({ context, event }) => [context.got, (event.error as Error).message],
              }),
            },
          },
        },
        failed: {},
      },
    });
    const { system, snapshot } = spawn(machine);
    await system.settle();
    expect(snapshot()).toMatchObject({
      value: 'failed',
      context: { got: ['good', 'no such page'] },
    });
  });

  it('crashes with the error of a child that nobody takes by onError', async () => {
    const failing = fromPromise(async () => {
      throw new Error('nobody cares');
    });
    for (const machine of [
      createMachine({ invoke: { src: failing } }),
      createMachine({ entry: spawnChild(failing, { id: 'child' }) }),
      // Without an id XState keeps it under another key than its own.
      createMachine({ entry: spawnChild(failing) }),
    ]) {
      const { system, downs } = spawn(machine);
      await system.settle();
      expect(downs).toMatchObject([{ type: 'crash', error: { message: 'nobody cares' } }]);
    }
  });

  it('runs a transition function, and takes its snapshots by onSnapshot', async () => {
    const machine = setup({
      types: {} as { context: { seen: unknown[] }; events: { type: 'add' } },
      actors: { counter: fromTransition((n: number, _event: { type: 'add' }) => n + 1, 0) },
    }).createMachine({
      context: { seen: [] },
      invoke: {
        src: 'counter',
        id: 'counter',
        onSnapshot: {
          actions: assign({
            seen: ({ context, event }) => [...context.seen, event.snapshot.context],
          }),
        },
      },
      on: { add: { actions: sendTo('counter', { type: 'add' }) } },
    });
    const { send, snapshot } = spawn(machine);
    await send({ type: 'add' });
    await send({ type: 'add' });
    expect(snapshot().context.seen).toEqual([0, 1, 2]);
  });

  it('runs a callback that sends back, receives, and cleans up when its state is left', async () => {
    const got: unknown[] = [];
    const machine = createMachine({
      context: { seen: [] },
      initial: 'on',
      states: {
        on: {
          invoke: {
            id: 'callback',
            src: fromCallback(({ sendBack, receive }) => {
              sendBack({ type: 'hello' });
              receive((event) => {
                got.push(event.type);
                sendBack({ type: 'pong' });
              });
              return () => void got.push('cleaned');
            }),
          },
          on: { off: 'off', ping: { actions: sendTo('callback', { type: 'ping' }) } },
        },
        off: {},
      },
      on: { '*': { actions: seenType } },
    });
    const { send, snapshot } = spawn(machine);
    await send({ type: 'ping' });
    await send({ type: 'off' });
    expect(snapshot().context.seen).toEqual(['hello', 'pong']);
    expect(got).toEqual(['ping', 'cleaned']);
  });

  it('runs an observable, with onSnapshot, onDone and onError', async () => {
    const values = subject<number>();
    const machine = createMachine({
      context: { seen: [] },
      initial: 'on',
      states: {
        on: {
          invoke: {
            src: fromObservable(() => values),
            onSnapshot: {
              actions: assign({
                seen: ({ context, event }: any) => [...context.seen, event.snapshot.context],
              }) as any,
            },
            onDone: 'done',
            onError: { target: 'failed' },
          },
        },
        done: { on: { again: 'on' } },
        failed: {},
      },
    });
    const { system, send, snapshot } = spawn(machine);
    await system.settle();
    values.next(1);
    values.next(2);
    values.complete();
    await system.settle();
    expect(snapshot()).toMatchObject({ value: 'done', context: { seen: [undefined, 1, 2] } });
    values.observers.clear();
    await send({ type: 'again' });
    values.error(new Error('broken'));
    await system.settle();
    expect(snapshot().value).toBe('failed');
  });

  it('runs an event observable, whose events come as its own', async () => {
    const events = subject<{ type: string }>();
    const machine = createMachine({
      context: { seen: [] },
      initial: 'on',
      states: {
        on: {
          invoke: { src: fromEventObservable(() => events) },
          on: { click: { actions: seen }, off: 'off' },
        },
        off: {},
      },
    });
    const { system, send, snapshot } = spawn(machine);
    await system.settle();
    events.next({ type: 'click' });
    await system.settle();
    expect(snapshot().context.seen).toEqual([{ type: 'click' }]);
    await send({ type: 'off' });
    expect(events.observers.size).toBe(0);
  });

  it('aborts the signal of a promise whose state is left', async () => {
    let signal: AbortSignal | undefined;
    const machine = createMachine({
      initial: 'on',
      states: {
        on: {
          invoke: {
            src: fromPromise(({ signal: given }) => {
              signal = given;
              return new Promise(() => undefined);
            }),
          },
          on: { off: 'off' },
        },
        off: {},
      },
    });
    const { system, send } = spawn(machine);
    await system.settle();
    expect(signal?.aborted).toBe(false);
    await send({ type: 'off' });
    expect(signal?.aborted).toBe(true);
  });
});

describe('spawn', () => {
  const echo = fromCallback<{ type: string }, { name: string }>(({ receive, sendBack, input }) => {
    receive((event) => sendBack({ type: `${input.name}.${event.type}` }));
    return () => sendBack({ type: `${input.name}.never` });
  });

  it('spawns a child by spawnChild, sends to it and stops it', async () => {
    const machine = setup({
      types: {} as { context: { seen: string[] } },
      actors: { echo },
    }).createMachine({
      context: { seen: [] },
      entry: spawnChild('echo', { id: 'a', input: { name: 'a' } }),
      on: {
        ping: { actions: sendTo('a', { type: 'ping' }) },
        stop: { actions: stopChild('a') },
        '*': { actions: seenType },
      },
    });
    const { send, snapshot, downs } = spawn(machine);
    await send({ type: 'ping' });
    await send({ type: 'stop' });
    expect(Object.keys(snapshot().children)).toEqual([]);
    expect(snapshot().context.seen).toEqual(['a.ping', 'a.never']);
    // As in XState: there is no child of that name any more.
    await send({ type: 'ping' });
    expect(downs).toMatchObject([{ type: 'crash' }]);
  });

  it('spawns in an assign, keeps the ref in the context, sends to it and stops it', async () => {
    const machine = setup({
      types: {} as { context: { echoes: AnyActorRef[]; seen: string[] } },
      actors: { echo },
    }).createMachine({
      context: ({ spawn: start }) => ({
        echoes: [start('echo', { input: { name: 'e0' } })],
        seen: [],
      }),
      on: {
        more: {
          actions: assign({
            echoes: ({ context, spawn: start }) => [
              ...context.echoes,
              start('echo', { id: 'e1', input: { name: 'e1' } }),
            ],
          }),
        },
        ping: {
          actions: enqueueActions(({ context, enqueue }) => {
            for (const one of context.echoes) enqueue.sendTo(one, { type: 'ping' });
          }),
        },
        less: { actions: stopChild(({ context }) => context.echoes[0]!) },
        '*': { actions: seenType },
      },
    });
    const { send, snapshot } = spawn(machine);
    await send({ type: 'more' });
    await send({ type: 'ping' });
    expect(snapshot().context.seen).toEqual(['e0.ping', 'e1.ping']);
    await send({ type: 'less' });
    await send({ type: 'ping' });
    expect(snapshot().context.seen.slice(2)).toEqual(['e0.never', 'e1.ping']);
  });

  it('counts what waits for a child that was sent to before it had started', async () => {
    const got: string[] = [];
    const child = fromCallback(({ receive }) => receive((event) => void got.push(event.type)));
    const machine = setup({
      types: {} as { context: { child: AnyActorRef | undefined } },
    }).createMachine({
      context: { child: undefined },
      on: {
        go: {
          actions: [
            assign({ child: ({ spawn: start }: any) => start(child, { id: 'child' }) }),
            ({ context }) => context.child?.send({ type: 'early' }),
          ],
        },
        end: { actions: [sendTo('child', { type: 'bye' }), stopChild('child')] },
      },
    });
    const { send } = spawn(machine);
    await send({ type: 'go' });
    await send({ type: 'end' });
    expect(got).toEqual(['early', 'bye']);
  });

  it('spawns nothing for good when it is left in the same step', async () => {
    const ran: string[] = [];
    const machine = createMachine({
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: { invoke: { src: fromCallback(() => void ran.push('started')) }, always: 'c' },
        c: {},
      },
    });
    const { send } = spawn(machine);
    await send({ type: 'go' });
    expect(ran).toEqual([]);
  });
});

describe('sendTo and sendParent', () => {
  type Message = { type: 'hello'; from: string };
  const message = (from: string): Message => ({ type: 'hello', from });
  const listener = () => {
    const heard: Message[] = [];
    return {
      heard,
      logic: fromHandler({ receive: (_: undefined, event: Message) => void heard.push(event) }),
    };
  };

  it('sends to a ref from the context or the input, and to what system.get finds', async () => {
    const system = createTestSystem();
    const { heard, logic } = listener();
    const to = system.spawn(logic, { name: 'listener' });
    const machine = setup({
      types: {} as { context: { to: Ref<Message> }; input: { to: Ref<Message> } },
    }).createMachine({
      context: ({ input }) => ({ to: input.to }),
      entry: [
        sendTo(({ context }) => context.to, message('context')),
        sendTo(({ system: inside }) => inside.get('listener'), message('system')),
        sendTo(({ context }) => context.to, message('later'), { delay: 10 }),
        ({ context }) => context.to.send(message('action')),
      ],
    });
    system.spawn(machine, { input: { to } });
    await system.advance(9);
    expect(heard.map(({ from }) => from)).toEqual(['action', 'context', 'system']);
    await system.advance(1);
    expect(heard.at(-1)?.from).toBe('later');
    expect(system.stats().timers).toBe(0);
  });

  it('forwards an event to a child and to a ref', async () => {
    const system = createTestSystem();
    const { heard, logic } = listener();
    const to = system.spawn(logic);
    const got: unknown[] = [];
    const ref = system.spawn(
      createMachine({
        invoke: {
          id: 'child',
          src: fromCallback(({ receive }) => receive((event) => void got.push(event))),
        },
        on: { hello: { actions: [forwardTo('child'), forwardTo(() => to as never)] } },
      }),
    ) as any;
    ref.send(message('me'));
    await system.settle();
    expect(got).toEqual([message('me')]);
    expect(heard).toEqual([message('me')]);
  });

  it('sends to an actor outside of troupe', async () => {
    const outside = createActor(fromTransition((n: number) => n + 1, 0)).start();
    const { system } = spawn(createMachine({ entry: sendTo(() => outside, { type: 'add' }) }));
    await system.settle();
    expect(outside.getSnapshot().context).toBe(1);
  });

  it('sends to its own self behind what waits already', async () => {
    const { system, ref, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        on: {
          first: { actions: [seen, sendTo(({ self }) => self, { type: 'third' })] },
          '*': { actions: seen },
        },
      }),
    );
    ref.send({ type: 'first' });
    ref.send({ type: 'second' });
    await system.settle();
    expect(snapshot().context.seen.map(({ type }: any) => type)).toEqual([
      'first',
      'second',
      'third',
    ]);
  });

  it('reaches an agent by the self that it sent along, as a message like any other', async () => {
    const { system, ref, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        initial: 'closed',
        states: {
          closed: { meta: { postpone: ['pong'] }, on: { open: 'open' } },
          open: { on: { pong: { actions: seen } } },
        },
        on: {
          ping: {
            actions: sendTo(
              ({ system: inside }) => inside.get('ponger'),
              ({ self }) => ({ type: 'ping', sender: self }),
            ),
          },
        },
      }),
      { mailbox: { capacityMessages: 2 } },
    );
    system.spawn(
      createMachine({
        on: {
          ping: {
            actions: [1, 2, 3].map((n) =>
              sendTo(({ event }: any) => event.sender, { type: 'pong', n } as EventObject),
            ),
          },
        },
      }),
      { name: 'ponger' },
    );
    ref.send({ type: 'ping' });
    await system.settle();
    expect(snapshot().context.seen).toEqual([]);
    expect(system.deadLetters.list().map(({ reason }) => reason)).toEqual(['mailbox full']);
    ref.send({ type: 'open' });
    await system.settle();
    expect(snapshot().context.seen.map(({ n }: any) => n)).toEqual([1, 2]);
  });

  it('sends from an invoked child to the machine of its agent', async () => {
    const { system, snapshot } = spawn(
      createMachine({
        context: { seen: [] },
        invoke: { src: createMachine({ entry: sendParent({ type: 'up' }) }) },
        on: { up: { actions: seen } },
      }),
    );
    await system.settle();
    expect(snapshot().context.seen).toEqual([{ type: 'up' }]);
  });

  it.each([
    ['in a step', createMachine({ on: { go: { actions: sendParent({ type: 'up' }) } } })],
    [
      'with a delay',
      createMachine({ on: { go: { actions: sendParent({ type: 'up' }, { delay: 5 }) } } }),
    ],
    [
      'from a callback',
      fromCallback(({ sendBack, receive }) => receive(() => sendBack({ type: 'up' }))),
    ],
  ])(
    'crashes when its root sends to its parent %s, and says what to use instead',
    async (_, logic) => {
      const { system, send, downs } = spawn(logic as AnyActorLogic, { id: 'lonely' });
      await send({ type: 'go' });
      await system.advance(10);
      expect(downs[0]?.type).toBe('crash');
      const { error } = downs[0];
      expect(error).toBeInstanceOf(NoParent);
      expect(error).toMatchObject({
        code: 'NO_PARENT',
        fields: { address: 'local/lonely', message: 'up' },
      });
      expect(error.message).toMatch(/sendTo.*reply/);
    },
  );

  it('has sent nothing in the step in which its root sends to its parent', async () => {
    const system = createTestSystem();
    const { heard, logic } = listener();
    const to = system.spawn(logic);
    const ref = system.spawn(
      createMachine({
        on: { go: { actions: [() => to.send(message('before')), sendParent({ type: 'up' })] } },
      }),
    ) as any;
    ref.send({ type: 'go' });
    await system.settle();
    expect(system.stats().crashes).toBe(1);
    expect(heard).toEqual([]);
  });

  it('crashes its sender when what it sends later cannot be sent', async () => {
    const { system, downs } = spawn(
      createMachine({
        entry: sendTo(
          ({ system: inside }) => inside.get('other'),
          { type: 'bytes', bytes: new Uint8Array(1) } as EventObject,
          { delay: 5 },
        ),
      }),
    );
    system.spawn(fromHandler({ receive: () => undefined }), { name: 'other' });
    await system.settle();
    await system.advance(5);
    expect(downs).toMatchObject([{ type: 'crash' }]);
  });

  it('stops, and leaves nothing behind, when it is sent the stop event of XState', async () => {
    const { system, send, downs } = spawn(
      createMachine({ invoke: { src: fromCallback(() => undefined) } }),
    );
    await send({ type: 'xstate.stop' });
    expect(downs).toEqual([{ type: 'shutdown' }]);
    expect(system.agents()).toEqual([]);
  });
});

describe('system ids', () => {
  it('finds a child by its system id from within its agent, and forgets it when it is stopped', async () => {
    const found: unknown[] = [];
    const look = ({ system: inside }: any) =>
      void found.push(inside.get('logger')?.id, Object.keys(inside.getAll()));
    const { send } = spawn(
      createMachine({
        initial: 'on',
        states: {
          on: {
            invoke: { id: 'child', systemId: 'logger', src: fromCallback(() => undefined) },
            on: { off: 'off', again: { target: 'on', reenter: true } },
          },
          off: {},
        },
        on: { look: { actions: look } },
      }),
    );
    await send({ type: 'look' });
    await send({ type: 'again' });
    await send({ type: 'look' });
    await send({ type: 'off' });
    await send({ type: 'look' });
    expect(found).toEqual(['child', ['logger'], 'child', ['logger'], undefined, []]);
  });

  it('finds its own actor before an agent that is registered under the same name', async () => {
    const found: unknown[] = [];
    const system = createTestSystem();
    system.spawn(fromHandler({ receive: () => undefined }), { name: 'logger' });
    const look = ({ system: inside }: any) => void found.push(inside.get('logger')?.id);
    system.spawn(createMachine({ entry: look }));
    system.spawn(
      createMachine({
        invoke: { id: 'mine', systemId: 'logger', src: fromCallback(() => undefined) },
        entry: look,
      }),
    );
    await system.settle();
    expect(found).toEqual(['/$1', 'mine']);
  });

  it('keeps the system ids of two agents of one machine apart', async () => {
    const heard: string[] = [];
    const machine = setup({
      types: {} as { input: string; context: { name: string } },
      actors: {
        child: fromCallback<{ type: string }, string>(({ receive, input }) =>
          receive((event) => void heard.push(`${input}.${event.type}`)),
        ),
      },
    }).createMachine({
      context: ({ input, spawn: start }) => {
        start('child', { systemId: 'child', input });
        return { name: input };
      },
      on: { go: { actions: sendTo(({ system: inside }) => inside.get('child'), { type: 'go' }) } },
    });
    const system = createTestSystem();
    const [a, b] = [
      system.spawn(machine, { input: 'a' }),
      system.spawn(machine, { input: 'b' }),
    ] as any[];
    a.send({ type: 'go' });
    b.send({ type: 'go' });
    await system.settle();
    expect(heard).toEqual(['a.go', 'b.go']);
  });

  it('crashes an agent that gives one system id to two actors', async () => {
    const child = fromCallback(() => undefined);
    const { system, downs } = spawn(
      createMachine({
        entry: [spawnChild(child, { systemId: 'one' }), spawnChild(child, { systemId: 'one' })],
      }),
    );
    await system.settle();
    expect(downs[0]?.error?.message).toMatch(/system ID 'one' already exists/);
  });
});
