// Requests to machines and by machines: answered, failed or lost exactly once.

import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  assign,
  createMachine,
  forwardTo,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  sendTo,
  setup,
  type AnyActorLogic,
} from 'xstate';
import {
  MemoryStore,
  agentName,
  ask,
  fail,
  fromHandler,
  here,
  reply,
  type Ref,
  type ReplyTo,
  type Request,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';

type Edited = { type: 'edited'; text: string };
type Edit = { type: 'edit'; text: string; replyTo: ReplyTo<Edited> };
type EditorEvent = Edit | { type: 'finish' } | { type: 'crash' } | { type: 'open' };

const throwing = (): never => {
  throw new Error('boom');
};

/** What a promise comes to. */
const settled = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

/** The same, letting the system run, and its time pass, until then. */
const outcome = (system: TestSystem, promise: Promise<unknown>): Promise<any> =>
  system.run(settled(promise));

const editing = setup({
  types: {} as { events: EditorEvent; context: { request: Edit | undefined } },
});

describe('a machine that is asked', () => {
  const answers: [string, object][] = [
    ['reply with a value', reply<any, Edit>({ type: 'edited', text: 'Hi' })],
    [
      'reply with a function',
      reply<any, Edit>(({ event }) => ({ type: 'edited', text: event.text.toUpperCase() })),
    ],
    [
      'sendTo of its replyTo',
      sendTo(({ event }: any) => event.replyTo, { type: 'edited', text: 'sent' } as Edited),
    ],
    [
      'a send in an action',
      ({ event }: any) => event.replyTo.send({ type: 'edited', text: 'raw' }),
    ],
  ];
  it.each(answers)('answers by %s', async (how, actions) => {
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({ on: { edit: { actions: actions as any } } }),
    ) as unknown as Ref<Edit>;
    const answer: Edited = await system.run(ref.ask({ type: 'edit', text: 'hi' }));
    expect(answer).toMatchObject({ type: 'edited' });
    expect(answer.text, how).toMatch(/Hi|HI|sent|raw/);
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
    expect(system.agents()[0]?.obligations).toEqual([]);
  });

  it('answers in a transition with a target and a typed action', async () => {
    const machine = editing.createMachine({
      context: { request: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: {
            edit: {
              target: 'done',
              actions: reply(({ event }) => ({ type: 'edited', text: `${event.text}!` })),
            },
          },
        },
        done: {},
      },
    });
    const system = createTestSystem();
    const ref = system.spawn(machine);
    const answer = ref.ask({ type: 'edit', text: 'hi' });
    expectTypeOf(answer).resolves.toEqualTypeOf<Edited>();
    expect((await system.run(answer)).text).toBe('hi!');
    expect(ref.getSnapshot().value).toBe('done');
  });

  it.each([
    ['the event', (event: Edit) => event],
    ['its replyTo', (event: Edit) => event.replyTo],
  ])('answers later, with %s kept in its context', async (_, keep) => {
    const machine = setup({
      types: {} as { events: EditorEvent; context: { kept: unknown } },
    }).createMachine({
      context: { kept: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: { edit: { target: 'busy', actions: assign({ kept: ({ event }) => keep(event) }) } },
        },
        busy: {
          after: { 50: 'idle' },
          exit: reply({
            to: ({ context }) => context['kept'] as Request<Edited>,
            with: { type: 'edited', text: 'later' },
          }),
        },
      },
    });
    const system = createTestSystem();
    const ref = system.spawn(machine);
    const answer = ref.ask({ type: 'edit', text: 'hi' });
    await system.advance(49);
    expect(system.requests()).toMatchObject([
      { request: 'edit', progress: 'started', holder: ref.address },
    ]);
    await expect(outcome(system, answer)).resolves.toEqual({
      value: { type: 'edited', text: 'later' },
    });
  });

  it('fails the request by fail, with an error or a function of the event', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      editing.createMachine({
        context: { request: undefined },
        on: {
          edit: [
            { guard: ({ event }) => event.text === '', actions: fail(new Error('empty')) },
            { actions: fail(({ event }: { event: Edit }) => new Error(`bad: ${event.text}`)) },
          ],
        },
      }),
    );
    expect(await outcome(system, ref.ask({ type: 'edit', text: '' }))).toMatchObject({
      error: { message: 'empty' },
    });
    expect(await outcome(system, ref.ask({ type: 'edit', text: 'x' }))).toMatchObject({
      error: { message: 'bad: x' },
    });
    expect(system.agents()[0]?.obligations).toEqual([]);
  });

  it('hands a request on with here().forward: whoever gets it answers', async () => {
    const system = createTestSystem();
    const editor = system.spawn(
      editing.createMachine({
        context: { request: undefined },
        on: { edit: { actions: reply({ type: 'edited', text: 'done' }) } },
      }),
    );
    const desk = system.spawn(
      createMachine({
        on: { edit: { actions: ({ event }: { event: any }) => here().forward(editor, event) } },
      }),
    ) as unknown as Ref<Edit>;
    expect(await outcome(system, desk.ask({ type: 'edit', text: 'x' }))).toMatchObject({
      value: { text: 'done' },
    });
  });

  it('answers through a child that it forwards the request to', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({
        invoke: {
          id: 'child',
          src: fromCallback<any>(({ receive }) =>
            receive((event) => event.replyTo.send({ type: 'edited', text: 'child' })),
          ),
        },
        on: { edit: { actions: forwardTo('child') } },
      }),
    ) as unknown as Ref<Edit>;
    expect(await outcome(system, ref.ask({ type: 'edit', text: 'x' }))).toMatchObject({
      value: { text: 'child' },
    });
  });

  it('answers once: a second reply goes nowhere', async () => {
    const system = createTestSystem();
    const late: unknown[] = [];
    system.inspect((event) => void (event.type === 'late reply' && late.push(event.request)));
    const ref = system.spawn(
      editing.createMachine({
        context: { request: undefined },
        on: {
          edit: {
            actions: [
              reply({ type: 'edited', text: 'one' }),
              reply({ type: 'edited', text: 'two' }),
            ],
          },
        },
      }),
    );
    expect(await outcome(system, ref.ask({ type: 'edit', text: 'x' }))).toMatchObject({
      value: { text: 'one' },
    });
    expect(late.length).toBe(1);
  });

  it('has answered nothing in a step that crashes', async () => {
    const system = createTestSystem();
    for (const action of [
      reply<any, Edit>({ type: 'edited', text: 'x' }),
      fail(new Error('too early')),
    ]) {
      const ref = system.spawn(
        createMachine({ on: { edit: { actions: [action as any, throwing] } } }),
      ) as unknown as Ref<Edit>;
      expect(await outcome(system, ref.ask({ type: 'edit', text: 'x' }))).toMatchObject({
        error: { code: 'ACTOR_ENDED', cause: { message: 'boom' } },
      });
    }
  });
});

describe('a request that no transition takes', () => {
  const machine = createMachine({
    initial: 'a',
    states: {
      a: {
        on: {
          guarded: { guard: () => false, actions: () => undefined },
          empty: {},
          forbidden: undefined,
          actions: { actions: () => undefined },
        },
      },
      b: { on: { edit: {} } },
    },
  });

  it.each(['edit', 'guarded', 'xstate.unheard.of'])('is Unhandled at once: %s', async (type) => {
    const system = createTestSystem();
    const ref = system.spawn(machine) as any;
    expect(await outcome(system, ref.ask({ type }))).toMatchObject({
      error: { code: 'UNHANDLED', fields: { message: type, why: 'no transition was selected' } },
    });
    expect(system.nowMs).toBe(0);
    expect(system.stats().unhandled).toBe(1);
  });

  it.each(['empty', 'actions'])(
    'is not one that an explicit transition takes: %s',
    async (type) => {
      const system = createTestSystem();
      const ref = system.spawn(machine) as any;
      const answer = outcome(system, ref.ask({ type }, { timeoutMs: 50 }));
      expect(await answer).toMatchObject({ error: { code: 'ASK_TIMEOUT', progress: 'started' } });
      expect(system.stats().unhandled).toBe(0);
    },
  );

  it('is Unhandled too when a plain send of it is only counted', async () => {
    const system = createTestSystem();
    const unhandled: unknown[] = [];
    system.inspect((event) => void (event.type === 'unhandled' && unhandled.push(event.message)));
    const ref = system.spawn(machine) as any;
    ref.send({ type: 'edit' });
    ref.send({ type: 'empty' });
    await system.settle();
    expect(unhandled).toEqual([{ type: 'edit' }]);
    expect(system.stats().unhandled).toBe(1);
  });

  it("is no matter of the agent's own completions and timers", async () => {
    const system = createTestSystem();
    system.spawn(createMachine({ invoke: { src: fromPromise(async () => 1) } }));
    await system.settle();
    expect(system.stats().unhandled).toBe(0);
  });

  it('runs each guard once', async () => {
    let guards = 0;
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({ on: { edit: { guard: () => ++guards > 100, actions: () => undefined } } }),
    ) as unknown as Ref<Edit>;
    await outcome(system, ref.ask({ type: 'edit', text: 'x' }));
    expect(guards).toBe(1);
  });

  it('is Unhandled even when the machine handles an event that it raises', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({
        on: {
          other: { actions: raise({ type: 'edit' }) },
          edit: {
            guard: ({ event }: any) => event.replyTo === undefined,
            actions: () => undefined,
          },
        },
      }),
    ) as any;
    ref.send({ type: 'other' });
    expect(await outcome(system, ref.ask({ type: 'edit' }))).toMatchObject({
      error: { code: 'UNHANDLED' },
    });
  });

  it.each<[string, AnyActorLogic]>([
    ['promise', fromPromise(() => new Promise(() => undefined))],
    [
      'observable',
      fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => undefined }) }) as any),
    ],
  ])('is Unhandled at once by a %s, which receives nothing', async (_, logic) => {
    const system = createTestSystem();
    const ref = system.spawn(logic as any, {} as any) as any;
    expect(await outcome(system, ref.ask({ type: 'edit' }))).toMatchObject({
      error: { code: 'UNHANDLED', fields: { why: 'its logic receives no messages' } },
    });
    expect(system.nowMs).toBe(0);
  });

  it('is answered by a callback and by a transition function that reply', async () => {
    const system = createTestSystem();
    const callback = fromCallback<Edit>(({ receive }) =>
      receive(({ replyTo }) => replyTo.send({ type: 'edited', text: 'callback' })),
    );
    const transition = fromTransition((n: number, event: Edit) => {
      event.replyTo.send({ type: 'edited', text: 'transition' });
      return n + 1;
    }, 0);
    for (const [logic, text] of [
      [callback, 'callback'],
      [transition, 'transition'],
    ] as const) {
      const ref = system.spawn(logic as AnyActorLogic) as unknown as Ref<Edit>;
      expect(await outcome(system, ref.ask({ type: 'edit', text: 'x' }))).toMatchObject({
        value: { text },
      });
    }
  });
});

describe('a request that is never answered', () => {
  const machine = editing.createMachine({
    context: { request: undefined },
    initial: 'open',
    states: {
      open: { on: { edit: {}, finish: 'closed', crash: { actions: throwing } } },
      closed: { type: 'final' },
    },
  });

  it('is lost when its machine reaches a final state', async () => {
    const system = createTestSystem();
    const ref = system.spawn(machine);
    const answer = settled(ref.ask({ type: 'edit', text: 'x' }));
    ref.send({ type: 'finish' });
    expect(await system.run(answer)).toMatchObject({
      error: { code: 'REQUEST_LOST', fields: { message: 'edit' } },
    });
    expect(system.stats().openRequests).toBe(0);
  });

  it('fails with the crash of its machine as the cause, held or queued', async () => {
    const system = createTestSystem();
    const ref = system.spawn(machine);
    const held = settled(ref.ask({ type: 'edit', text: 'x' }));
    ref.send({ type: 'crash' });
    const queued = settled(ref.ask({ type: 'edit', text: 'y' }));
    for (const answer of [held, queued])
      expect(await system.run(answer)).toMatchObject({
        error: { code: 'ACTOR_ENDED', reason: { type: 'crash' }, cause: { message: 'boom' } },
      });
  });

  it('fails when its machine is stopped or killed', async () => {
    const system = createTestSystem();
    for (const end of ['stop', 'kill'] as const) {
      const ref = system.spawn(machine);
      const answer = settled(ref.ask({ type: 'edit', text: 'x' }));
      await system.settle();
      await system.run(ref[end]());
      expect(await system.run(answer)).toMatchObject({ error: { code: 'ACTOR_ENDED' } });
    }
  });

  it('fails with the crash that handling it caused', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({ on: { edit: { actions: throwing } } }),
    ) as unknown as Ref<Edit>;
    expect(await outcome(system, ref.ask({ type: 'edit', text: 'x' }))).toMatchObject({
      error: { cause: { message: 'boom' } },
    });
    // It is not handled again, and stands among the dead letters with its error.
    expect(system.deadLetters.list()).toMatchObject([
      { reason: 'poison', error: { message: 'boom' } },
    ]);
  });
});

describe('a machine that asks', () => {
  const Editor = agentName<Ref<EditorEvent>>('editor');
  const writer = setup({
    types: {} as { context: { got: string[] }; events: { type: 'give up' } | { type: 'again' } },
    actors: { askEditor: ask(Editor, 'edit', { timeoutMs: 100 }) },
  }).createMachine({
    context: { got: [] },
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          id: 'ask',
          src: 'askEditor',
          input: { text: 'draft' },
          onDone: {
            target: 'done',
            actions: assign({
              got: ({ context, event }) => {
                expectTypeOf(event.output).toEqualTypeOf<Edited>();
                return [...context.got, event.output.text];
              },
            }),
          },
          onError: {
            target: 'failed',
            actions: assign({
              got: ({ context, event }) => [...context.got, (event.error as any).code],
            }),
          },
        },
        on: { 'give up': 'gave up', again: { target: 'asking', reenter: true } },
      },
      done: {},
      failed: {},
      'gave up': { on: { again: 'asking' } },
    },
  });

  /** An editor that answers when the test says so. */
  function heldEditor(system: TestSystem) {
    return system.probe<Edit>();
  }

  it('gets the reply by onDone, with typed input and output', async () => {
    const system = createTestSystem();
    system.spawn(
      editing.createMachine({
        context: { request: undefined },
        on: {
          edit: {
            actions: reply(({ event }) => ({ type: 'edited', text: `${event.text}, edited` })),
          },
        },
      }),
      { name: Editor },
    );
    const ref = system.spawn(writer);
    await system.settle();
    expect(ref.getSnapshot()).toMatchObject({ value: 'done', context: { got: ['draft, edited'] } });
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
    setup({ actors: { askEditor: ask(Editor, 'edit') } }).createMachine({
      // @ts-expect-error: the request has no such field
      invoke: { src: 'askEditor', input: { txt: 'draft' } },
    });
  });

  it('asks a ref as well as a name, and can be asked of an input without fields', async () => {
    type Ping = { type: 'ping'; replyTo: ReplyTo<{ type: 'pong' }> };
    const system = createTestSystem();
    const ponger = system.spawn(
      createMachine({ on: { ping: { actions: reply<any, Ping>({ type: 'pong' }) as any } } }),
    ) as unknown as Ref<Ping>;
    const ref = system.spawn(
      setup({ actors: { ping: ask(ponger, 'ping') } }).createMachine({
        initial: 'a',
        states: { a: { invoke: { src: 'ping', onDone: 'b' } }, b: {} },
      }),
    );
    await system.settle();
    expect(ref.getSnapshot().value).toBe('b');
  });

  it.each([
    ['NO_SUCH_ACTOR', 'nobody is there', undefined],
    ['UNHANDLED', 'the target takes no transition', createMachine({})],
    ['ACTOR_ENDED', 'the target crashes', createMachine({ on: { edit: { actions: throwing } } })],
    [
      'REQUEST_LOST',
      'the target ends without an answer',
      createMachine({ initial: 'a', states: { a: { on: { edit: 'b' } }, b: { type: 'final' } } }),
    ],
    ['ASK_TIMEOUT', 'the target takes too long', createMachine({ on: { edit: {} } })],
  ])('gets %s by onError when %s', async (code, _, logic) => {
    const system = createTestSystem();
    if (logic !== undefined) system.spawn(logic as AnyActorLogic, { name: Editor });
    const ref = system.spawn(writer);
    await system.advance(100);
    expect(ref.getSnapshot()).toMatchObject({ value: 'failed', context: { got: [code] } });
  });

  it('gets the failure that a target made before it crashed in the same step as the crash', async () => {
    const system = createTestSystem();
    system.spawn(
      createMachine({ on: { edit: { actions: [fail(new Error('no')) as any, throwing] } } }),
      { name: Editor },
    );
    const ref = system.spawn(writer);
    await system.settle();
    expect(ref.getSnapshot()).toMatchObject({ value: 'failed', context: { got: ['ACTOR_ENDED'] } });
  });

  it('cancels the ask when it leaves the state, and the late reply vanishes', async () => {
    const system = createTestSystem();
    const probe = heldEditor(system);
    system.register(Editor, probe.ref);
    const ref = system.spawn(writer);
    const request = await probe.expectMessage('edit');
    ref.send({ type: 'give up' });
    await system.settle();
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
    probe.reply(request, { type: 'edited', text: 'late' });
    await system.settle();
    expect(ref.getSnapshot()).toMatchObject({ value: 'gave up', context: { got: [] } });
    expect(system.deadLetters.total).toBe(0);
  });

  it('does not take the late reply of an ask for that of the next one with the same id', async () => {
    const system = createTestSystem();
    const probe = heldEditor(system);
    system.register(Editor, probe.ref);
    const ref = system.spawn(writer);
    const first = await probe.expectMessage('edit');
    ref.send({ type: 'again' });
    const second = await probe.expectMessage('edit');
    probe.reply(first, { type: 'edited', text: 'first' });
    await system.settle();
    expect(ref.getSnapshot().value).toBe('asking');
    probe.reply(second, { type: 'edited', text: 'second' });
    await system.settle();
    expect(ref.getSnapshot().context.got).toEqual(['second']);
  });

  it.each(['a crash', 'a kill'])('cancels its open asks on %s', async (how) => {
    const system = createTestSystem();
    const probe = heldEditor(system);
    system.register(Editor, probe.ref);
    const ref = system.spawn(writer);
    await system.settle();
    expect(system.stats().openRequests).toBe(1);
    if (how === 'a crash') await system.crash(ref);
    else await system.run(ref.kill());
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
  });

  it('fails with Interrupted when it is restored while an ask is open, and sends it no second time', async () => {
    const store = new MemoryStore();
    const begin = async () => {
      const system = createTestSystem();
      const probe = heldEditor(system);
      system.register(Editor, probe.ref);
      const ref = system.spawn(writer, { id: 'writer', persist: { store } });
      await system.settle();
      return { system, probe, ref };
    };
    const first = await begin();
    await first.probe.expectMessage('edit');
    const second = await begin();
    await second.probe.expectNoMessage();
    expect(second.ref.getSnapshot()).toMatchObject({
      value: 'failed',
      context: { got: ['INTERRUPTED'] },
    });
    expect(second.system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
  });

  it('keeps what an ask came to before a restore', async () => {
    const store = new MemoryStore();
    const begin = async () => {
      const system = createTestSystem();
      system.spawn(
        createMachine({
          on: { edit: { actions: reply<any, Edit>({ type: 'edited', text: 'ok' }) as any } },
        }),
        { name: Editor },
      );
      const ref = system.spawn(writer, { id: 'writer', persist: { store } });
      await system.settle();
      return ref.getSnapshot();
    };
    expect(await begin()).toMatchObject({ value: 'done', context: { got: ['ok'] } });
    expect(await begin()).toMatchObject({ value: 'done', context: { got: ['ok'] } });
  });

  it('asks anew in the next life after a crash', async () => {
    const system = createTestSystem();
    const probe = heldEditor(system);
    system.register(Editor, probe.ref);
    let child: any;
    system.spawn(
      fromHandler<undefined, { type: 'troupe.down' }>({
        start(_, ctx) {
          child = ctx.spawn(writer, { hold: true, monitor: true });
        },
        *receive(_, __, ctx) {
          yield* ctx.restart(child);
        },
      }),
    );
    const first = await probe.expectMessage('edit');
    await system.crash(child);
    const second = await probe.expectMessage('edit');
    probe.reply(first, { type: 'edited', text: 'first' });
    probe.reply(second, { type: 'edited', text: 'second' });
    await system.settle();
    expect(child.getSnapshot().context.got).toEqual(['second']);
  });
});
