import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import {
  ActorEnded,
  AskTimeout,
  InvalidOption,
  MailboxFull,
  NoSuchActor,
  RequestLost,
  SystemStopped,
  Unhandled,
  agentName,
  ask,
  fail,
  fromHandler,
  reply,
  type AgentContext,
  type InspectionEvent,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';

type Doubled = { readonly type: 'doubled'; readonly value: number };
type Double = {
  readonly type: 'double';
  readonly value: number;
  readonly replyTo: ReplyTo<Doubled>;
};
type Go = { readonly type: 'go' };
type Run = { readonly type: 'run'; readonly replyTo: ReplyTo<Ran> };
type Ran = { readonly type: 'ran'; readonly values: readonly number[] };

const boom = new Error('boom');

const doubler = fromHandler({
  receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
    ctx.reply(event, { type: 'doubled', value: event.value * 2 });
  },
});

/** Keeps every request and never answers by itself. */
function keeper(kept: Double[]) {
  return fromHandler({
    receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
      ctx.defer(event);
      kept.push(event);
    },
  });
}

function outcomes(system: TestSystem): string[] {
  const seen: string[] = [];
  system.inspect((event: InspectionEvent) => {
    if (event.type === 'settled') seen.push(event.outcome);
    if (event.type === 'late reply') seen.push('late reply');
  });
  return seen;
}

describe('an ask', () => {
  it('from outside resolves with the reply', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    expect(await system.run(agent.ask({ type: 'double', value: 2 }))).toEqual({
      type: 'doubled',
      value: 4,
    });
    expect(system.requests()).toEqual([]);
    expect(system.stats().asks).toMatchObject({ answered: 1, failed: 0 });
  });

  it('from a generator handler gives the reply where it waits', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          const one = yield* ctx.ask(agent, { type: 'double', value: 1 });
          const two = yield* ctx.ask(agent, { type: 'double', value: one.value });
          ctx.reply(event, { type: 'ran', values: [one.value, two.value] });
        },
      }),
    );
    expect(await system.run(asker.ask({ type: 'run' }))).toEqual({ type: 'ran', values: [2, 4] });
  });

  it('from an async handler gives the reply where it awaits, by the context and by the ref', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    const asker = system.spawn(
      fromHandler({
        async receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          const one = await ctx.ask(agent, { type: 'double', value: 1 });
          const two = await agent.ask({ type: 'double', value: one.value });
          ctx.reply(event, { type: 'ran', values: [one.value, two.value] });
        },
      }),
    );
    expect(await system.run(asker.ask({ type: 'run' }))).toEqual({ type: 'ran', values: [2, 4] });
  });

  it('of a name is sent to who holds it when the ask is made', async () => {
    const system = createTestSystem();
    const Doubler = agentName<Ref<Double>>('doubler');
    system.spawn(doubler, { name: Doubler });
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          const { value } = yield* ctx.ask(Doubler, { type: 'double', value: 21 });
          ctx.reply(event, { type: 'ran', values: [value] });
        },
      }),
    );
    expect(await system.run(asker.ask({ type: 'run' }))).toEqual({ type: 'ran', values: [42] });
  });

  it('is one of many with ctx.all, which gives the replies in the order of the asks', async () => {
    const system = createTestSystem();
    const slow = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          yield* ctx.sleep(100 / event.value);
          ctx.reply(event, { type: 'doubled', value: event.value * 2 });
        },
      }),
    );
    const agent = system.spawn(doubler);
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          const all = yield* ctx.all([
            ctx.ask(slow, { type: 'double', value: 1 }),
            ctx.ask(agent, { type: 'double', value: 2 }),
            ctx.ask(slow, { type: 'double', value: 3 }),
          ]);
          ctx.reply(event, { type: 'ran', values: all.map(({ value }) => value) });
        },
      }),
    );
    expect(await system.run(asker.ask({ type: 'run' }))).toEqual({
      type: 'ran',
      values: [2, 4, 6],
    });
  });

  it('that fails among many fails ctx.all, and the handler may catch it', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    const gone = system.ref('/gone') as unknown as Ref<Double>;
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          try {
            yield* ctx.all([
              ctx.ask(agent, { type: 'double', value: 2 }),
              ctx.ask(gone, { type: 'double', value: 3 }),
            ]);
          } catch (error) {
            ctx.fail(event, error);
          }
        },
      }),
    );
    await expect(system.run(asker.ask({ type: 'run' }))).rejects.toBeInstanceOf(NoSuchActor);
    expect(system.requests()).toEqual([]);
  });

  it('that fails and is not caught crashes the handler, and its own asker learns the cause', async () => {
    const system = createTestSystem();
    const gone = system.ref('/gone') as unknown as Ref<Double>;
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          const { value } = yield* ctx.ask(gone, { type: 'double', value: 3 });
          ctx.reply(event, { type: 'ran', values: [value] });
        },
      }),
    );
    const asked = asker.ask({ type: 'run' });
    await expect(system.run(asked)).rejects.toMatchObject({
      code: 'ACTOR_ENDED',
      cause: { code: 'NO_SUCH_ACTOR' },
    });
  });

  it('of nobody fails at once with NoSuchActor, which names the address and the request', async () => {
    const system = createTestSystem();
    const gone = system.ref('/gone') as unknown as Ref<Double>;
    const asked = gone.ask({ type: 'double', value: 1 });
    await expect(asked).rejects.toMatchObject({
      code: 'NO_SUCH_ACTOR',
      fields: { address: 'local/gone', message: 'double' },
    });
    expect(system.nowMs).toBe(0);
    expect(system.requests()).toEqual([]);
  });

  it('of an agent that has ended fails at once with NoSuchActor', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    await system.run(agent.stop());
    await expect(agent.ask({ type: 'double', value: 1 })).rejects.toBeInstanceOf(NoSuchActor);
  });

  it('of a logic that receives nothing is Unhandled at once', async () => {
    const system = createTestSystem();
    const { fromPromise } = await import('xstate');
    const agent = system.spawn(
      fromPromise(() => new Promise(() => undefined)),
    ) as unknown as Ref<Double>;
    await expect(system.run(agent.ask({ type: 'double', value: 1 }))).rejects.toBeInstanceOf(
      Unhandled,
    );
    expect(system.nowMs).toBe(0);
  });

  it('is refused at the call when its timeout or budget is no amount', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    for (const options of [
      { timeoutMs: -1 },
      { timeoutMs: Number.NaN },
      { budget: { tokens: -1 } },
    ]) {
      await expect(agent.ask({ type: 'double', value: 1 }, options)).rejects.toBeInstanceOf(
        InvalidOption,
      );
    }
    expect(system.requests()).toEqual([]);
  });
});

describe('an open ask', () => {
  it('is counted and listed, oldest first, under the number that it has among the asks of its system', async () => {
    const system = createTestSystem({ name: 'here' });
    const agent = system.spawn(keeper([]));
    const asked = [1, 2].map((value) => agent.ask({ type: 'double', value }));
    for (const each of asked) each.catch(() => undefined);
    expect(system.stats().openRequests).toBe(2);
    expect(system.requests().map(({ by }) => by)).toEqual(['here/#ask1', 'here/#ask2']);
    await system.advance(5_000);
    expect(system.stats().openRequests).toBe(0);
  });

  it('with a timeout of Infinity sets no timer, and is settled like any other', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const agent = system.spawn(keeper(kept));
    const asked = agent.ask({ type: 'double', value: 1 }, { timeoutMs: Infinity });
    await system.settle();
    expect(system.stats()).toMatchObject({ openRequests: 1, timers: 0 });
    kept[0]?.replyTo.send({ type: 'doubled', value: 2 });
    expect(await system.run(asked)).toEqual({ type: 'doubled', value: 2 });
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
  });
});

describe('a timeout', () => {
  it('comes after 5 s at the root of a task by default, and as the system or the ask says', async () => {
    for (const [options, askOptions, expected] of [
      [{}, {}, 5_000],
      [{ askTimeoutMs: 70 }, {}, 70],
      [{ askTimeoutMs: 70 }, { timeoutMs: 90 }, 90],
    ] as const) {
      const system = createTestSystem(options);
      const agent = system.spawn(keeper([]));
      await expect(
        system.run(agent.ask({ type: 'double', value: 1 }, askOptions)),
      ).rejects.toMatchObject({ code: 'ASK_TIMEOUT', fields: { timeoutMs: expected } });
      expect(system.nowMs).toBe(expected);
      expect(system.stats().timers).toBe(0);
    }
  });

  it('says "not delivered" when the request had no place in a full mailbox, and it never gets one', async () => {
    const system = createTestSystem();
    const started: number[] = [];
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          started.push(event.value);
          ctx.reply(event, { type: 'doubled', value: 0 });
        },
      }),
      { mailbox: { capacityMessages: 1, overflow: 'wait' } },
    );
    system.suspend(agent);
    await system.settle();
    const queued = agent.ask({ type: 'double', value: 1 }, { timeoutMs: 100 });
    const outside = agent.ask({ type: 'double', value: 2 }, { timeoutMs: 50 });
    queued.catch(() => undefined);
    await expect(system.run(outside)).rejects.toMatchObject({ progress: 'not delivered' });
    system.resume(agent);
    await system.settle();
    await expect(queued).resolves.toBeDefined();
    expect(started).toEqual([1]);
  });

  it('says "queued" when nobody had taken it up, and such a request is never started', async () => {
    const system = createTestSystem();
    const started: number[] = [];
    const agent = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          started.push(event.value);
          yield* ctx.sleep(100);
          ctx.reply(event, { type: 'doubled', value: 0 });
        },
      }),
    );
    const first = agent.ask({ type: 'double', value: 1 });
    const second = agent.ask({ type: 'double', value: 2 }, { timeoutMs: 50 });
    await expect(system.run(second)).rejects.toMatchObject({ progress: 'queued' });
    await system.run(first);
    await system.advance(1_000);
    expect(started).toEqual([1]);
  });

  it('says in whole milliseconds how long it waited, whatever fraction the clock stood at', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const agent = system.spawn(keeper(kept));
    await system.advance(14.15);
    const asked = agent.ask({ type: 'double', value: 1 }, { timeoutMs: 50 });
    await expect(system.run(asked)).rejects.toThrow('no answer within 50 ms');
  });

  it('says "started" when the agent had it in hand', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const agent = system.spawn(keeper(kept));
    const asked = agent.ask({ type: 'double', value: 1 }, { timeoutMs: 50 });
    await expect(system.run(asked)).rejects.toBeInstanceOf(AskTimeout);
    await expect(asked).rejects.toMatchObject({ progress: 'started' });
    expect(kept).toHaveLength(1);
  });

  it('says "queued" of a request that a machine has postponed, and it is never started', async () => {
    const system = createTestSystem();
    let started = 0;
    const machine = setup({ types: { events: {} as Double | Go } }).createMachine({
      initial: 'busy',
      states: {
        busy: { meta: { postpone: ['double'] }, on: { go: 'free' } },
        free: { on: { double: { actions: () => (started += 1) } } },
      },
    });
    const agent = system.spawn(machine);
    const asked = agent.ask({ type: 'double', value: 1 }, { timeoutMs: 50 });
    await expect(system.run(asked)).rejects.toMatchObject({ progress: 'queued' });
    agent.send({ type: 'go' });
    await system.settle();
    expect(started).toBe(0);
  });

  it('lets a late reply vanish: it is an inspection event and no dead letter', async () => {
    const system = createTestSystem();
    const seen = outcomes(system);
    const agent = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          yield* ctx.sleep(100);
          ctx.reply(event, { type: 'doubled', value: 0 });
        },
      }),
    );
    const asked = agent.ask({ type: 'double', value: 1 }, { timeoutMs: 50 });
    await expect(system.run(asked)).rejects.toBeInstanceOf(AskTimeout);
    await system.advance(100);
    expect(seen).toEqual(['expired', 'late reply']);
    expect(system.deadLetters.total).toBe(0);
  });

  it('of an ask that an agent made wakes it with the error', async () => {
    const system = createTestSystem();
    const agent = system.spawn(keeper([]));
    const caught: unknown[] = [];
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          try {
            yield* ctx.ask(agent, { type: 'double', value: 1 }, { timeoutMs: 30 });
          } catch (error) {
            caught.push(error);
          }
        },
      }),
    );
    asker.send({ type: 'go' });
    await system.advance(30);
    expect(caught).toMatchObject([{ code: 'ASK_TIMEOUT', progress: 'started' }]);
  });
});

describe('the end of the target', () => {
  for (const how of ['holds', 'has queued'] as const) {
    it(`by a crash fails at once what it ${how}, with the crash as reason and cause`, async () => {
      const system = createTestSystem();
      const agent = system.spawn(keeper([]));
      await system.settle();
      if (how === 'has queued') system.suspend(agent);
      const asked = agent.ask({ type: 'double', value: 1 });
      asked.catch(() => undefined);
      await system.settle();
      await system.crash(agent, boom);
      await expect(asked).rejects.toBeInstanceOf(ActorEnded);
      await expect(asked).rejects.toMatchObject({
        reason: { type: 'crash', error: boom },
        cause: boom,
        fields: { address: `local${agent.path}`, message: 'double' },
      });
      expect(system.nowMs).toBe(0);
    });

    it(`by a stop fails at once what it ${how}, with its detail`, async () => {
      const system = createTestSystem();
      const agent = system.spawn(keeper([]));
      await system.settle();
      if (how === 'has queued') system.suspend(agent);
      const asked = agent.ask({ type: 'double', value: 1 });
      asked.catch(() => undefined);
      await system.settle();
      await system.run(agent.stop({ detail: 'enough' }));
      await expect(asked).rejects.toMatchObject({
        code: 'ACTOR_ENDED',
        reason: { type: 'shutdown', detail: 'enough' },
      });
    });

    it(`by a kill fails at once what it ${how}`, async () => {
      const system = createTestSystem();
      const agent = system.spawn(keeper([]));
      await system.settle();
      if (how === 'has queued') system.suspend(agent);
      const asked = agent.ask({ type: 'double', value: 1 });
      asked.catch(() => undefined);
      await system.settle();
      await system.run(agent.kill());
      await expect(asked).rejects.toMatchObject({
        code: 'ACTOR_ENDED',
        reason: { type: 'killed' },
      });
    });
  }

  it('by its own throw fails the request in hand, and the message is a poison dead letter', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, _event: Double) {
          throw boom;
        },
      }),
    );
    await expect(system.run(agent.ask({ type: 'double', value: 1 }))).rejects.toMatchObject({
      cause: boom,
    });
    expect(system.deadLetters.list()).toMatchObject([
      { reason: 'poison', error: boom, message: { type: 'double', value: 1 } },
    ]);
  });

  it('by a normal end loses the requests that it had deferred', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.defer(event);
          ctx.stop();
        },
      }),
    );
    await expect(system.run(agent.ask({ type: 'double', value: 1 }))).rejects.toBeInstanceOf(
      RequestLost,
    );
    expect(system.nowMs).toBe(0);
  });

  it('by a final state of a machine loses the request that it took a transition on', async () => {
    const system = createTestSystem();
    const machine = setup({ types: { events: {} as Double } }).createMachine({
      initial: 'open',
      states: { open: { on: { double: 'closed' } }, closed: { type: 'final' } },
    });
    const agent = system.spawn(machine);
    await expect(system.run(agent.ask({ type: 'double', value: 1 }))).rejects.toBeInstanceOf(
      RequestLost,
    );
    expect(system.nowMs).toBe(0);
  });

  it('while it starts fails what waited for it', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        *start(_state: undefined, ctx: AgentContext<Double>) {
          yield* ctx.sleep(10);
          throw boom;
        },
        receive(_state: undefined, _event: Double) {},
      }),
    );
    const asked = agent.ask({ type: 'double', value: 1 });
    await expect(system.run(asked)).rejects.toMatchObject({ reason: { type: 'crash' } });
  });

  it('of the whole system fails every open ask', async () => {
    const system = createTestSystem();
    const agent = system.spawn(keeper([]));
    const asked = agent.ask({ type: 'double', value: 1 });
    asked.catch(() => undefined);
    await system.settle();
    await system.stop();
    await expect(asked).rejects.toBeInstanceOf(ActorEnded);
    await expect(agent.ask({ type: 'double', value: 1 })).rejects.toBeInstanceOf(SystemStopped);
    expect(system.requests()).toEqual([]);
    expect(system.stats().timers).toBe(0);
  });
});

describe('the end of the asker', () => {
  it('cancels its asks: the holder owes nothing any more, and its reply is late', async () => {
    const system = createTestSystem();
    const seen = outcomes(system);
    const kept: Double[] = [];
    let holder: AgentContext<Double> | undefined;
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.defer(event);
          kept.push(event);
          holder = ctx;
        },
      }),
    );
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          yield* ctx.ask(agent, { type: 'double', value: 1 });
        },
      }),
    );
    asker.send({ type: 'go' });
    await system.settle();
    expect(system.requests()).toMatchObject([{ request: 'double', holder: 'local/$1' }]);
    await system.run(asker.kill());
    expect(system.requests()).toEqual([]);
    holder?.reply(kept[0] as Double, { type: 'doubled', value: 2 });
    await system.settle();
    expect(seen).toEqual(['failed', 'late reply']);
  });

  it('before its request is taken up lets nobody start it', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const agent = system.spawn(keeper(kept));
    await system.settle();
    system.suspend(agent);
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          yield* ctx.ask(agent, { type: 'double', value: 1 });
        },
      }),
    );
    asker.send({ type: 'go' });
    await system.settle();
    await system.run(asker.stop());
    system.resume(agent);
    await system.settle();
    expect(kept).toEqual([]);
    expect(system.requests()).toEqual([]);
  });
});

describe('an AbortSignal', () => {
  it('ends an ask from outside with its reason, at once', async () => {
    const system = createTestSystem();
    const seen = outcomes(system);
    const agent = system.spawn(keeper([]));
    const controller = new AbortController();
    const asked = agent.ask({ type: 'double', value: 1 }, { signal: controller.signal });
    await system.settle();
    controller.abort(boom);
    await expect(asked).rejects.toBe(boom);
    expect(seen).toEqual(['cancelled']);
    expect(system.requests()).toEqual([]);
    expect(system.stats().timers).toBe(0);
  });

  it('that is aborted already lets nobody start the request', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const agent = system.spawn(keeper(kept));
    const signal = AbortSignal.abort(boom);
    await expect(agent.ask({ type: 'double', value: 1 }, { signal })).rejects.toBe(boom);
    await system.settle();
    expect(kept).toEqual([]);
  });

  it('ends an ask of a handler: it goes on with the reason', async () => {
    const system = createTestSystem();
    const agent = system.spawn(keeper([]));
    const controller = new AbortController();
    const caught: unknown[] = [];
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          const { signal } = controller;
          try {
            yield* ctx.ask(agent, { type: 'double', value: 1 }, { signal });
          } catch (error) {
            caught.push(error);
          }
        },
      }),
    );
    asker.send({ type: 'go' });
    await system.settle();
    controller.abort(boom);
    await system.settle();
    expect(caught).toEqual([boom]);
    expect(system.requests()).toEqual([]);
  });

  it('that comes after the reply changes nothing', async () => {
    const system = createTestSystem();
    const agent = system.spawn(doubler);
    const controller = new AbortController();
    const { signal } = controller;
    const asked = agent.ask({ type: 'double', value: 1 }, { signal });
    await system.run(asked);
    controller.abort(boom);
    await expect(asked).resolves.toEqual({ type: 'doubled', value: 2 });
  });
});

describe('a request', () => {
  it('that its handler returns from without reply, forward or defer is lost at once', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({ receive: (_state: undefined, _event: Double) => undefined }),
    );
    await expect(system.run(agent.ask({ type: 'double', value: 1 }))).rejects.toMatchObject({
      code: 'REQUEST_LOST',
      fields: { address: `local${agent.path}`, message: 'double' },
    });
    expect(system.nowMs).toBe(0);
  });

  it('is lost when a generator or async handler ends without an answer, and not before', async () => {
    for (const handler of [
      fromHandler({
        *receive(_state: undefined, _event: Double, ctx: AgentContext<Double>) {
          yield* ctx.sleep(20);
        },
      }),
      fromHandler({
        async receive(_state: undefined, _event: Double, ctx: AgentContext<Double>) {
          await ctx.sleep(20);
        },
      }),
    ]) {
      const system = createTestSystem();
      const agent = system.spawn(handler);
      const asked = agent.ask({ type: 'double', value: 1 });
      await expect(system.run(asked)).rejects.toBeInstanceOf(RequestLost);
      expect(system.nowMs).toBe(20);
    }
  });

  it('that is deferred is answered later, by any later turn of its holder', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        initial: (): readonly Double[] => [],
        receive(kept, event: Double | Go, ctx: AgentContext<Double | Go>) {
          if (event.type === 'double') {
            ctx.defer(event);
            return [...kept, event];
          }
          for (const each of kept) ctx.reply(each, { type: 'doubled', value: each.value * 2 });
          return [];
        },
      }),
    );
    const asked = Promise.all(
      [1, 2, 3].map((value) => agent.ask({ type: 'double', value }, { timeoutMs: 1_000 })),
    );
    await system.advance(500);
    expect(system.requests()).toHaveLength(3);
    expect(system.requests()[0]).toMatchObject({
      request: 'double',
      target: `local${agent.path}`,
      holder: `local${agent.path}`,
      progress: 'started',
      ageMs: 500,
    });
    agent.send({ type: 'go' });
    expect((await system.run(asked)).map(({ value }) => value)).toEqual([2, 4, 6]);
  });

  it('that a machine took a transition on is held until it answers, and fails with fail(...)', async () => {
    const system = createTestSystem();
    const machine = setup({
      types: { events: {} as Double | Go, context: {} as { kept: Double | undefined } },
    }).createMachine({
      context: { kept: undefined },
      initial: 'open',
      states: {
        open: {
          on: {
            double: [
              { guard: ({ event }) => event.value < 0, actions: fail(boom) },
              { guard: ({ event }) => event.value === 0 },
              {
                target: 'busy',
                actions: ({ context, event }) => {
                  context.kept = event;
                },
              },
            ],
          },
        },
        busy: {
          on: {
            go: {
              target: 'open',
              actions: reply({
                to: ({ context }) => context.kept as Double,
                with: { type: 'doubled', value: 7 },
              }),
            },
          },
        },
      },
    });
    const agent = system.spawn(machine);
    await expect(system.run(agent.ask({ type: 'double', value: -1 }))).rejects.toBe(boom);
    const asked = agent.ask({ type: 'double', value: 1 });
    await system.advance(1_000);
    agent.send({ type: 'go' });
    expect(await system.run(asked)).toEqual({ type: 'doubled', value: 7 });
  });

  it('fails with what ctx.fail gives', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Double, ctx: AgentContext<Double>) =>
          ctx.fail(event, boom),
      }),
    );
    await expect(system.run(agent.ask({ type: 'double', value: 1 }))).rejects.toBe(boom);
    expect(system.stats().asks).toMatchObject({ answered: 0, failed: 1 });
  });

  it('that is answered twice has its first answer; the second is an inspection event', async () => {
    const system = createTestSystem();
    const seen = outcomes(system);
    const kept: Double[] = [];
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double | Go, ctx: AgentContext<Double | Go>) {
          if (event.type === 'double') {
            kept.push(event);
            ctx.reply(event, { type: 'doubled', value: 1 });
            ctx.reply(event, { type: 'doubled', value: 2 });
          } else ctx.reply(kept[0] as Double, { type: 'doubled', value: 3 });
        },
      }),
    );
    expect(await system.run(agent.ask({ type: 'double', value: 1 }))).toMatchObject({ value: 1 });
    agent.send({ type: 'go' });
    await system.settle();
    expect(seen).toEqual(['answered', 'late reply', 'late reply']);
    expect(system.deadLetters.total).toBe(0);
    expect(system.stats().asks).toMatchObject({ answered: 1, failed: 0 });
  });

  it('that is answered and then failed in one step has its answer, for it came first', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.reply(event, { type: 'doubled', value: 1 });
          ctx.fail(event, boom);
        },
      }),
    );
    expect(await system.run(agent.ask({ type: 'double', value: 1 }))).toMatchObject({ value: 1 });
  });

  it('that a handler fails before it crashes is settled, and a machine that asked learns it', async () => {
    const system = createTestSystem();
    const agent: Ref<Double> = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.fail(event, new Error('no'));
          throw boom;
        },
      }),
    );
    const machine = setup({ actors: { askDouble: ask(agent, 'double') } }).createMachine({
      initial: 'asking',
      states: {
        asking: {
          invoke: { src: 'askDouble', input: { value: 1 }, onDone: 'answered', onError: 'failed' },
        },
        answered: {},
        failed: {},
      },
    });
    const asker = system.spawn(machine);
    await system.settle();
    expect(asker.getSnapshot().value).toBe('failed');
  });

  it('is answered by the reply that a user sends to replyTo, also from outside', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const agent = system.spawn(keeper(kept));
    const asked = agent.ask({ type: 'double', value: 1 });
    await system.settle();
    kept[0]?.replyTo.send({ type: 'doubled', value: 9 });
    expect(await system.run(asked)).toEqual({ type: 'doubled', value: 9 });
  });
});

describe('forward', () => {
  const passer = (to: Ref<Double>) =>
    fromHandler({
      receive: (_state: undefined, event: Double, ctx: AgentContext<Double>) =>
        ctx.forward(to, event),
    });

  it('hands the obligation on: the asker gets the answer of the last one', async () => {
    const system = createTestSystem();
    const last = system.spawn(doubler);
    const middle = system.spawn(passer(last));
    const first = system.spawn(passer(middle));
    expect(await system.run(first.ask({ type: 'double', value: 4 }))).toEqual({
      type: 'doubled',
      value: 8,
    });
  });

  it('leaves nothing owed by who forwarded: its end does not fail the request', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const last = system.spawn(keeper(kept), { id: 'last' });
    const first = system.spawn(passer(last), { id: 'first' });
    const asked = first.ask({ type: 'double', value: 4 });
    await system.settle();
    expect(system.requests()).toMatchObject([{ target: 'local/first', holder: 'local/last' }]);
    await system.crash(first);
    kept[0]?.replyTo.send({ type: 'doubled', value: 8 });
    expect(await system.run(asked)).toMatchObject({ value: 8 });
  });

  it('makes the end of the last one the end of the request', async () => {
    const system = createTestSystem();
    const last = system.spawn(keeper([]), { id: 'last' });
    const first = system.spawn(passer(last));
    const asked = first.ask({ type: 'double', value: 4 });
    asked.catch(() => undefined);
    await system.settle();
    await system.crash(last, boom);
    await expect(asked).rejects.toMatchObject({ cause: boom, fields: { address: 'local/last' } });
  });

  it('to nobody fails the request with NoSuchActor, to a full mailbox with MailboxFull', async () => {
    const system = createTestSystem();
    const gone = system.spawn(passer(system.ref('/gone') as unknown as Ref<Double>));
    await expect(system.run(gone.ask({ type: 'double', value: 4 }))).rejects.toBeInstanceOf(
      NoSuchActor,
    );
    const full = system.spawn(keeper([]), { mailbox: { capacityMessages: 1 } });
    await system.settle();
    system.suspend(full);
    const first = system.spawn(passer(full));
    const queued = first.ask({ type: 'double', value: 4 });
    queued.catch(() => undefined);
    await expect(system.run(first.ask({ type: 'double', value: 5 }))).rejects.toBeInstanceOf(
      MailboxFull,
    );
  });

  it('keeps the deadline of the asker', async () => {
    const system = createTestSystem();
    const first = system.spawn(passer(system.spawn(keeper([]))));
    const asked = first.ask({ type: 'double', value: 4 }, { timeoutMs: 80 });
    await expect(system.run(asked)).rejects.toMatchObject({ progress: 'started' });
    expect(system.nowMs).toBe(80);
  });

  it('of a deferred request works in a later turn', async () => {
    const system = createTestSystem();
    const last = system.spawn(doubler);
    const first = system.spawn(
      fromHandler({
        initial: (): Double | undefined => undefined,
        receive(kept: Double | undefined, event: Double | Go, ctx: AgentContext<Double | Go>) {
          if (event.type === 'double') {
            ctx.defer(event);
            return event;
          }
          if (kept !== undefined) ctx.forward(last, kept);
          return kept;
        },
      }),
    );
    const asked = first.ask({ type: 'double', value: 4 });
    await system.advance(10);
    first.send({ type: 'go' });
    expect(await system.run(asked)).toMatchObject({ value: 8 });
  });

  it('in a step that crashes has not happened: the request fails with the crash', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const last = system.spawn(keeper(kept));
    const first = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.forward(last, event);
          throw boom;
        },
      }),
    );
    await expect(system.run(first.ask({ type: 'double', value: 4 }))).rejects.toMatchObject({
      cause: boom,
    });
    expect(kept).toEqual([]);
  });

  it('over the hop limit is told to a machine that asked, also when the step crashes after it', async () => {
    const system = createTestSystem({ hopsMax: 1 });
    const last = system.spawn(doubler);
    const first: Ref<Double> = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.forward(last, event);
          throw boom;
        },
      }),
    );
    const asker = system.spawn(
      setup({ actors: { askDouble: ask(first, 'double') } }).createMachine({
        initial: 'asking',
        states: {
          asking: {
            invoke: { src: 'askDouble', input: { value: 1 }, onDone: 'done', onError: 'failed' },
          },
          done: {},
          failed: {},
        },
      }),
    );
    await system.settle();
    expect(asker.getSnapshot().value).toBe('failed');
  });

  it('of a request that one does not hold any more is refused: exactly one other gets it', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const a = system.spawn(keeper(kept));
    const b = system.spawn(keeper(kept));
    const errors: unknown[] = [];
    const first = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double, ctx: AgentContext<Double>) {
          ctx.forward(a, event);
          try {
            ctx.forward(b, event);
          } catch (error) {
            errors.push(error);
          }
        },
      }),
    );
    const asked = first.ask({ type: 'double', value: 4 });
    await system.settle();
    expect(errors).toMatchObject([{ code: 'INVALID_OPTION' }]);
    expect(kept).toHaveLength(1);
    kept[0]?.replyTo.send({ type: 'doubled', value: 8 });
    await system.run(asked);
  });

  it('makes a later defer of the first one mean nothing: the last one still loses what it drops', async () => {
    const system = createTestSystem();
    const kept: Double[] = [];
    const last = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Double, ctx: AgentContext<Double>) {
          yield* ctx.sleep(10);
        },
      }),
    );
    const first = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Double | Go, ctx: AgentContext<Double | Go>) {
          if (event.type === 'double') {
            kept.push(event);
            ctx.forward(last, event);
          } else ctx.defer(kept[0] as Double);
        },
      }),
    );
    const asked = first.ask({ type: 'double', value: 4 });
    await system.settle();
    first.send({ type: 'go' });
    await expect(system.run(asked)).rejects.toBeInstanceOf(RequestLost);
    expect(system.nowMs).toBe(10);
  });

  it('of what is no request is refused', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const agent = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Go, ctx: AgentContext<Go>) =>
          ctx.forward(probe.ref, event),
      }),
    );
    agent.send({ type: 'go' });
    await system.settle();
    await expect(agent.result()).rejects.toMatchObject({ cause: { code: 'INVALID_OPTION' } });
  });
});

describe('two systems of one process', () => {
  it('answer each other, even when they have the same name', async () => {
    const one = createTestSystem({ name: 'twin' });
    const other = createTestSystem({ name: 'twin' });
    const settleBoth = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) {
        await one.settle();
        await other.settle();
      }
    };
    // An ask of the other system with the number that the one's ask will have.
    const kept: Double[] = [];
    const foreign = other.spawn(keeper([])).ask({ type: 'double', value: 100 });
    foreign.catch(() => undefined);
    await settleBoth();

    const agent = other.spawn(doubler);
    const defers = other.spawn(keeper(kept));
    const asker = one.spawn(
      fromHandler({
        *receive(_state: undefined, event: Run, ctx: AgentContext<Run>) {
          const first = yield* ctx.ask(agent, { type: 'double', value: 1 });
          const second = yield* ctx.ask(defers, { type: 'double', value: 2 });
          ctx.reply(event, { type: 'ran', values: [first.value, second.value] });
        },
      }),
    );
    const asked = asker.ask({ type: 'run' });
    await settleBoth();
    kept[0]?.replyTo.send({ type: 'doubled', value: 4 });
    await settleBoth();
    expect(await asked).toEqual({ type: 'ran', values: [2, 4] });
    expect(one.requests()).toEqual([]);
    expect(other.requests()).toHaveLength(1);
  });
});

describe('the message of ActorEnded', () => {
  type Never = { readonly type: 'never'; readonly replyTo: ReplyTo<{ readonly type: 'x' }> };
  const deaf = () =>
    fromHandler({
      receive: (_state: undefined, event: Never, ctx: AgentContext<Never>) => ctx.defer(event),
    });

  it('says whose end it was: of the asked, of the asker, or without a result', async () => {
    const system = createTestSystem();
    const messageOf = (error: unknown): string => (error as Error).message;
    const errors: unknown[] = [];
    const asked = system.spawn(deaf(), { id: 'asked' });
    const asker = system.spawn(
      fromHandler({
        async receive(_state: undefined, _event: { type: 'go' }, ctx) {
          await ctx.ask(asked, { type: 'never' }).then(undefined, (error) => errors.push(error));
        },
      }),
      { id: 'asker' },
    );
    asker.send({ type: 'go' });
    await system.settle();
    const result = asker.result().catch(messageOf);
    await system.run(asker.stop());
    await system.settle();
    expect(errors.map(messageOf)).toEqual([
      'local/asker ended (shutdown) before its ask "never" of local/asked was answered',
    ]);
    expect(await result).toBe('local/asker ended (shutdown) without a result');
    const open = asked.ask({ type: 'never' }).catch(messageOf);
    await system.settle();
    await system.run(asked.stop());
    expect(await open).toBe('local/asked ended (shutdown) before it answered "never"');
  });
});
