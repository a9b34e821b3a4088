import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import {
  HopLimit,
  agentName,
  ask,
  fromHandler,
  here,
  reply,
  type AgentContext,
  type AskOptions,
  type Budget,
  type InspectionEvent,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Done = { readonly type: 'done' };
type Work = { readonly type: 'work'; readonly replyTo: ReplyTo<Done> };
type Tick = { readonly type: 'tick' };
type Seen = { readonly remainingMs: number; readonly budget: Budget | undefined };

const DONE: Done = { type: 'done' };

/** Answers and notes what the task may still spend. */
function watcher(seen: Seen[], afterMs = 0) {
  return fromHandler({
    *receive(_state: undefined, event: Work | Tick, ctx: AgentContext<Work | Tick>) {
      seen.push({ remainingMs: ctx.remainingMs, budget: ctx.budget });
      if (event.type === 'tick') return;
      if (afterMs > 0) yield* ctx.sleep(afterMs);
      ctx.reply(event, DONE);
    },
  });
}

/** Asks the next one in the same task, with these options, then answers. */
function middle(next: Ref<Work>, options: AskOptions = {}, errors: unknown[] = []) {
  return fromHandler({
    *receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
      try {
        yield* ctx.ask(next, { type: 'work' }, options);
        ctx.reply(event, DONE);
      } catch (error) {
        errors.push({ error, atMs: ctx.now() });
        ctx.fail(event, error);
      }
    },
  });
}

const never = fromHandler({
  receive: (_state: undefined, event: Work, ctx: AgentContext<Work>) => ctx.defer(event),
});

describe('a deadline', () => {
  it('is inherited: work for a task sees what the task has left, not a default of its own', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const first = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
          yield* ctx.sleep(100);
          yield* ctx.ask(last, { type: 'work' });
          ctx.reply(event, DONE);
        },
      }),
    );
    await system.run(first.ask({ type: 'work' }, { timeoutMs: 300 }));
    await system.run(first.ask({ type: 'work' }, { timeoutMs: 30_000 }));
    expect(seen.map(({ remainingMs }) => remainingMs)).toEqual([200, 29_900]);
  });

  it('of a nested ask with a larger timeout is the outer one', async () => {
    const system = createTestSystem();
    const errors: { error: unknown; atMs: number }[] = [];
    const first = system.spawn(middle(system.spawn(never), { timeoutMs: 60_000 }, errors));
    const asked = first.ask({ type: 'work' }, { timeoutMs: 70 });
    await expect(system.run(asked)).rejects.toMatchObject({ code: 'ASK_TIMEOUT' });
    await system.settle();
    expect(errors).toMatchObject([{ error: { code: 'ASK_TIMEOUT' }, atMs: 70 }]);
  });

  it('of a nested ask with a smaller timeout is its own', async () => {
    const system = createTestSystem();
    const errors: { error: unknown; atMs: number }[] = [];
    const first = system.spawn(middle(system.spawn(never), { timeoutMs: 20 }, errors));
    const asked = first.ask({ type: 'work' }, { timeoutMs: 70 });
    await expect(system.run(asked)).rejects.toMatchObject({ fields: { timeoutMs: 20 } });
    expect(errors).toMatchObject([{ atMs: 20 }]);
  });

  it('is inherited by what is sent for the task, and by its own asks below', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const helper = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Tick, ctx: AgentContext<Tick>) {
          yield* ctx.sleep(10);
          yield* ctx.ask(last, { type: 'work' }, { timeoutMs: 9_000 });
        },
      }),
    );
    const first = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
          ctx.send(helper, { type: 'tick' });
          ctx.reply(event, DONE);
        },
      }),
    );
    await system.run(first.ask({ type: 'work' }, { timeoutMs: 1_000 }));
    await system.advance(10);
    expect(seen).toMatchObject([{ remainingMs: 990 }]);
  });

  it('holds in an async handler too, also after an await of its own', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const first = system.spawn(
      fromHandler({
        async receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
          await Promise.resolve();
          await ctx.sleep(50);
          await ctx.ask(last, { type: 'work' });
          ctx.reply(event, DONE);
        },
      }),
    );
    await system.run(first.ask({ type: 'work' }, { timeoutMs: 400 }));
    expect(seen).toMatchObject([{ remainingMs: 350 }]);
  });

  it('of a machine holds for the asks that it makes one after the other for a request', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const Last = agentName<Ref<Work>>('last');
    system.spawn(watcher(seen, 100), { name: Last });
    const machine = setup({
      types: { events: {} as Work, context: {} as { request: Work | undefined } },
      actors: { askLast: ask(Last, 'work') },
    }).createMachine({
      context: { request: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: {
            work: { target: 'one', actions: ({ context, event }) => (context.request = event) },
          },
        },
        one: { invoke: { src: 'askLast', onDone: 'two', onError: 'idle' } },
        two: { invoke: { src: 'askLast', onDone: 'three', onError: 'idle' } },
        three: {
          after: {
            100: {
              target: 'four',
            },
          },
        },
        four: {
          invoke: {
            src: 'askLast',
            onDone: {
              target: 'idle',
              actions: reply({ to: ({ context }) => context.request as Work, with: DONE }),
            },
            onError: 'idle',
          },
        },
      },
    });
    const agent = system.spawn(machine);
    await system.run(agent.ask({ type: 'work' }, { timeoutMs: 1_000 }));
    expect(seen.map(({ remainingMs }) => remainingMs)).toEqual([1_000, 900, 700]);
  });

  it('of a machine holds for what follows a promise that it invoked for a request', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const { fromPromise } = await import('xstate');
    const last = system.spawn(watcher(seen));
    const machine = setup({
      types: { events: {} as Work, context: {} as { request: Work | undefined } },
      actors: { think: fromPromise(() => Promise.resolve()) },
    }).createMachine({
      context: { request: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: {
            work: { target: 'busy', actions: ({ context, event }) => (context.request = event) },
          },
        },
        busy: { invoke: { src: 'think', onDone: 'told' } },
        told: {
          entry: [
            () => here().send(last, { type: 'tick' }),
            reply({ to: ({ context }) => context.request as Work, with: DONE }),
          ],
        },
      },
    });
    const agent = system.spawn(machine);
    await system.run(agent.ask({ type: 'work' }, { timeoutMs: 1_000 }));
    await system.settle();
    expect(seen).toMatchObject([{ remainingMs: 1_000 }]);
  });

  it('is a fresh one for work that belongs to no task', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const first = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Tick, ctx: AgentContext<Tick>) {
          seen.push({ remainingMs: ctx.remainingMs, budget: ctx.budget });
          yield* ctx.ask(last, { type: 'work' });
        },
      }),
    );
    first.send({ type: 'tick' });
    await system.settle();
    expect(seen.map(({ remainingMs }) => remainingMs)).toEqual([Infinity, 5_000]);
  });
});

describe('a timer', () => {
  function keeper(seen: Seen[], answer: boolean) {
    return fromHandler({
      receive(_state: undefined, event: Work | Tick, ctx: AgentContext<Work | Tick>) {
        if (event.type === 'tick') {
          seen.push({ remainingMs: ctx.remainingMs, budget: ctx.budget });
          return;
        }
        ctx.after(100, { type: 'tick' });
        if (answer) ctx.reply(event, DONE);
        else ctx.defer(event);
      },
    });
  }

  it('has the deadline and budget of its task while the agent owes a request of the task', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const agent = system.spawn(keeper(seen, false));
    const asked = agent.ask({ type: 'work' }, { timeoutMs: 500, budget: { tokens: 7 } });
    asked.catch(() => undefined);
    await system.advance(100);
    expect(seen).toEqual([{ remainingMs: 400, budget: { tokens: 7 } }]);
  });

  it('has none when the agent has answered', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const agent = system.spawn(keeper(seen, true));
    await system.run(agent.ask({ type: 'work' }, { timeoutMs: 500, budget: { tokens: 7 } }));
    await system.advance(100);
    expect(seen).toEqual([{ remainingMs: Infinity, budget: undefined }]);
  });

  it('has none when the agent owes only a request of another task', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const agent = system.spawn(
      fromHandler({
        initial: () => 0,
        receive(count: number, event: Work | Tick, ctx: AgentContext<Work | Tick>) {
          if (event.type === 'tick') {
            seen.push({ remainingMs: ctx.remainingMs, budget: ctx.budget });
            return count;
          }
          if (count === 0) {
            ctx.after(100, { type: 'tick' });
            ctx.reply(event, DONE);
          } else ctx.defer(event);
          return count + 1;
        },
      }),
    );
    await system.run(agent.ask({ type: 'work' }, { timeoutMs: 500 }));
    agent.ask({ type: 'work' }, { timeoutMs: 700 }).catch(() => undefined);
    await system.advance(100);
    expect(seen).toEqual([{ remainingMs: Infinity, budget: undefined }]);
  });

  it('of a machine follows the same rule', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const machine = setup({
      types: {
        events: {} as Work,
        context: {} as { request: Work | undefined },
      },
    }).createMachine({
      context: { request: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: {
            work: {
              target: 'busy',
              actions: ({ context, event }) => (context.request = event),
            },
          },
        },
        busy: {
          after: {
            100: {
              target: 'answered',
              actions: [
                () => here().send(last, { type: 'tick' }),
                reply({ to: ({ context }) => context.request as Work, with: DONE }),
              ],
            },
          },
        },
        answered: { after: { 100: { actions: () => here().send(last, { type: 'tick' }) } } },
      },
    });
    const agent = system.spawn(machine);
    await system.run(agent.ask({ type: 'work' }, { timeoutMs: 1_000 }));
    await system.advance(200);
    expect(seen.map(({ remainingMs }) => remainingMs)).toEqual([900, Infinity]);
  });
});

describe('a budget', () => {
  it('is inherited and only shrinks, amount by amount', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    for (const budget of [
      undefined,
      { tokens: 10 },
      { tokens: 1_000 },
      { calls: 2 },
      { tokens: 0, calls: 1 },
    ]) {
      const first = system.spawn(middle(last, budget === undefined ? {} : { budget }));
      await system.run(first.ask({ type: 'work' }, { budget: { tokens: 100 } }));
    }
    expect(seen.map(({ budget }) => budget)).toEqual([
      { tokens: 100 },
      { tokens: 10 },
      { tokens: 100 },
      { tokens: 100, calls: 2 },
      { tokens: 0, calls: 1 },
    ]);
  });

  it('that a nested ask has set does not widen again below it', async () => {
    const system = createTestSystem();
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const third = system.spawn(middle(last, { budget: { tokens: 80 } }));
    const second = system.spawn(middle(third, { budget: { tokens: 5 } }));
    await system.run(second.ask({ type: 'work' }, { budget: { tokens: 100 } }));
    expect(seen).toMatchObject([{ budget: { tokens: 5 } }]);
  });
});

describe('hops', () => {
  it('over the limit fail an ask with HopLimit, which carries the chain from its root', async () => {
    const system = createTestSystem({ hopsMax: 3 });
    const d = system.spawn(never, { id: 'd' });
    const c = system.spawn(middle(d), { id: 'c' });
    const b = system.spawn(middle(c), { id: 'b' });
    const a = system.spawn(middle(b), { id: 'a' });
    const asked = a.ask({ type: 'work' });
    await expect(system.run(asked)).rejects.toBeInstanceOf(HopLimit);
    await expect(asked).rejects.toMatchObject({
      code: 'HOP_LIMIT',
      fields: {
        address: 'local/d',
        hopsMax: 3,
        chain: ['local/', 'local/a', 'local/b', 'local/c'],
      },
    });
    expect(system.nowMs).toBe(0);
  });

  it('at the limit are allowed', async () => {
    const system = createTestSystem({ hopsMax: 3 });
    const c = system.spawn(watcher([]));
    const a = system.spawn(middle(system.spawn(middle(c))));
    await system.run(a.ask({ type: 'work' }));
  });

  it('stop two agents that ask each other for ever', async () => {
    const system = createTestSystem();
    const Other = agentName<Ref<Work>>('other');
    let handled = 0;
    const asking = (to: Ref<Work> | typeof Other) =>
      fromHandler({
        // Answered only from below; as async agents of their own children they never get deaf.
        receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
          handled += 1;
          ctx.forward(to, event);
        },
      });
    const a = system.spawn(asking(Other));
    system.spawn(asking(a), { name: Other });
    await expect(system.run(a.ask({ type: 'work' }))).rejects.toBeInstanceOf(HopLimit);
    expect(handled).toBe(256);
    expect(system.requests()).toEqual([]);
  });

  it('grow on a forward: over the limit the asker gets HopLimit with the chain', async () => {
    const system = createTestSystem({ hopsMax: 2 });
    const passer = (to: Ref<Work>) =>
      fromHandler({
        receive: (_state: undefined, event: Work, ctx: AgentContext<Work>) =>
          ctx.forward(to, event),
      });
    const c = system.spawn(never, { id: 'c' });
    const b = system.spawn(passer(c), { id: 'b' });
    const a = system.spawn(passer(b), { id: 'a' });
    await expect(system.run(a.ask({ type: 'work' }))).rejects.toMatchObject({
      code: 'HOP_LIMIT',
      fields: { address: 'local/c', chain: ['local/', 'local/a', 'local/b'] },
    });
  });

  it('do not grow on plain sends: a message can be passed on for ever', async () => {
    const system = createTestSystem({ hopsMax: 2 });
    let handled = 0;
    const seen: Seen[] = [];
    const last = system.spawn(watcher(seen));
    const Other = agentName<Ref<Tick>>('other');
    const passer = (to: Ref<Tick> | typeof Other) =>
      fromHandler({
        *receive(_state: undefined, event: Tick, ctx: AgentContext<Tick>) {
          handled += 1;
          if (handled < 500) ctx.send(to, event);
          else yield* ctx.ask(last, { type: 'work' });
        },
      });
    const a = system.spawn(passer(Other));
    system.spawn(passer(a), { name: Other });
    a.send({ type: 'tick' });
    await system.settle();
    expect(handled).toBe(500);
    expect(seen).toHaveLength(1);
  });
});

describe('a trace', () => {
  it('is one for all messages of a task, and another for the next task', async () => {
    const system = createTestSystem();
    const traces: (string | undefined)[] = [];
    system.inspect((event: InspectionEvent) => {
      if (event.type === 'delivered' && (event.message as { type: string }).type === 'work') {
        traces.push(event.traceparent?.split('-')[1]);
      }
    });
    const first = system.spawn(middle(system.spawn(watcher([]))));
    await system.run(first.ask({ type: 'work' }));
    await system.run(first.ask({ type: 'work' }));
    const [a, b, c, d] = traces;
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(b).toBe(a);
    expect(d).toBe(c);
    expect(c).not.toBe(a);
  });
});
